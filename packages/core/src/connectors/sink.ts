/**
 * The contract of a sink, in Flink's shape (Sink V2): a *writer* per subtask writes records; at a barrier it hands
 * over *committables* (work that is done but not visible); the *committer* makes them visible once the checkpoint is
 * complete, and again after a restore, so committing must be idempotent.
 *
 * - K1. What `prepareCommit` and `snapshotState` return describes everything written before the barrier, and the
 *   engine stores it only after the promise of `flush` has settled: data first, then the state that points to it.
 *   Committables are serialized then, too: a writer may complete them until it has flushed.
 * - K2. `commit` of a committable is called only after the checkpoint that holds it is durable, and may be called
 *   again with the same committable after any failure.
 * - K3. Work that is in no restored state was never committed; a restored writer cleans it up.
 */
import type { Platform } from "../platform/platform.ts";
import type { Serializer } from "../types/type.ts";

/** What a record's write knows about the record. One object per writer, reused. @public */
export interface SinkWriteContext {
  /** Event time of the record in epoch ms, or NO_TIMESTAMP. */
  readonly timestamp: number;
  readonly currentWatermark: number;
}

/** Called on the subtask's thread only. @public */
export interface SinkWriter<T, CommittableT = never, WriterStateT = never> {
  /** Takes one record; buffers it. Must not block. */
  write(value: T, context: SinkWriteContext): void;
  /** False while buffers are full: the subtask is not run until {@link SinkWriter.whenAvailable} settles. */
  isAvailable(): boolean;
  /** Settles when `isAvailable()` is true again. A rejection fails the subtask. */
  whenAvailable(): Promise<void>;
  /**
   * At a barrier, synchronously: closes what is to be committed with this checkpoint.
   * `endOfInput` is true on the last call.
   */
  prepareCommit(endOfInput: boolean): readonly CommittableT[];
  /** At a barrier, synchronously, after `prepareCommit`: the state from which a writer can continue. */
  snapshotState?(checkpointId: number): readonly WriterStateT[];
  /** Makes everything written before the call durable. Later writes may go on meanwhile. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Makes committables visible. Runs on the subtask's thread, outside the data path. @public */
export interface Committer<CommittableT> {
  /** Commits all; idempotent. A rejection fails the job with the error's name: a lost commit is never skipped. */
  commit(committables: readonly CommittableT[]): Promise<void>;
  close(): Promise<void>;
}

/** What a sink's writer is told about its subtask. @public */
export interface WriterInitContext {
  readonly platform: Platform;
  readonly subtaskIndex: number;
  readonly parallelism: number;
  readonly jobId: string;
  /** The sink's uid. */
  readonly uid: string;
  /** The checkpoint that was restored from, undefined on a fresh start. */
  readonly restoredCheckpointId: number | undefined;
}

/** Where records leave the job: makes a writer for each subtask and, for exactly-once output, a committer. @public */
export interface Sink<T, CommittableT = never, WriterStateT = never> {
  /** Kind and options for plans and for the job graph: plain JSON, no functions, no secrets. */
  readonly description: { readonly kind: string; readonly options: Readonly<Record<string, unknown>> };
  /** `restored` holds the writer states this subtask gets back; they may come from other subtasks after a rescale. */
  createWriter(
    context: WriterInitContext,
    restored: readonly WriterStateT[],
  ): SinkWriter<T, CommittableT, WriterStateT>;
  /** Present on sinks that commit. */
  createCommitter?(context: WriterInitContext): Committer<CommittableT>;
  readonly committableSerializer?: Serializer<CommittableT>;
  readonly writerStateSerializer?: Serializer<WriterStateT>;
}
