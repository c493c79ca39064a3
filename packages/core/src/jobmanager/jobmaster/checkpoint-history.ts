/** Sums up what the subtasks of a completed checkpoint have said about it. */
import type {
  CheckpointStatistics,
  SubtaskCheckpointMetrics,
  SubtaskCheckpointStatistics,
} from "../../checkpoint/checkpoint-statistics.ts";
import type { OperatorSubtaskState, StateHandle } from "../../checkpoint/state-handles.ts";
import type { TaskId } from "./execution-attempt.ts";

/** One subtask's part of a checkpoint. */
export interface CheckpointPart {
  readonly task: TaskId;
  readonly states: readonly OperatorSubtaskState[];
  readonly metrics: SubtaskCheckpointMetrics;
  /** Epoch ms. */
  readonly ackTimestampMs: number;
}

/** @param endMs - Epoch ms at which the metadata was durable. */
export function checkpointStatistics(
  checkpointId: number,
  triggerTimestampMs: number,
  endMs: number,
  parts: readonly CheckpointPart[],
): CheckpointStatistics {
  const tasks = new Map<number, SubtaskCheckpointStatistics[]>();
  for (const { task, states, metrics, ackTimestampMs } of parts) {
    const subtasks = tasks.get(task.vertexId) ?? [];
    tasks.set(task.vertexId, subtasks);
    const stateBytes = sum(states.map(bytesOf));
    subtasks.push({ ...metrics, subtaskIndex: task.subtaskIndex, ackTimestampMs, stateBytes });
  }
  const all = [...tasks.values()].flat();
  return {
    checkpointId,
    triggerTimestampMs,
    latestAckTimestampMs: Math.max(triggerTimestampMs, ...all.map(({ ackTimestampMs }) => ackTimestampMs)),
    endToEndDurationMs: Math.max(0, endMs - triggerTimestampMs),
    stateBytes: sum(all.map(({ stateBytes }) => stateBytes)),
    processedBytes: sum(all.map(({ processedBytes }) => processedBytes)),
    persistedBytes: sum(all.map(({ persistedBytes }) => persistedBytes)),
    isUnaligned: all.some(({ isUnaligned }) => isUnaligned),
    tasks: [...tasks]
      .map(([vertexId, subtasks]) => ({
        vertexId,
        subtasks: subtasks.toSorted((left, right) => left.subtaskIndex - right.subtaskIndex),
      }))
      .sort((left, right) => left.vertexId - right.vertexId),
  };
}

function bytesOf({ keyed, lists, channels }: OperatorSubtaskState): number {
  const handles = [keyed, lists, channels?.handle].filter((handle) => handle !== undefined);
  return sum(handles.map(sizeOf));
}

function sizeOf(handle: StateHandle): number {
  return handle.kind === "inline" ? handle.bytes.length : handle.sizeBytes;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
