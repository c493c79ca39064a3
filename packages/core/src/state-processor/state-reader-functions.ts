/** What users write to read the keyed state of a snapshot. */
import type { Collector, KeyedStateStore } from "../operators/functions.ts";

/**
 * What a reader function is told about its key besides its states. Valid only during the call.
 *
 * @public
 */
export interface KeyedStateReaderContext {
  /** Times of the key's event-time timers, epoch ms, in rising order. */
  registeredEventTimeTimers(): readonly number[];
  /** Times of the key's processing-time timers, epoch ms, in rising order. */
  registeredProcessingTimeTimers(): readonly number[];
}

/**
 * Reads the keyed states of one operator, as a function of the job would: states are asked for in `open`, and are those of
 * the key that `readKey` is called with. What it changes is changed nowhere.
 *
 * @example
 * class Totals implements KeyedStateReaderFunction<string, { key: string; total: number }> {
 *   private total!: ValueState<number>;
 *   open(states: KeyedStateStore): void {
 *     this.total = states.getState(valueState("total", t.float64));
 *   }
 *   readKey(key: string, _context: KeyedStateReaderContext, out: Collector<{ key: string; total: number }>): void {
 *     out.collect({ key, total: this.total.value() ?? 0 });
 *   }
 * }
 * @public
 */
export interface KeyedStateReaderFunction<K, OUT> {
  /** Called once, before the first key. */
  open?(states: KeyedStateStore): void;
  /** Called for every key that has a value in one of the states, or a timer. Keys come in no order. */
  readKey(key: K, context: KeyedStateReaderContext, out: Collector<OUT>): void;
  close?(): void;
}
