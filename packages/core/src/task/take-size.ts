import type { Clock } from "../platform/platform.ts";

/** Records taken in one go while functions are fast. */
export const TAKE_RECORDS_MAX = 256;
/** A take that lasts longer makes the next one shorter ... */
const LONG_MS = 4;
/** ... and one that is over sooner makes it longer. */
const SHORT_MS = 1;

/**
 * How many records a subtask takes before it looks at the clock: as many as take a few milliseconds, so that a slot with
 * slow functions still answers, and one with fast ones reads the clock rarely.
 */
export class TakeSize {
  readonly #clock: Clock;
  /** Begins with one: how slow the functions are is not known yet, and nothing else has its turn meanwhile. */
  #records = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `take` with the number of records to take, and learns from how long that lasts. */
  measure<R>(take: (recordsMax: number) => R): R {
    const startMs = this.#clock.monoMs();
    const taken = take(this.#records);
    const tookMs = this.#clock.monoMs() - startMs;
    if (tookMs > LONG_MS) this.#records = Math.max(1, Math.floor((this.#records * LONG_MS) / tookMs));
    else if (tookMs < SHORT_MS) this.#records = Math.min(TAKE_RECORDS_MAX, this.#records * 2);
    return taken;
  }
}
