/**
 * A clock that moves only when it is told to. What is due runs within the call that moves it, in the order of its times,
 * so that a test that drives it needs no waiting.
 */
import type { Cancel, Clock } from "../platform/platform.ts";
import { testKitMisused } from "./test-kit-misused.ts";

interface Due {
  readonly atMs: number;
  readonly sequence: number;
  readonly action: () => void;
}

/** How often actions may schedule others for the same moment before that counts as an endless loop. */
const ACTIONS_PER_MOMENT_MAX = 1_000_000;

/** @internal */
export class ManualClock implements Clock {
  readonly #startMs: number;
  #nowMs: number;
  #sequence = 0;
  #due: Due[] = [];

  /** @param startMs - Wall time at the beginning, in epoch ms. */
  constructor(startMs: number) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  monoMs(): number {
    return this.#nowMs - this.#startMs;
  }

  after(delayMs: number, action: () => void): Cancel {
    return this.#schedule(this.#nowMs + Math.max(1, Math.ceil(delayMs)), action);
  }

  soon(action: () => void): Cancel {
    return this.#schedule(this.#nowMs, action);
  }

  /** Runs what is due now, and what that makes due. */
  runDue(): void {
    for (let left = ACTIONS_PER_MOMENT_MAX; left > 0; left--) {
      const next = this.#next();
      if (next === undefined || next.atMs > this.#nowMs) return;
      this.#due.splice(this.#due.indexOf(next), 1);
      next.action();
    }
    throw testKitMisused(
      "The job never comes to rest",
      `more than ${ACTIONS_PER_MOMENT_MAX} steps without time going on`,
      "Look for a timer that registers itself again for a time that has passed",
    );
  }

  /** Moves to a time, stopping at every moment before it at which something is due. */
  advanceTo(timeMs: number): void {
    if (timeMs < this.#nowMs) {
      throw testKitMisused(
        "Processing time cannot go back",
        `${timeMs} after ${this.#nowMs}`,
        "Set times in ascending order, or start a new harness",
      );
    }
    for (let next = this.#next(); next !== undefined && next.atMs <= timeMs; next = this.#next()) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      this.runDue();
    }
    this.#nowMs = timeMs;
  }

  #schedule(atMs: number, action: () => void): Cancel {
    const due: Due = { atMs, sequence: this.#sequence++, action };
    this.#due.push(due);
    return () => {
      this.#due = this.#due.filter((each) => each !== due);
    };
  }

  #next(): Due | undefined {
    let first: Due | undefined;
    for (const due of this.#due) {
      const isFirst =
        first === undefined || due.atMs < first.atMs || (due.atMs === first.atMs && due.sequence < first.sequence);
      if (isFirst) first = due;
    }
    return first;
  }
}
