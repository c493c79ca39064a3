/** What is known about checkpoints besides their state: how long their parts took, and why. Plain data; the names are Flink's. */
import type { NumberSummary } from "./number-summary.ts";
import type { SavepointFormatType } from "./state-handles.ts";

/** How one subtask took part in one checkpoint. @internal */
export interface SubtaskCheckpointMetrics {
  /** From the trigger to the first the subtask heard of it. */
  readonly startDelayMs: number;
  /** From the first barrier to the last; 0 with one channel. */
  readonly alignmentDurationMs: number;
  /** How long the subtask did nothing else. */
  readonly syncDurationMs: number;
  /** From then on until its bytes were all there and what sinks point to was durable. */
  readonly asyncDurationMs: number;
  /** Bytes that came from other threads between the first barrier and the last, and were worked on. Others have no bytes. */
  readonly processedBytes: number;
  /** Bytes of channel state. */
  readonly persistedBytes: number;
  readonly isUnaligned: boolean;
}

/** One subtask's part in a checkpoint. @internal */
export interface SubtaskCheckpointStatistics extends SubtaskCheckpointMetrics {
  readonly subtaskIndex: number;
  /** Epoch ms. */
  readonly ackTimestampMs: number;
  /** Bytes of all its state, of its channels too. */
  readonly stateBytes: number;
  /** Of them, those that were written for this checkpoint; the rest lies in files that an earlier one has written. */
  readonly checkpointedBytes: number;
}

/** The part of one vertex in a checkpoint. @internal */
export interface TaskCheckpointStatistics {
  readonly vertexId: number;
  /** Those that have to acknowledge. */
  readonly subtaskCount: number;
  /** Those that have acknowledged, by subtask. */
  readonly subtasks: readonly SubtaskCheckpointStatistics[];
}

/** What is known of a checkpoint or savepoint, however far it has come. Times are epoch ms. @internal */
export interface CheckpointStatistics {
  readonly checkpointId: number;
  readonly status: "IN_PROGRESS" | "COMPLETED" | "FAILED";
  /** Undefined: it is a checkpoint. Terminal when the job ends with it. */
  readonly savepoint: { readonly format: SavepointFormatType; readonly isTerminal: boolean } | undefined;
  readonly triggerTimestampMs: number;
  /** Undefined before the first acknowledgement. */
  readonly latestAckTimestampMs: number | undefined;
  /** From the trigger until its metadata was durable, it was given up, or now. */
  readonly endToEndDurationMs: number;
  readonly stateBytes: number;
  /** Of them, those that were written for this checkpoint. */
  readonly checkpointedBytes: number;
  readonly processedBytes: number;
  readonly persistedBytes: number;
  readonly isUnaligned: boolean;
  /** By vertex. */
  readonly tasks: readonly TaskCheckpointStatistics[];
  /** Where it is; undefined when it is not complete, or only in memory. */
  readonly path: string | undefined;
  /** It was complete and has been removed since. */
  readonly isDiscarded: boolean;
  readonly failure: { readonly timestampMs: number; readonly message: string } | undefined;
}

/** What an attempt of the job began from. @internal */
export interface RestoredCheckpointStatistics {
  readonly checkpointId: number;
  /** Epoch ms. */
  readonly timestampMs: number;
  readonly isSavepoint: boolean;
  /** Undefined when it was only in memory. */
  readonly path: string | undefined;
}

/** All that is known of the checkpoints of a job since its JobMaster began. @internal */
export interface CheckpointHistoryReport {
  readonly counts: {
    readonly restored: number;
    readonly total: number;
    readonly inProgress: number;
    readonly completed: number;
    /** Those that were subsumed, and those of an attempt that failed, too. */
    readonly failed: number;
  };
  /** Of the completed ones. */
  readonly summary: Readonly<
    Record<
      "stateBytes" | "checkpointedBytes" | "endToEndDurationMs" | "processedBytes" | "persistedBytes",
      NumberSummary
    >
  >;
  readonly latest: {
    /** Savepoints are not among them. */
    readonly completed: CheckpointStatistics | undefined;
    readonly savepoint: CheckpointStatistics | undefined;
    readonly failed: CheckpointStatistics | undefined;
    readonly restored: RestoredCheckpointStatistics | undefined;
  };
  /** The newest first. */
  readonly history: readonly CheckpointStatistics[];
}
