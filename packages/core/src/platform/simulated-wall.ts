import type { SimulatedScheduler } from "./simulated-scheduler.ts";

/** 2001-09-09T01:46:40Z: a round number that is clearly not now. */
export const START_MS_DEFAULT = 1_000_000_000_000;

/** The wall clock of one simulated host, which all its processes and threads read. Tests move it at will. @internal */
export class SimulatedWall {
  readonly #scheduler: SimulatedScheduler;
  /** Wall time at `#anchorMonoMs`; since then it has run at `#rate`. */
  #anchorWallMs: number;
  #anchorMonoMs = 0;
  #rate = 1;

  constructor(scheduler: SimulatedScheduler, startMs: number = START_MS_DEFAULT) {
    this.#scheduler = scheduler;
    this.#anchorWallMs = startMs;
  }

  /** Epoch milliseconds, with a fraction. */
  get nowMs(): number {
    return this.#anchorWallMs + (this.#scheduler.nowMs - this.#anchorMonoMs) * this.#rate;
  }

  /** Sets the clock forwards or, with a negative number, back. */
  jump(deltaMs: number): void {
    this.#anchorWallMs += deltaMs;
  }

  /** From now on the clock runs fast (above 0) or slow (below 0) by this many parts per million. */
  drift(partsPerMillion: number): void {
    this.#anchorWallMs = this.nowMs;
    this.#anchorMonoMs = this.#scheduler.nowMs;
    this.#rate = 1 + partsPerMillion / 1e6;
  }
}
