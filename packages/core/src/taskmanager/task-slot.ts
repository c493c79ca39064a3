/**
 * The subtasks of an attempt that run in one thread; the thread's loop steps them. The host, which may be the same
 * thread or another one, tells it what to do and hears what happens.
 */

import { MillraceError } from "../base/errors.ts";
import type { CheckpointTrigger } from "../checkpoint/checkpoint-trigger.ts";
import type { SourceSplit } from "../connectors/source.ts";
import type { JobGraph, JobVertex } from "../graph/job-graph.ts";
import type { SubtaskReport } from "../graph/stall/job-report.ts";
import type { SubtaskId } from "../graph/subtask-id.ts";
import type { MetricGroup } from "../metrics/metric-group.ts";
import type { MetricRegistry } from "../metrics/metric-registry.ts";
import { AccumulatorRegistry } from "../operators/accumulators/accumulator-registry.ts";
import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { SourceOperator } from "../operators/source-operator.ts";
import type { Platform } from "../platform/platform.ts";
import { heapStateBackend } from "../state/state-backend.ts";
import type { OperatorRestore } from "../task/chain.ts";
import type { AnyOperatorHost } from "../task/create-operator.ts";
import { OperatorRuntimeContext } from "../task/runtime-context.ts";
import type { SlotLoop } from "../task/slot-loop.ts";
import type { SubtaskSnapshot } from "../task/snapshot-in-progress.ts";
import { Subtask, type SubtaskListener } from "../task/subtask.ts";
import type { TaskStatistics } from "../task/task-statistics.ts";
import { cachedFilePaths } from "./cached-file-paths.ts";
import { inFlightOf } from "./in-flight.ts";
import { type RemoteChannels, SlotChannels } from "./slot-channels.ts";
import { stateBackendOf } from "./subtask-state.ts";
import { registerTaskMetrics } from "./task-metrics.ts";
import type { TaskSettings } from "./task-settings.ts";

/** What a slot tells its host. Nothing is told after `cancel` was called. */
export interface SlotListener {
  onRunning(task: SubtaskId): void;
  onInputFinished(task: SubtaskId): void;
  /** One subtask's state of a checkpoint, to be made durable. */
  onSnapshot(task: SubtaskId, checkpointId: number, snapshot: SubtaskSnapshot): void;
  onCommitted(task: SubtaskId, checkpointId: number): void;
  onFailed(task: SubtaskId, error: Error): void;
  onSplitRequest(sourceUid: string, subtaskIndex: number): void;
  onSourceEvent(sourceUid: string, subtaskIndex: number, event: unknown): void;
  onWatermarkReport(sourceUid: string, subtaskIndex: number, watermarkMs: number): void;
}

export interface TaskSlotOptions {
  readonly graph: JobGraph;
  readonly jobId: string;
  readonly attemptNumber: number;
  /** Names the slot's process in metrics. */
  readonly taskManagerId: string;
  readonly platform: Platform;
  readonly metrics: MetricRegistry;
  readonly settings: TaskSettings;
  /** In topological order. */
  readonly tasks: readonly SubtaskId[];
  readonly remote: RemoteChannels | undefined;
  /** Of the thread. */
  readonly loop: SlotLoop;
  readonly restoredCheckpointId: number | undefined;
  readonly restoreOf: (task: SubtaskId) => ReadonlyMap<string, OperatorRestore> | undefined;
  readonly statisticsOf: (task: SubtaskId) => TaskStatistics;
  /** What the loop's `onStep` is told about each of `tasks`; their places in it when left out. */
  readonly places?: readonly number[];
  readonly listener: SlotListener;
}

interface DeployedSubtask {
  readonly task: SubtaskId;
  readonly vertex: JobVertex;
  readonly subtask: Subtask;
  readonly sources: ReadonlyMap<string, SourceOperator>;
}

export class TaskSlot {
  readonly #options: TaskSlotOptions;
  readonly #loop: SlotLoop;
  readonly #channels: SlotChannels;
  readonly #deployed: readonly DeployedSubtask[];
  readonly #groups: MetricGroup[] = [];
  readonly #closing = new Set<string>();
  /** In the order of the tasks. */
  readonly #accumulators: AccumulatorRegistry[] = [];
  #isCancelled = false;

  /** Makes all subtasks, without starting them. */
  constructor(options: TaskSlotOptions) {
    this.#options = options;
    this.#loop = options.loop;
    this.#channels = new SlotChannels(options.graph, options.remote);
    this.#deployed = options.tasks.map((task) => this.#create(task));
  }

  /** What the functions of each subtask add up; it stays when the slot has been cancelled. */
  get accumulators(): readonly AccumulatorRegistry[] {
    return this.#accumulators;
  }

  start(): void {
    const { tasks, places = [...tasks.keys()] } = this.#options;
    this.#loop.add(
      this.#deployed.map(({ subtask }) => subtask),
      places,
    );
    for (const { subtask } of this.#deployed) void subtask.start();
  }

  triggerCheckpoint(trigger: CheckpointTrigger, isLast: boolean): void {
    for (const { subtask } of this.#deployed) subtask.triggerCheckpoint(trigger, isLast);
  }

  notifyCheckpointAborted(checkpointId: number): void {
    for (const { subtask } of this.#deployed) subtask.notifyCheckpointAborted(checkpointId);
  }

  suspendSources(isSuspended: boolean): void {
    for (const { subtask } of this.#deployed) subtask.suspendSources(isSuspended);
  }

  drainSources(): void {
    for (const { subtask } of this.#deployed) subtask.drainSources();
  }

  notifyCheckpointComplete(checkpointId: number): void {
    for (const { subtask } of this.#deployed) subtask.notifyCheckpointComplete(checkpointId);
  }

  commitAtEnd(): void {
    for (const { subtask } of this.#deployed) subtask.commitAtEnd();
  }

  assignSplit(sourceUid: string, subtaskIndex: number, split: SourceSplit): void {
    this.#atReader(sourceUid, subtaskIndex, (operator) => operator.reader.addSplits([split]));
  }

  signalNoMoreSplits(sourceUid: string, subtaskIndex: number): void {
    this.#atReader(sourceUid, subtaskIndex, (operator) => operator.reader.notifyNoMoreSplits());
  }

  allowWatermark(sourceUid: string, allowedMs: number): void {
    for (const { subtask, sources } of this.#deployed) {
      const operator = sources.get(sourceUid);
      if (operator !== undefined) subtask.mail(() => operator.onAllowedWatermark(allowedMs));
    }
  }

  /** How all subtasks are at this moment. */
  describe(): readonly SubtaskReport[] {
    return this.#deployed.map(({ task, vertex, subtask }) => {
      const { gates, fullChannels, ...described } = subtask.describe();
      return {
        ...task,
        ...described,
        gates: gates.map((gate, index) => this.#channels.describeGate(vertex.gates[index]!, task.subtaskIndex, gate)),
        full: fullChannels.flatMap((channels, output) => {
          const { edge } = vertex.outputs[output]!;
          const consumers = this.#channels.consumersOf(edge, task.subtaskIndex);
          return channels.length === 0 ? [] : [{ edge, consumers: channels.map((channel) => consumers[channel]!) }];
        }),
      };
    });
  }

  /** Stops all subtasks and releases what they hold; throws the first error of closing after all have been closed. */
  async cancel(): Promise<void> {
    this.#isCancelled = true;
    this.#loop.remove(this.#deployed.map(({ subtask }) => subtask));
    for (const group of this.#groups.splice(0)) this.#options.metrics.remove(group);
    const closed = await Promise.allSettled(this.#deployed.map((each) => this.#close(each)));
    const failed = closed.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** The tasks that are still being closed, as `name (subtask/parallelism)`. */
  get closingTasks(): readonly string[] {
    return [...this.#closing];
  }

  async #close({ task, vertex, subtask }: DeployedSubtask): Promise<void> {
    const name = `${vertex.name} (${task.subtaskIndex + 1}/${vertex.parallelism})`;
    this.#closing.add(name);
    try {
      await subtask.close();
    } finally {
      this.#closing.delete(name);
    }
  }

  #atReader(sourceUid: string, subtaskIndex: number, action: (operator: SourceOperator) => void): void {
    for (const { task, subtask, sources } of this.#deployed) {
      const operator = sources.get(sourceUid);
      if (operator !== undefined && task.subtaskIndex === subtaskIndex) subtask.mail(() => action(operator));
    }
  }

  #create(task: SubtaskId): DeployedSubtask {
    const { graph, platform, attemptNumber, settings, statisticsOf, restoreOf } = this.#options;
    const { vertexId, subtaskIndex } = task;
    const vertex = graph.vertices[vertexId]!;
    const statistics = statisticsOf(task);
    const operatorGroups = vertex.operators.map((operator) => this.#operatorGroup(operator, vertex, subtaskIndex));
    const accumulators = new AccumulatorRegistry();
    this.#accumulators.push(accumulators);
    const restore = restoreOf(task);
    const gates = this.#channels.gatesOf(vertex, subtaskIndex);
    const { captured, entries, chainEntries } = inFlightOf(graph, vertex, subtaskIndex, gates, restore);
    // What a batch job has of a key is gone when the next one comes.
    const stateBackend =
      vertex.sortsInputs === true
        ? heapStateBackend
        : stateBackendOf(platform, settings, `${this.#options.jobId}-${vertexId}-${subtaskIndex}`);
    const subtask: Subtask = new Subtask({
      chain: {
        plan: vertex,
        gateCount: vertex.gates.length,
        subtaskIndex,
        parallelism: vertex.parallelism,
        hostOf: (operator) => ({
          ...this.#hostOf(operator, vertex, subtaskIndex, operatorGroups[operator.index]!, accumulators),
          stateBackend,
          wake: this.#loop.wake,
          fail: (error) => subtask.fail(error),
        }),
        restore,
        entries: chainEntries,
        url: `millrace-chain-${vertexId}-${subtaskIndex}-${attemptNumber}.js`,
      },
      statistics,
      writers: this.#channels.writersOf(
        vertex,
        subtaskIndex,
        platform.random.fork(`${graph.name}-${vertexId}-${subtaskIndex}`),
      ),
      gates: gates.map((channels) => channels.map(({ reader }) => reader)),
      channels: { mode: settings.checkpointingMode, captured, entries },
      clock: platform.clock,
      watermarkIntervalMs: settings.watermarkIntervalMs,
      listener: this.#listenerOf(task, vertex, () => subtask),
    });
    registerTaskMetrics(this.#taskGroup(vertex, subtaskIndex), operatorGroups, vertex, statistics, platform.clock);
    const uids = vertex.operators.filter((operator) => operator.spec.kind === "source").map((operator) => operator.uid);
    const sources = new Map(uids.map((uid, index) => [uid, subtask.chain.sources[index]!]));
    return { task, vertex, subtask, sources };
  }

  #listenerOf(task: SubtaskId, vertex: JobVertex, subtaskOf: () => Subtask | undefined): SubtaskListener {
    const { listener } = this.#options;
    const unlessCancelled = (tell: () => void): void => {
      if (!this.#isCancelled) tell();
    };
    return {
      onRunning: () => unlessCancelled(() => listener.onRunning(task)),
      onInputFinished: () => unlessCancelled(() => listener.onInputFinished(task)),
      onCommitted: (checkpointId) => unlessCancelled(() => listener.onCommitted(task, checkpointId)),
      onSnapshot: (checkpointId, snapshot) => {
        unlessCancelled(() => listener.onSnapshot(task, checkpointId, snapshot));
        return !this.#isCancelled;
      },
      onWake: this.#loop.wake,
      onFailed: (error) =>
        unlessCancelled(() =>
          listener.onFailed(task, describeFailure(error, subtaskOf()?.chain.operatorOf(error), vertex, task)),
        ),
    };
  }

  #hostOf(
    operator: ChainedOperator,
    vertex: JobVertex,
    subtaskIndex: number,
    metricGroup: MetricGroup,
    accumulators: AccumulatorRegistry,
  ): Omit<AnyOperatorHost, "wake" | "fail" | "stateBackend"> {
    const { graph, jobId, platform, attemptNumber, restoredCheckpointId, settings, listener } = this.#options;
    const place = {
      jobName: graph.name,
      taskName: vertex.name,
      indexOfThisSubtask: subtaskIndex,
      numberOfParallelSubtasks: vertex.parallelism,
      maxNumberOfParallelSubtasks: vertex.maxParallelism,
      attemptNumber,
      cachedFiles: cachedFilePaths(settings.cachedFiles, platform.fs),
    };
    return {
      context: new OperatorRuntimeContext(place, operator.name, metricGroup, accumulators),
      clock: platform.clock,
      platform,
      jobId,
      uid: operator.uid,
      operatorName: operator.name,
      maxParallelism: vertex.maxParallelism,
      restoredCheckpointId,
      poisonPolicy: settings.poisonPolicy,
      futureSkewMaxMs: settings.futureSkewMaxMs,
      watermarkIntervalMs: settings.watermarkIntervalMs,
      reportWatermark: (watermarkMs) => {
        if (!this.#isCancelled) listener.onWatermarkReport(operator.uid, subtaskIndex, watermarkMs);
      },
      sendSplitRequest: () => {
        if (!this.#isCancelled) listener.onSplitRequest(operator.uid, subtaskIndex);
      },
      sendSourceEvent: (event) => {
        if (!this.#isCancelled) listener.onSourceEvent(operator.uid, subtaskIndex, event);
      },
    };
  }

  #taskGroup(vertex: JobVertex, subtaskIndex: number): MetricGroup {
    const group = this.#options.metrics.taskGroup(this.#scopeOf(vertex, subtaskIndex));
    this.#groups.push(group);
    return group;
  }

  #operatorGroup(operator: ChainedOperator, vertex: JobVertex, subtaskIndex: number): MetricGroup {
    const group = this.#options.metrics.operatorGroup({
      ...this.#scopeOf(vertex, subtaskIndex),
      operatorId: operator.uid,
      operatorName: operator.name,
    });
    this.#groups.push(group);
    return group;
  }

  #scopeOf(vertex: JobVertex, subtaskIndex: number): Parameters<MetricRegistry["taskGroup"]>[0] {
    const { graph, jobId, platform, attemptNumber, taskManagerId } = this.#options;
    return {
      host: platform.proc.hostName,
      taskManagerId,
      jobId,
      jobName: graph.name,
      taskId: String(vertex.id),
      taskName: vertex.name,
      attempt: attemptNumber,
      subtaskIndex,
    };
  }
}

/** The error with the place it happened in; errors of ours that name an operator are left as they are. */
function describeFailure(
  error: unknown,
  operator: ChainedOperator | undefined,
  vertex: JobVertex,
  task: SubtaskId,
): Error {
  if (error instanceof MillraceError) return operator === undefined ? error : withPlace(error, operator, vertex, task);
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

/** What a codec or a channel refuses does not know whose record it was. */
function withPlace(error: MillraceError, operator: ChainedOperator, vertex: JobVertex, task: SubtaskId): MillraceError {
  const { code, what, where, found, expected, todo, cause, stack } = error;
  if ("operator" in where || "uid" in where) return error;
  const placed = new MillraceError(code as `MR_${string}`, {
    what,
    where: {
      ...where,
      operator: operator.name,
      uid: operator.uid,
      at: operator.callSite,
      subtask: `${task.subtaskIndex + 1}/${vertex.parallelism}`,
    },
    ...(found === undefined ? {} : { found }),
    ...(expected === undefined ? {} : { expected }),
    todo,
    ...(cause === undefined ? {} : { cause }),
  });
  if (stack !== undefined) placed.stack = stack;
  return placed;
}
