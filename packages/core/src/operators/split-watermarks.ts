/**
 * The watermark of one source subtask from the records of its splits: each split has its own generator, the source's
 * watermark is the minimum over the splits that are being read. A finished split holds nothing back.
 */
import { MIN_WATERMARK } from "../time/timestamps.ts";
import type { WatermarkGenerator, WatermarkOutput, WatermarkStrategy } from "../time/watermark-strategy.ts";

/** One split's highest timestamp or own generator. Generated code writes `maxTimestamp`. */
export class SplitTracker implements WatermarkOutput {
  maxTimestamp: number = MIN_WATERMARK;
  isIdle = false;
  readonly generator: WatermarkGenerator<unknown> | undefined;
  readonly #outOfOrdernessMs: number;
  #emitted: number = MIN_WATERMARK;

  constructor(strategy: WatermarkStrategy<unknown>) {
    this.generator = strategy.kind === "custom" ? strategy.createGenerator() : undefined;
    this.#outOfOrdernessMs = strategy.outOfOrdernessMs;
  }

  emitWatermark(timestampMs: number): void {
    if (timestampMs > this.#emitted) this.#emitted = timestampMs;
  }

  markIdle(): void {
    this.isIdle = true;
  }

  markActive(): void {
    this.isIdle = false;
  }

  watermarkMs(): number {
    if (this.generator !== undefined) {
      this.generator.onPeriodicEmit(this);
      return this.#emitted;
    }
    return this.maxTimestamp === MIN_WATERMARK ? MIN_WATERMARK : this.maxTimestamp - this.#outOfOrdernessMs - 1;
  }
}

export class SplitWatermarks {
  readonly #strategy: WatermarkStrategy<unknown>;
  readonly #trackers = new Map<string, SplitTracker>();

  constructor(strategy: WatermarkStrategy<unknown>) {
    this.#strategy = strategy;
  }

  trackerOf(splitId: string): SplitTracker {
    let tracker = this.#trackers.get(splitId);
    if (tracker === undefined) {
      tracker = new SplitTracker(this.#strategy);
      this.#trackers.set(splitId, tracker);
    }
    return tracker;
  }

  finished(splitId: string): void {
    this.#trackers.delete(splitId);
  }

  /** Undefined when no split says anything. */
  combinedMs(): number | undefined {
    if (this.#strategy.kind === "none") return undefined;
    let combined: number | undefined;
    for (const tracker of this.#trackers.values()) {
      const watermark = tracker.watermarkMs();
      if (!tracker.isIdle && (combined === undefined || watermark < combined)) combined = watermark;
    }
    return combined === MIN_WATERMARK ? undefined : combined;
  }
}
