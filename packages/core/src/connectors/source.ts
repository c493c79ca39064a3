/**
 * The contract of a source, in Flink's shape (FLIP-27): a *split* is a part of the input that one reader reads at a
 * time (a file range, a row group, a partition); the *enumerator* runs once per job, finds splits and hands them to
 * the *readers*, one per subtask. Splits and enumerator state are what a checkpoint holds of a source.
 *
 * - S1. Each split is, at every completed checkpoint, in exactly one reader's state or in the enumerator's state.
 * - S2. A reader that is given a split continues exactly after the last record it had emitted when the split was
 *   snapshotted.
 * - S3. `pollNext` never blocks and never awaits: a reader that needs I/O starts it, returns "nothing-available", and
 *   settles `isAvailable()` when there is something to poll.
 */
import type { Platform } from "../platform/platform.ts";
import type { Serializer } from "../types/type.ts";

/** Whether a source ends by itself. @public */
export type Boundedness = "bounded" | "continuous-unbounded";

/** A part of the input that one reader reads at a time. @public */
export interface SourceSplit {
  /** Unique within the source and the same across restarts. */
  readonly splitId: string;
}

/** What `pollNext` found: call again at once, wait for `isAvailable()`, or never call again. @public */
export type InputStatus = "more-available" | "nothing-available" | "end-of-input";

/**
 * Where a reader puts records. The engine hands it to `pollNext`, empties it afterwards, and owns its arrays.
 * All records of one `pollNext` call belong to one split.
 * @public
 */
export interface ReaderOutput<T> {
  /** How many records may still be collected in this call; a reader stops at 0. At least 1 when `pollNext` is called. */
  readonly remaining: number;
  /** Adds a record. `timestamp` is epoch ms, for formats that carry one; the watermark strategy may replace it. */
  collect(value: T, timestamp?: number): void;
  /** Names the split that the records of this call come from. Without it the records belong to no split. */
  fromSplit(splitId: string): void;
  /**
   * The split is read from now on, at the same time as others: until it has records, has finished or counts as idle, it
   * holds the source's watermark back. A reader that reads one split after the other need not call it.
   */
  splitStarted(splitId: string): void;
  /** No record of this split follows; its watermark stops holding others back. May be called after its last record. */
  splitFinished(splitId: string): void;
  /**
   * Reports a record that could not be read, with its place. Under the source's error policy it fails the job
   * (default), is counted and skipped, or goes to the dead-letter side output.
   */
  poison(record: PoisonRecord): void;
}

/** A record that could not be decoded. @public */
export interface PoisonRecord {
  /** The coded error that says file, line or offset, what was found and what was expected. */
  readonly error: Error;
  /** The raw input as text, cut to at most 4096 characters. */
  readonly raw: string;
  readonly where: Readonly<Record<string, string | number>>;
}

/**
 * Called on the subtask's thread only, never concurrently.
 * Order: `start`, `addSplits` (restored splits first), then `pollNext`/`snapshotState`/`addSplits` in any order, `close`.
 * @public
 */
export interface SourceReader<T, SplitT extends SourceSplit> {
  start(): void;
  /** Emits up to `output.remaining` records of one split. */
  pollNext(output: ReaderOutput<T>): InputStatus;
  /** The splits this reader holds, each with the position after its last emitted record. Must be cheap and synchronous. */
  snapshotState(checkpointId: number): readonly SplitT[];
  /** Settles when `pollNext` may have something to do. A rejection fails the subtask. */
  isAvailable(): Promise<void>;
  addSplits(splits: readonly SplitT[]): void;
  notifyNoMoreSplits(): void;
  notifyCheckpointComplete?(checkpointId: number): void;
  /**
   * Stops reading some of the splits that are read at the same time, and goes on with others: their event time is too far
   * ahead of what they are aligned with. Readers without it are paused as a whole. A reader whose splits are all paused
   * returns "nothing-available", and settles `isAvailable()` when one of them goes on.
   */
  pauseOrResumeSplits?(splitsToPause: readonly string[], splitsToResume: readonly string[]): void;
  close(): Promise<void>;
}

/** What a reader gets from its host. @public */
export interface SourceReaderContext {
  readonly platform: Platform;
  readonly subtaskIndex: number;
  readonly parallelism: number;
  /** Asks the enumerator for one more split; it answers with `addSplits` or `notifyNoMoreSplits`. */
  sendSplitRequest(): void;
  /**
   * Tells the enumerator something of the source's own: `handleSourceEvent` gets it, after everything the reader sent
   * before. The event may change threads: plain data that a structured clone keeps.
   */
  sendSourceEventToCoordinator(event: unknown): void;
}

/** What an enumerator gets from its host. Assignments reach readers in the order they are made. @public */
export interface SplitEnumeratorContext<SplitT extends SourceSplit> {
  readonly platform: Platform;
  /** Parallelism of the source; subtasks are 0 … parallelism - 1. */
  readonly currentParallelism: number;
  assignSplit(split: SplitT, subtaskIndex: number): void;
  signalNoMoreSplits(subtaskIndex: number): void;
}

/**
 * Called on the coordinator's thread only. Order: `start` (may do I/O; nothing else is called until it settles),
 * then the handlers. A rejection of `start` or a throw fails the job.
 * @public
 */
export interface SplitEnumerator<SplitT extends SourceSplit, StateT> {
  start(): Promise<void>;
  /** A reader registered; it has no split yet, or got its restored splits back. */
  addReader(subtaskIndex: number): void;
  handleSplitRequest(subtaskIndex: number): void;
  /** What a reader sent with `sendSourceEventToCoordinator`. A rejection fails the job, as a throw does. */
  handleSourceEvent?(subtaskIndex: number, event: unknown): void | Promise<void>;
  /**
   * A reader starts again from an older checkpoint, and these splits were assigned to it since: they are in nobody's state
   * any more. Each is as it was assigned. `addReader` follows when the reader runs.
   */
  addSplitsBack(splits: readonly SplitT[], subtaskIndex: number): void;
  snapshotState(checkpointId: number): StateT;
  /**
   * Where the source has ended, once all readers have read all its splits: plain data, from which a `HybridSource` makes
   * the source that follows.
   */
  endPosition?(): unknown;
  close(): Promise<void>;
}

/**
 * Where records come from: makes one enumerator for the job, which finds splits, and one reader for each subtask.
 *
 * @public
 */
export interface Source<T, SplitT extends SourceSplit = SourceSplit, StateT = unknown> {
  /** Kind and options for plans and for the job graph: plain JSON, no functions, no secrets. */
  readonly description: { readonly kind: string; readonly options: Readonly<Record<string, unknown>> };
  readonly boundedness: Boundedness;
  /**
   * True: readers wait for each other, as those of a `HybridSource` do at the end of each source, so that none of them can
   * go back to a checkpoint alone. When one fails, all of them start again, and the enumerator with them. Default: false.
   */
  readonly readersAdvanceTogether?: boolean;
  createReader(context: SourceReaderContext): SourceReader<T, SplitT>;
  createEnumerator(context: SplitEnumeratorContext<SplitT>): SplitEnumerator<SplitT, StateT>;
  restoreEnumerator(context: SplitEnumeratorContext<SplitT>, state: StateT): SplitEnumerator<SplitT, StateT>;
  readonly splitSerializer: Serializer<SplitT>;
  readonly enumeratorStateSerializer: Serializer<StateT>;
}
