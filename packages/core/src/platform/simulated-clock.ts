import { checkDelay } from "./io-arguments.ts";
import type { Cancel, Clock } from "./platform.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { SimulatedLane } from "./simulated-scheduler.ts";
import { SimulatedWall } from "./simulated-wall.ts";

/** What one turn of the event loop costs at most. Above zero, or a loop of turns would stop the time for all others. */
const TURN_MS_MAX = 0.05;

/** As in Node, where a timer of 0 ms is one of 1 ms. */
const TIMER_MS_MIN = 1;

/** How late timers fire, and how wrong the wall clock is. @internal */
export interface SimulatedClockOptions {
  /** Wall time at the beginning of the simulation. */
  readonly startMs?: number;
  /** The wall clock of the process' host, instead of one of its own that starts at `startMs`. */
  readonly wall?: SimulatedWall;
  /** Timers fire up to this late, by a seeded amount. Default 0: exactly in time. */
  readonly timerLatenessMsMax?: number;
}

/**
 * The clock of one simulated process. All processes share the scheduler's time; each host may have its own idea of the
 * wall time, which tests move at will. `monoMs` is the scheduler's and never goes back.
 * @internal
 */
export class SimulatedClock implements Clock {
  readonly #process: SimulatedProcess;
  readonly #random: SeededRandom;
  readonly #timerLatenessMsMax: number;
  readonly #turns: SimulatedLane = new SimulatedLane();
  readonly #wall: SimulatedWall;

  constructor(process: SimulatedProcess, random: SeededRandom, options: SimulatedClockOptions = {}) {
    this.#process = process;
    this.#random = random;
    this.#wall = options.wall ?? new SimulatedWall(process.scheduler, options.startMs);
    this.#timerLatenessMsMax = options.timerLatenessMsMax ?? 0;
  }

  wallMs(): number {
    return Math.floor(this.#wall.nowMs);
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

  /** Sets the host's wall clock forwards or, with a negative number, back. */
  jumpWall(deltaMs: number): void {
    this.#wall.jump(deltaMs);
  }

  /** From now on the host's wall clock runs fast (above 0) or slow (below 0) by this many parts per million. */
  driftWall(partsPerMillion: number): void {
    this.#wall.drift(partsPerMillion);
  }
}
