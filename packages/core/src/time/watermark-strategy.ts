/** How a stream gets its event time: which timestamp a record has and how far watermarks trail behind. */
import { type Duration, durationMs } from "../base/duration.ts";
import { MillraceError } from "../base/errors.ts";
import { MIN_WATERMARK } from "./timestamps.ts";
import { WINDOW_LENGTH_MAX_MS } from "./window-parameters.ts";

/**
 * The event time of a record in epoch milliseconds. `recordTimestampMs` is the timestamp it already has, from the source
 * or an earlier assigner, `NO_TIMESTAMP` when there is none.
 * @public
 */
export type TimestampAssigner<in T> = (event: T, recordTimestampMs: number) => number;

/** Where a generator reports. Watermarks never go back: a lower one than before is ignored. @public */
export interface WatermarkOutput {
  /** No more records with a timestamp up to and including this one follow. Epoch milliseconds. */
  emitWatermark(timestampMs: number): void;
  /** The input holds no watermark back until it is active again. */
  markIdle(): void;
  markActive(): void;
}

/**
 * Turns the timestamps of one split's records into watermarks. One instance a split, used by one thread; it is not part
 * of a checkpoint.
 * @public
 */
export interface WatermarkGenerator<in T> {
  /** Called for every record, in order, after it went on. A watermark that is emitted here leaves before the next record. */
  onEvent(event: T, timestampMs: number, output: WatermarkOutput): void;
  /** Called after a batch of records, and every `pipeline.auto-watermark-interval` while there are none. */
  onPeriodicEmit(output: WatermarkOutput): void;
}

/** Sources of one group do not run ahead of each other, see {@link WatermarkStrategy.withWatermarkAlignment}. @internal */
export interface WatermarkAlignment {
  readonly group: string;
  readonly maxDriftMs: number;
  readonly updateIntervalMs: number;
}

interface Parts<in T> {
  readonly kind: "none" | "bounded" | "custom";
  readonly outOfOrdernessMs: number;
  readonly createGenerator: () => WatermarkGenerator<T>;
  readonly timestampAssigner: TimestampAssigner<T> | undefined;
  readonly idlenessMs: number | undefined;
  readonly alignment: WatermarkAlignment | undefined;
}

/**
 * Describes timestamps and watermarks of a stream. Immutable: every `with…` returns a new strategy.
 *
 * Where a stream says what its records are, the assigner's parameter needs no annotation, provided that
 * `withTimestampAssigner` is the last call of the chain; put `withIdleness` before it.
 *
 * @example
 * env.fromSource(
 *   source,
 *   WatermarkStrategy.forBoundedOutOfOrderness("1 min").withTimestampAssigner((flight) => flight.date),
 *   "flights",
 * );
 * @public
 */
export class WatermarkStrategy<in T> {
  /** "bounded" includes monotonous timestamps, "custom" calls {@link createGenerator}. @internal */
  readonly kind: "none" | "bounded" | "custom";
  /** How far watermarks trail behind the highest timestamp; 0 unless the kind is "bounded". @internal */
  readonly outOfOrdernessMs: number;
  /** Undefined: records keep the timestamps that the source gave them. @internal */
  readonly timestampAssigner: TimestampAssigner<T> | undefined;
  /** Silence after which an input counts as idle; undefined: never. @internal */
  readonly idlenessMs: number | undefined;
  /** Undefined: the source reads as fast as it can. @internal */
  readonly alignment: WatermarkAlignment | undefined;
  /** A new generator for one split. Does not see to idleness. @internal */
  readonly createGenerator: () => WatermarkGenerator<T>;

  private constructor(parts: Parts<T>) {
    this.kind = parts.kind;
    this.outOfOrdernessMs = parts.outOfOrdernessMs;
    this.timestampAssigner = parts.timestampAssigner;
    this.idlenessMs = parts.idlenessMs;
    this.alignment = parts.alignment;
    this.createGenerator = parts.createGenerator;
  }

  /** For records whose timestamps never go back within a split. The watermark is the highest timestamp minus 1 ms. */
  static forMonotonousTimestamps<T = unknown>(): WatermarkStrategy<T> {
    return WatermarkStrategy.forBoundedOutOfOrderness<T>(0);
  }

  /**
   * For records that come at most `outOfOrderness` after a record with a higher timestamp. The watermark is the highest
   * timestamp minus the bound minus 1 ms; what comes later than that is late.
   *
   * @param outOfOrderness - From 0 to 10,000 years.
   * @throws MillraceError `MR_WATERMARK_STRATEGY_INVALID` when the bound is out of range.
   */
  static forBoundedOutOfOrderness<T = unknown>(outOfOrderness: Duration): WatermarkStrategy<T> {
    const outOfOrdernessMs = boundedMs("forBoundedOutOfOrderness", outOfOrderness, 0);
    return new WatermarkStrategy<T>({
      kind: "bounded",
      outOfOrdernessMs,
      createGenerator: () => new BoundedOutOfOrdernessWatermarks(outOfOrdernessMs),
      timestampAssigner: undefined,
      idlenessMs: undefined,
      alignment: undefined,
    });
  }

  /** For streams without event time: no watermark before the end of input. */
  static noWatermarks<T = unknown>(): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>({
      kind: "none",
      outOfOrdernessMs: 0,
      createGenerator: () => new NoWatermarks(),
      timestampAssigner: undefined,
      idlenessMs: undefined,
      alignment: undefined,
    });
  }

  /** With a generator of your own; `supplier` is called once for every split. */
  static forGenerator<T = unknown>(supplier: () => WatermarkGenerator<T>): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>({
      kind: "custom",
      outOfOrdernessMs: 0,
      createGenerator: supplier,
      timestampAssigner: undefined,
      idlenessMs: undefined,
      alignment: undefined,
    });
  }

  /**
   * Takes the event time from the record instead of from the source. The type parameter lets the stream that the
   * strategy is passed to decide what `event` is; on its own, `event` is what the strategy was made for.
   */
  withTimestampAssigner<U extends T = T>(timestampAssigner: TimestampAssigner<U>): WatermarkStrategy<U> {
    return new WatermarkStrategy<U>({ ...this.#parts(), timestampAssigner });
  }

  /**
   * Lets the other inputs go ahead when this one has had no records for a while.
   *
   * @param idleness - Silence after which the input counts as idle, from 1 ms to 10,000 years.
   * @throws MillraceError `MR_WATERMARK_STRATEGY_INVALID` when the time is out of range.
   */
  withIdleness(idleness: Duration): WatermarkStrategy<T> {
    return new WatermarkStrategy<T>({ ...this.#parts(), idlenessMs: boundedMs("withIdleness", idleness, 1) });
  }

  /**
   * Keeps the sources of a group, and the subtasks of each, close in event time: one whose watermark is more than
   * `maxDrift` ahead of the lowest in the group is not read until the others have caught up, so that what joins or windows
   * them need not keep what only one of them has brought. Idle and finished ones hold nobody up. Splits that a reader reads
   * at the same time wait one by one, when its source can pause them.
   *
   * Unlike in Flink the others are told at once when they may go on, so the drift does not limit the throughput.
   *
   * @param group - Any name; the same for all sources that belong together.
   * @param maxDrift - From 1 ms to 10,000 years.
   * @param updateInterval - How often a source says how far it is while nobody waits for it, and for how long the group
   *   waits for the first watermarks; 1 s by default.
   * @throws MillraceError `MR_WATERMARK_STRATEGY_INVALID` when a time is out of range or the group has no name.
   * @example
   * WatermarkStrategy.forBoundedOutOfOrderness("5 s").withWatermarkAlignment("orders", "1 min");
   */
  withWatermarkAlignment(group: string, maxDrift: Duration, updateInterval: Duration = "1 s"): WatermarkStrategy<T> {
    if (typeof group !== "string" || group.trim() === "") {
      throw new MillraceError("MR_WATERMARK_STRATEGY_INVALID", {
        what: "The group given to WatermarkStrategy.withWatermarkAlignment has no name",
        found: JSON.stringify(group) ?? String(group),
        expected: "a text that is not empty",
        todo: 'Pass a name such as "orders", the same for all sources of the group',
      });
    }
    const maxDriftMs = boundedMs("withWatermarkAlignment", maxDrift, 1);
    const updateIntervalMs = boundedMs("withWatermarkAlignment", updateInterval, 1);
    return new WatermarkStrategy<T>({ ...this.#parts(), alignment: { group, maxDriftMs, updateIntervalMs } });
  }

  #parts(): Parts<T> {
    const { kind, outOfOrdernessMs, createGenerator, timestampAssigner, idlenessMs, alignment } = this;
    return { kind, outOfOrdernessMs, createGenerator, timestampAssigner, idlenessMs, alignment };
  }
}

function boundedMs(method: string, duration: Duration, minMs: number): number {
  const ms = durationMs(duration);
  if (ms >= minMs && ms <= WINDOW_LENGTH_MAX_MS) return ms;
  throw new MillraceError("MR_WATERMARK_STRATEGY_INVALID", {
    what: `The time given to WatermarkStrategy.${method} is out of range`,
    found: `${ms} ms`,
    expected: `at least ${minMs} ms and at most 10,000 years`,
    todo: 'Pass a time such as "10 s"',
  });
}

/**
 * Trails the highest timestamp by a delay: max - delay - 1, because a record of exactly max - delay may still come.
 * Silent before the first record.
 */
class BoundedOutOfOrdernessWatermarks implements WatermarkGenerator<unknown> {
  readonly #outOfOrdernessMs: number;
  #maxTimestampMs: number = MIN_WATERMARK;

  constructor(outOfOrdernessMs: number) {
    this.#outOfOrdernessMs = outOfOrdernessMs;
  }

  onEvent(_event: unknown, timestampMs: number): void {
    if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs;
  }

  onPeriodicEmit(output: WatermarkOutput): void {
    if (this.#maxTimestampMs === MIN_WATERMARK) return;
    output.emitWatermark(this.#maxTimestampMs - this.#outOfOrdernessMs - 1);
  }
}

/** Never emits: event time only advances at the end of input. */
class NoWatermarks implements WatermarkGenerator<unknown> {
  onEvent(): void {}

  onPeriodicEmit(): void {}
}
