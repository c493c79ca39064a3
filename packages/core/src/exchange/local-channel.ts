/**
 * A channel between two subtasks in one thread: a first-in, first-out queue of records and events that hands over
 * references. Written and read on the same thread.
 *
 * - X1. Order is kept: records and events leave in the order they came.
 * - X2. Writing is always allowed, so that a record at hand can be finished; a channel with `capacity` elements or more
 *   is not available, and its producer is not run until it is (soft back-pressure).
 * - X5. A look at the queue moves nothing: what was looked at still counts for X2, and is taken as ever.
 */
import { invariant } from "../base/errors.ts";
import type { ChannelLook, ChannelReader, ChannelVisitor, ChannelWriter, TakeRecord } from "./channel.ts";
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
  /** Elements taken so far: what numbers those that are here. */
  #taken = 0;
  #restoredCount = 0;

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

  get takenBytes(): number {
    return 0;
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
    this.#taken += taken;
    return taken;
  }

  takeEvent(): ChannelEvent | undefined {
    if (this.#size === 0 || !Number.isNaN(this.#times[this.#head]!)) return undefined;
    this.#taken++;
    // Only events have no time.
    return this.#shift() as ChannelEvent;
  }

  beginLook(): ChannelLook {
    let next = this.#taken;
    return {
      look: (visitor) => {
        invariant(next >= this.#taken, "a channel handed over what a look had not seen");
        next = this.#show(next, visitor);
      },
      close: () => {},
    };
  }

  // Nobody has written yet: the head of the queue is its end.
  restoreRecord(value: unknown, timestampMs: number): void {
    this.#restoredCount++;
    this.push(value, timestampMs);
  }

  restoreWatermark(timestampMs: number): void {
    this.#restoredCount++;
    this.pushEvent({ kind: "watermark", timestampMs });
  }

  get restoredCount(): number {
    return Math.max(0, this.#restoredCount - this.#taken);
  }

  /** Both ends see the same memory. */
  flush(): void {}

  /** Shows the elements from number `next` on; returns the number of the first that was not shown. */
  #show(next: number, visitor: ChannelVisitor): number {
    const end = this.#taken + this.#size;
    for (let number = next; number < end; number++) {
      const place = (this.#head + number - this.#taken) & this.#mask;
      const timestampMs = this.#times[place]!;
      if (!Number.isNaN(timestampMs)) visitor.onRecord(this.#values[place], timestampMs);
      // Only events have no time.
      else if (!visitor.onEvent(this.#values[place] as ChannelEvent)) return number + 1;
    }
    return end;
  }

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
