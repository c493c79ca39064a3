/**
 * A channel between two subtasks in one thread: a first-in, first-out queue of records and events that hands over
 * references. Written and read on the same thread.
 *
 * - X1. Order is kept: records and events leave in the order they came.
 * - X2. Writing is always allowed, so that a record at hand can be finished; a channel with `capacity` elements or more
 *   is not available, and its producer is not run until it is (soft back-pressure).
 */
import type { ChannelReader, ChannelWriter, TakeRecord } from "./channel.ts";
import type { ChannelEvent } from "./channel-events.ts";

/** Elements a channel takes before its producer has to wait. */
export const CHANNEL_CAPACITY = 1024;

export class LocalChannel implements ChannelReader, ChannelWriter {
  readonly capacity: number;
  #values: unknown[];
  /** Event time of the record in the same place; NaN marks an event. */
  #times: Float64Array;
  #mask: number;
  #head = 0;
  #size = 0;

  constructor(capacity: number = CHANNEL_CAPACITY) {
    this.capacity = capacity;
    let slots = 16;
    while (slots < capacity + 64) slots *= 2;
    this.#values = new Array(slots).fill(undefined);
    this.#times = new Float64Array(slots);
    this.#mask = slots - 1;
  }

  get size(): number {
    return this.#size;
  }

  get isAvailable(): boolean {
    return this.#size < this.capacity;
  }

  push(value: unknown, timestampMs: number): void {
    if (this.#size > this.#mask) this.#grow();
    const place = (this.#head + this.#size) & this.#mask;
    this.#values[place] = value;
    this.#times[place] = timestampMs;
    this.#size++;
  }

  pushEvent(event: ChannelEvent): void {
    this.push(event, Number.NaN);
  }

  get buffersInUse(): number {
    return this.#size === 0 ? 0 : 1;
  }

  get hasNext(): boolean {
    return this.#size > 0;
  }

  takeRecords(take: TakeRecord, limit: number): number {
    let taken = 0;
    while (taken < limit && this.#size > 0) {
      const timestampMs = this.#times[this.#head]!;
      if (Number.isNaN(timestampMs)) break;
      taken++;
      take(this.#shift(), timestampMs);
    }
    return taken;
  }

  takeEvent(): ChannelEvent | undefined {
    if (this.#size === 0 || !Number.isNaN(this.#times[this.#head]!)) return undefined;
    // Only events have no time.
    return this.#shift() as ChannelEvent;
  }

  /** Both ends see the same memory. */
  flush(): void {}

  #shift(): unknown {
    const head = this.#head;
    const value = this.#values[head];
    // The queue must not keep what it has handed over alive.
    this.#values[head] = undefined;
    this.#head = (head + 1) & this.#mask;
    this.#size--;
    return value;
  }

  #grow(): void {
    const slots = (this.#mask + 1) * 2;
    const values: unknown[] = new Array(slots).fill(undefined);
    const times = new Float64Array(slots);
    for (let index = 0; index < this.#size; index++) {
      const place = (this.#head + index) & this.#mask;
      values[index] = this.#values[place];
      times[index] = this.#times[place]!;
    }
    this.#values = values;
    this.#times = times;
    this.#mask = slots - 1;
    this.#head = 0;
  }
}
