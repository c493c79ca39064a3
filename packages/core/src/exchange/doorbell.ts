/**
 * How threads wake each other without waiting. Every slot has a word in shared memory that says whether its loop is
 * parked; whoever gives it something to do rings only then.
 *
 * - D1. A loop first says that it is parked, then looks once more for work, then sleeps. Whoever makes work first
 *   publishes it, then looks whether the loop is parked. So one of the two always sees the other.
 * - D2. Only the one that changes the word from parked to awake notifies: a burst rings once.
 */
import type { Bells } from "../platform/platform.ts";

const AWAKE = 0;
const PARKED = 1;

/** Words apart, so that two slots do not share a cache line. */
const WORDS_PER_SLOT = 16;

/** Memory for the doorbells of `slots` slots. */
export function createDoorbellMemory(slots: number): SharedArrayBuffer {
  return new SharedArrayBuffer(slots * WORDS_PER_SLOT * 4);
}

/** The doorbell of one slot, on either side of the door. */
export class Doorbell {
  readonly #words: Int32Array;
  readonly #index: number;
  readonly #bells: Bells;
  #isWaiting = false;
  #onRing: () => void = () => {};

  constructor(memory: SharedArrayBuffer, slot: number, bells: Bells) {
    this.#words = new Int32Array(memory);
    this.#index = slot * WORDS_PER_SLOT;
    this.#bells = bells;
  }

  /** Called by those who have published something for the slot, or made room for it. */
  ring(): void {
    if (Atomics.load(this.#words, this.#index) !== PARKED) return;
    if (Atomics.compareExchange(this.#words, this.#index, PARKED, AWAKE) === PARKED) {
      this.#bells.notify(this.#words, this.#index);
    }
  }

  /** Called by the slot: from now on `ring` wakes it. It has to look for work once more before it sleeps. */
  park(): void {
    Atomics.store(this.#words, this.#index, PARKED);
  }

  /** Calls `onRing`, and no earlier one, when somebody rings, or has rung since `park`. */
  sleep(onRing: () => void): void {
    // The wait may be an earlier loop's: a slot keeps its door from one attempt to the next.
    this.#onRing = onRing;
    // A wait that nobody has ended holds on: one is enough however often the loop was woken by something else.
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#bells.wait(this.#words, this.#index, PARKED, () => {
      this.#isWaiting = false;
      this.#onRing();
    });
  }

  unpark(): void {
    Atomics.store(this.#words, this.#index, AWAKE);
  }
}
