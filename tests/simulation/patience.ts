/** I13: how long a job may take when nothing goes wrong any more. */
import type { World } from "./world.ts";

/** Simulated time from the last fault to a running job with a new checkpoint. */
const RECOVERY_MS_MAX = 10_000;

/** And to the end of its bounded input. */
const FINISH_MS_MAX = 120_000;

export class Patience {
  readonly #world: World;
  readonly #describe: () => string;
  #calmSinceMs: number | undefined;
  #snapshotsWhenCalm = 0;
  #hasRecovered = false;
  #isOver = false;

  /** @param describe - What is waited for, and what it does meanwhile. */
  constructor(world: World, describe: () => string) {
    this.#world = world;
    this.#describe = describe;
  }

  /** Asked after every event: the end of all patience, which is a violation. */
  isOver(isCalm: boolean, isFinished: boolean): boolean {
    if (this.#isOver) return true;
    if (!isCalm) return false;
    const { nowMs, completed } = this.#world;
    if (this.#calmSinceMs === undefined) {
      this.#calmSinceMs = nowMs;
      this.#snapshotsWhenCalm = completed.size;
    }
    const calmMs = nowMs - this.#calmSinceMs;
    if (!this.#hasRecovered && calmMs > RECOVERY_MS_MAX) {
      this.#hasRecovered = completed.size > this.#snapshotsWhenCalm || isFinished;
      if (!this.#hasRecovered) this.#end(`no checkpoint within ${RECOVERY_MS_MAX} ms after the last fault`);
    }
    if (calmMs > FINISH_MS_MAX) this.#end(`not finished ${FINISH_MS_MAX} ms after the last fault`);
    return this.#isOver;
  }

  #end(text: string): void {
    this.#isOver = true;
    this.#world.violated("I13", `${text}; ${this.#describe()}`);
  }
}
