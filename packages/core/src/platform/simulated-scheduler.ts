import { invariant } from "../base/errors.ts";
import { EventHeap, type SimulatedEvent } from "./event-heap.ts";
import type { Cancel } from "./platform.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SimulationTrace } from "./simulation-trace.ts";

/** One simulated hour: far beyond any deadline of a test, close enough to end a loop that never does. */
const LIMIT_MS_DEFAULT = 3_600_000;

/** Simulated time moves in steps of 2^-10 ms, about a microsecond: sums of such numbers are exact, so no timer is early. */
const STEPS_PER_MS = 1024;

/** The simulation cannot go on, or went on for too long. The message ends with the last events. @internal */
export class SimulationStuck extends Error {
  constructor(reason: string, trace: SimulationTrace) {
    super(`${reason}; trace ${trace.digest()} ends with:\n${trace.recent().join("\n")}`);
    this.name = "SimulationStuck";
  }
}

/**
 * Runs everything that happens in a simulation, one event after the other, on simulated time.
 *
 * - S1. Events run in the order (time, seeded tie-break, creation); time never goes back.
 * - S2. Between two events all microtasks are drained, so that the order of events alone decides what interleaves.
 * - S3. Events of one lane at one moment keep their order: frames of one link, messages of one port, turns of one loop.
 * - S4. An action that throws ends the run with its error, unless its owner catches it: nothing is swallowed.
 */
export class SimulatedScheduler {
  readonly trace: SimulationTrace = new SimulationTrace();
  readonly #random: SeededRandom;
  readonly #heap: EventHeap = new EventHeap();
  #nowMs = 0;
  #sequence = 0;
  #isRunning = false;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** Milliseconds since the simulation began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many events have been scheduled so far. */
  get scheduledCount(): number {
    return this.#sequence;
  }

  schedule(delayMs: number, label: string, action: () => void, lane?: SimulatedLane): Cancel {
    let timeMs = this.#nowMs + wholeSteps(Math.max(0, delayMs));
    let tieBreak = this.#random.u32();
    if (lane !== undefined) {
      timeMs = Math.max(timeMs, lane.lastMs);
      if (timeMs === lane.lastMs) tieBreak = lane.lastTieBreak;
      lane.lastMs = timeMs;
      lane.lastTieBreak = tieBreak;
    }
    const event: SimulatedEvent = { timeMs, tieBreak, sequence: this.#sequence++, label, action };
    this.#heap.push(event);
    return () => {
      event.action = undefined;
    };
  }

  /** Runs until nothing is scheduled any more. */
  async runUntilIdle(limitMs: number = LIMIT_MS_DEFAULT): Promise<void> {
    await this.#exclusively(async () => {
      const endMs = this.#nowMs + limitMs;
      await drainMicrotasks();
      while (await this.#runNext(endMs)) {}
      if (this.#heap.peek() !== undefined) {
        throw new SimulationStuck(`not idle after ${limitMs} simulated ms`, this.trace);
      }
    });
  }

  /** Runs what happens in the next `durationMs` and leaves the clock at their end. */
  async advance(durationMs: number): Promise<void> {
    await this.#exclusively(async () => {
      const endMs = this.#nowMs + wholeSteps(durationMs);
      await drainMicrotasks();
      while (await this.#runNext(endMs)) {}
      this.#nowMs = endMs;
    });
  }

  /**
   * Runs until `predicate` holds; it is asked before the first and after every event.
   * @throws SimulationStuck when nothing is left to happen, or nothing within `limitMs`.
   */
  async runUntil(predicate: () => boolean, limitMs: number = LIMIT_MS_DEFAULT): Promise<void> {
    await this.#exclusively(async () => {
      const endMs = this.#nowMs + limitMs;
      await drainMicrotasks();
      while (!predicate()) {
        if (await this.#runNext(endMs)) continue;
        const isIdle = this.#heap.peek() === undefined;
        const reason = isIdle ? "nothing is left to happen" : `nothing more within ${limitMs} simulated ms`;
        throw new SimulationStuck(`the awaited condition never held: ${reason}`, this.trace);
      }
    });
  }

  /** Runs until the promise settles, and settles alike. */
  async runUntilSettled<T>(promise: Promise<T>, limitMs: number = LIMIT_MS_DEFAULT): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.runUntil(() => isSettled, limitMs);
    return promise;
  }

  async #runNext(endMs: number): Promise<boolean> {
    const event = this.#heap.peek();
    if (event === undefined || event.timeMs > endMs) return false;
    this.#heap.pop();
    this.#nowMs = event.timeMs;
    this.trace.add(`${event.timeMs} ${event.label}`);
    event.action?.();
    await drainMicrotasks();
    return true;
  }

  async #exclusively(run: () => Promise<void>): Promise<void> {
    invariant(!this.#isRunning, "the simulation is driven from two places at once");
    this.#isRunning = true;
    try {
      await run();
    } finally {
      this.#isRunning = false;
    }
  }
}

/** Keeps the events of one link in order (S3). @internal */
export class SimulatedLane {
  /** @internal */
  lastMs = 0;
  /** @internal */
  lastTieBreak = 0;
}

function wholeSteps(durationMs: number): number {
  return Math.ceil(durationMs * STEPS_PER_MS) / STEPS_PER_MS;
}

function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
