import type { Pauses } from "./round-plan.ts";
import { Seeded } from "./seeded.ts";

const RARE_SHARE = 0.01;
const RARE_FACTOR = 10;

/** Says after which records somebody pauses, and for how long. */
export class Pacing {
  private readonly random: Seeded;
  private readonly pauses: Pauses;
  private readonly endMs: number;
  private left: number;

  /** @param ms - From now on; after them there are no pauses. Undefined: there are always pauses. */
  constructor(seed: string, pauses: Pauses, ms: number | undefined) {
    this.random = new Seeded(seed);
    this.pauses = pauses;
    this.endMs = performance.now() + (ms ?? Number.POSITIVE_INFINITY);
    this.left = this.#distance();
  }

  /** How many ms to pause after `count` more records; 0 for not at all. */
  pauseAfter(count: number): number {
    this.left -= count;
    if (this.left > 0) return 0;
    this.left = this.#distance();
    const factor = this.random.chance(RARE_SHARE) ? RARE_FACTOR : 1;
    const ms = this.random.between(1, this.pauses.msMax) * factor;
    return performance.now() >= this.endMs ? 0 : ms;
  }

  #distance(): number {
    return this.random.between(1, 2 * this.pauses.everyRecords);
  }
}

const asleep = new Int32Array(new SharedArrayBuffer(4));

/** Holds the thread up without using the processor. */
export function stall(ms: number): void {
  if (ms > 0) Atomics.wait(asleep, 0, 0, ms);
}
