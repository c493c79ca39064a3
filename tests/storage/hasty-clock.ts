import type { Cancel, Clock } from "millrace";

/** What requests are given up after in tests: no other wait is as long. */
export const TIMEOUT_MS = 3_600_000;

/** A clock whose pauses are over at once, and whose timeouts end when a test says so. */
export class HastyClock implements Clock {
  readonly #timeouts = new Set<() => void>();
  #pauses = 0;

  /** How many pauses there were. */
  get pauses(): number {
    return this.#pauses;
  }

  wallMs(): number {
    return Date.now();
  }

  monoMs(): number {
    return performance.now();
  }

  after(delayMs: number, action: () => void): Cancel {
    if (delayMs !== TIMEOUT_MS) {
      this.#pauses++;
      return this.soon(action);
    }
    const expire = (): void => action();
    this.#timeouts.add(expire);
    return () => this.#timeouts.delete(expire);
  }

  soon(action: () => void): Cancel {
    const immediate = setImmediate(action);
    return () => clearImmediate(immediate);
  }

  /** All requests that are under way have taken too long. */
  expire(): void {
    for (const expire of [...this.#timeouts]) {
      this.#timeouts.delete(expire);
      expire();
    }
  }
}
