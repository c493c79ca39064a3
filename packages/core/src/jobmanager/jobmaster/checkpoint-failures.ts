/** What is said of checkpoints that were not completed. */
import { MillraceError } from "../../base/errors.ts";
import type { CheckpointFailureReason } from "../../checkpoint/coordinator.ts";

/** Flink's words. */
const FAILURES: Readonly<Record<CheckpointFailureReason, string>> = {
  CHECKPOINT_EXPIRED: "Checkpoint expired before completing.",
  CHECKPOINT_SUBSUMED: "Checkpoint has been subsumed.",
  CHECKPOINT_DECLINED: "Checkpoint was declined.",
  FINALIZE_CHECKPOINT_FAILURE: "Failure to finalize checkpoint.",
  JOB_FAILOVER_REGION: "FailoverRegion is restarting.",
};

export function failureMessage(reason: CheckpointFailureReason, cause: unknown): string {
  return cause instanceof Error ? `${FAILURES[reason]} ${cause.message}` : FAILURES[reason];
}

export function tooManyFailures(checkpointId: number, reason: CheckpointFailureReason, cause: unknown): MillraceError {
  return new MillraceError("MR_CHECKPOINT_FAILED", {
    what: `Checkpoint ${checkpointId} failed (${reason})${cause instanceof Error ? `: ${cause.message}` : ""}`,
    where: { checkpoint: checkpointId },
    expected: "no more failures in a row than execution.checkpointing.tolerable-failed-checkpoints",
    todo: "Remove the cause; completed checkpoints are untouched",
    cause,
  });
}
