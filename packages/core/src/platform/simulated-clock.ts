import { checkDelay } from "./io-arguments.ts";
import type { Cancel, Clock } from "./platform.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { SimulatedLane } from "./simulated-scheduler.ts";

/** 2001-09-09T01:46:40Z: a round number that is clearly not now. */
export const START_MS_DEFAULT = 1_000_000_000_000;

/** What one turn of the event loop costs at most. Above zero, or a loop of turns would stop the time for all others. */
const TURN_MS_MAX = 0.05;

/** As in Node, where a timer of 0 ms is one of 1 ms. */
const TIMER_MS_MIN = 1;

/** How late timers fire, and how wrong the wall clock is. @internal */
export interface SimulatedClockOptions {
  /** Wall time at the beginning of the simulation. */
  readonly startMs?: number;
  /** Timers fire up to this late, by a seeded amount. Default 0: exactly in time. */
  readonly timerLatenessMsMax?: number;
}

/**
 * The clock of one simulated process. All processes share the scheduler's time; each may have its own idea of the wall
 * time, which tests move at will. `monoMs` is the scheduler's and never goes back.
 * @internal
 */
export class SimulatedClock implements Clock {
  readonly #process: SimulatedProcess;
  readonly #random: SeededRandom;
  readonly #timerLatenessMsMax: number;
  readonly #turns: SimulatedLane = new SimulatedLane();
  /** Wall time at `#anchorMonoMs`; since then it has run at `#rate`. */
  #anchorWallMs: number;
  #anchorMonoMs = 0;
  #rate = 1;

  constructor(process: SimulatedProcess, random: SeededRandom, options: SimulatedClockOptions = {}) {
    this.#process = process;
    this.#random = random;
    this.#anchorWallMs = options.startMs ?? START_MS_DEFAULT;
    this.#timerLatenessMsMax = options.timerLatenessMsMax ?? 0;
  }

  wallMs(): number {
    return Math.floor(this.#exactWallMs());
  }

  monoMs(): number {
    return this.#process.scheduler.nowMs;
  }

  after(delayMs: number, action: () => void): Cancel {
    checkDelay(delayMs);
    const latenessMs = this.#random.fraction() * this.#timerLatenessMsMax;
    return this.#process.schedule(Math.max(TIMER_MS_MIN, delayMs) + latenessMs, "timer", action);
  }

  /** Turns of one process keep their order, as Node's immediates do. */
  soon(action: () => void): Cancel {
    const turnMs = (1 - this.#random.fraction()) * TURN_MS_MAX;
    return this.#process.schedule(turnMs, "turn", action, this.#turns);
  }

  /** Sets the wall clock forwards or, with a negative number, back. */
  jumpWall(deltaMs: number): void {
    this.#anchorWallMs += deltaMs;
  }

  /** From now on the wall clock runs fast (above 0) or slow (below 0) by this many parts per million. */
  driftWall(partsPerMillion: number): void {
    this.#anchorWallMs = this.#exactWallMs();
    this.#anchorMonoMs = this.monoMs();
    this.#rate = 1 + partsPerMillion / 1e6;
  }

  #exactWallMs(): number {
    return this.#anchorWallMs + (this.monoMs() - this.#anchorMonoMs) * this.#rate;
  }
}
