/**
 * One attempt in threads of this process. It moves messages and handles; records go from thread to thread through rings
 * that it makes anew, so nothing of an older attempt can be in them.
 */
import { fromErrorMessage } from "../../base/error-message.ts";
import { createRingMemory, revokeRing } from "../../exchange/ring.ts";
import { type SubtaskId, subtaskKey } from "../../graph/subtask-id.ts";
import type { MergedAccumulator } from "../../operators/accumulators/merged-accumulators.ts";
import { TaskStatistics } from "../../task/task-statistics.ts";
import { channelsOf, slotOf, slotsOf, slotsOfChannel } from "../slot-layout.ts";
import { StatePersister } from "../state-persister.ts";
import type {
  DeployedTasks,
  DeploymentListener,
  DescribedTasks,
  ExecutorDeployment,
  MergedAccumulators,
} from "../task-executor.ts";
import type { WiredChannel } from "./channel-wire.ts";
import { onTaskMessage } from "./on-task-message.ts";
import type { SlotThread } from "./slot-thread.ts";
import type { AttemptCommand, AttemptMessage, Deployment, SlotRing } from "./slot-thread-messages.ts";
import type { RestoreOf, ThreadsExecutorOptions } from "./threads-executor-options.ts";

export interface ThreadsDeploymentOptions extends Omit<ThreadsExecutorOptions, "readRestore"> {
  readonly deployment: ExecutorDeployment;
  readonly restoreOf: RestoreOf;
  readonly listener: DeploymentListener;
}

interface Settleable {
  resolve(): void;
  reject(error: Error): void;
}

interface StatisticsOfTask {
  readonly memory: SharedArrayBuffer;
  readonly view: TaskStatistics;
}

export class ThreadsDeployment implements DeployedTasks {
  readonly #options: ThreadsDeploymentOptions;
  readonly #persister: StatePersister;
  readonly #statistics: ReadonlyMap<string, StatisticsOfTask>;
  /** By the slot whose thread has that end. */
  readonly #rings = new Map<number, SlotRing[]>();
  readonly #wired: WiredChannel[] = [];
  /** What a slot still owes: that it has deployed, or cancelled. */
  readonly #awaited = new Map<number, Settleable>();
  /** By slot: the thread that it is in, which is another one for later deployments once it has died. */
  readonly #threads = new Map<number, SlotThread>();
  #isCancelled = false;

  private constructor(options: ThreadsDeploymentOptions) {
    this.#options = options;
    const { graph, deployment, storage, localFs, copies, listener } = options;
    this.#persister = new StatePersister({ storage, localFs, restored: deployment.restore, copies, listener });
    this.#statistics = new Map(
      deployment.tasks.map((task) => {
        const { operators, gates } = graph.vertices[task.vertexId]!;
        const memory = new SharedArrayBuffer(TaskStatistics.bytesFor(operators.length, gates.length));
        return [subtaskKey(task), { memory, view: new TaskStatistics(memory, operators.length) }];
      }),
    );
    this.#makeRings();
  }

  /** Starts the threads that are missing and makes the subtasks in them. */
  static async deploy(options: ThreadsDeploymentOptions): Promise<ThreadsDeployment> {
    const deployed = new ThreadsDeployment(options);
    await deployed.#deploy();
    return deployed;
  }

  statisticsOf(task: SubtaskId): TaskStatistics {
    return this.#statistics.get(subtaskKey(task))!.view;
  }

  command(command: AttemptCommand, slot?: number): void {
    const { deployment, copies } = this.#options;
    const { deploymentNumber } = deployment;
    if (command.kind === "trigger") copies?.notifyTriggered(command.trigger);
    if (command.kind === "aborted") copies?.notifyAborted(command.checkpointId);
    if (command.kind === "complete") copies?.notifyComplete(command.checkpointId);
    for (const each of slot === undefined ? this.#threads.values() : [this.#threads.get(slot)])
      each?.post({ ...command, deploymentNumber });
  }

  /** From slot to slot: only there the classes of the user's accumulators are known. */
  async mergeAccumulators(
    merged: readonly MergedAccumulator[],
    answerWithinMs: number | undefined,
  ): Promise<MergedAccumulators> {
    const { deploymentNumber } = this.#options.deployment;
    let all = merged;
    const missing: number[] = [];
    for (const [slot, thread] of this.#threads) {
      const answer = await thread.mergeAccumulators(deploymentNumber, all, answerWithinMs);
      if (answer === undefined) missing.push(slot);
      else all = answer;
    }
    return { merged: all, missing };
  }

  async describe(): Promise<DescribedTasks> {
    const { graph, deployment } = this.#options;
    const answers = await Promise.all(
      [...this.#threads].map(async ([slot, thread]) => ({
        slot,
        answer: await thread.describe(deployment.deploymentNumber),
      })),
    );
    return {
      subtasks: answers.flatMap(({ answer }) => ("place" in answer ? [] : answer)),
      silentSlots: answers.flatMap(({ slot, answer }) => {
        if (!("place" in answer)) return [];
        const subtasks = deployment.tasks.filter((task) => slotOf(graph, task) === slot);
        return [{ slot, subtasks, place: answer.place }];
      }),
    };
  }

  async cancel(): Promise<void> {
    this.#isCancelled = true;
    this.#persister.end();
    const { threads, deployment, wire } = this.#options;
    const { deploymentNumber } = deployment;
    const results = await Promise.allSettled(
      [...this.#threads].map(([slot, thread]) => {
        if (thread.isDead) return Promise.resolve();
        const settled = this.#await(slot);
        thread.cancel(deploymentNumber);
        return settled;
      }),
    );
    threads.unlisten(deploymentNumber);
    await wire?.disconnect(deploymentNumber);
    // Every thread has stopped or died: this only turns a mistake of ours into an error instead of wrong data.
    for (const { memory } of [...this.#rings.values()].flat()) revokeRing(memory);
    await this.#persister.settled();
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #deploy(): Promise<void> {
    const { graph, threads, deployment: attempt, wire } = this.#options;
    const slots = slotsOf(graph, attempt.tasks);
    await threads.start(slots);
    for (const slot of slots) this.#threads.set(slot, threads.thread(slot));
    threads.listen(attempt.deploymentNumber, {
      onMessage: (slot, message) => this.#onMessage(slot, message),
      onDead: (slot, error) => this.#onDead(slot, error),
    });
    wire?.connect(this.#wired, threads.doorbells, threads.wireBell, (channel, error) => this.#onBroken(channel, error));
    const deployed = [...this.#threads].map(([slot, thread]) => {
      // One that died while others were still loading has said so before anybody listened.
      const { death } = thread;
      if (death !== undefined) return Promise.reject(death);
      const settled = this.#await(slot);
      const deployment = this.#deploymentOf(slot);
      // State may be large: the thread gets its memory, not a copy of it.
      const ownMemory = deployment.tasks.flatMap(({ restore }) =>
        [...(restore?.values() ?? [])].flatMap((each) => each.ownMemory ?? []),
      );
      thread.post({ kind: "deploy", deployment }, ownMemory);
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

  #makeRings(): void {
    const { graph, deployment, threads, ringSegments } = this.#options;
    const { deploymentNumber, tasks, dataAddresses } = deployment;
    const own = new Set(tasks.map(subtaskKey));
    for (const channel of channelsOf(graph)) {
      const { source, target } = graph.edges[channel.edge]!;
      const { from, to } = slotsOfChannel(graph, channel);
      const fromHere = own.has(subtaskKey({ vertexId: source, subtaskIndex: channel.producer }));
      const toHere = own.has(subtaskKey({ vertexId: target, subtaskIndex: channel.consumer }));
      if (from === to || !(fromHere || toHere)) continue;
      const memory = createRingMemory(deploymentNumber, ringSegments);
      const end = { channel, memory };
      if (fromHere) this.#addRing(from, { ...end, bell: toHere ? to : threads.wireBell });
      if (toHere) this.#addRing(to, { ...end, bell: fromHere ? from : threads.wireBell });
      if (fromHere && toHere) continue;
      const [slot, peer] = fromHere ? [from, to] : [to, from];
      const direction = fromHere ? "out" : "in";
      this.#wired.push({ ...end, deploymentNumber, direction, slot, peerAddress: dataAddresses![peer]! });
    }
  }

  #addRing(slot: number, ring: SlotRing): void {
    const known = this.#rings.get(slot);
    if (known === undefined) this.#rings.set(slot, [ring]);
    else known.push(ring);
  }

  #deploymentOf(slot: number): Deployment {
    const { graph, deployment, restoreOf } = this.#options;
    const { deploymentNumber, attemptNumber, maxParallelism, restore, tasks } = deployment;
    return {
      deploymentNumber,
      attemptNumber,
      maxParallelism,
      restoredCheckpointId: restore?.metadata.checkpointId,
      tasks: tasks
        .filter((task) => slotOf(graph, task) === slot)
        .map((task) => ({
          task,
          statistics: this.#statistics.get(subtaskKey(task))!.memory,
          restore: restoreOf(task),
        })),
      rings: this.#rings.get(slot) ?? [],
    };
  }

  #onMessage(slot: number, message: AttemptMessage): void {
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
        if (!this.#isCancelled) this.#persister.persist(message.task, message.checkpointId, message.snapshot);
        else this.#persister.drop(message.snapshot);
        return;
      default:
        if (!this.#isCancelled) onTaskMessage(this.#options.listener, message);
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
    const { graph, deployment, listener } = this.#options;
    const task = deployment.tasks.find((each) => slotOf(graph, each) === slot);
    if (task !== undefined) listener.onFailed(task, error);
  }

  #onBroken({ channel, direction }: WiredChannel, error: Error): void {
    if (this.#isCancelled) return;
    const { source, target } = this.#options.graph.edges[channel.edge]!;
    const task =
      direction === "out"
        ? { vertexId: source, subtaskIndex: channel.producer }
        : { vertexId: target, subtaskIndex: channel.consumer };
    this.#options.listener.onFailed(task, error);
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
}
