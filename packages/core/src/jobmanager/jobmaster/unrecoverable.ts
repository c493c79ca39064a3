import { MillraceError } from "../../base/errors.ts";

/** What every restart would meet again: the job's code and its state do not fit, or output that the state points to is gone. */
const UNRECOVERABLE: ReadonlySet<string> = new Set([
  "MR_STATE_SCHEMA_INCOMPATIBLE",
  "MR_FORMAT_VERSION_UNSUPPORTED",
  "MR_SINK_DATA_LOST",
  "MR_COMMIT_LOST",
  "MR_STATE_TOO_LARGE_FOR_MEMORY",
]);

/** Whether a restart cannot help, whatever the restart strategy says: the error is of that kind, or was caused by one. */
export function isUnrecoverable(error: unknown): boolean {
  for (let each = error; each instanceof MillraceError; each = each.cause) {
    if (UNRECOVERABLE.has(each.code)) return true;
  }
  return false;
}
