/** What a job removes at its end: its own checkpoints, and the snapshot that it was told to claim. */
import { type LoadedCheckpoint, loadCheckpoint, loadIfReadable } from "./checkpoint-reader.ts";
import { removeIfWithoutCheckpoints } from "./checkpoint-storage.ts";
import type { FileSystems } from "./file-systems.ts";
import { disposeSnapshot } from "./savepoint.ts";
import { removeUnsharedFiles } from "./shared-files.ts";
import { METADATA_FILE, removeSnapshot } from "./snapshot-directory.ts";

/** A snapshot on disk that is to be removed. @internal */
export interface OwnedSnapshot {
  readonly path: string;
  /** Whether the job has made the directory itself, so that all in it is its own; otherwise the snapshot was claimed. */
  readonly isMade: boolean;
}

/**
 * Removes a snapshot that a job was told to claim, with the directory of the job that took it when it was the last there.
 *
 * @param isInPlace - The directory is that of the claiming job itself, which runs: both stay, and so do the files that its
 *   checkpoints share.
 * @internal
 */
export async function removeClaimed(
  fs: FileSystems,
  claimed: LoadedCheckpoint,
  isInPlace: boolean = false,
): Promise<void> {
  await disposeSnapshot(fs, claimed, isInPlace ? "kept" : "unless-referred");
  if (isInPlace) return;
  await removeJobDirectory(fs, fs.resolve(claimed.directory, ".."), claimed.metadata.jobId);
}

/**
 * Removes what is still there of snapshots, in a process that does not know how far an earlier one has come. May be
 * repeated.
 * @internal
 */
export async function removeOwned(fs: FileSystems, jobId: string, snapshots: readonly OwnedSnapshot[]): Promise<void> {
  for (const { path, isMade } of snapshots) {
    if (isMade) await removeMade(fs, jobId, path);
    // Without metadata nobody knows which files in it were the snapshot's.
    else if ((await fs.stat(fs.resolve(path, METADATA_FILE))) !== undefined) {
      await removeClaimed(fs, await loadCheckpoint(fs, path));
    }
  }
}

async function removeMade(fs: FileSystems, jobId: string, path: string): Promise<void> {
  const made = await loadIfReadable(fs, path);
  if ((await fs.stat(path)) !== undefined) await removeSnapshot(fs, path);
  if (made !== undefined) await removeUnsharedFiles(fs, made);
  await removeJobDirectory(fs, fs.resolve(path, ".."), jobId);
}

/** The directory of the job that took a snapshot goes with its last one; a user's own directory never does. */
async function removeJobDirectory(fs: FileSystems, parent: string, jobId: string): Promise<void> {
  if (parent === fs.resolve(parent, "..", jobId)) await removeIfWithoutCheckpoints(fs, parent);
}
