/** What the end of a job is that somebody has asked for, or that its input brings. */
import type { SavepointKind } from "../../checkpoint/coordinator.ts";
import type { SavepointEnding } from "./savepoint-ending.ts";

/** What the job's last checkpoint is for. */
export interface CheckpointEnding {
  readonly kind: "finish" | "stop";
  /** The first checkpoint that was triggered after the end was decided on. */
  checkpointId: number | undefined;
  /** Whether something has failed since, or had failed before. */
  hasFailed: boolean;
}

export type Ending = CheckpointEnding | SavepointEnding;

export function isWithSavepoint(ending: Ending | undefined): ending is SavepointEnding {
  return ending?.kind === "suspend" || ending?.kind === "drain";
}

/** Whether the savepoint that the job ends with is stored: all that is left to do is to commit (M6). */
export function isStopStored(ending: Ending | undefined): boolean {
  return isWithSavepoint(ending) && ending.path !== undefined;
}

/** Whether the sources take nothing in after the barrier; notes the checkpoint that the job ends with. */
export function noteTrigger(
  ending: Ending | undefined,
  checkpointId: number,
  savepoint: SavepointKind | undefined,
): boolean {
  if (ending === undefined) return false;
  const isOfEnding = isWithSavepoint(ending) ? savepoint === "terminal" : savepoint === undefined;
  if (!isOfEnding) return false;
  ending.checkpointId ??= checkpointId;
  return ending.kind === "stop" || ending.kind === "suspend";
}

/** What every sink has to have committed before the job has finished; undefined: it does not end yet. */
export function lastToCommit(ending: Ending | undefined, isCheckpointed: boolean): number | undefined {
  if (ending === undefined) return isCheckpointed ? undefined : Number.POSITIVE_INFINITY;
  return isWithSavepoint(ending) && ending.path === undefined ? undefined : ending.checkpointId;
}

/**
 * What is left of the end when something has failed. What was decided because the input had ended is found again by who
 * takes it in again; a job that is to stop gets one more try to take its last checkpoint.
 */
export function endingAfterFailure(ending: Ending | undefined): Ending | undefined {
  if (ending?.kind === "finish") return undefined;
  if (ending?.kind === "stop") {
    ending.checkpointId = undefined;
    ending.hasFailed = true;
  }
  return ending;
}
