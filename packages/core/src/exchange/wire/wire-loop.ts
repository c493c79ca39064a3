/**
 * The cooperative loop of whoever carries channels between processes: parks on the doorbells of all jobs at once, and
 * otherwise does as a slot's loop does (`task/slot-loop.ts`, P2).
 */
import type { Cancel, Clock } from "../../platform/platform.ts";
import type { Doorbell } from "../doorbell.ts";

/** How long the loop works before sockets and timers have their turn. */
const TURN_MS = 2;

export class WireLoop {
  readonly #clock: Clock;
  readonly #work: () => boolean;
  readonly #bells = new Set<Doorbell>();
  #scheduled: Cancel | undefined;
  #isTurning = false;
  #wasWokenInTurn = false;
  #isStopped = false;

  /** @param work - Does some of the work; returns whether there was any. */
  constructor(clock: Clock, work: () => boolean) {
    this.#clock = clock;
    this.#work = work;
  }

  add(bell: Doorbell): void {
    this.#bells.add(bell);
    this.wake();
  }

  remove(bell: Doorbell): void {
    this.#bells.delete(bell);
    // Ends a wait that nobody would ever end.
    bell.park();
    bell.ring();
  }

  /** There is something to do: now, unless the loop is at it. */
  readonly wake = (): void => {
    this.#wasWokenInTurn = true;
    if (this.#isStopped || this.#isTurning || this.#scheduled !== undefined) return;
    this.#turn();
  };

  stop(): void {
    this.#isStopped = true;
    this.#scheduled?.();
    for (const bell of [...this.#bells]) this.remove(bell);
  }

  #turn(): void {
    this.#scheduled = undefined;
    this.#isTurning = true;
    this.#wasWokenInTurn = false;
    for (const bell of this.#bells) bell.unpark();
    const end = this.#clock.monoMs() + TURN_MS;
    let hasWorked = true;
    while (hasWorked && this.#clock.monoMs() < end) hasWorked = this.#work();
    if (!hasWorked) {
      // Says so first and then looks once more: what was published before is found now, what comes later rings (D1).
      for (const bell of this.#bells) bell.park();
      hasWorked = this.#work();
    }
    this.#isTurning = false;
    if (this.#isStopped) return;
    if (hasWorked || this.#wasWokenInTurn) this.#scheduled = this.#clock.soon(() => this.#turn());
    else for (const bell of this.#bells) bell.sleep(this.wake);
  }
}
