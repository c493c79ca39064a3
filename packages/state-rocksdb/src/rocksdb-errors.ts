import { MillraceError } from "millrace";
import { InvariantViolation } from "millrace/internal";

/** What the addon throws: `code` names the status of RocksDB, or misuse. */
interface NativeError extends Error {
  readonly code?: string;
}

/** The error that a failed call of the addon is for the callers of a `SortedKv`. */
export function toStoreError(error: unknown, directory: string): Error {
  const { code, message } = error as NativeError;
  const where = { directory };
  switch (code) {
    case "Misuse":
      return new InvariantViolation(message);
    case "Corruption":
      return new MillraceError("MR_STATE_STORE_DAMAGED", {
        what: "A file of a state store is damaged",
        where,
        found: message,
        expected: "the file as it was written",
        todo: "Look at the disk; start from a checkpoint, which has copies of its own",
        cause: error,
      });
    case "Locked":
      return new MillraceError("MR_STATE_STORE_IN_USE", {
        what: "A state store is open already",
        where,
        found: message,
        todo: "Give every process a working directory of its own",
        cause: error,
      });
    case "NoSpace":
      return new MillraceError("MR_DISK_FULL", {
        what: "The disk of a state store is full",
        where,
        found: message,
        todo: "Free space, or put the working directory on another disk",
        cause: error,
      });
    default:
      if (code === undefined) return error as Error;
      return new MillraceError("MR_STATE_STORE_FAILED", {
        what: "A state store could not be read or written",
        where,
        found: message,
        todo: "Look at the disk of the working directory; the job restarts from its last checkpoint",
        cause: error,
      });
  }
}
