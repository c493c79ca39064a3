/** The end of a job with a savepoint, and what can go wrong with savepoints. */
import { MillraceError } from "../../base/errors.ts";
import type { SnapshotDirectory } from "../../checkpoint/snapshot-directory.ts";
import type { SavepointFormatType } from "../../checkpoint/state-handles.ts";

/** A savepoint as somebody asks for it; its directory exists and is empty. */
export interface SavepointOrder {
  readonly directory: SnapshotDirectory;
  readonly format: SavepointFormatType;
}

/**
 * A job on its way to its end with a savepoint: `suspend` takes it where the sources are, `drain` brings the job to the end
 * of its event time before.
 *
 * - E1. Until the savepoint is stored, the job can go on as if nobody had asked; from then on it only commits and ends, in
 *   another attempt if it has to.
 */
export interface SavepointEnding {
  readonly kind: "suspend" | "drain";
  readonly order: SavepointOrder;
  /** Whether the savepoint has been asked for: a job that is drained has to come to its end first. */
  isTaken: boolean;
  checkpointId: number | undefined;
  /** Set when it is stored. */
  path: string | undefined;
  resolve(path: string): void;
  reject(error: Error): void;
}

export function savepointNotPossible(found: string): MillraceError {
  return new MillraceError("MR_SAVEPOINT_NOT_POSSIBLE", {
    what: "The job cannot take a savepoint now",
    found,
    expected: "a job that is RUNNING and is not being stopped",
    todo: "Ask again when the job is RUNNING",
  });
}

export function savepointFailed(directory: string, reason: string, cause: unknown): MillraceError {
  return new MillraceError("MR_SAVEPOINT_FAILED", {
    what: `The savepoint was not completed (${reason})${cause instanceof Error ? `: ${cause.message}` : ""}`,
    where: { directory },
    todo: "Nothing was committed and nothing is lost. Remove the cause and ask again",
    ...(cause === undefined ? {} : { cause }),
  });
}

export function stopUncommitted(path: string, cause: unknown): MillraceError {
  return new MillraceError("MR_STOP_UNCOMMITTED", {
    what: "The savepoint is complete, but the job failed before its sinks had committed what belongs to it",
    where: { savepoint: path },
    ...(cause instanceof Error ? { found: cause.message } : {}),
    todo: `Start the job from the savepoint: it commits first, and nothing twice. millrace run -s ${path} <job.ts>`,
    cause,
  });
}
