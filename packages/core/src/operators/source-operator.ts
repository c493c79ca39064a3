/**
 * Runs a source reader at the head of a chain: polls a batch, hands it to the chain's generated loop, then derives the
 * watermark. Watermarks follow batches, not the wall clock, so a bounded job emits them after the same records in
 * every run; the periodic interval only matters for sources that wait.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { MillraceError } from "../base/errors.ts";
import type { InputStatus, PoisonRecord, SourceReader, SourceSplit } from "../connectors/source.ts";
import type { Counter } from "../metrics/counter.ts";
import { AlignedReader } from "../time/aligned-reader.ts";
import { MAX_WATERMARK, MIN_WATERMARK, NO_TIMESTAMP } from "../time/timestamps.ts";
import { BaseOperator, type OperatorHost, type OperatorSnapshot, type RestoredLists } from "./operator-runtime.ts";
import type { SourceSpec } from "./operator-spec.ts";
import { RecordBatch } from "./record-batch.ts";
import { type SourceProgress, type SplitTracker, SplitWatermarks } from "./split-watermarks.ts";
import type { SourceReport } from "./waiting.ts";

/** What to do with a record that cannot be read or has no sensible timestamp. */
export type PoisonPolicy = "fail" | "skip" | "dead-letter";

export interface SourceHost extends OperatorHost {
  readonly poisonPolicy: PoisonPolicy;
  /** A timestamp later than the wall clock by more than this is poison. */
  readonly futureSkewMaxMs: number;
  sendSplitRequest(): void;
  sendSourceEvent(event: unknown): void;
  /** Tells the source's alignment group how far this subtask is; `MAX_WATERMARK` when nobody need wait for it. */
  reportWatermark(watermarkMs: number): void;
}

const SPLITS = "splits";

export class SourceOperator extends BaseOperator {
  readonly batch: RecordBatch = new RecordBatch();
  /** The split that the batch at hand comes from. */
  tracker: SplitTracker;
  /** Timestamps above this are poison; set for every batch. */
  timestampMaxMs: number = Number.MAX_SAFE_INTEGER;
  /** Set by generated code: runs the records from `batch.position` up to `batch.end` through the chain. */
  processBatch: (batch: RecordBatch) => void = () => {};
  /** Set by generated code when the dead-letter output is consumed. */
  emitDeadLetter: ((value: unknown, timestampMs: number) => void) | undefined = undefined;
  /** Set by the chain: a generator has emitted a watermark for the record that has just gone through. */
  onEventWatermark: () => void = () => {};
  readonly #spec: SourceSpec;
  readonly #sourceHost: SourceHost;
  readonly #watermarks: SplitWatermarks;
  readonly #poisoned: Counter;
  readonly #aligned: AlignedReader | undefined;
  #reader: SourceReader<unknown, SourceSplit> | undefined;
  #restoredSplits: readonly SourceSplit[] = [];

  constructor(host: SourceHost, spec: SourceSpec) {
    super(host);
    this.#spec = spec;
    this.#sourceHost = host;
    this.#watermarks = new SplitWatermarks(spec.strategy, host.clock);
    this.tracker = this.#watermarks.none;
    const { alignment } = spec.strategy;
    this.#aligned = alignment === undefined ? undefined : new AlignedReader(alignment);
    this.#poisoned = host.context.metricGroup.counter("numRecordsInErrors");
  }

  /** Monotonic ms at which a split falls idle unless it has records; Infinity for never. */
  nextIdleMonoMs(): number {
    return this.#watermarks.nextIdleMonoMs();
  }

  /** Whether the source is too far ahead of its alignment group to be read. */
  get isAligning(): boolean {
    return this.#aligned?.isPaused === true;
  }

  /** How often it says how far it is; undefined when nobody wants to know. */
  get reportIntervalMs(): number | undefined {
    return this.#spec.strategy.alignment?.updateIntervalMs;
  }

  /** Whether watermarks can advance without records. */
  get hasPeriodicGenerator(): boolean {
    return this.#spec.strategy.kind === "custom";
  }

  get reader(): SourceReader<unknown, SourceSplit> {
    return this.#reader!;
  }

  get splitSerializer(): SourceSpec["source"]["splitSerializer"] {
    return this.#spec.source.splitSerializer;
  }

  override restoreLists(lists: RestoredLists): void {
    const elements = lists.get(SPLITS) ?? [];
    this.#restoredSplits = elements.map((bytes) => this.splitSerializer.read(new BinaryReader(bytes)));
  }

  override open(): void {
    const context = this.host.context;
    this.#reader = this.#spec.source.createReader({
      platform: this.#sourceHost.platform,
      subtaskIndex: context.indexOfThisSubtask,
      parallelism: context.numberOfParallelSubtasks,
      sendSplitRequest: () => this.#sourceHost.sendSplitRequest(),
      sendSourceEventToCoordinator: (event) => this.#sourceHost.sendSourceEvent(event),
    });
    this.#reader.start();
    if (this.#restoredSplits.length > 0) this.#reader.addSplits(this.#restoredSplits);
  }

  /** Reads one batch for `processSlice` and returns what the reader said. */
  poll(): InputStatus {
    const batch = this.batch;
    batch.clear();
    const status = this.reader.pollNext(batch);
    if (batch.startedSplits.length > 0) for (const splitId of batch.startedSplits) this.#watermarks.trackerOf(splitId);
    if (batch.poisoned.length > 0) for (const record of batch.poisoned) this.poison(record);
    if (batch.length > 0) {
      this.tracker = this.#watermarks.trackerOf(batch.splitId);
      const nowMs = this.host.clock.wallMs();
      this.timestampMaxMs = nowMs + this.#sourceHost.futureSkewMaxMs;
      this.tracker.lastRecordsWallMs = nowMs;
      this.tracker.onRecords();
    }
    return status;
  }

  /** Runs up to `recordsMax` records of the batch at hand through the chain; true when none of it is left. */
  processSlice(recordsMax: number): boolean {
    const batch = this.batch;
    if (batch.position < batch.length) {
      batch.end = Math.min(batch.length, batch.position + recordsMax);
      this.processBatch(batch);
      batch.position = batch.end;
    }
    return batch.position === batch.length;
  }

  /** Called when the source is not read for now, or is read again: silence counts only while somebody listens. */
  setRead(isRead: boolean): void {
    this.#watermarks.setRead(isRead);
  }

  /** Where the source is after the last batch, or while there are none. Finished splits stop counting after it. */
  endBatch(): SourceProgress {
    this.#watermarks.askGenerators();
    const progress = this.#watermarks.progress();
    for (const splitId of this.batch.finishedSplits) this.#watermarks.finished(splitId);
    this.batch.finishedSplits.length = 0;
    return progress;
  }

  /** Where the source is in the middle of a batch. */
  progress(): SourceProgress {
    this.tracker.hasAdvanced = false;
    return this.#watermarks.progress();
  }

  /** Tells the alignment group where the source is, once its watermark has gone through the chain. */
  reportProgress(isIdle: boolean): void {
    if (this.#aligned === undefined) return;
    const report = this.#aligned.onProgress(this.currentWatermark, isIdle, this.host.clock.monoMs());
    if (report !== undefined) this.#sourceHost.reportWatermark(report);
    this.#alignSplits();
  }

  /** The alignment group's answer. */
  onAllowedWatermark(timestampMs: number): void {
    this.#aligned?.onAllowed(timestampMs);
    this.#alignSplits();
  }

  /** No record follows: nobody has to wait for this subtask. */
  reportEnd(): void {
    const report = this.#aligned?.onProgress(MAX_WATERMARK, false, this.host.clock.monoMs());
    if (report !== undefined) this.#sourceHost.reportWatermark(report);
  }

  /** How the subtask and its splits are, for whoever asks why nothing comes. */
  describe(): SourceReport {
    const splits = this.#watermarks.describe();
    return {
      splits,
      isIdle: this.#watermarks.isIdle,
      isAligning: this.isAligning,
      allowedMs: this.#aligned?.allowedMs,
    };
  }

  // Splits that are read one after the other wait as one: there is nothing to choose from.
  #alignSplits(): void {
    const { trackers } = this.#watermarks;
    if (this.#aligned === undefined || this.reader.pauseOrResumeSplits === undefined) return;
    const paused: string[] = [];
    const resumed: string[] = [];
    for (const [splitId, tracker] of trackers) {
      const watermark = tracker.watermarkMs();
      const isAhead = watermark !== MIN_WATERMARK && watermark > this.#aligned.allowedMs;
      if (isAhead === tracker.isPaused) continue;
      this.#watermarks.setPaused(tracker, isAhead);
      (isAhead ? paused : resumed).push(splitId);
    }
    if (paused.length > 0 || resumed.length > 0) this.reader.pauseOrResumeSplits(paused, resumed);
  }

  /** Called by generated code for a timestamp that is no number or lies too far in the future. */
  badTimestamp(value: unknown, timestamp: unknown): void {
    this.poison({
      error: timestampError(timestamp, { operator: this.host.operatorName, uid: this.host.uid }),
      raw: describeValue(value),
      where: { split: this.batch.splitId },
    });
  }

  poison(record: PoisonRecord): void {
    if (this.#sourceHost.poisonPolicy === "fail") throw record.error;
    this.#poisoned.inc();
    if (this.#sourceHost.poisonPolicy === "skip") return;
    this.emitDeadLetter?.({ error: record.error.message, raw: record.raw, where: record.where }, NO_TIMESTAMP);
  }

  override snapshot(checkpointId: number): OperatorSnapshot {
    const elements = this.reader.snapshotState(checkpointId).map((split) => {
      const writer = new BinaryWriter();
      this.splitSerializer.write(split as never, writer);
      return writer.finish();
    });
    return { keyed: undefined, lists: [{ name: SPLITS, mode: "split", elements }], durable: undefined };
  }

  override notifyCheckpointComplete(checkpointId: number): undefined {
    this.reader.notifyCheckpointComplete?.(checkpointId);
    return undefined;
  }

  override async close(): Promise<void> {
    await this.#reader?.close();
  }
}

function describeValue(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 4096);
  } catch (cause) {
    // A value that JSON cannot show must not hide the error it is shown for.
    return `[${typeof value}: ${cause instanceof Error ? cause.message : String(cause)}]`;
  }
}

function timestampError(timestamp: unknown, where: Readonly<Record<string, string>>): MillraceError {
  const isNumber = typeof timestamp === "number" && Number.isFinite(timestamp);
  const hint = !isNumber
    ? "Let the timestamp assigner return epoch milliseconds"
    : timestamp > 1e17
      ? "This looks like nanoseconds: divide by 1,000,000"
      : timestamp > 1e14
        ? "This looks like microseconds: divide by 1,000"
        : "Correct the record, or raise time.max-future-skew";
  return new MillraceError("MR_TIMESTAMP_INVALID", {
    what: "A record has no usable event time",
    where,
    found: typeof timestamp === "number" ? `${timestamp}` : typeof timestamp,
    expected: "epoch milliseconds, not later than the wall clock plus time.max-future-skew",
    todo: `${hint}; or set source.poison-records to skip or dead-letter`,
  });
}
