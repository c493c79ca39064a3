/** What the JobMaster's thread and the threads of the slots say to each other. Plain data, in the order it was said. */

import type { ErrorMessage } from "../../base/error-message.ts";
import type { CheckpointTrigger } from "../../checkpoint/checkpoint-trigger.ts";
import type { LayeredEntry } from "../../config/option-registry.ts";
import type { JobPlan } from "../../graph/describe.ts";
import type { SubtaskReport } from "../../graph/stall/job-report.ts";
import type { SubtaskId } from "../../graph/subtask-id.ts";
import type { MetricSnapshot } from "../../metrics/metric-snapshot.ts";
import type { MergedAccumulator } from "../../operators/accumulators/merged-accumulators.ts";
import type { OperatorRestore } from "../../task/chain.ts";
import type { SubtaskSnapshot } from "../../task/snapshot-in-progress.ts";
import type { ChannelId } from "../slot-layout.ts";

/** Where a job comes from: a module that every thread loads for itself. */
export interface JobModuleReference {
  /** URL of a module whose default export builds the job. */
  readonly url: string;
  /** The job's own arguments, as on a command line. */
  readonly args: readonly string[];
}

/** What a slot's thread starts with. */
export interface SlotThreadInput {
  readonly slot: number;
  readonly jobId: string;
  readonly jobName: string;
  readonly module: JobModuleReference;
  readonly configuration: readonly LayeredEntry[];
  /** Memory that all threads of the job see. */
  readonly doorbells: SharedArrayBuffer;
  /** An Int32 a slot: which of its tasks is at work, -1 for none. */
  readonly currentTasks: SharedArrayBuffer;
}

/** One subtask of a deployment. */
export interface TaskDeployment {
  readonly task: SubtaskId;
  readonly statistics: SharedArrayBuffer;
  readonly restore: ReadonlyMap<string, OperatorRestore> | undefined;
}

/** A channel that leaves or enters the slot. */
export interface SlotRing {
  readonly channel: ChannelId;
  readonly memory: SharedArrayBuffer;
  /** Whose doorbell is at the other end of the ring. */
  readonly bell: number;
}

export interface Deployment {
  /** Of all deployments of the job: rings and messages carry it. */
  readonly deploymentNumber: number;
  /** Of these subtasks, from 0: what functions see. */
  readonly attemptNumber: number;
  /** By vertex id; differs from the graph's own when the job follows a checkpoint. */
  readonly maxParallelism: readonly number[];
  readonly restoredCheckpointId: number | undefined;
  /** In topological order. */
  readonly tasks: readonly TaskDeployment[];
  /** The channels between this slot and others. */
  readonly rings: readonly SlotRing[];
}

/** What is done with an attempt that has been deployed. */
export type AttemptCommand =
  | { readonly kind: "start" }
  | { readonly kind: "trigger"; readonly trigger: CheckpointTrigger; readonly isLast: boolean }
  | { readonly kind: "aborted"; readonly checkpointId: number }
  | { readonly kind: "suspendSources"; readonly isSuspended: boolean }
  | { readonly kind: "drainSources" }
  | { readonly kind: "complete"; readonly checkpointId: number }
  | { readonly kind: "commitAtEnd" }
  | { readonly kind: "split"; readonly sourceUid: string; readonly subtaskIndex: number; readonly bytes: Uint8Array }
  | { readonly kind: "noMoreSplits"; readonly sourceUid: string; readonly subtaskIndex: number }
  | { readonly kind: "allowWatermark"; readonly sourceUid: string; readonly allowedMs: number };

/** A thread may have several attempts at a time, of different parts of the job. */
export type ToSlot =
  | { readonly kind: "deploy"; readonly deployment: Deployment }
  | ({ readonly deploymentNumber: number } & (AttemptCommand | { readonly kind: "cancel" }))
  | { readonly kind: "ping" }
  | { readonly kind: "metrics" }
  /** Asks a slot to add its accumulators of this attempt to what has been merged before. */
  | {
      readonly kind: "mergeAccumulators";
      readonly requestId: number;
      readonly deploymentNumber: number;
      readonly merged: readonly MergedAccumulator[];
    }
  | { readonly kind: "describe"; readonly deploymentNumber: number };

/** Messages about an attempt carry the number of its deployment: those of an older one are not heard. */
export type FromSlot =
  | { readonly kind: "loaded"; readonly graphHash: string; readonly plan: JobPlan }
  | { readonly kind: "notLoaded"; readonly error: ErrorMessage }
  | { readonly kind: "warning"; readonly text: string }
  | { readonly kind: "pong" }
  | { readonly kind: "metrics"; readonly metrics: readonly MetricSnapshot[] }
  | {
      readonly kind: "accumulators";
      readonly requestId: number;
      readonly merged: readonly MergedAccumulator[];
    }
  | { readonly kind: "described"; readonly subtasks: readonly SubtaskReport[] }
  | ({ readonly deploymentNumber: number } & AttemptMessage);

export type AttemptMessage =
  | { readonly kind: "deployed" }
  | { readonly kind: "notDeployed"; readonly error: ErrorMessage }
  | { readonly kind: "running"; readonly task: SubtaskId }
  | { readonly kind: "inputFinished"; readonly task: SubtaskId }
  | {
      readonly kind: "snapshot";
      readonly task: SubtaskId;
      readonly checkpointId: number;
      readonly snapshot: SubtaskSnapshot;
    }
  | { readonly kind: "committed"; readonly task: SubtaskId; readonly checkpointId: number }
  | { readonly kind: "failed"; readonly task: SubtaskId; readonly error: ErrorMessage }
  | { readonly kind: "splitRequest"; readonly sourceUid: string; readonly subtaskIndex: number }
  | {
      readonly kind: "sourceEvent";
      readonly sourceUid: string;
      readonly subtaskIndex: number;
      readonly event: unknown;
    }
  | {
      readonly kind: "watermarkReport";
      readonly sourceUid: string;
      readonly subtaskIndex: number;
      readonly watermarkMs: number;
    }
  | { readonly kind: "cancelled"; readonly error: ErrorMessage | undefined };
