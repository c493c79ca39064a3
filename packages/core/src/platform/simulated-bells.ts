import type { Bells, Cancel } from "./platform.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** A wake-up needs this long: seeded, in ms. */
const WAKE_MS: readonly [min: number, max: number] = [0.005, 0.1];

/** A thread that waits for a word. */
export interface SimulatedWait {
  readonly words: Int32Array;
  readonly index: number;
  readonly expected: number;
  readonly wake: () => void;
}

/**
 * Bells of one simulated thread. Threads share memory through different views, so a wait is found by its word having
 * changed, which every caller of `notify` has done before.
 * @internal
 */
export class SimulatedBells implements Bells {
  readonly #process: SimulatedProcess;
  readonly #random: SeededRandom;
  /** Of all threads of the machine. */
  readonly #waits: Set<SimulatedWait>;

  constructor(process: SimulatedProcess, random: SeededRandom, waits: Set<SimulatedWait>) {
    this.#process = process;
    this.#random = random;
    this.#waits = waits;
  }

  wait(words: Int32Array, index: number, expected: number, action: () => void): Cancel {
    let drop: Cancel = () => {};
    const wake = (): void => {
      this.#waits.delete(wait);
      const [min, max] = WAKE_MS;
      drop = this.#process.schedule(min + this.#random.fraction() * (max - min), "bell", action);
    };
    const wait: SimulatedWait = { words, index, expected, wake };
    this.#waits.add(wait);
    if (Atomics.load(words, index) !== expected) wake();
    return () => {
      this.#waits.delete(wait);
      drop();
    };
  }

  notify(_words: Int32Array, _index: number): void {
    for (const { words, index, expected, wake } of [...this.#waits]) {
      if (Atomics.load(words, index) !== expected) wake();
    }
  }
}
