/**
 * What requests and answers of the REST API have in them. Names, nesting and units are Flink's: epoch milliseconds,
 * milliseconds, bytes. Fields that are left out here are ones that Millrace knows nothing of; they are not filled with
 * something else. Checkpoints are in `checkpoint-bodies.ts`.
 */
import type { ErrorMessage, JobProgress, JobStatus, SubtaskStatus } from "millrace/internal";

/** 32 hexadecimal digits in lower case. @public */
export type HexId = string;

/** Every answer with a status of 400 or more. @public */
export interface ErrorBody {
  /** Messages for people; the first one is the failure itself. */
  readonly errors: readonly string[];
  /** The failure with its code, place and remedy. Not in Flink. */
  readonly error?: ErrorMessage;
}

/** `GET /overview`. @public */
export interface ClusterOverviewBody {
  readonly taskmanagers: number;
  readonly "slots-total": number;
  readonly "slots-available": number;
  readonly "jobs-running": number;
  readonly "jobs-finished": number;
  readonly "jobs-cancelled": number;
  readonly "jobs-failed": number;
  /** Of Flink's API that this one is like. */
  readonly "flink-version": string;
  readonly "flink-commit": string;
  /** Not in Flink: Millrace's own. */
  readonly "millrace-version": string;
}

/** `GET /config`. @public */
export interface DashboardConfigurationBody {
  /** How often a user interface is to ask again, in milliseconds. */
  readonly "refresh-interval": number;
  readonly "timezone-name": string;
  /** Milliseconds. */
  readonly "timezone-offset": number;
  readonly "flink-version": string;
  readonly "flink-revision": string;
  readonly features: {
    readonly "web-submit": boolean;
    readonly "web-cancel": boolean;
    readonly "web-rescale": boolean;
    readonly "web-history": boolean;
  };
}

/** `GET /jobmanager/config`. @public */
export type ConfigurationBody = readonly { readonly key: string; readonly value: string }[];

/** `GET /jobs`. @public */
export interface JobIdsBody {
  readonly jobs: readonly { readonly id: HexId; readonly status: JobStatus }[];
}

/** Subtasks by state, in lower case, and how many there are: `{ total: 4, running: 4, … }`. @public */
export type TaskCountsBody = Readonly<Record<"total" | Lowercase<ExecutionState>, number>>;

/** State of a subtask; of a vertex, that of all of its subtasks together, as Flink derives it. @public */
export type ExecutionState = SubtaskStatus | "SCHEDULED" | "RECONCILING" | "INITIALIZING";

/** One job of `GET /jobs/overview`. @public */
export interface JobOverviewBody {
  readonly jid: HexId;
  readonly name: string;
  readonly "start-time": number;
  /** -1 while the job has not ended. */
  readonly "end-time": number;
  readonly duration: number;
  readonly state: JobStatus;
  readonly "last-modification": number;
  readonly tasks: TaskCountsBody;
  /** Jobs have the slots they ask for, or wait. */
  readonly schedulerType: "Default";
  /** The whole graph is known before a job starts. */
  readonly "pending-operators": 0;
  /** Left out until the job's code has been loaded. */
  readonly jobType?: JobType;
}

/** Whether the job ends by itself once it has read everything, and takes no checkpoints. @public */
export type JobType = "STREAMING" | "BATCH";

/** `GET /jobs/overview`. @public */
export interface JobsOverviewBody {
  readonly jobs: readonly JobOverviewBody[];
}

/** What a subtask, or all subtasks of a vertex, have done: of the current attempts. Bytes are not counted. @public */
export interface IoMetricsBody {
  readonly "read-records": number;
  readonly "read-records-complete": boolean;
  readonly "write-records": number;
  readonly "write-records-complete": boolean;
  readonly "accumulated-backpressured-time": number;
  readonly "accumulated-idle-time": number;
  readonly "accumulated-busy-time": number;
}

/** One chain of operators. @public */
export interface JobVertexBody {
  readonly id: HexId;
  readonly slotSharingGroupId: HexId;
  readonly name: string;
  readonly maxParallelism: number;
  readonly parallelism: number;
  readonly status: ExecutionState;
  /** -1 before the first subtask has been deployed. */
  readonly "start-time": number;
  /** -1 while subtasks run. */
  readonly "end-time": number;
  /** -1 before the first subtask has been deployed. */
  readonly duration: number;
  readonly tasks: Readonly<Record<ExecutionState, number>>;
  readonly metrics: IoMetricsBody;
}

/** An edge, seen from the vertex that it leads to. @public */
export interface PlanInputBody {
  readonly num: number;
  readonly id: HexId;
  /** Such as `HASH`, `FORWARD`, `REBALANCE`. */
  readonly ship_strategy: string;
  readonly exchange: "pipelined_bounded";
}

/** One chain of operators in a plan. @public */
export interface PlanNodeBody {
  readonly id: HexId;
  readonly parallelism: number;
  readonly operator: string;
  readonly operator_strategy: string;
  readonly description: string;
  /** Left out of sources. */
  readonly inputs?: readonly PlanInputBody[];
  readonly optimizer_properties: Readonly<Record<string, unknown>>;
}

/** What a job does, without how it is getting on. @public */
export interface PlanBody {
  readonly jid: HexId;
  readonly name: string;
  readonly type: JobType;
  readonly nodes: readonly PlanNodeBody[];
}

/** `GET /jobs/:jobid/plan`. @public */
export interface JobPlanBody {
  readonly plan: PlanBody;
}

/** `GET /jobs/:jobid`. @public */
export interface JobDetailsBody {
  readonly jid: HexId;
  readonly name: string;
  readonly isStoppable: boolean;
  readonly state: JobStatus;
  readonly "start-time": number;
  readonly "end-time": number;
  readonly duration: number;
  readonly now: number;
  /** When the job came into each state, last time; 0 when it never was in it. */
  readonly timestamps: Readonly<Record<JobStatus, number>>;
  readonly vertices: readonly JobVertexBody[];
  /** Vertices, each by the state of all its subtasks together. */
  readonly "status-counts": Readonly<Record<ExecutionState, number>>;
  /** The next three are left out until the job's code has been loaded, and of jobs that had ended before the JobManager began. */
  readonly "job-type"?: JobType;
  readonly plan?: PlanBody;
  /** The operators in their chains, with the edges between them. */
  readonly "stream-graph"?: Readonly<Record<string, unknown>>;
  readonly schedulerType: "Default";
  readonly "pending-operators": 0;
  /** Not in Flink. */
  readonly restarts: number;
}

/** `GET /jobs/:jobid/config`. @public */
export interface JobConfigBody {
  readonly jid: HexId;
  readonly name: string;
  readonly "execution-config": {
    /** The first three are left out until the job's code has been loaded. */
    readonly "restart-strategy"?: string;
    readonly "job-parallelism"?: number;
    readonly "object-reuse-mode"?: boolean;
    /** What the job was submitted with, by key. */
    readonly "user-config": Readonly<Record<string, string>>;
  };
}

/** One failure. @public */
export interface ExceptionBody {
  /** The error's name or its code. */
  readonly exceptionName: string;
  readonly stacktrace: string;
  readonly timestamp: number;
  readonly failureLabels: Readonly<Record<string, string>>;
  /** The next three are left out of failures that are no subtask's. */
  readonly taskName?: string;
  readonly endpoint?: string;
  readonly taskManagerId?: string;
}

/** `GET /jobs/:jobid/exceptions`. @public */
export interface JobExceptionsBody {
  readonly exceptionHistory: {
    /** The newest first. */
    readonly entries: readonly (ExceptionBody & { readonly concurrentExceptions: readonly ExceptionBody[] })[];
    readonly truncated: boolean;
  };
}

/** What the functions of a job have added up under one name. @public */
export interface AccumulatorBody {
  readonly name: string;
  /** Of the value: `number`, `string`, `list`, `map` …; Flink has the accumulator's class here. */
  readonly type: string;
  /** As text; what is neither text nor a number is JSON. */
  readonly value: string;
}

/** `GET /jobs/:jobid/accumulators`. @public */
export interface JobAccumulatorsBody {
  readonly "job-accumulators": readonly [];
  readonly "user-task-accumulators": readonly AccumulatorBody[];
  readonly "serialized-user-task-accumulators": Readonly<Record<string, never>>;
}

/** `GET /jobs/:jobid/status`. @public */
export interface JobStatusBody {
  readonly status: JobStatus;
}

/** A failure inside of an answer that is no failure itself. @public */
export interface FailureCauseBody {
  readonly class: string;
  readonly "stack-trace": string;
  /** Not in Flink, which has Java's serialized form of it. */
  readonly error: ErrorMessage;
}

/** `GET /jobs/:jobid/execution-result`. @public */
export interface ExecutionResultBody {
  readonly status: QueueStatusBody;
  /** Left out while the job has not ended. */
  readonly "job-execution-result"?: {
    readonly id: HexId;
    readonly name: string;
    readonly "application-status": "SUCCEEDED" | "FAILED" | "CANCELED" | "UNKNOWN";
    /** As text, each as in {@link AccumulatorBody}; Flink has Java's serialized form. */
    readonly "accumulator-results": Readonly<Record<string, string>>;
    /** Why they cannot be had. Not in Flink. */
    readonly "accumulator-failure"?: FailureCauseBody;
    readonly "net-runtime": number;
    readonly "start-time": number;
    readonly "end-time": number;
    readonly "failure-cause"?: FailureCauseBody;
  };
}

/** `GET /jobs/:jobid/stall`, which Flink has not: why nothing comes out, for people. @public */
export interface StallBody {
  readonly status: string;
  /** When the job was asked, in epoch milliseconds. */
  readonly atMs: number;
  /** All that waits, a paragraph each. */
  readonly text: string;
  /** The first of it, a line each. */
  readonly shortText: string;
}

/** `GET /jobs/:jobid/progress`, which Flink has not: how far the current attempt is. @public */
export type JobProgressBody = Omit<JobProgress, "watermarkMs" | "checkpoints"> & {
  /** Left out before the first and after the end. */
  readonly watermarkMs?: number;
  readonly checkpoints: {
    readonly completed: number;
    readonly failed: number;
    readonly lastId?: number;
    readonly lastPath?: string;
    readonly lastCompletedMs?: number;
  };
};

/** Whether an answer is there. @public */
export interface QueueStatusBody {
  readonly id: "IN_PROGRESS" | "COMPLETED";
}

/** What a request that takes longer is answered with. @public */
export interface TriggerBody {
  readonly "request-id": HexId;
}

/** How such a request is getting on. @public */
export interface AsyncOperationBody<Operation> {
  readonly status: QueueStatusBody;
  /** Left out while it is in progress. */
  readonly operation?: Operation;
}

/** How a savepoint, or a stop with one, came out. @public */
export interface SavepointBody {
  readonly location?: string;
  readonly "failure-cause"?: FailureCauseBody;
}

/** How a checkpoint came out. @public */
export interface CheckpointBody {
  readonly checkpointId?: number;
  readonly "failure-cause"?: FailureCauseBody;
}

/** How a disposal came out. @public */
export interface DisposalBody {
  readonly "failure-cause"?: FailureCauseBody;
}

/** How a savepoint is written. @public */
export type SavepointFormat = "CANONICAL" | "NATIVE";

/** `POST /jobs/:jobid/savepoints`. @public */
export interface SavepointTriggerBody {
  /** Default: `execution.checkpointing.savepoint-dir`. */
  readonly "target-directory"?: string | null;
  readonly "cancel-job"?: boolean | null;
  readonly formatType?: SavepointFormat | null;
  /** Chosen by the client, so that the request may be repeated: the same id is the same savepoint. */
  readonly triggerId?: HexId | null;
}

/** `POST /jobs/:jobid/stop`. @public */
export interface StopBody {
  readonly targetDirectory?: string | null;
  readonly drain?: boolean | null;
  readonly formatType?: SavepointFormat | null;
  readonly triggerId?: HexId | null;
}

/** `POST /jobs/:jobid/checkpoints`. @public */
export interface CheckpointTriggerBody {
  /** All of them are complete here, so that `FULL` is what every checkpoint is; `INCREMENTAL` is refused. */
  readonly checkpointType?: "CONFIGURED" | "FULL" | "INCREMENTAL" | null;
  readonly triggerId?: HexId | null;
}

/** `POST /savepoint-disposal`. @public */
export interface SavepointDisposalBody {
  readonly "savepoint-path": string;
}

/** One file of `GET /jars`. @public */
export interface JarBody {
  /** `<SHA-256 of its bytes>_<name>`. */
  readonly id: string;
  readonly name: string;
  readonly uploaded: number;
  readonly entry: readonly { readonly name: string; readonly description: string | null }[];
}

/** `GET /jars`. @public */
export interface JarsBody {
  readonly address: string;
  readonly files: readonly JarBody[];
}

/** `POST /jars/upload`. @public */
export interface JarUploadBody {
  readonly status: "success";
  /** What comes after its last slash is the file's id. */
  readonly filename: string;
}

/** Whose what a job starts from is from then on. @public */
export type ClaimMode = "CLAIM" | "NO_CLAIM" | "LEGACY";

/** `POST /jars/:jarid/run`, and `/jars/:jarid/plan` with what is above `savepointPath`. @public */
export interface JarRunRequestBody {
  /** Refused: a job file has one entry, its default export. */
  readonly entryClass?: string | null;
  readonly programArgsList?: readonly string[] | null;
  readonly parallelism?: number | null;
  /** Chosen by the client, so that the request may be repeated: the same id is the same job. */
  readonly jobId?: HexId | null;
  /** Settings of the job, by key: they win over what its code sets. */
  readonly flinkConfiguration?: Readonly<Record<string, string>> | null;
  /** Settings of a file, by key: they win over the cluster's, and the job's code wins over them. Not in Flink. */
  readonly fileConfiguration?: Readonly<Record<string, string>> | null;
  readonly savepointPath?: string | null;
  readonly allowNonRestoredState?: boolean | null;
  readonly claimMode?: ClaimMode | null;
  /** Older name of `claimMode`. */
  readonly restoreMode?: ClaimMode | null;
}

/** `POST /jars/:jarid/run`. @public */
export interface JarRunBody {
  readonly jobid: HexId;
}

/** What the machine of a TaskManager has, as far as it has said. @public */
export interface HardwareBody {
  readonly cpuCores: number;
}

/** One process with slots. @public */
export interface TaskManagerBody {
  readonly id: string;
  /** Where it can be found: `host:process id`, with its name. */
  readonly path: string;
  /** -1 when no other TaskManager can send to it. */
  readonly dataPort: number;
  /** When it was last heard of, in epoch milliseconds, as in Flink. */
  readonly timeSinceLastHeartbeat: number;
  readonly slotsNumber: number;
  readonly freeSlots: number;
  readonly hardware: HardwareBody;
}

/** `GET /taskmanagers`. @public */
export interface TaskManagersBody {
  readonly taskmanagers: readonly TaskManagerBody[];
}

/** `GET /taskmanagers/:taskmanagerid`. @public */
export interface TaskManagerDetailsBody extends TaskManagerBody {
  readonly allocatedSlots: readonly { readonly jobId: HexId }[];
}

/** Of a metric's endpoint: names, or with `get=` values. @public */
export type MetricsBody = readonly { readonly id: string; readonly value?: string }[];

/** One subtask, its current attempt. @public */
export interface SubtaskBody {
  readonly subtask: number;
  readonly status: ExecutionState;
  readonly attempt: number;
  /** The host where it runs, or ran last; `(unassigned)` before it has been deployed. */
  readonly endpoint: string;
  /** Likewise. */
  readonly "taskmanager-id": string;
  /** -1 before it has been deployed. */
  readonly "start-time": number;
  readonly start_time: number;
  /** -1 while it has not ended. */
  readonly "end-time": number;
  readonly duration: number;
  readonly metrics: IoMetricsBody;
  /** How long the attempt has been in each state that it came into. */
  readonly "status-duration": Readonly<Partial<Record<ExecutionState, number>>>;
}

/** Numbers of all subtasks of a vertex. @public */
export interface AggregatedBody {
  readonly min: number;
  readonly max: number;
  readonly avg: number;
  readonly sum: number;
  readonly median: number;
  readonly p25: number;
  readonly p75: number;
  readonly p95: number;
}

/** `GET /jobs/:jobid/vertices/:vertexid`. @public */
export interface JobVertexDetailsBody {
  readonly id: HexId;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly now: number;
  readonly subtasks: readonly SubtaskBody[];
  readonly aggregated: {
    readonly metrics: Readonly<Record<string, AggregatedBody>>;
    readonly "status-duration": Readonly<Record<string, AggregatedBody>>;
  };
}
