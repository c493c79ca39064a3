/**
 * What the processes of a cluster say to each other. The types are the validators: what does not have them is refused
 * before anybody sees it. Parts that are the engine's own data (commands, states, reports) travel as tagged values with
 * the types that `deployment/` and `taskmanager/` give them; both sides run the same version, which the methods'
 * fingerprints and the graph's hash hold them to.
 *
 * - N1. What is said about a deployment keeps its order: all of it goes over the session that it was made in.
 * - N2. Nothing is said about a deployment in another session: it does not outlive its own.
 */
import { type ErrorMessage, fromErrorMessage, toErrorMessage } from "../base/error-message.ts";
import { invariant } from "../base/errors.ts";
import type { LoadedCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import type { CheckpointLocation } from "../checkpoint/checkpoint-storage.ts";
import { decodeMetadata, encodeMetadata } from "../checkpoint/metadata-codec.ts";
import type { MetricSnapshot } from "../metrics/metric-snapshot.ts";
import type { MergedAccumulator } from "../operators/accumulators/merged-accumulators.ts";
import { type RpcMethod, type RpcTell, rpcMethod, rpcTell } from "../rpc/rpc-method.ts";
import type {
  DeployedTasks,
  DeploymentListener,
  DescribedTasks,
  MergedAccumulators,
} from "../taskmanager/task-executor.ts";
import type { AttemptCommand } from "../taskmanager/threads/slot-thread-messages.ts";
import { t } from "../types/declared-types.ts";
import type { Type } from "../types/type.ts";

/** Bytes of code that one message carries. */
export const CODE_CHUNK_BYTES: number = 1024 * 1024;

/** Tagged values of the engine's own types. */
function own<T>(): Type<T> {
  // A tagged value is read as what was written, and what is written has this type.
  return t.any as Type<unknown> as Type<T>;
}

/** What a TaskManager says of itself when a session begins. Of an earlier session nothing is left. */
export interface TaskManagerRegistration {
  name: string;
  slotCount: number;
  host: string;
  /** Where records of other TaskManagers arrive; null: they cannot. */
  dataAddress: string | null;
  processId: number;
  availableParallelism: number;
}

const registrationType: Type<TaskManagerRegistration> = t.object({
  name: t.string,
  slotCount: t.int32,
  host: t.string,
  dataAddress: t.nullable(t.string),
  processId: t.int32,
  availableParallelism: t.int32,
});

/** A TaskManager offers its slots; the answer is its id for as long as the session lasts. */
export const registerTaskManager: RpcMethod<TaskManagerRegistration, { taskManagerId: string }> = rpcMethod(
  "registerTaskManager",
  {
    request: registrationType,
    response: t.object({ taskManagerId: t.string }),
    check: ({ slotCount }) => {
      invariant(slotCount >= 1 && slotCount <= 1024, `a TaskManager with ${slotCount} slots`);
    },
  },
);

const settingType = t.object({ key: t.string, value: t.string, origin: t.string, layer: t.string });

export interface DeployTasks {
  deploymentId: string;
  jobId: string;
  jobName: string;
  codeHash: string;
  args: string[];
  /** What the job's module starts from. */
  given: { key: string; value: string; origin: string; layer: string }[];
  /** The JobManager's plan of the graph, as JSON. */
  plan: string;
  /** The slots of the job that the TaskManager has. */
  slots: number[];
  deploymentNumber: number;
  attemptNumber: number;
  maxParallelism: number[];
  tasks: { vertexId: number; subtaskIndex: number }[];
  restore: { directory: string; metadata: Uint8Array } | null;
  dataAddresses: string[] | null;
}

const deployTasksType: Type<DeployTasks> = t.object({
  deploymentId: t.string,
  jobId: t.string,
  jobName: t.string,
  codeHash: t.string,
  args: t.array(t.string),
  given: t.array(settingType),
  plan: t.string,
  slots: t.array(t.int32),
  deploymentNumber: t.int32,
  attemptNumber: t.int32,
  maxParallelism: t.array(t.int32),
  tasks: t.array(t.object({ vertexId: t.int32, subtaskIndex: t.int32 })),
  restore: t.nullable(t.object({ directory: t.string, metadata: t.bytes })),
  dataAddresses: t.nullable(t.array(t.string)),
});

/** Makes the subtasks of a deployment, without starting them. */
export const deployTasks: RpcMethod<DeployTasks, { statistics: Uint8Array }> = rpcMethod("deployTasks", {
  request: deployTasksType,
  response: t.object({ statistics: t.bytes }),
});

export interface CommandTasks {
  deploymentId: string;
  command: AttemptCommand;
  /** Null: all of the deployment's. */
  slot: number | null;
  /** Where the state of the checkpoint that is triggered belongs; null: into the acknowledgement. */
  location: { directory: string; sharedDirectory: string | null; baseId: number | null } | null;
}

export const commandTasks: RpcTell<CommandTasks> = rpcTell(
  "commandTasks",
  t.object({
    deploymentId: t.string,
    command: own<AttemptCommand>(),
    slot: t.nullable(t.int32),
    location: t.nullable(
      t.object({
        directory: t.string,
        sharedDirectory: t.nullable(t.string),
        baseId: t.nullable(t.int64),
      }),
    ),
  }),
);

/** Stops the subtasks; the answer has their last statistics. */
export const cancelTasks: RpcMethod<{ deploymentId: string }, { statistics: Uint8Array }> = rpcMethod("cancelTasks", {
  request: t.object({ deploymentId: t.string }),
  response: t.object({ statistics: t.bytes }),
});

export interface AccumulateTasks {
  deploymentId: string;
  merged: readonly MergedAccumulator[];
  /** Null: as long as the threads live. */
  answerWithinMs: number | null;
}

export const accumulateTasks: RpcMethod<AccumulateTasks, { all: MergedAccumulators }> = rpcMethod("accumulateTasks", {
  request: t.object({
    deploymentId: t.string,
    merged: own<readonly MergedAccumulator[]>(),
    answerWithinMs: t.nullable(t.float64),
  }),
  response: t.object({ all: own<MergedAccumulators>() }),
});

export const describeTasks: RpcMethod<{ deploymentId: string }, { tasks: DescribedTasks }> = rpcMethod(
  "describeTasks",
  { request: t.object({ deploymentId: t.string }), response: t.object({ tasks: own<DescribedTasks>() }) },
);

export const jobMetrics: RpcMethod<{ jobId: string }, { metrics: readonly MetricSnapshot[] }> = rpcMethod(
  "jobMetrics",
  { request: t.object({ jobId: t.string }), response: t.object({ metrics: own<readonly MetricSnapshot[]>() }) },
);

/** Ends the threads of a job. */
export const releaseJob: RpcMethod<{ jobId: string }, { isReleased: boolean }> = rpcMethod("releaseJob", {
  request: t.object({ jobId: t.string }),
  response: t.object({ isReleased: t.boolean }),
});

/** A part of the code of a job; `total` is the length of all of it. */
export const fetchCode: RpcMethod<{ hash: string; offset: number }, { bytes: Uint8Array; total: number }> = rpcMethod(
  "fetchCode",
  {
    request: t.object({ hash: t.string, offset: t.int64 }),
    response: t.object({ bytes: t.bytes, total: t.int64 }),
  },
);

/** What happened in a deployment. */
export const tasksEvent: RpcTell<{ deploymentId: string; event: TasksEvent }> = rpcTell(
  "tasksEvent",
  t.object({ deploymentId: t.string, event: own<TasksEvent>() }),
);

/** The figures of all subtasks of a deployment, in its order: see `packStatistics`. */
export const tasksStatistics: RpcTell<{ deploymentId: string; statistics: Uint8Array }> = rpcTell(
  "tasksStatistics",
  t.object({ deploymentId: t.string, statistics: t.bytes }),
);

export const jobWarning: RpcTell<{ jobId: string; text: string }> = rpcTell(
  "jobWarning",
  t.object({ jobId: t.string, text: t.string }),
);

type ListenerMethod = keyof DeploymentListener;

const LISTENER_METHODS: readonly ListenerMethod[] = [
  "onRunning",
  "onInputFinished",
  "onAcknowledged",
  "onDeclined",
  "onCommitted",
  "onFailed",
  "onSplitRequest",
  "onSourceEvent",
  "onWatermarkReport",
];

/** A call of a `DeploymentListener`. Errors among the arguments travel as messages. */
export interface TasksEvent {
  readonly method: ListenerMethod;
  readonly args: readonly unknown[];
}

/** A listener whose calls are sent. */
export function sendingListener(send: (event: TasksEvent) => void): DeploymentListener {
  const sending = Object.fromEntries(
    LISTENER_METHODS.map((method) => [method, (...args: readonly unknown[]) => send(eventOf(method, args))]),
  );
  // Every method of the interface is in the list.
  return sending as unknown as DeploymentListener;
}

export function eventOf(method: ListenerMethod, args: readonly unknown[]): TasksEvent {
  return { method, args: args.map((arg) => (arg instanceof Error ? { sentError: toErrorMessage(arg) } : arg)) };
}

/** Makes the call that was sent. */
export function deliverEvent({ method, args }: TasksEvent, listener: DeploymentListener): void {
  invariant(LISTENER_METHODS.includes(method), `an event ${String(method)} that no listener has`);
  const call = listener[method] as (...given: readonly unknown[]) => void;
  call.apply(listener, args.map(received));
}

function received(arg: unknown): unknown {
  const isError = typeof arg === "object" && arg !== null && "sentError" in arg;
  return isError ? fromErrorMessage((arg as { readonly sentError: ErrorMessage }).sentError) : arg;
}

export function packCheckpoint(checkpoint: LoadedCheckpoint | undefined): DeployTasks["restore"] {
  if (checkpoint === undefined) return null;
  return { directory: checkpoint.directory, metadata: encodeMetadata(checkpoint.metadata) };
}

/** @throws MillraceError `MR_CHECKPOINT_CORRUPT` */
export function unpackCheckpoint(packed: DeployTasks["restore"]): LoadedCheckpoint | undefined {
  if (packed === null) return undefined;
  const { directory, metadata } = packed;
  return { directory, metadata: decodeMetadata(metadata, `checkpoint in ${directory}`) };
}

export function packLocation(location: CheckpointLocation | undefined): CommandTasks["location"] {
  if (location === undefined) return null;
  const { directory, sharedDirectory, baseId } = location;
  return { directory, sharedDirectory: sharedDirectory ?? null, baseId: baseId ?? null };
}

export function unpackLocation(packed: CommandTasks["location"]): CheckpointLocation | undefined {
  if (packed === null) return undefined;
  const { directory, sharedDirectory, baseId } = packed;
  return { directory, sharedDirectory: sharedDirectory ?? undefined, baseId: baseId ?? undefined };
}

/** The statistics of subtasks one after the other, as doubles. */
export function packStatistics(
  tasks: readonly { readonly vertexId: number; readonly subtaskIndex: number }[],
  of: Pick<DeployedTasks, "statisticsOf">,
): Uint8Array {
  const all = Float64Array.from(tasks.flatMap((task) => [...of.statisticsOf(task).values]));
  return new Uint8Array(all.buffer);
}

/** Fills statistics from what was packed. */
export function unpackStatistics(packed: Uint8Array, into: readonly { readonly values: Float64Array }[]): void {
  const all = new Float64Array(packed.slice().buffer);
  const expected = into.reduce((sum, { values }) => sum + values.length, 0);
  invariant(all.length === expected, `${all.length} figures of subtasks instead of ${expected}`);
  let at = 0;
  for (const { values } of into) {
    values.set(all.subarray(at, at + values.length));
    at += values.length;
  }
}
