import { checkDelay } from "./io-arguments.ts";
import type { Cancel, Clock } from "./platform.ts";

/** Node's timers hold the delay in 31 bits and fire at once above that. */
const TIMER_DELAY_MS_MAX = 2 ** 31 - 1;

/** The machine's clock and Node's event loop. @internal */
export class NodeClock implements Clock {
  wallMs(): number {
    return Date.now();
  }

  monoMs(): number {
    return performance.now();
  }

  /**
   * Arms again until the delay has really passed: long delays come in pieces, and Node's timers, which count in whole
   * milliseconds, may fire a fraction early.
   */
  after(delayMs: number, action: () => void): Cancel {
    checkDelay(delayMs);
    const dueMs = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const remainingMs = Math.max(0, Math.ceil(dueMs - performance.now()));
      timer = setTimeout(fire, Math.min(remainingMs, TIMER_DELAY_MS_MAX));
    };
    const fire = (): void => {
      if (performance.now() < dueMs) arm();
      else action();
    };
    arm();
    return () => clearTimeout(timer);
  }

  soon(action: () => void): Cancel {
    const immediate = setImmediate(action);
    return () => clearImmediate(immediate);
  }
}
