/** What goes wrong with the directories of checkpoints and savepoints, as errors that say what to do. */
import { MillraceError } from "../base/errors.ts";
import { FileSystemError } from "../platform/platform.ts";

/** The setting that names a directory. @internal */
export type StorageSetting = "execution.checkpointing.dir" | "execution.checkpointing.savepoint-dir";

/** An error of the file system as what it means for the directory; other errors stay as they are. @internal */
export function storageError(error: unknown, directory: string, setting: StorageSetting): unknown {
  if (!(error instanceof FileSystemError)) return error;
  const name = setting === "execution.checkpointing.dir" ? "checkpoint" : "savepoint";
  if (error.errno === "ENOSPC" || error.errno === "EDQUOT") {
    return new MillraceError("MR_DISK_FULL", {
      what: `The ${name} directory has no room left`,
      where: { directory },
      found: error.message,
      expected: `room for one more ${name}`,
      todo: `Free space, or set ${setting} to another disk; completed checkpoints are untouched`,
      cause: error,
    });
  }
  return new MillraceError("MR_CHECKPOINT_STORAGE_FAILED", {
    what: `The ${name} directory cannot be written to`,
    where: { directory },
    found: error.message,
    expected: "a directory that can be created and written",
    todo: `Check ${setting} and its permissions`,
    cause: error,
  });
}

/** @internal */
export function abortedError(checkpointId: number): MillraceError {
  return new MillraceError("MR_CHECKPOINT_ABORTED", {
    what: "A task's state came too late for its checkpoint, which has been given up",
    where: { checkpoint: checkpointId },
    todo: "Nothing is lost. If it happens often, raise execution.checkpointing.timeout",
  });
}
