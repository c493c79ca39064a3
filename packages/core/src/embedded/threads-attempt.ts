/**
 * One attempt whose slots are threads. It moves messages and handles; records go from thread to thread through rings that
 * it makes anew, so nothing of an older attempt can be in them.
 */
import { BinaryWriter } from "../base/binary-writer.ts";
import { fromErrorMessage } from "../base/error-message.ts";
import { invariant, unreachable } from "../base/errors.ts";
import type { Source, SourceSplit } from "../connectors/source.ts";
import { createRingMemory, revokeRing } from "../exchange/ring.ts";
import {
  type AttemptListener,
  type ReaderId,
  type TaskId,
  taskName,
} from "../jobmanager/jobmaster/execution-attempt.ts";
import type { MergedAccumulator } from "../operators/accumulators/merged-accumulators.ts";
import { TaskStatistics } from "../task/task-statistics.ts";
import { type ChannelId, channelsOf, slotOf, slotsOfChannel, subtasksOfSlot } from "../taskmanager/slot-layout.ts";
import type { AttemptMessage, Deployment, ToSlot } from "../taskmanager/threads/slot-thread-messages.ts";
import type { SlotThreads } from "../taskmanager/threads/slot-threads.ts";
import type { AttemptAccumulators, AttemptOptions, LocalAttempt } from "./attempt-options.ts";
import { StatePersister } from "./state-persister.ts";

export interface ThreadsAttemptOptions extends AttemptOptions {
  readonly threads: SlotThreads;
  /** Segments a ring; a power of two. */
  readonly ringSegments: number;
}

interface RingBetweenSlots {
  readonly channel: ChannelId;
  readonly from: number;
  readonly to: number;
  readonly memory: SharedArrayBuffer;
}

interface Settleable {
  resolve(): void;
  reject(error: Error): void;
}

export class ThreadsAttempt implements LocalAttempt {
  readonly tasks: readonly TaskId[];
  readonly #options: ThreadsAttemptOptions;
  readonly #persister: StatePersister;
  readonly #statistics = new Map<string, { readonly memory: SharedArrayBuffer; readonly view: TaskStatistics }>();
  readonly #rings: readonly RingBetweenSlots[];
  /** What a slot still owes: that it has deployed, or cancelled. */
  readonly #awaited = new Map<number, Settleable>();
  #isCancelled = false;

  private constructor(options: ThreadsAttemptOptions) {
    this.#options = options;
    const { graph, attemptNumber, ringSegments } = options;
    this.#persister = new StatePersister(options);
    this.tasks = graph.vertices.flatMap((vertex) =>
      Array.from({ length: vertex.parallelism }, (_, subtaskIndex) => ({ vertexId: vertex.id, subtaskIndex })),
    );
    for (const task of this.tasks) {
      const { operators, gates } = graph.vertices[task.vertexId]!;
      const memory = new SharedArrayBuffer(TaskStatistics.bytesFor(operators.length, gates.length));
      this.#statistics.set(taskName(task), { memory, view: new TaskStatistics(memory, operators.length) });
    }
    this.#rings = channelsOf(graph)
      .map((channel) => ({ channel, ...slotsOfChannel(graph, channel) }))
      .filter(({ from, to }) => from !== to)
      .map((ends) => ({ ...ends, memory: createRingMemory(attemptNumber, ringSegments) }));
  }

  /** Starts the threads that are missing and makes all subtasks in them. */
  static async deploy(options: ThreadsAttemptOptions): Promise<ThreadsAttempt> {
    const attempt = new ThreadsAttempt(options);
    await attempt.#deploy();
    return attempt;
  }

  statisticsOf(task: TaskId): TaskStatistics {
    return this.#statistics.get(taskName(task))!.view;
  }

  /** From slot to slot: only there the classes of the user's accumulators are known. */
  async accumulators(answerWithinMs: number | undefined): Promise<AttemptAccumulators> {
    const { threads, attemptNumber } = this.#options;
    let merged: readonly MergedAccumulator[] = [];
    const missing: number[] = [];
    for (let slot = 0; slot < threads.count; slot++) {
      const answer = await threads.thread(slot).mergeAccumulators(attemptNumber, merged, answerWithinMs);
      if (answer === undefined) missing.push(slot);
      else merged = answer;
    }
    return { merged, missing };
  }

  start(): void {
    this.#toAll({ kind: "start" });
  }

  triggerCheckpoint(checkpointId: number, isLast: boolean): void {
    this.#toAll({ kind: "trigger", checkpointId, isLast });
  }

  suspendSources(isSuspended: boolean): void {
    this.#toAll({ kind: "suspendSources", isSuspended });
  }

  drainSources(): void {
    this.#toAll({ kind: "drainSources" });
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.#toAll({ kind: "complete", checkpointId });
  }

  commitAtEnd(): void {
    this.#toAll({ kind: "commitAtEnd" });
  }

  assignSplit({ sourceUid, subtaskIndex }: ReaderId, split: SourceSplit): void {
    const out = new BinaryWriter();
    this.#sourceOf(sourceUid).splitSerializer.write(split, out);
    this.#toReader(sourceUid, subtaskIndex, { kind: "split", sourceUid, subtaskIndex, bytes: out.finish() });
  }

  signalNoMoreSplits({ sourceUid, subtaskIndex }: ReaderId): void {
    this.#toReader(sourceUid, subtaskIndex, { kind: "noMoreSplits", sourceUid, subtaskIndex });
  }

  allowWatermark(sourceUid: string, allowedMs: number): void {
    this.#toAll({ kind: "allowWatermark", sourceUid, allowedMs });
  }

  async cancel(): Promise<void> {
    this.#isCancelled = true;
    this.#persister.end();
    const { threads } = this.#options;
    const slots = Array.from({ length: threads.count }, (_, slot) => slot);
    const results = await Promise.allSettled(
      slots.map((slot) => {
        if (threads.thread(slot).isDead) return Promise.resolve();
        const settled = this.#await(slot);
        threads.thread(slot).cancel();
        return settled;
      }),
    );
    // Every thread has stopped or died: this only turns a mistake of ours into an error instead of wrong data.
    for (const { memory } of this.#rings) revokeRing(memory);
    await this.#persister.settled();
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #deploy(): Promise<void> {
    const { threads } = this.#options;
    await threads.start();
    threads.listen({
      onMessage: (slot, attemptNumber, message) => this.#onMessage(slot, attemptNumber, message),
      onDead: (slot, error) => this.#onDead(slot, error),
    });
    const deployed = Array.from({ length: threads.count }, (_, slot) => {
      const settled = this.#await(slot);
      this.#to(slot, { kind: "deploy", deployment: this.#deploymentOf(slot) });
      return settled;
    });
    try {
      await Promise.all(deployed);
    } catch (error) {
      await Promise.allSettled(deployed);
      await this.cancel();
      throw error;
    }
  }

  #deploymentOf(slot: number): Deployment {
    const { graph, attemptNumber, restore } = this.#options;
    return {
      attemptNumber,
      maxParallelism: graph.vertices.map((vertex) => vertex.maxParallelism),
      restoredCheckpointId: restore?.checkpointId,
      tasks: subtasksOfSlot(graph, slot).map((task) => ({
        task,
        statistics: this.#statistics.get(taskName(task))!.memory,
        restore: restore?.of(task.vertexId, task.subtaskIndex),
      })),
      rings: this.#rings
        .filter(({ from, to }) => from === slot || to === slot)
        .map(({ channel, memory }) => ({ channel, memory })),
    };
  }

  #onMessage(slot: number, attemptNumber: number, message: AttemptMessage): void {
    if (attemptNumber !== this.#options.attemptNumber) return;
    const { listener } = this.#options;
    switch (message.kind) {
      case "deployed":
        this.#settle(slot, undefined);
        return;
      case "notDeployed":
        this.#settle(slot, fromErrorMessage(message.error));
        return;
      case "cancelled":
        this.#settle(slot, message.error === undefined ? undefined : fromErrorMessage(message.error));
        return;
      case "snapshot":
        if (!this.#isCancelled) this.#persister.persist(message.task, message.checkpointId, message.state);
        return;
      default:
        if (!this.#isCancelled) tell(listener, message);
    }
  }

  /** A thread that has died owes nothing any more; what it ran has failed. */
  #onDead(slot: number, error: Error): void {
    const awaited = this.#awaited.get(slot);
    this.#awaited.delete(slot);
    if (this.#isCancelled) {
      awaited?.resolve();
      return;
    }
    if (awaited !== undefined) {
      awaited.reject(error);
      return;
    }
    const [task] = subtasksOfSlot(this.#options.graph, slot);
    this.#options.listener.onFailed(task ?? this.tasks[0]!, error);
  }

  #await(slot: number): Promise<void> {
    const settled = new Promise<void>((resolve, reject) => {
      this.#awaited.set(slot, { resolve, reject });
    });
    // All of them are awaited together; one that fails early must not count as unheard until then.
    settled.catch(() => {});
    return settled;
  }

  #settle(slot: number, error: Error | undefined): void {
    const awaited = this.#awaited.get(slot);
    this.#awaited.delete(slot);
    if (error === undefined) awaited?.resolve();
    else awaited?.reject(error);
  }

  #to(slot: number, message: ToSlot): void {
    this.#options.threads.thread(slot).post(message);
  }

  #toReader(sourceUid: string, subtaskIndex: number, message: ToSlot): void {
    const { graph } = this.#options;
    const vertex = graph.vertices.find(({ operators }) => operators.some(({ uid }) => uid === sourceUid));
    invariant(vertex !== undefined, `a split is for the source ${sourceUid}, which the job does not have`);
    this.#to(slotOf(graph, { vertexId: vertex.id, subtaskIndex }), message);
  }

  #toAll(message: ToSlot): void {
    for (let slot = 0; slot < this.#options.threads.count; slot++) this.#to(slot, message);
  }

  #sourceOf(uid: string): Source<unknown, SourceSplit, unknown> {
    const operator = this.#options.graph.vertices
      .flatMap(({ operators }) => operators)
      .find((each) => each.uid === uid);
    invariant(operator?.spec.kind === "source", `a split is for the source ${uid}, which the job does not have`);
    // Its splits come from its own enumerator, so they are of its type.
    return operator.spec.source as unknown as Source<unknown, SourceSplit, unknown>;
  }
}

type TaskMessage = Extract<
  AttemptMessage,
  { kind: "running" | "inputFinished" | "committed" | "failed" | "splitRequest" | "sourceEvent" | "watermarkReport" }
>;

function tell(listener: AttemptListener, message: TaskMessage): void {
  switch (message.kind) {
    case "running":
      listener.onRunning(message.task);
      return;
    case "inputFinished":
      listener.onInputFinished(message.task);
      return;
    case "committed":
      listener.onCommitted(message.task, message.checkpointId);
      return;
    case "failed":
      listener.onFailed(message.task, fromErrorMessage(message.error));
      return;
    case "splitRequest":
      listener.onSplitRequest({ sourceUid: message.sourceUid, subtaskIndex: message.subtaskIndex });
      return;
    case "sourceEvent": {
      const { sourceUid, subtaskIndex, event } = message;
      listener.onSourceEvent({ sourceUid, subtaskIndex }, event);
      return;
    }
    case "watermarkReport": {
      const { sourceUid, subtaskIndex, watermarkMs } = message;
      listener.onWatermarkReport({ sourceUid, subtaskIndex }, watermarkMs);
      return;
    }
    default:
      unreachable(message);
  }
}
