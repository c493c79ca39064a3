import type { Duration } from "../base/duration.ts";
import { type TimestampAssigner, WatermarkStrategy } from "./watermark-strategy.ts";

/**
 * A {@link WatermarkStrategy} as one literal, for wherever a strategy is taken. `timestamp` infers its record from the
 * stream, whatever else is set.
 *
 * @example
 * env.fromSource(
 *   source,
 *   { boundedOutOfOrderness: "1 min", timestamp: (flight) => flight.date, idleness: "10 s" },
 *   "flights",
 * );
 * @public
 */
export interface WatermarkOptions<in T> {
  /** How much later than a record with a higher timestamp a record may come; 0 for timestamps that never go back. */
  readonly boundedOutOfOrderness: Duration;
  /** Left out: records keep the timestamps that the source gave them. */
  readonly timestamp?: TimestampAssigner<T>;
  /** Silence after which the input counts as idle. Left out: never. */
  readonly idleness?: Duration;
  /** Sources of the same group do not run ahead of each other, see {@link WatermarkStrategy.withWatermarkAlignment}. */
  readonly alignment?: { readonly group: string; readonly maxDrift: Duration; readonly updateInterval?: Duration };
}

/**
 * The strategy that the options describe; a strategy is returned as it is.
 *
 * @throws MillraceError `MR_WATERMARK_STRATEGY_INVALID` when a time is out of range.
 * @internal
 */
export function toWatermarkStrategy<T>(given: WatermarkStrategy<T> | WatermarkOptions<T>): WatermarkStrategy<T> {
  if (given instanceof WatermarkStrategy) return given;
  let strategy = WatermarkStrategy.forBoundedOutOfOrderness<T>(given.boundedOutOfOrderness);
  if (given.idleness !== undefined) strategy = strategy.withIdleness(given.idleness);
  if (given.alignment !== undefined) {
    const { group, maxDrift, updateInterval } = given.alignment;
    strategy = strategy.withWatermarkAlignment(group, maxDrift, updateInterval);
  }
  return given.timestamp === undefined ? strategy : strategy.withTimestampAssigner(given.timestamp);
}
