/** All subtasks of a region in the caller's thread: one slot, whatever the parallelism; channels hand over references. */
import type { CheckpointTrigger } from "../checkpoint/checkpoint-trigger.ts";
import type { SourceSplit } from "../connectors/source.ts";
import { deploymentListenerOf } from "../deployment/deployment-listener.ts";
import type { LocalAttempt } from "../deployment/local-attempt.ts";
import { type SubtaskId, subtaskKey } from "../graph/subtask-id.ts";
import type { ReaderId } from "../jobmanager/jobmaster/execution-attempt.ts";
import { type MergedAccumulator, mergeAccumulators } from "../operators/accumulators/merged-accumulators.ts";
import { TaskStatistics } from "../task/task-statistics.ts";
import { StatePersister } from "../taskmanager/state-persister.ts";
import type { DescribedTasks, MergedAccumulators } from "../taskmanager/task-executor.ts";
import { TaskSlot } from "../taskmanager/task-slot.ts";
import { notClosed } from "../taskmanager/threads/slot-errors.ts";
import type { AttemptOptions } from "./attempt-options.ts";

export class InThreadAttempt implements LocalAttempt {
  readonly tasks: readonly SubtaskId[];
  readonly #options: AttemptOptions;
  readonly #slot: TaskSlot;
  readonly #persister: StatePersister;
  readonly #statistics: ReadonlyMap<string, TaskStatistics>;

  constructor(options: AttemptOptions) {
    const { graph, tasks, restore, listener } = options;
    this.#options = options;
    this.tasks = tasks;
    this.#statistics = new Map(
      this.tasks.map((task) => {
        const { operators, gates } = graph.vertices[task.vertexId]!;
        const memory = new ArrayBuffer(TaskStatistics.bytesFor(operators.length, gates.length));
        return [subtaskKey(task), new TaskStatistics(memory, operators.length)];
      }),
    );
    const { storage, restored, platform, copies } = options;
    this.#persister = new StatePersister({ storage, localFs: platform.fs, restored, copies, listener });
    this.#slot = new TaskSlot({
      ...options,
      taskManagerId: "embedded",
      remote: undefined,
      restoredCheckpointId: restore?.checkpointId,
      restoreOf: (task) => restore?.of(task.vertexId, task.subtaskIndex),
      statisticsOf: (task) => this.statisticsOf(task),
      listener: {
        ...deploymentListenerOf(listener),
        onSnapshot: (task, checkpointId, snapshot) => this.#persister.persist(task, checkpointId, snapshot),
      },
    });
  }

  statisticsOf(task: SubtaskId): TaskStatistics {
    return this.#statistics.get(subtaskKey(task))!;
  }

  async mergeAccumulators(merged: readonly MergedAccumulator[]): Promise<MergedAccumulators> {
    return { merged: mergeAccumulators(merged, this.#slot.accumulators), missing: [] };
  }

  start(): void {
    this.#slot.start();
  }

  triggerCheckpoint(trigger: CheckpointTrigger, isLast: boolean): void {
    this.#options.copies?.notifyTriggered(trigger);
    this.#slot.triggerCheckpoint(trigger, isLast);
  }

  notifyCheckpointAborted(checkpointId: number): void {
    this.#options.copies?.notifyAborted(checkpointId);
    this.#slot.notifyCheckpointAborted(checkpointId);
  }

  suspendSources(isSuspended: boolean): void {
    this.#slot.suspendSources(isSuspended);
  }

  drainSources(): void {
    this.#slot.drainSources();
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.#options.copies?.notifyComplete(checkpointId);
    this.#slot.notifyCheckpointComplete(checkpointId);
  }

  commitAtEnd(): void {
    this.#slot.commitAtEnd();
  }

  assignSplit(reader: ReaderId, split: SourceSplit): void {
    this.#slot.assignSplit(reader.sourceUid, reader.subtaskIndex, split);
  }

  signalNoMoreSplits(reader: ReaderId): void {
    this.#slot.signalNoMoreSplits(reader.sourceUid, reader.subtaskIndex);
  }

  allowWatermark(sourceUid: string, allowedMs: number): void {
    this.#slot.allowWatermark(sourceUid, allowedMs);
  }

  async describe(): Promise<DescribedTasks> {
    return { subtasks: this.#slot.describe(), silentSlots: [] };
  }

  async cancel(): Promise<void> {
    this.#persister.end();
    const { platform, settings } = this.#options;
    let stopWaiting = (): void => {};
    const isLate = new Promise<never>((_, reject) => {
      stopWaiting = platform.clock.after(settings.cancellationTimeoutMs, () =>
        reject(notClosed({ task: this.#slot.closingTasks.join(", ") }, settings.cancellationTimeoutMs)),
      );
    });
    try {
      await Promise.race([this.#slot.cancel(), isLate]);
    } finally {
      stopWaiting();
      await this.#persister.settled();
    }
  }
}
