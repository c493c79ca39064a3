/** What is known about checkpoints besides their state: how long their parts took, and why. Plain data; the names are Flink's. */

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

/** One subtask's part in a completed checkpoint. @internal */
export interface SubtaskCheckpointStatistics extends SubtaskCheckpointMetrics {
  readonly subtaskIndex: number;
  /** Epoch ms. */
  readonly ackTimestampMs: number;
  /** Bytes of all its state, of its channels too. */
  readonly stateBytes: number;
}

/** One completed checkpoint. @internal */
export interface CheckpointStatistics {
  readonly checkpointId: number;
  /** Epoch ms. */
  readonly triggerTimestampMs: number;
  readonly latestAckTimestampMs: number;
  /** From the trigger until its metadata was durable. */
  readonly endToEndDurationMs: number;
  readonly stateBytes: number;
  readonly processedBytes: number;
  readonly persistedBytes: number;
  readonly isUnaligned: boolean;
  /** By vertex, then subtask. */
  readonly tasks: readonly { readonly vertexId: number; readonly subtasks: readonly SubtaskCheckpointStatistics[] }[];
}
