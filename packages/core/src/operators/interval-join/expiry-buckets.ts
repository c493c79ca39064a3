import type { JoinBuffer } from "./join-buffer.ts";

/**
 * Which buffers have to be looked at when the watermark has advanced: one bucket for each stretch of event time, so a
 * buffer costs a push and the buckets need no order. Looking at a buffer late does no harm: whoever reads it drops what
 * has expired.
 */
export class ExpiryBuckets {
  readonly #bucketMs: number;
  readonly #buckets = new Map<number, JoinBuffer[]>();
  #lastDue: number = Number.NEGATIVE_INFINITY;

  constructor(bucketMs: number) {
    this.#bucketMs = bucketMs;
  }

  /** @param expiryMs - The watermark at which the buffer's newest record expires; not before the current one. */
  add(expiryMs: number, buffer: JoinBuffer): void {
    const index = Math.floor(expiryMs / this.#bucketMs) + 1;
    const bucket = this.#buckets.get(index);
    if (bucket === undefined) this.#buckets.set(index, [buffer]);
    else bucket.push(buffer);
  }

  /** The watermark at which a buffer is handed out. */
  turnOf(expiryMs: number): number {
    return (Math.floor(expiryMs / this.#bucketMs) + 1) * this.#bucketMs;
  }

  /** Hands out every buffer whose expiry is at or before `watermarkMs`, if not at once then soon; each is out of here then. */
  takeDue(watermarkMs: number, visit: (buffer: JoinBuffer) => void): void {
    const due = Math.floor(watermarkMs / this.#bucketMs);
    if (due <= this.#lastDue) return;
    // After a leap of the watermark there are fewer buckets than stretches.
    const isLeap = due - this.#lastDue > this.#buckets.size;
    const indexes = isLeap ? [...this.#buckets.keys()].filter((index) => index <= due) : undefined;
    const first = this.#lastDue + 1;
    this.#lastDue = due;
    if (indexes !== undefined) for (const index of indexes) this.#takeBucket(index, visit);
    else for (let index = first; index <= due; index++) this.#takeBucket(index, visit);
  }

  /** The watermark begins again, and everything that was kept is gone. */
  restart(): void {
    this.#buckets.clear();
    this.#lastDue = Number.NEGATIVE_INFINITY;
  }

  #takeBucket(index: number, visit: (buffer: JoinBuffer) => void): void {
    const bucket = this.#buckets.get(index);
    if (bucket === undefined) return;
    this.#buckets.delete(index);
    for (const buffer of bucket) visit(buffer);
  }
}
