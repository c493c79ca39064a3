/** Where the slots of a job are: in the caller's thread, in threads of this process, or in other processes. */
import type { CheckpointStorage } from "../checkpoint/checkpoint-storage.ts";
import type { FileSystems } from "../checkpoint/file-systems.ts";
import type { Configuration } from "../config/configuration.ts";
import type { JobGraph } from "../graph/job-graph.ts";
import type { DeployOptions } from "../jobmanager/jobmaster/execution-attempt.ts";
import type { MetricRegistry } from "../metrics/metric-registry.ts";
import type { MetricSnapshot } from "../metrics/metric-snapshot.ts";
import type { Platform } from "../platform/platform.ts";
import type { LocalAttempt } from "./local-attempt.ts";

/** A job that needs slots. */
export interface JobOfSlots {
  readonly jobId: string;
  readonly graph: JobGraph;
  readonly configuration: Configuration;
  readonly platform: Platform;
  readonly storage: CheckpointStorage;
  /** Where snapshots are. */
  readonly files: FileSystems;
  /** Of this thread. */
  readonly metrics: MetricRegistry;
  readonly onWarning: (message: string) => void;
}

export interface JobSlots {
  /** Reads what is to be restored and makes all subtasks, without starting them. */
  deploy(options: DeployOptions): Promise<LocalAttempt>;
  /** What metrics show that are not in this thread. */
  metrics(): Promise<readonly MetricSnapshot[]>;
  /** Gives everything back; settles when nothing of the job is left. */
  close(): Promise<void>;
}

export type SlotsOfJob = (job: JobOfSlots) => JobSlots;
