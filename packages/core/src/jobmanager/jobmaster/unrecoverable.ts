import { MillraceError } from "../../base/errors.ts";

/** What every restart would meet again: the job's code and its state do not fit, or output that the state points to is gone. */
const UNRECOVERABLE: ReadonlySet<string> = new Set([
  "MR_STATE_SCHEMA_INCOMPATIBLE",
  "MR_FORMAT_VERSION_UNSUPPORTED",
  "MR_SINK_DATA_LOST",
  "MR_COMMIT_LOST",
]);

/** Whether a restart cannot help, whatever the restart strategy says. */
export function isUnrecoverable(error: unknown): boolean {
  return error instanceof MillraceError && UNRECOVERABLE.has(error.code);
}
