/**
 * What the JobMaster needs of the tasks of a job, wherever they run: it deploys the subtasks of a region as one attempt, talks
 * to them through the attempt, and hears from them through the listener. It moves handles and messages, never records.
 */

import type { LoadedCheckpoint } from "../../checkpoint/checkpoint-reader.ts";
import type { SubtaskCheckpointMetrics } from "../../checkpoint/checkpoint-statistics.ts";
import type { CheckpointTrigger } from "../../checkpoint/checkpoint-trigger.ts";
import type { OperatorSubtaskState } from "../../checkpoint/state-handles.ts";
import type { SourceSplit } from "../../connectors/source.ts";
import type { SubtaskId } from "../../graph/subtask-id.ts";

/** Which subtask of which source. */
export interface ReaderId {
  readonly sourceUid: string;
  readonly subtaskIndex: number;
}

/** Calls arrive in the order they were made, per subtask; none after `onFailed` or after `cancel` was called. */
export interface AttemptListener {
  onRunning(task: SubtaskId): void;
  onInputFinished(task: SubtaskId): void;
  /** The subtask's part of a checkpoint is durable. */
  onAcknowledged(
    task: SubtaskId,
    checkpointId: number,
    state: readonly OperatorSubtaskState[],
    metrics: SubtaskCheckpointMetrics,
  ): void;
  onDeclined(task: SubtaskId, checkpointId: number, reason: unknown): void;
  /** The sinks of the subtask have committed everything up to this checkpoint. */
  onCommitted(task: SubtaskId, checkpointId: number): void;
  onFailed(task: SubtaskId, error: Error): void;
  onSplitRequest(reader: ReaderId): void;
  /** Something between a source's reader and its enumerator; in order with split requests. */
  onSourceEvent(reader: ReaderId, event: unknown): void;
  /** How far a reader of an alignment group is; see `time/alignment-group.ts`. */
  onWatermarkReport(reader: ReaderId, watermarkMs: number): void;
}

/** One deployment of all subtasks of a region. */
export interface ExecutionAttempt {
  readonly tasks: readonly SubtaskId[];
  start(): void;
  /**
   * Told to all tasks: those without a source hear of the checkpoint, too. `isLast`: the sources take nothing in after this
   * barrier, because the job is being stopped.
   */
  triggerCheckpoint(trigger: CheckpointTrigger, isLast: boolean): void;
  /** The checkpoint is given up: nobody is to wait for it, or to write it down. */
  notifyCheckpointAborted(checkpointId: number): void;
  /** Sources take nothing in while they are suspended; may be called before `start`. */
  suspendSources(isSuspended: boolean): void;
  /** Ends all sources where they are, as if they had no more records. */
  drainSources(): void;
  notifyCheckpointComplete(checkpointId: number): void;
  /** For jobs without checkpoints, after all input has been taken in. */
  commitAtEnd(): void;
  assignSplit(reader: ReaderId, split: SourceSplit): void;
  signalNoMoreSplits(reader: ReaderId): void;
  /** Tells all readers of a source how far they may go. */
  allowWatermark(sourceUid: string, allowedMs: number): void;
  /** Stops all subtasks and releases what they hold; settles when nothing of the attempt can write any more. */
  cancel(): Promise<void>;
}

export interface DeployOptions {
  /** All of a pipelined region: no channel leads out of it. In topological order. */
  readonly tasks: readonly SubtaskId[];
  /** Of all deployments of the job, from 0: data and messages of every other one are fenced off by it. */
  readonly deploymentNumber: number;
  /** How often these tasks were deployed before: what users see. */
  readonly attemptNumber: number;
  /** Undefined on a fresh start. */
  readonly restore: LoadedCheckpoint | undefined;
  readonly listener: AttemptListener;
}

/** Reads what is to be restored and makes all subtasks, without starting them. */
export type Deployer = (options: DeployOptions) => Promise<ExecutionAttempt>;
