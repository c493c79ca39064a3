/**
 * What can be asked of a JobManager, by whoever is in its process: its REST endpoint, a test. Everything is plain data;
 * times are epoch milliseconds of the JobManager's clock, job ids 32 hexadecimal digits.
 */
import type { JobProgress, JobStatus } from "../api/job-client.ts";
import type { ErrorMessage } from "../base/error-message.ts";
import type { CheckpointHistoryReport } from "../checkpoint/checkpoint-statistics.ts";
import type { SavepointFormatType } from "../checkpoint/state-handles.ts";
import type { ConfigEntry, LayeredEntry } from "../config/option-registry.ts";
import type { ExecutionSettings } from "../deployment/execution-settings.ts";
import type { JobPlan } from "../graph/describe.ts";
import type { StallExplanation } from "../graph/stall/stall-explanation.ts";
import type { MetricSnapshot } from "../metrics/metric-snapshot.ts";

/** A job's code: one file of JavaScript whose default export builds the job. @internal */
export interface SubmittedCode {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, 64 hexadecimal digits. */
  readonly hash: string;
}

/** A job to be run. @internal */
export interface JobSubmission {
  /** Chosen by the client, so that a submission may be repeated: the same id is the same job. Left out: a random one. */
  readonly jobId?: string;
  readonly name: string;
  readonly code: SubmittedCode;
  /** The job's own arguments, as on a command line. */
  readonly args: readonly string[];
  /**
   * What the job's module starts from, above the cluster's own configuration. `execution.state-recovery.*` among them.
   * Like a command line's they win over the job's code, unless they name the layer `file`.
   */
  readonly configuration: readonly (ConfigEntry | LayeredEntry)[];
}

/** One line of a list of jobs. @internal */
export interface JobOverview {
  readonly jobId: string;
  readonly name: string;
  readonly status: JobStatus;
  readonly startTimeMs: number;
  /** Undefined while the job has not ended. */
  readonly endTimeMs: number | undefined;
  readonly durationMs: number;
  readonly lastModificationMs: number;
  /** Whether it runs in BATCH mode; undefined until the job's code has been loaded here. */
  readonly isBatch: boolean | undefined;
  /** Subtasks of all vertices, by state. */
  readonly tasks: TaskCounts;
}

/** Flink's execution states, as far as subtasks have them here. @internal */
export type SubtaskStatus = "CREATED" | "DEPLOYING" | "RUNNING" | "FINISHED" | "CANCELING" | "CANCELED" | "FAILED";

/** @internal */
export type TaskCounts = Readonly<Record<SubtaskStatus, number>>;

/** @internal */
export interface SubtaskDetails {
  readonly subtaskIndex: number;
  readonly status: SubtaskStatus;
  /** From 0; one more with every restart. */
  readonly attempt: number;
  /** Where it runs, or ran last. */
  readonly taskManagerId: string | undefined;
  readonly host: string | undefined;
  readonly startTimeMs: number | undefined;
  readonly endTimeMs: number | undefined;
  /** When the current attempt came into each state. */
  readonly timestampsMs: Readonly<Partial<Record<SubtaskStatus, number>>>;
  /** Of the current attempt, as far as its TaskManager has reported. */
  readonly recordsRead: number;
  readonly recordsWritten: number;
  readonly busyMs: number;
  readonly backPressuredMs: number;
  readonly idleMs: number;
}

/** @internal */
export interface VertexDetails {
  readonly vertexId: number;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly subtasks: readonly SubtaskDetails[];
  readonly tasks: TaskCounts;
}

/** @internal */
export interface JobDetails extends JobOverview {
  /** When the job came into each state, last time. */
  readonly timestampsMs: Readonly<Partial<Record<JobStatus, number>>>;
  readonly restarts: number;
  /** Undefined until the job's code has been loaded. */
  readonly plan: JobPlan | undefined;
  readonly vertices: readonly VertexDetails[];
  /** Why the job failed. */
  readonly failure: ErrorMessage | undefined;
}

/** @internal */
export interface CheckpointsDetails {
  readonly counts: {
    readonly completed: number;
    readonly failed: number;
  };
  readonly latest:
    | {
        readonly checkpointId: number;
        /** Undefined when it is only in memory. */
        readonly path: string | undefined;
        readonly completedMs: number | undefined;
      }
    | undefined;
  /** What the job was started or recovered from. */
  readonly restored: { readonly checkpointId: number; readonly path: string } | undefined;
  /** Each of the last ones, and all of them as numbers; undefined until the job's code has been loaded here. */
  readonly report: CheckpointHistoryReport | undefined;
}

/** One failure of a job, whether it restarted or not. @internal */
export interface ExceptionEntry {
  readonly timestampMs: number;
  readonly error: ErrorMessage;
  /** Undefined when it was no subtask's. */
  readonly task:
    | {
        readonly name: string;
        readonly vertexId: number;
        readonly subtaskIndex: number;
        readonly taskManagerId: string | undefined;
        readonly host: string | undefined;
      }
    | undefined;
}

/** The newest failures first; older ones are left out. @internal */
export interface ExceptionHistory {
  readonly entries: readonly ExceptionEntry[];
  readonly isTruncated: boolean;
}

/** @internal */
export interface JobConfigDetails {
  readonly jobId: string;
  readonly name: string;
  readonly args: readonly string[];
  /** What the job was submitted with, over what the cluster is configured with. */
  readonly configuration: readonly ConfigEntry[];
  /** What it runs with, the settings of its code among them; undefined until that has been loaded here. */
  readonly execution: ExecutionSettings | undefined;
}

/** @internal */
export interface TaskManagerDetails {
  /** Of this session of the process: another one after it was lost. */
  readonly taskManagerId: string;
  readonly name: string;
  readonly host: string;
  /** Where the data of other TaskManagers arrive; undefined when none can. */
  readonly dataAddress: string | undefined;
  readonly slotCount: number;
  readonly freeSlotCount: number;
  readonly registeredMs: number;
  readonly lastHeardMs: number;
  readonly processId: number;
  readonly availableParallelism: number;
  readonly allocations: readonly { readonly slotIndex: number; readonly jobId: string }[];
}

/** @internal */
export interface ClusterOverview {
  readonly taskManagers: number;
  readonly slotsTotal: number;
  readonly slotsAvailable: number;
  readonly jobsRunning: number;
  readonly jobsFinished: number;
  readonly jobsCancelled: number;
  readonly jobsFailed: number;
  /** Of the JobManager's leadership: rises with every start. */
  readonly epoch: number;
}

/** @internal */
export interface TriggerOptions {
  /**
   * 32 hexadecimal digits, chosen by the client, so that a request may be repeated: the same id of the same job is the
   * same request, and nothing is begun again. Left out: random ones.
   */
  readonly requestId?: string;
}

/** @internal */
export interface SavepointRequestOptions extends TriggerOptions {
  /** Where the savepoint's own directory is made; default `execution.checkpointing.savepoint-dir`. */
  readonly directory?: string;
  readonly format?: SavepointFormatType;
}

/** @internal */
export interface SavepointTriggerOptions extends SavepointRequestOptions {
  /** Cancels the job when the savepoint is complete. */
  readonly cancelsJob?: boolean;
}

/** @internal */
export interface StopRequestOptions extends SavepointRequestOptions {
  /** Drains the job: brings its event time to the end first. */
  readonly drain?: boolean;
}

/** What came out of an asynchronous request. @internal */
export interface AsyncResult {
  /** Undefined when it is only in memory, or the request makes nothing. */
  readonly location: string | undefined;
  /** Of a checkpoint. */
  readonly checkpointId?: number;
}

/** How an asynchronous request is getting on. @internal */
export type AsyncOperation =
  | { readonly status: "IN_PROGRESS" }
  | ({ readonly status: "COMPLETED" } & AsyncResult)
  | { readonly status: "FAILED"; readonly error: ErrorMessage };

/**
 * All methods reject with `MR_JOB_UNKNOWN` for a job that the JobManager does not have, and those that need a running job
 * with `MR_JOB_NOT_RUNNING` when it has ended or is still being loaded. Request ids are 32 hexadecimal digits.
 * @internal
 */
export interface JobManagerApi {
  /**
   * Stores a job and starts it; settles when it is durable. An id that is known already is that job, and nothing else
   * happens: a client may repeat a submission whose answer was lost.
   *
   * @throws MillraceError `MR_JOB_ID_INVALID`, `MR_JOB_CODE_INVALID` when the hash is not that of the bytes,
   *   `MR_CONFIG_INVALID`, `MR_JOB_STORE_FAILED`, `MR_FENCED`
   */
  submitJob(submission: JobSubmission): Promise<{ readonly jobId: string; readonly isNew: boolean }>;
  /**
   * What the job's code would run, without running it.
   *
   * @throws MillraceError `MR_JOB_CODE_INVALID`, `MR_CONFIG_INVALID`, and what the code throws
   */
  planJob(submission: Omit<JobSubmission, "jobId">): Promise<{ readonly plan: JobPlan; readonly isBatch: boolean }>;
  /** Jobs that run and jobs that have ended, the newest first. */
  listJobs(): readonly JobOverview[];
  job(jobId: string): Promise<JobDetails>;
  /** Settles when the job has ended; a job that has ended already stays as it is. */
  cancelJob(jobId: string): Promise<void>;
  /** Begins to end the job with a savepoint; returns the id to ask {@link JobManagerApi.operation} with. */
  stopWithSavepoint(jobId: string, options?: StopRequestOptions): Promise<string>;
  /** Begins a savepoint of the running job; returns the id to ask {@link JobManagerApi.operation} with. */
  triggerSavepoint(jobId: string, options?: SavepointTriggerOptions): Promise<string>;
  /** Begins a checkpoint beside the period; returns the id to ask {@link JobManagerApi.operation} with. */
  triggerCheckpoint(jobId: string, options?: TriggerOptions): Promise<string>;
  /** @throws MillraceError `MR_OPERATION_UNKNOWN`; results are kept for a while only */
  operation(jobId: string, requestId: string): AsyncOperation;
  /** Begins to remove a savepoint or a retained checkpoint; returns the id to ask {@link JobManagerApi.disposal} with. */
  disposeSavepoint(path: string, options?: TriggerOptions): string;
  /** @throws MillraceError `MR_OPERATION_UNKNOWN` */
  disposal(requestId: string): AsyncOperation;
  /** How far the job's current attempt is. @throws MillraceError `MR_JOB_NOT_RUNNING` when its code has not been loaded here */
  progress(jobId: string): Promise<JobProgress>;
  /** Why nothing comes out of the job right now. @throws MillraceError `MR_JOB_NOT_RUNNING` unless it is there to be asked */
  explainStall(jobId: string): Promise<StallExplanation>;
  checkpoints(jobId: string): Promise<CheckpointsDetails>;
  exceptions(jobId: string): Promise<ExceptionHistory>;
  config(jobId: string): Promise<JobConfigDetails>;
  metrics(jobId: string): Promise<readonly MetricSnapshot[]>;
  /** By name. A value that cannot be had is an error. */
  accumulators(jobId: string): Promise<ReadonlyMap<string, unknown>>;
  taskManagers(): readonly TaskManagerDetails[];
  overview(): ClusterOverview;
  /** What the JobManager itself was started with. */
  configuration(): readonly ConfigEntry[];
}
