import type { SubtaskId } from "../graph/subtask-id.ts";
import type { ExecutionAttempt } from "../jobmanager/jobmaster/execution-attempt.ts";
import type { MergedAccumulator } from "../operators/accumulators/merged-accumulators.ts";
import type { TaskStatistics } from "../task/task-statistics.ts";
import type { DescribedTasks, MergedAccumulators } from "../taskmanager/task-executor.ts";

/** An attempt whose subtasks can be looked at. */
export interface LocalAttempt extends ExecutionAttempt {
  statisticsOf(task: SubtaskId): TaskStatistics;
  /**
   * Adds the accumulators of all subtasks to what others have; as they were at the end when the attempt has been cancelled.
   *
   * @param answerWithinMs - Of each slot; undefined: as long as its thread lives.
   */
  mergeAccumulators(
    merged: readonly MergedAccumulator[],
    answerWithinMs: number | undefined,
  ): Promise<MergedAccumulators>;
  /** How all subtasks are; slots that do not answer soon are named instead. */
  describe(): Promise<DescribedTasks>;
}
