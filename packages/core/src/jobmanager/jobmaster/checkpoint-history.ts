/** What is remembered of the checkpoints of a job: the last ones each by itself, all of them together as numbers. */

import type {
  CheckpointHistoryReport,
  CheckpointStatistics,
  RestoredCheckpointStatistics,
  SubtaskCheckpointMetrics,
  SubtaskCheckpointStatistics,
} from "../../checkpoint/checkpoint-statistics.ts";
import { RunningSummary } from "../../checkpoint/number-summary.ts";
import { handlesOf, stateSizeOf } from "../../checkpoint/snapshot-files.ts";
import type { OperatorSubtaskState } from "../../checkpoint/state-handles.ts";
import type { SubtaskId } from "../../graph/subtask-id.ts";

/** Completed checkpoints that percentiles are of. */
const SUMMARIZED_MAX = 1000;

const SUMMARIZED = [
  "stateBytes",
  "checkpointedBytes",
  "endToEndDurationMs",
  "processedBytes",
  "persistedBytes",
] as const;

/** One subtask's part of a checkpoint. */
export interface CheckpointPart {
  readonly task: SubtaskId;
  readonly states: readonly OperatorSubtaskState[];
  readonly metrics: SubtaskCheckpointMetrics;
  /** Epoch ms. */
  readonly ackTimestampMs: number;
}

/** A checkpoint that begins. */
export interface TriggeredCheckpoint {
  readonly checkpointId: number;
  /** Epoch ms. */
  readonly timestampMs: number;
  readonly savepoint: CheckpointStatistics["savepoint"];
  /** Those that have to acknowledge. */
  readonly tasks: readonly SubtaskId[];
}

interface Remembered extends TriggeredCheckpoint {
  /** By vertex. */
  readonly parts: Map<number, SubtaskCheckpointStatistics[]>;
  status: CheckpointStatistics["status"];
  /** Epoch ms; undefined while it is in progress. */
  endMs: number | undefined;
  path: string | undefined;
  isDiscarded: boolean;
  failure: CheckpointStatistics["failure"];
}

/** Times are epoch ms. What is said of a checkpoint that has ended, or is not known, is nobody's. */
export class CheckpointHistory {
  readonly #rememberedMax: number;
  readonly #pending = new Map<number, Remembered>();
  /** That have ended, oldest first. */
  readonly #ended: Remembered[] = [];
  readonly #counts = { restored: 0, completed: 0, failed: 0 };
  readonly #latest: { completed?: Remembered; savepoint?: Remembered; failed?: Remembered } = {};
  readonly #summaries = {
    stateBytes: new RunningSummary(SUMMARIZED_MAX),
    checkpointedBytes: new RunningSummary(SUMMARIZED_MAX),
    endToEndDurationMs: new RunningSummary(SUMMARIZED_MAX),
    processedBytes: new RunningSummary(SUMMARIZED_MAX),
    persistedBytes: new RunningSummary(SUMMARIZED_MAX),
  };
  #restored: RestoredCheckpointStatistics | undefined;

  /** @param rememberedMax - Checkpoints that are remembered each by itself when they have ended. */
  constructor(rememberedMax: number) {
    this.#rememberedMax = rememberedMax;
  }

  trigger(triggered: TriggeredCheckpoint): void {
    this.#pending.set(triggered.checkpointId, {
      ...triggered,
      parts: new Map(),
      status: "IN_PROGRESS",
      endMs: undefined,
      path: undefined,
      isDiscarded: false,
      failure: undefined,
    });
  }

  /** @param reusedBytes - Of the part's state: in files that are there since an earlier checkpoint. */
  acknowledge(
    checkpointId: number,
    { task, states, metrics, ackTimestampMs }: CheckpointPart,
    reusedBytes: number = 0,
  ): void {
    const parts = this.#pending.get(checkpointId)?.parts;
    if (parts === undefined) return;
    const subtasks = parts.get(task.vertexId) ?? [];
    parts.set(task.vertexId, subtasks);
    const stateBytes = sum(states.flatMap(handlesOf).map(stateSizeOf));
    const checkpointedBytes = stateBytes - reusedBytes;
    subtasks.push({ ...metrics, subtaskIndex: task.subtaskIndex, ackTimestampMs, stateBytes, checkpointedBytes });
  }

  complete(checkpointId: number, endMs: number, path: string | undefined): void {
    const completed = this.#end(checkpointId, "COMPLETED", endMs);
    if (completed === undefined) return;
    completed.path = path;
    this.#counts.completed++;
    this.#latest[completed.savepoint === undefined ? "completed" : "savepoint"] = completed;
    const statistics = statisticsOf(completed, endMs);
    for (const name of SUMMARIZED) this.#summaries[name].add(statistics[name]);
  }

  fail(checkpointId: number, endMs: number, message: string): void {
    const failed = this.#end(checkpointId, "FAILED", endMs);
    if (failed === undefined) return;
    failed.failure = { timestampMs: endMs, message };
    this.#counts.failed++;
    this.#latest.failed = failed;
  }

  /** A completed one is removed. */
  discard(checkpointId: number): void {
    for (const each of [...this.#ended, this.#latest.completed, this.#latest.savepoint]) {
      if (each?.checkpointId === checkpointId && each.status === "COMPLETED") each.isDiscarded = true;
    }
  }

  /** An attempt begins from it. */
  restore(restored: RestoredCheckpointStatistics): void {
    this.#counts.restored++;
    this.#restored = restored;
  }

  /** Completed ones that are remembered, oldest first. */
  get completed(): readonly CheckpointStatistics[] {
    return this.#ended
      .filter(({ status }) => status === "COMPLETED")
      .map((each) => statisticsOf(each, each.timestampMs));
  }

  report(nowMs: number): CheckpointHistoryReport {
    const of = (remembered: Remembered | undefined): CheckpointStatistics | undefined =>
      remembered === undefined ? undefined : statisticsOf(remembered, nowMs);
    const { completed, savepoint, failed } = this.#latest;
    const inProgress = this.#pending.size;
    const all = [...this.#ended, ...this.#pending.values()].sort(
      (left, right) => right.checkpointId - left.checkpointId,
    );
    return {
      counts: { ...this.#counts, inProgress, total: this.#counts.completed + this.#counts.failed + inProgress },
      summary: {
        stateBytes: this.#summaries.stateBytes.summary,
        checkpointedBytes: this.#summaries.checkpointedBytes.summary,
        endToEndDurationMs: this.#summaries.endToEndDurationMs.summary,
        processedBytes: this.#summaries.processedBytes.summary,
        persistedBytes: this.#summaries.persistedBytes.summary,
      },
      latest: { completed: of(completed), savepoint: of(savepoint), failed: of(failed), restored: this.#restored },
      history: all.map((each) => statisticsOf(each, nowMs)),
    };
  }

  #end(checkpointId: number, status: "COMPLETED" | "FAILED", endMs: number): Remembered | undefined {
    const ended = this.#pending.get(checkpointId);
    if (ended === undefined) return undefined;
    this.#pending.delete(checkpointId);
    ended.status = status;
    ended.endMs = endMs;
    this.#ended.push(ended);
    if (this.#ended.length > this.#rememberedMax) this.#ended.shift();
    return ended;
  }
}

function statisticsOf(remembered: Remembered, nowMs: number): CheckpointStatistics {
  const { checkpointId, status, savepoint, timestampMs, endMs, parts, path, isDiscarded, failure } = remembered;
  const acknowledged = [...parts.values()].flat();
  return {
    checkpointId,
    status,
    savepoint,
    triggerTimestampMs: timestampMs,
    latestAckTimestampMs:
      acknowledged.length === 0 ? undefined : Math.max(...acknowledged.map(({ ackTimestampMs }) => ackTimestampMs)),
    endToEndDurationMs: Math.max(0, (endMs ?? nowMs) - timestampMs),
    stateBytes: sum(acknowledged.map(({ stateBytes }) => stateBytes)),
    checkpointedBytes: sum(acknowledged.map(({ checkpointedBytes }) => checkpointedBytes)),
    processedBytes: sum(acknowledged.map(({ processedBytes }) => processedBytes)),
    persistedBytes: sum(acknowledged.map(({ persistedBytes }) => persistedBytes)),
    isUnaligned: acknowledged.some(({ isUnaligned }) => isUnaligned),
    tasks: tasksOf(remembered),
    path,
    isDiscarded,
    failure,
  };
}

function tasksOf({ tasks, parts }: Remembered): CheckpointStatistics["tasks"] {
  const counts = new Map<number, number>();
  for (const { vertexId } of tasks) counts.set(vertexId, (counts.get(vertexId) ?? 0) + 1);
  return [...counts]
    .map(([vertexId, subtaskCount]) => ({
      vertexId,
      subtaskCount,
      subtasks: (parts.get(vertexId) ?? []).toSorted((left, right) => left.subtaskIndex - right.subtaskIndex),
    }))
    .sort((left, right) => left.vertexId - right.vertexId);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
