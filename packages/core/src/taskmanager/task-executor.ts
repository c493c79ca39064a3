/**
 * The slots that one process has of a job, as the JobMaster's side sees them: it deploys its attempts into them and
 * commands them. In the same process these are calls; between processes they are messages with the same content.
 */

import type { LoadedCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import type { JobReport } from "../graph/stall/job-report.ts";
import type { SubtaskId } from "../graph/subtask-id.ts";
import type { MergedAccumulator } from "../operators/accumulators/merged-accumulators.ts";
import type { TaskStatistics } from "../task/task-statistics.ts";
import type { AcknowledgeListener } from "./state-persister.ts";
import type { AttemptCommand } from "./threads/slot-thread-messages.ts";

/** What an executor has to know of an attempt. Plain data. */
export interface ExecutorDeployment {
  /** Of all deployments of the job: rings and messages carry it. */
  readonly deploymentNumber: number;
  /** Of these subtasks, from 0: what functions see. */
  readonly attemptNumber: number;
  /** By vertex id; differs from the graph's own when the job follows a checkpoint. */
  readonly maxParallelism: readonly number[];
  /** What the subtasks start from. The executor reads what its own need. */
  readonly restore: LoadedCheckpoint | undefined;
  /** The subtasks of the attempt in the executor's slots, in topological order. */
  readonly tasks: readonly SubtaskId[];
  /** The address at which the data of every slot of the job arrives, by slot; undefined where slots are in one process. */
  readonly dataAddresses: readonly string[] | undefined;
}

/** What happens in an executor's slots, about one attempt, in the order it happened per subtask. */
export interface DeploymentListener extends AcknowledgeListener {
  onRunning(task: SubtaskId): void;
  onInputFinished(task: SubtaskId): void;
  onCommitted(task: SubtaskId, checkpointId: number): void;
  onFailed(task: SubtaskId, error: Error): void;
  onSplitRequest(sourceUid: string, subtaskIndex: number): void;
  onSourceEvent(sourceUid: string, subtaskIndex: number, event: unknown): void;
  onWatermarkReport(sourceUid: string, subtaskIndex: number, watermarkMs: number): void;
}

/** What the accumulators of an attempt come to. */
export interface MergedAccumulators {
  readonly merged: readonly MergedAccumulator[];
  /** Slots that gave no answer, so that what their subtasks have added is missing. */
  readonly missing: readonly number[];
}

/** How the subtasks of an attempt are, as far as their slots answer. */
export type DescribedTasks = Pick<JobReport, "subtasks" | "silentSlots">;

/** An attempt in an executor's slots. */
export interface DeployedTasks {
  /** Reaches all slots, or the given one. */
  command(command: AttemptCommand, slot?: number): void;
  statisticsOf(task: SubtaskId): TaskStatistics;
  /**
   * Adds what the subtasks have added up to what others have; also after `cancel`.
   *
   * @param answerWithinMs - Of each slot; undefined: as long as its thread lives.
   */
  mergeAccumulators(
    merged: readonly MergedAccumulator[],
    answerWithinMs: number | undefined,
  ): Promise<MergedAccumulators>;
  /** How the subtasks are at this moment; slots that do not answer soon are named instead. */
  describe(): Promise<DescribedTasks>;
  /** Stops the subtasks and releases what they hold; settles when nothing of them can write any more. */
  cancel(): Promise<void>;
}

export interface TaskExecutor {
  /** The slots of the job that it has. */
  readonly slots: readonly number[];
  /**
   * Makes the subtasks, without starting them. Nothing is told to the listener before it settles.
   * @throws MillraceError what the job's module, a thread, or a subtask's restore threw; nothing is left behind then
   */
  deploy(deployment: ExecutorDeployment, listener: DeploymentListener): Promise<DeployedTasks>;
}
