/** What is told of the checkpoints of a job. */
import {
  type CheckpointHistoryReport,
  type CheckpointStatistics,
  type ExecutionSettings,
  type NumberSummary,
  type SubtaskCheckpointStatistics,
  summarize,
  type TaskCheckpointStatistics,
} from "millrace/internal";
import type {
  CheckpointConfigBody,
  CheckpointSizesBody,
  CheckpointStatisticsBody,
  CheckpointsBody,
  CheckpointType,
  RestoredCheckpointBody,
  StatisticsBody,
  SubtaskCheckpointBody,
  TaskCheckpointBody,
} from "../checkpoint-bodies.ts";
import type { HexId } from "../rest-bodies.ts";

/** What Flink says of a checkpoint that is in memory only. */
const NOT_ADDRESSABLE = "<checkpoint-not-externally-addressable>";
/** Stands for no interval, as the largest `long` does in Flink, which is no number of JavaScript. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

/** @param report - Undefined: nothing is known, and none has been taken here. */
export function checkpointsBody(report: CheckpointHistoryReport | undefined): CheckpointsBody {
  const none = summarize([]);
  const { stateBytes, checkpointedBytes, endToEndDurationMs, processedBytes, persistedBytes } = report?.summary ?? {
    stateBytes: none,
    checkpointedBytes: none,
    endToEndDurationMs: none,
    processedBytes: none,
    persistedBytes: none,
  };
  const { completed, savepoint, failed, restored } = report?.latest ?? {};
  const of = (statistics: CheckpointStatistics | undefined): CheckpointStatisticsBody | null =>
    statistics === undefined ? null : checkpointBody(statistics, undefined);
  const { counts } = report ?? { counts: { restored: 0, total: 0, inProgress: 0, completed: 0, failed: 0 } };
  return {
    counts: {
      restored: counts.restored,
      total: counts.total,
      in_progress: counts.inProgress,
      completed: counts.completed,
      failed: counts.failed,
    },
    summary: {
      checkpointed_size: statisticsBody(checkpointedBytes),
      state_size: statisticsBody(stateBytes),
      end_to_end_duration: statisticsBody(endToEndDurationMs),
      alignment_buffered: ZEROS,
      processed_data: statisticsBody(processedBytes),
      persisted_data: statisticsBody(persistedBytes),
    },
    latest: {
      completed: of(completed),
      savepoint: of(savepoint),
      failed: of(failed),
      restored: restored === undefined ? null : restoredBody(restored),
    },
    history: (report?.history ?? []).map((each) => checkpointBody(each, undefined)),
  };
}

/** @param ids - Of vertices, when each of them is to be told. */
export function checkpointBody(
  statistics: CheckpointStatistics,
  ids: ReadonlyMap<number, HexId> | undefined,
): CheckpointStatisticsBody {
  const { status, savepoint, tasks, path, isDiscarded, failure } = statistics;
  const byVertex = ids === undefined ? [] : tasks.map((task) => [ids.get(task.vertexId)!, taskSizes(statistics, task)]);
  return {
    className: status === "COMPLETED" ? "completed" : status === "FAILED" ? "failed" : "in_progress",
    ...sizesBody(statistics, statistics, tasks),
    is_savepoint: savepoint !== undefined,
    savepointFormat: savepoint?.format ?? null,
    trigger_timestamp: statistics.triggerTimestampMs,
    checkpoint_type: typeOf(statistics),
    tasks: Object.fromEntries(byVertex),
    ...(status === "COMPLETED" ? { external_path: path ?? NOT_ADDRESSABLE, discarded: isDiscarded } : {}),
    ...(failure === undefined ? {} : { failure_timestamp: failure.timestampMs, failure_message: failure.message }),
  };
}

export function taskCheckpointBody(
  statistics: CheckpointStatistics,
  task: TaskCheckpointStatistics,
): TaskCheckpointBody {
  const { subtasks } = task;
  const of = (value: (subtask: SubtaskCheckpointStatistics) => number): StatisticsBody =>
    statisticsBody(summarize(subtasks.map(value)));
  return {
    ...taskSizes(statistics, task),
    ...(subtasks.length === 0
      ? {}
      : {
          summary: {
            checkpointed_size: of(({ checkpointedBytes }) => checkpointedBytes),
            state_size: of(({ stateBytes }) => stateBytes),
            end_to_end_duration: of((each) => durationOf(statistics, each)),
            checkpoint_duration: {
              sync: of(({ syncDurationMs }) => Math.round(syncDurationMs)),
              async: of(({ asyncDurationMs }) => Math.round(asyncDurationMs)),
            },
            alignment: {
              buffered: ZEROS,
              processed: of(({ processedBytes }) => processedBytes),
              persisted: of(({ persistedBytes }) => persistedBytes),
              duration: of(({ alignmentDurationMs }) => Math.round(alignmentDurationMs)),
            },
            start_delay: of(({ startDelayMs }) => Math.round(startDelayMs)),
          },
        }),
    subtasks: Array.from({ length: task.subtaskCount }, (_, index) =>
      subtaskCheckpointBody(
        statistics,
        index,
        subtasks.find(({ subtaskIndex }) => subtaskIndex === index),
      ),
    ),
  };
}

export function checkpointConfigBody({ checkpointing, stateBackend }: ExecutionSettings): CheckpointConfigBody {
  const { mode, intervalMs, retention, directory } = checkpointing;
  return {
    mode: mode === "EXACTLY_ONCE" ? "exactly_once" : "at_least_once",
    interval: intervalMs ?? NEVER_MS,
    timeout: checkpointing.timeoutMs,
    min_pause: checkpointing.minPauseMs,
    max_concurrent: checkpointing.maxConcurrent,
    externalization: {
      enabled: retention !== "NO_EXTERNALIZED_CHECKPOINTS",
      delete_on_cancellation: retention !== "RETAIN_ON_CANCELLATION",
    },
    state_backend: stateBackend,
    checkpoint_storage: directory === undefined ? "JobManagerCheckpointStorage" : "FileSystemCheckpointStorage",
    unaligned_checkpoints: checkpointing.isUnaligned,
    tolerable_failed_checkpoints: checkpointing.tolerableFailures,
    aligned_checkpoint_timeout: checkpointing.alignedTimeoutMs,
    checkpoints_after_tasks_finish: true,
    state_changelog_enabled: false,
  };
}

function restoredBody(restored: NonNullable<CheckpointHistoryReport["latest"]["restored"]>): RestoredCheckpointBody {
  const { checkpointId, timestampMs, isSavepoint, path } = restored;
  return {
    id: checkpointId,
    restore_timestamp: timestampMs,
    is_savepoint: isSavepoint,
    external_path: path ?? NOT_ADDRESSABLE,
  };
}

function subtaskCheckpointBody(
  statistics: CheckpointStatistics,
  index: number,
  subtask: SubtaskCheckpointStatistics | undefined,
): SubtaskCheckpointBody {
  if (subtask === undefined) return { className: "pending_or_failed", index, status: "pending_or_failed" };
  return {
    className: "completed",
    index,
    status: "completed",
    ack_timestamp: subtask.ackTimestampMs,
    end_to_end_duration: durationOf(statistics, subtask),
    checkpointed_size: subtask.checkpointedBytes,
    state_size: subtask.stateBytes,
    checkpoint: { sync: Math.round(subtask.syncDurationMs), async: Math.round(subtask.asyncDurationMs) },
    alignment: {
      buffered: 0,
      processed: subtask.processedBytes,
      persisted: subtask.persistedBytes,
      duration: Math.round(subtask.alignmentDurationMs),
    },
    start_delay: Math.round(subtask.startDelayMs),
    unaligned_checkpoint: subtask.isUnaligned,
    aborted: statistics.status === "FAILED",
  };
}

function durationOf({ triggerTimestampMs }: CheckpointStatistics, subtask: SubtaskCheckpointStatistics): number {
  return Math.max(0, subtask.ackTimestampMs - triggerTimestampMs);
}

function taskSizes(statistics: CheckpointStatistics, task: TaskCheckpointStatistics): CheckpointSizesBody {
  const { subtasks } = task;
  const sum = (of: (subtask: SubtaskCheckpointStatistics) => number): number =>
    subtasks.reduce((total, each) => total + of(each), 0);
  const latestAckTimestampMs =
    subtasks.length === 0 ? undefined : Math.max(...subtasks.map(({ ackTimestampMs }) => ackTimestampMs));
  const sizes = {
    latestAckTimestampMs,
    endToEndDurationMs: Math.max(0, ...subtasks.map((each) => durationOf(statistics, each))),
    stateBytes: sum(({ stateBytes }) => stateBytes),
    checkpointedBytes: sum(({ checkpointedBytes }) => checkpointedBytes),
    processedBytes: sum(({ processedBytes }) => processedBytes),
    persistedBytes: sum(({ persistedBytes }) => persistedBytes),
  };
  return sizesBody(statistics, sizes, [task]);
}

function sizesBody(
  { checkpointId, status }: CheckpointStatistics,
  sizes: Pick<
    CheckpointStatistics,
    | "latestAckTimestampMs"
    | "endToEndDurationMs"
    | "stateBytes"
    | "checkpointedBytes"
    | "processedBytes"
    | "persistedBytes"
  >,
  tasks: readonly TaskCheckpointStatistics[],
): CheckpointSizesBody {
  return {
    id: checkpointId,
    status,
    latest_ack_timestamp: sizes.latestAckTimestampMs ?? -1,
    checkpointed_size: sizes.checkpointedBytes,
    state_size: sizes.stateBytes,
    end_to_end_duration: sizes.endToEndDurationMs,
    alignment_buffered: 0,
    processed_data: sizes.processedBytes,
    persisted_data: sizes.persistedBytes,
    num_subtasks: tasks.reduce((total, { subtaskCount }) => total + subtaskCount, 0),
    num_acknowledged_subtasks: tasks.reduce((total, { subtasks }) => total + subtasks.length, 0),
  };
}

function typeOf({ savepoint, isUnaligned }: CheckpointStatistics): CheckpointType {
  if (savepoint !== undefined) return savepoint.isTerminal ? "SYNC_SAVEPOINT" : "SAVEPOINT";
  return isUnaligned ? "UNALIGNED_CHECKPOINT" : "CHECKPOINT";
}

const ZEROS: StatisticsBody = { min: 0, max: 0, avg: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0 };

function statisticsBody({ min, max, sum, count, quantiles }: NumberSummary): StatisticsBody {
  const of = (quantile: number): number | "NaN" => (Number.isNaN(quantile) ? "NaN" : quantile);
  const { p50, p90, p95, p99, p999 } = quantiles;
  const avg = count === 0 ? 0 : Math.trunc(sum / count);
  return { min, max, avg, p50: of(p50), p90: of(p90), p95: of(p95), p99: of(p99), p999: of(p999) };
}
