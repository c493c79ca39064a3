import { Availability } from "./availability.ts";
import type { CollectReceiver } from "./collect-sink.ts";

/** A producer is asked to pause at this many waiting values. */
const WAITING_MAX = 1024;

/**
 * A bounded hand-over from a sink to one consumer that iterates with `for await`.
 *
 * A full queue pauses the producer (it never drops a value). Leaving the loop early makes the queue take and forget
 * whatever still comes, so the job can end, and calls `onAbandoned`.
 * @internal
 */
export class AsyncQueue<T> implements CollectReceiver<T>, AsyncIterable<T> {
  readonly #onAbandoned: () => void;
  readonly #space: Availability = new Availability(true);
  readonly #arrival: Availability = new Availability();
  #waiting: T[] = [];
  #read = 0;
  #isClosed = false;
  #isAbandoned = false;

  constructor(onAbandoned: () => void = () => {}) {
    this.#onAbandoned = onAbandoned;
  }

  accept(value: T): void {
    if (this.#isAbandoned) return;
    this.#waiting.push(value);
    if (this.#size >= WAITING_MAX) this.#space.clear();
    this.#arrival.set();
  }

  isReady(): boolean {
    return this.#isAbandoned || this.#size < WAITING_MAX;
  }

  whenReady(): Promise<void> {
    return this.#space.whenAvailable();
  }

  /** The iteration ends after what is waiting. */
  close(): void {
    this.#isClosed = true;
    this.#arrival.set();
  }

  /** The iteration throws after what is waiting. */
  fail(error: unknown): void {
    this.#isClosed = true;
    this.#arrival.fail(error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      while (true) {
        if (this.#size > 0) {
          yield this.#take();
        } else if (this.#isClosed) {
          this.#arrival.throwIfFailed();
          return;
        } else {
          this.#arrival.clear();
          // A failure is thrown by the next turn, after what came before it.
          await this.#arrival.whenAvailable().catch(() => {});
        }
      }
    } finally {
      this.#abandon();
    }
  }

  get #size(): number {
    return this.#waiting.length - this.#read;
  }

  #take(): T {
    // The cast holds: #size is positive, and holes are never written.
    const value = this.#waiting[this.#read++] as T;
    if (this.#read === this.#waiting.length) {
      this.#waiting = [];
      this.#read = 0;
    }
    if (this.#size < WAITING_MAX / 2) this.#space.set();
    return value;
  }

  #abandon(): void {
    this.#waiting = [];
    this.#read = 0;
    this.#isAbandoned = true;
    this.#space.set();
    if (!this.#isClosed) this.#onAbandoned();
  }
}
