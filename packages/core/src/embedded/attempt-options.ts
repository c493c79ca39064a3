import type { OperatorSubtaskState } from "../checkpoint/state-handles.ts";
import type { JobGraph } from "../graph/job-graph.ts";
import type { AttemptListener, ExecutionAttempt, TaskId } from "../jobmanager/jobmaster/execution-attempt.ts";
import type { MetricRegistry } from "../metrics/metric-registry.ts";
import type { MergedAccumulator } from "../operators/accumulators/merged-accumulators.ts";
import type { Platform } from "../platform/platform.ts";
import type { EncodedOperatorState } from "../task/snapshot-in-progress.ts";
import type { TaskStatistics } from "../task/task-statistics.ts";
import type { TaskSettings } from "../taskmanager/task-settings.ts";
import type { RestoredState } from "./restored-state.ts";

/** What an attempt needs, whichever threads it runs in. */
export interface AttemptOptions {
  readonly graph: JobGraph;
  readonly jobId: string;
  readonly attemptNumber: number;
  readonly platform: Platform;
  readonly metrics: MetricRegistry;
  readonly settings: TaskSettings;
  readonly restore: RestoredState | undefined;
  readonly listener: AttemptListener;
  /** Makes one subtask's state durable. */
  readonly persist: (
    checkpointId: number,
    state: readonly EncodedOperatorState[],
  ) => Promise<readonly OperatorSubtaskState[]>;
}

/** What the accumulators of an attempt come to. */
export interface AttemptAccumulators {
  readonly merged: readonly MergedAccumulator[];
  /** Slots that gave no answer, so that what their subtasks have added is missing. */
  readonly missing: readonly number[];
}

/** An attempt in this process: its subtasks can be looked at. */
export interface LocalAttempt extends ExecutionAttempt {
  statisticsOf(task: TaskId): TaskStatistics;
  /**
   * The accumulators of all subtasks, merged; as they were at the end when the attempt has been cancelled.
   *
   * @param answerWithinMs - Of each slot; undefined: as long as its thread lives.
   */
  accumulators(answerWithinMs: number | undefined): Promise<AttemptAccumulators>;
}
