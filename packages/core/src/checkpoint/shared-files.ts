/**
 * The files that several checkpoints of a job refer to: in the directory `shared` beside those of the checkpoints, under
 * random names, each written once. While a job runs its registry says when one is not needed any more
 * (shared-state-registry.ts); for everybody else what says so is the metadata of the checkpoints that are there.
 *
 * - P1. Metadata that refers to a file is removed, and stays gone, before the file is.
 * - P2. Without a registry a file is removed only when all metadata beside it could be read and none refers to it.
 */
import { MillraceError } from "../base/errors.ts";
import { type LoadedCheckpoint, loadCheckpoint } from "./checkpoint-reader.ts";
import type { FileSystems } from "./file-systems.ts";
import { METADATA_FILE } from "./snapshot-directory.ts";
import { SHARED_DIRECTORY, sharedFilesOf } from "./snapshot-files.ts";

/** Removes files of a job's shared directory; those that are gone already are no error. @internal */
export async function removeSharedFiles(
  fs: FileSystems,
  jobDirectory: string,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  const directory = fs.resolve(jobDirectory, SHARED_DIRECTORY);
  if ((await fs.stat(directory)) !== undefined) await fs.removeFiles(directory, names);
}

/**
 * Removes the shared files of a snapshot whose metadata is gone already (P1), but those that a snapshot beside it refers to.
 * @internal
 */
export async function removeUnsharedFiles(fs: FileSystems, { directory, metadata }: LoadedCheckpoint): Promise<void> {
  const names = sharedFilesOf(metadata);
  if (names.length === 0) return;
  const jobDirectory = fs.resolve(directory, "..");
  const referred = await referredFiles(fs, jobDirectory);
  if (referred === undefined) return;
  await removeSharedFiles(
    fs,
    jobDirectory,
    names.filter((name) => !referred.has(name)),
  );
}

/**
 * Removes from a job's shared directory what no completed checkpoint there refers to, nor `isHeld` claims: it was written for
 * checkpoints that were never completed, by processes that have died. Nobody may be writing for a checkpoint meanwhile.
 *
 * @param mayGoOn - Asked again right before anything is removed.
 * @internal
 */
export async function sweepSharedFiles(
  fs: FileSystems,
  jobDirectory: string,
  isHeld: (name: string) => boolean = () => false,
  mayGoOn: () => boolean = () => true,
): Promise<void> {
  const directory = fs.resolve(jobDirectory, SHARED_DIRECTORY);
  if ((await fs.stat(directory)) === undefined) return;
  const left = (await fs.list(directory)).filter((name) => !isHeld(name));
  if (left.length === 0) return;
  const referred = await referredFiles(fs, jobDirectory);
  if (referred === undefined || !mayGoOn()) return;
  await removeSharedFiles(
    fs,
    jobDirectory,
    left.filter((name) => !referred.has(name) && !isHeld(name)),
  );
}

/** What the completed checkpoints in a directory refer to; undefined when one of them does not say (P2). */
async function referredFiles(fs: FileSystems, jobDirectory: string): Promise<ReadonlySet<string> | undefined> {
  const referred = new Set<string>();
  for (const name of await fs.list(jobDirectory)) {
    if (name === SHARED_DIRECTORY) continue;
    const path = fs.resolve(jobDirectory, name);
    if ((await fs.stat(fs.resolve(path, METADATA_FILE))) === undefined) continue;
    try {
      for (const file of sharedFilesOf((await loadCheckpoint(fs, path)).metadata)) referred.add(file);
    } catch (error) {
      if (error instanceof MillraceError) return undefined;
      throw error;
    }
  }
  return referred;
}
