/** All subtasks of a job in the caller's thread: one slot loop, channels that hand over references. */
import { MillraceError } from "../base/errors.ts";
import type { OperatorSubtaskState } from "../checkpoint/state-handles.ts";
import type { SourceSplit } from "../connectors/source.ts";
import type { JobGraph, JobVertex } from "../graph/job-graph.ts";
import type { AttemptListener, ExecutionAttempt, ReaderId, TaskId } from "../jobmanager/jobmaster/execution-attempt.ts";
import type { MetricGroup } from "../metrics/metric-group.ts";
import type { MetricRegistry } from "../metrics/metric-registry.ts";
import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { PoisonPolicy, SourceOperator } from "../operators/source-operator.ts";
import type { Platform } from "../platform/platform.ts";
import type { AnyOperatorHost } from "../task/create-operator.ts";
import { OperatorRuntimeContext } from "../task/runtime-context.ts";
import { SlotLoop } from "../task/slot-loop.ts";
import type { EncodedOperatorState } from "../task/snapshot-in-progress.ts";
import { Subtask, type SubtaskListener } from "../task/subtask.ts";
import { AttemptChannels } from "./channels.ts";
import type { RestoredState } from "./restored-state.ts";

export interface EmbeddedAttemptOptions {
  readonly graph: JobGraph;
  readonly jobId: string;
  readonly attemptNumber: number;
  readonly platform: Platform;
  readonly metrics: MetricRegistry;
  readonly poisonPolicy: PoisonPolicy;
  readonly futureSkewMaxMs: number;
  readonly watermarkIntervalMs: number;
  readonly restore: RestoredState | undefined;
  readonly listener: AttemptListener;
  /** Makes one subtask's state durable. */
  readonly persist: (
    task: TaskId,
    checkpointId: number,
    state: readonly EncodedOperatorState[],
  ) => Promise<readonly OperatorSubtaskState[]>;
}

interface DeployedSubtask {
  readonly task: TaskId;
  readonly vertex: JobVertex;
  readonly subtask: Subtask;
  readonly sources: ReadonlyMap<string, SourceOperator>;
}

export class EmbeddedAttempt implements ExecutionAttempt {
  readonly tasks: readonly TaskId[];
  readonly #options: EmbeddedAttemptOptions;
  readonly #loop: SlotLoop;
  readonly #deployed: readonly DeployedSubtask[];
  readonly #groups: MetricGroup[] = [];
  readonly #persisting = new Set<Promise<void>>();
  #isCancelled = false;

  constructor(options: EmbeddedAttemptOptions) {
    this.#options = options;
    this.#loop = new SlotLoop(options.platform.clock);
    const channels = new AttemptChannels(options.graph);
    this.#deployed = options.graph.vertices.flatMap((vertex) =>
      Array.from({ length: vertex.parallelism }, (_, subtaskIndex) => this.#create(vertex, subtaskIndex, channels)),
    );
    this.tasks = this.#deployed.map(({ task }) => task);
  }

  start(): void {
    this.#loop.run(this.#deployed.map(({ subtask }) => subtask));
    for (const { subtask } of this.#deployed) void subtask.start();
  }

  /** Of all subtasks, for progress lines: records by operator uid, and how far event time is. */
  get subtasks(): readonly { readonly vertex: JobVertex; readonly subtask: Subtask }[] {
    return this.#deployed;
  }

  triggerCheckpoint(checkpointId: number, isLast: boolean): void {
    for (const { subtask } of this.#deployed) subtask.triggerCheckpoint(checkpointId, isLast);
  }

  notifyCheckpointComplete(checkpointId: number): void {
    for (const { subtask } of this.#deployed) subtask.notifyCheckpointComplete(checkpointId);
  }

  commitAtEnd(): void {
    for (const { subtask } of this.#deployed) subtask.commitAtEnd();
  }

  assignSplit(reader: ReaderId, split: SourceSplit): void {
    this.#atReader(reader, (operator) => operator.reader.addSplits([split]));
  }

  signalNoMoreSplits(reader: ReaderId): void {
    this.#atReader(reader, (operator) => operator.reader.notifyNoMoreSplits());
  }

  async cancel(): Promise<void> {
    this.#isCancelled = true;
    this.#loop.stop();
    for (const group of this.#groups.splice(0)) this.#options.metrics.remove(group);
    const closed = await Promise.allSettled(this.#deployed.map(({ subtask }) => subtask.close()));
    await Promise.allSettled([...this.#persisting]);
    const failed = closed.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  #atReader(reader: ReaderId, action: (operator: SourceOperator) => void): void {
    for (const { task, subtask, sources } of this.#deployed) {
      const operator = sources.get(reader.sourceUid);
      if (operator !== undefined && task.subtaskIndex === reader.subtaskIndex) subtask.mail(() => action(operator));
    }
  }

  #create(vertex: JobVertex, subtaskIndex: number, channels: AttemptChannels): DeployedSubtask {
    const { graph, platform, restore, attemptNumber } = this.#options;
    const task: TaskId = { vertexId: vertex.id, subtaskIndex };
    const subtask: Subtask = new Subtask({
      chain: {
        plan: vertex,
        gateCount: vertex.gates.length,
        subtaskIndex,
        parallelism: vertex.parallelism,
        hostOf: (operator) => this.#hostOf(operator, vertex, subtaskIndex),
        restore: restore?.of(vertex.id, subtaskIndex),
        url: `millrace-chain-${vertex.id}-${subtaskIndex}-${attemptNumber}.js`,
      },
      writers: channels.writersOf(
        vertex,
        subtaskIndex,
        platform.random.fork(`${graph.name}-${vertex.id}-${subtaskIndex}`),
      ),
      gates: channels.gatesOf(vertex, subtaskIndex),
      clock: platform.clock,
      watermarkIntervalMs: this.#options.watermarkIntervalMs,
      listener: this.#listenerOf(task, vertex, () => subtask),
    });
    const uids = vertex.operators.filter((operator) => operator.spec.kind === "source").map((operator) => operator.uid);
    const sources = new Map(uids.map((uid, index) => [uid, subtask.chain.sources[index]!]));
    return { task, vertex, subtask, sources };
  }

  #listenerOf(task: TaskId, vertex: JobVertex, subtaskOf: () => Subtask): SubtaskListener {
    const { listener } = this.#options;
    return {
      onRunning: () => listener.onRunning(task),
      onInputFinished: () => listener.onInputFinished(task),
      onCommitted: (checkpointId) => listener.onCommitted(task, checkpointId),
      onSnapshot: (checkpointId, state) => this.#persist(task, checkpointId, state),
      onWake: () => this.#loop.wake(),
      onFailed: (error) => {
        if (this.#isCancelled) return;
        const subtask = subtaskOf() as Subtask | undefined;
        listener.onFailed(task, describeFailure(error, subtask?.chain.operatorOf(error), vertex, task));
      },
    };
  }

  #persist(task: TaskId, checkpointId: number, state: readonly EncodedOperatorState[]): void {
    const { listener, persist } = this.#options;
    const persisted: Promise<void> = persist(task, checkpointId, state)
      .then(
        (handles) => {
          if (!this.#isCancelled) listener.onAcknowledged(task, checkpointId, handles);
        },
        (error: unknown) => {
          if (!this.#isCancelled) listener.onDeclined(task, checkpointId, error);
        },
      )
      .finally(() => this.#persisting.delete(persisted));
    this.#persisting.add(persisted);
  }

  #hostOf(operator: ChainedOperator, vertex: JobVertex, subtaskIndex: number): AnyOperatorHost {
    const { graph, jobId, platform, metrics, attemptNumber, restore, poisonPolicy, futureSkewMaxMs, listener } =
      this.#options;
    const place = {
      jobName: graph.name,
      taskName: vertex.name,
      indexOfThisSubtask: subtaskIndex,
      numberOfParallelSubtasks: vertex.parallelism,
      maxNumberOfParallelSubtasks: vertex.maxParallelism,
      attemptNumber,
    };
    const group = metrics.operatorGroup({
      host: platform.proc.hostName,
      taskManagerId: "embedded",
      jobId,
      jobName: graph.name,
      taskId: String(vertex.id),
      taskName: vertex.name,
      attempt: attemptNumber,
      subtaskIndex,
      operatorId: operator.uid,
      operatorName: operator.name,
    });
    this.#groups.push(group);
    return {
      context: new OperatorRuntimeContext(place, operator.name, group),
      clock: platform.clock,
      platform,
      jobId,
      uid: operator.uid,
      operatorName: operator.name,
      maxParallelism: vertex.maxParallelism,
      restoredCheckpointId: restore?.checkpointId,
      poisonPolicy,
      futureSkewMaxMs,
      sendSplitRequest: () => listener.onSplitRequest({ sourceUid: operator.uid, subtaskIndex }),
    };
  }
}

/** The user's error with the place it happened in; errors of ours name their place themselves. */
function describeFailure(
  error: unknown,
  operator: ChainedOperator | undefined,
  vertex: JobVertex,
  task: TaskId,
): Error {
  if (error instanceof MillraceError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  return new MillraceError("MR_USER_FUNCTION_FAILED", {
    what: `${operator === undefined ? "A task" : `The function of operator "${operator.name}"`} failed: ${cause.message}`,
    where: {
      ...(operator === undefined ? { task: vertex.name } : { uid: operator.uid, at: operator.callSite }),
      subtask: `${task.subtaskIndex + 1}/${vertex.parallelism}`,
    },
    todo: "Correct the function; the original error and its stack are in the cause",
    cause,
  });
}
