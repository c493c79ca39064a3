import type { Random } from "../platform/platform.ts";

/** @internal */
export interface BackoffTimes {
  readonly initialMs: number;
  readonly maxMs: number;
  /** A session that lasted this long was a good one: the next wait is the first again. */
  readonly stableMs: number;
}

/** @internal */
export const RECONNECT_TIMES: BackoffTimes = { initialMs: 50, maxMs: 2000, stableMs: 5000 };

/** How much of a wait is left to chance, so that those who lost one peer do not come back all at once. */
const JITTER = 0.5;

/**
 * How long to wait before the next attempt to connect: twice as long each time, up to a limit, less a seeded part.
 * @internal
 */
export class ReconnectBackoff {
  readonly #times: BackoffTimes;
  readonly #random: Random;
  #failures = 0;

  constructor(times: BackoffTimes, random: Random) {
    this.#times = times;
    this.#random = random;
  }

  /** An attempt failed, or a session ended after `lastedMs`. Returns the wait before the next attempt. */
  nextDelayMs(lastedMs: number = 0): number {
    const { initialMs, maxMs, stableMs } = this.#times;
    if (lastedMs >= stableMs) this.#failures = 0;
    const fullMs = Math.min(maxMs, initialMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return fullMs * (1 - JITTER * (this.#random.u32() / 2 ** 32));
  }
}
