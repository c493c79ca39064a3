import type { LoadedCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import type { StateWriter } from "../checkpoint/checkpoint-storage.ts";
import type { RestoredState } from "../deployment/restored-state.ts";
import type { JobGraph } from "../graph/job-graph.ts";
import type { SubtaskId } from "../graph/subtask-id.ts";
import type { AttemptListener } from "../jobmanager/jobmaster/execution-attempt.ts";
import type { MetricRegistry } from "../metrics/metric-registry.ts";
import type { Platform } from "../platform/platform.ts";
import type { SlotLoop } from "../task/slot-loop.ts";
import type { LocalStateCopies } from "../taskmanager/local-state-copies.ts";
import type { TaskSettings } from "../taskmanager/task-settings.ts";

/** What an attempt in the caller's thread needs. */
export interface AttemptOptions {
  readonly graph: JobGraph;
  readonly jobId: string;
  /** Of the region. */
  readonly tasks: readonly SubtaskId[];
  readonly attemptNumber: number;
  readonly platform: Platform;
  readonly metrics: MetricRegistry;
  readonly settings: TaskSettings;
  /** Of the caller's thread, for all attempts of the job. */
  readonly loop: SlotLoop;
  readonly restore: RestoredState | undefined;
  readonly listener: AttemptListener;
  readonly storage: StateWriter;
  /** What `restore` was read from. */
  readonly restored: LoadedCheckpoint | undefined;
  /** Second copies of what is written to `storage`. */
  readonly copies: LocalStateCopies | undefined;
}
