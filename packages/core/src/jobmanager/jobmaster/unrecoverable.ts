import { MillraceError } from "../../base/errors.ts";

/**
 * What every restart would meet again: the job's code and its state do not fit, state, or output that it points to, is gone,
 * or what keeps the state is not installed.
 */
const UNRECOVERABLE: ReadonlySet<string> = new Set([
  "MR_STATE_MIGRATION_FAILED",
  "MR_STATE_SCHEMA_INCOMPATIBLE",
  "MR_FORMAT_VERSION_UNSUPPORTED",
  "MR_SINK_DATA_LOST",
  "MR_COMMIT_LOST",
  "MR_STATE_TOO_LARGE_FOR_MEMORY",
  "MR_STATE_FILE_CORRUPT",
  "MR_ROCKSDB_UNAVAILABLE",
]);

/** The checkpoint to go on from cannot be read: what else the job has left is all that it can be continued from. */
const RESTORE_FAILED: ReadonlySet<string> = new Set(["MR_STATE_FILE_CORRUPT", "MR_CHECKPOINT_UNREADABLE"]);

/** Whether a restart cannot help, whatever the restart strategy says: the error is of that kind, or was caused by one. */
export function isUnrecoverable(error: unknown): boolean {
  return isOneOf(UNRECOVERABLE, error);
}

/** Whether a job has failed of its own checkpoint. The message names others to start from, which have to be there then. */
export function hasFailedOfCheckpoint(error: unknown): boolean {
  return isOneOf(RESTORE_FAILED, error);
}

function isOneOf(codes: ReadonlySet<string>, error: unknown): boolean {
  for (let each = error; each instanceof MillraceError; each = each.cause) {
    if (codes.has(each.code)) return true;
  }
  return false;
}
