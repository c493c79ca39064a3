/**
 * The watermark and the status of one source subtask from those of its splits: each split has its own generator and its
 * own idle time, as in Flink.
 *
 * - T1. The watermark is the minimum over the splits that are being read and are not idle; a finished split counts for
 *   nothing.
 * - T2. The subtask is idle when all of its splits are, or when it has had none for the idle time. Its watermark then stays
 *   where it is.
 * - T3. A split that may not be read, because outputs are full or because it waits for others, does not fall idle.
 */
import { MillraceError } from "../base/errors.ts";
import type { Clock } from "../platform/platform.ts";
import { IdlenessTimer } from "../time/idleness-timer.ts";
import { MIN_WATERMARK } from "../time/timestamps.ts";
import type { WatermarkGenerator, WatermarkOutput, WatermarkStrategy } from "../time/watermark-strategy.ts";
import type { SplitReport } from "./waiting.ts";

/** One split's highest timestamp or own generator. Generated code writes `maxTimestamp`. */
export class SplitTracker implements WatermarkOutput {
  maxTimestamp: number = MIN_WATERMARK;
  /** Whether the generator has emitted a higher watermark since this was last set to false: it need not wait for the batch to end. */
  hasAdvanced = false;
  /** Whether the split was idle when the subtask was last asked for its progress. */
  isIdle = false;
  /** Whether the split waits for others to catch up with it. */
  isPaused = false;
  /** When the last batch of the split came; only looked at when somebody asks why nothing comes. */
  lastRecordsWallMs: number | undefined = undefined;
  readonly generator: WatermarkGenerator<unknown> | undefined;
  readonly #outOfOrdernessMs: number;
  readonly #timer: IdlenessTimer | undefined;
  #isMarkedIdle = false;
  #emitted: number = MIN_WATERMARK;

  constructor(strategy: WatermarkStrategy<unknown>, nowMonoMs: number) {
    this.generator = strategy.kind === "custom" ? strategy.createGenerator() : undefined;
    this.#outOfOrdernessMs = strategy.outOfOrdernessMs;
    this.#timer = strategy.idlenessMs === undefined ? undefined : new IdlenessTimer(strategy.idlenessMs, nowMonoMs);
  }

  /** @throws MillraceError `MR_WATERMARK_INVALID` when it is no time: event time would stand still from then on */
  emitWatermark(timestampMs: number): void {
    if (typeof timestampMs !== "number" || Number.isNaN(timestampMs)) throw watermarkInvalid(timestampMs);
    // As in Flink, who emits a watermark is not idle.
    this.#isMarkedIdle = false;
    if (timestampMs <= this.#emitted) return;
    this.#emitted = timestampMs;
    this.hasAdvanced = true;
  }

  markIdle(): void {
    this.#isMarkedIdle = true;
  }

  markActive(): void {
    this.#isMarkedIdle = false;
  }

  /** Records have come. */
  onRecords(): void {
    this.#timer?.onActivity();
  }

  /** Asks a periodic generator. */
  askGenerator(): void {
    this.generator?.onPeriodicEmit(this);
  }

  watermarkMs(): number {
    if (this.generator !== undefined) return this.#emitted;
    return this.maxTimestamp === MIN_WATERMARK ? MIN_WATERMARK : this.maxTimestamp - this.#outOfOrdernessMs - 1;
  }

  updateIdle(nowMonoMs: number): boolean {
    this.isIdle = this.#isMarkedIdle || this.#timer?.isIdleAt(nowMonoMs) === true;
    return this.isIdle;
  }

  /** Undefined: never, or not while it may not be read. */
  get idleAtMonoMs(): number | undefined {
    return this.#timer?.idleAtMs;
  }

  /** T3. */
  pauseIdleness(nowMonoMs: number): void {
    this.#timer?.pause(nowMonoMs);
  }

  resumeIdleness(nowMonoMs: number): void {
    this.#timer?.resume(nowMonoMs);
  }
}

/** How far one source subtask is. */
export interface SourceProgress {
  /** Undefined when no split says anything. */
  readonly watermarkMs: number | undefined;
  readonly isIdle: boolean;
}

export class SplitWatermarks {
  readonly #strategy: WatermarkStrategy<unknown>;
  readonly #clock: Clock;
  readonly #trackers = new Map<string, SplitTracker>();
  /** Stands for the splits while there are none. */
  #none: SplitTracker;
  #isRead = true;

  constructor(strategy: WatermarkStrategy<unknown>, clock: Clock) {
    this.#strategy = strategy;
    this.#clock = clock;
    this.#none = new SplitTracker(strategy, clock.monoMs());
  }

  /** The splits that are being read, by their ids. */
  get trackers(): ReadonlyMap<string, SplitTracker> {
    return this.#trackers;
  }

  /** The generated loop's tracker before the first batch. */
  get none(): SplitTracker {
    return this.#none;
  }

  trackerOf(splitId: string): SplitTracker {
    let tracker = this.#trackers.get(splitId);
    if (tracker === undefined) {
      tracker = new SplitTracker(this.#strategy, this.#clock.monoMs());
      this.#trackers.set(splitId, tracker);
    }
    return tracker;
  }

  finished(splitId: string): void {
    this.#trackers.delete(splitId);
    if (this.#trackers.size === 0) this.#none = new SplitTracker(this.#strategy, this.#clock.monoMs());
  }

  /** T3: from now on the subtask is not read, or is read again. */
  setRead(isRead: boolean): void {
    if (this.#strategy.idlenessMs === undefined || isRead === this.#isRead) return;
    this.#isRead = isRead;
    const now = this.#clock.monoMs();
    for (const tracker of [this.#none, ...this.#trackers.values()]) {
      if (!isRead) tracker.pauseIdleness(now);
      else if (!tracker.isPaused) tracker.resumeIdleness(now);
    }
  }

  /** The split waits for others to catch up with it, or goes on (T3). */
  setPaused(tracker: SplitTracker, isPaused: boolean): void {
    tracker.isPaused = isPaused;
    if (isPaused) tracker.pauseIdleness(this.#clock.monoMs());
    else if (this.#isRead) tracker.resumeIdleness(this.#clock.monoMs());
  }

  /** Asks the periodic generators of all splits. */
  askGenerators(): void {
    if (this.#strategy.kind !== "custom") return;
    for (const tracker of this.#trackers.values()) tracker.askGenerator();
  }

  /** T1 and T2. */
  progress(): SourceProgress {
    const now = this.#strategy.idlenessMs === undefined ? 0 : this.#clock.monoMs();
    if (this.#trackers.size === 0) return { watermarkMs: undefined, isIdle: this.#none.updateIdle(now) };
    let lowest: number | undefined;
    for (const tracker of this.#trackers.values()) {
      if (tracker.updateIdle(now)) continue;
      const watermark = tracker.watermarkMs();
      if (lowest === undefined || watermark < lowest) lowest = watermark;
    }
    const hasNone = lowest === undefined || lowest === MIN_WATERMARK || this.#strategy.kind === "none";
    return { watermarkMs: hasNone ? undefined : lowest, isIdle: lowest === undefined };
  }

  /** Whether everything was idle when the subtask was last asked for its progress. */
  get isIdle(): boolean {
    return this.#trackers.size === 0
      ? this.#none.isIdle
      : [...this.#trackers.values()].every((tracker) => tracker.isIdle);
  }

  /** How every split is, for whoever asks why nothing comes. */
  describe(): readonly SplitReport[] {
    const nowWallMs = this.#clock.wallMs();
    return [...this.#trackers].map(([splitId, tracker]) => ({
      splitId,
      watermarkMs: tracker.watermarkMs(),
      isIdle: tracker.isIdle,
      isPaused: tracker.isPaused,
      // The wall clock may be set back.
      silentMs:
        tracker.lastRecordsWallMs === undefined ? undefined : Math.max(0, nowWallMs - tracker.lastRecordsWallMs),
    }));
  }

  /** When the next split falls idle unless it has had records meanwhile; Infinity for never. */
  nextIdleMonoMs(): number {
    if (this.#strategy.idlenessMs === undefined) return Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const tracker of this.#trackers.size === 0 ? [this.#none] : this.#trackers.values()) {
      if (!tracker.isIdle) next = Math.min(next, tracker.idleAtMonoMs ?? Number.POSITIVE_INFINITY);
    }
    return next;
  }
}

function watermarkInvalid(watermark: unknown): MillraceError {
  return new MillraceError("MR_WATERMARK_INVALID", {
    what: "A watermark generator has emitted something that is no time",
    found: typeof watermark === "number" ? `${watermark}` : watermark instanceof Date ? "a Date" : typeof watermark,
    expected: "epoch milliseconds",
    todo: "Correct what the generator computes it from, for example a field that some records do not have",
  });
}
