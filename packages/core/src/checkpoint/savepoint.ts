/**
 * Savepoints: snapshots that belong to the user. Each is a directory of its own, with everything in it and names relative
 * to it, so that it can be moved and copied as a whole. Nothing removes one but its user, by `disposeSnapshot`, or a job
 * that was told to claim it.
 */
import { MillraceError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import type { Random } from "../platform/platform.ts";
import type { LoadedCheckpoint } from "./checkpoint-reader.ts";
import type { FileSystems } from "./file-systems.ts";
import { removeUnsharedFiles } from "./shared-files.ts";
import { METADATA_FILE, SnapshotDirectory } from "./snapshot-directory.ts";
import { filesOf, ownFilesOf, sharedFilesOf } from "./snapshot-files.ts";
import type { StateLimits } from "./state-limits.ts";
import { storageError } from "./storage-errors.ts";

/** Names that are tried before it is given up. */
const NAMES_TRIED_MAX = 10;
/** Missing files that a message lists. */
const MISSING_SHOWN_MAX = 10;

/** @internal */
export interface SavepointTarget {
  readonly fs: FileSystems;
  readonly random: Random;
  /** The directory that the savepoint's own is made in. */
  readonly parent: string;
  readonly jobId: string;
  readonly limits: StateLimits;
}

/**
 * Makes the directory of a savepoint, `savepoint-<first six digits of the job id>-<twelve random ones>`, so that a place
 * that cannot be written to fails before a job is asked for anything.
 *
 * @throws MillraceError `MR_DISK_FULL`, `MR_CHECKPOINT_STORAGE_FAILED`
 * @internal
 */
export async function createSavepointDirectory(target: SavepointTarget): Promise<SnapshotDirectory> {
  const { fs, random, jobId, limits } = target;
  const parent = fs.resolve(target.parent);
  const setting = "execution.checkpointing.savepoint-dir";
  try {
    for (let tried = 0; ; tried++) {
      const digits = toHex(random.bytes(6));
      const path = fs.resolve(parent, `savepoint-${jobId.slice(0, 6)}-${digits}`);
      if (tried + 1 < NAMES_TRIED_MAX && (await fs.stat(path)) !== undefined) continue;
      await fs.makeDirectory(path);
      return new SnapshotDirectory({ fs, random, path, limits, setting });
    }
  } catch (error) {
    throw storageError(error, parent, setting);
  }
}

/**
 * Looks whether all files of a snapshot are there, before a job starts from it.
 *
 * @throws MillraceError `MR_SAVEPOINT_FILES_MISSING` with the first ten
 * @internal
 */
export async function checkFilesPresent(fs: FileSystems, { directory, metadata }: LoadedCheckpoint): Promise<void> {
  const names = filesOf(metadata);
  const missing: string[] = [];
  for (const name of names) {
    if ((await fs.stat(fs.resolve(directory, name))) === undefined) missing.push(name);
  }
  if (missing.length === 0) return;
  const isIncremental = sharedFilesOf(metadata).length > 0;
  const more = missing.length > MISSING_SHOWN_MAX ? ` and ${missing.length - MISSING_SHOWN_MAX} more` : "";
  throw new MillraceError("MR_SAVEPOINT_FILES_MISSING", {
    what: "Files of the checkpoint or savepoint are gone",
    where: { directory },
    found: `${missing.length} of ${names.length} missing: ${missing.slice(0, MISSING_SHOWN_MAX).join(", ")}${more}`,
    expected: isIncremental
      ? "the directory of the job with all of its files: an incremental checkpoint can be moved and copied with it only"
      : "the directory with all of its files; it can be moved and copied as a whole only",
    todo: "Bring the files back from a copy, or start from another checkpoint",
  });
}

/** What disposing of a snapshot has left behind: names in its directory that are not its own. @internal */
export interface Disposed {
  readonly path: string;
  readonly kept: readonly string[];
}

/**
 * Removes a savepoint or a retained checkpoint: its metadata first, so that a half-removed one is not listed, then its
 * files, then the directory unless something else is in it. Nothing else is touched; of the files that it shares with other
 * checkpoints go those that none of them refers to.
 *
 * @param sharedFiles - "kept" when a running job says which of them are not needed any more.
 * @internal
 */
export async function disposeSnapshot(
  fs: FileSystems,
  snapshot: LoadedCheckpoint,
  sharedFiles: "kept" | "unless-referred" = "unless-referred",
): Promise<Disposed> {
  const { directory, metadata } = snapshot;
  if ((await fs.stat(directory)) === undefined) return { path: directory, kept: [] };
  await fs.removeFiles(directory, [METADATA_FILE]);
  if (sharedFiles === "unless-referred") await removeUnsharedFiles(fs, snapshot);
  await fs.removeFiles(directory, ownFilesOf(metadata));
  const kept = await fs.list(directory);
  if (kept.length === 0) await fs.removeTree(directory);
  return { path: directory, kept };
}
