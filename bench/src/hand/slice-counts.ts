import { WATERMARK_DELAY_MS } from "../job-names.ts";
import { BID } from "../nexmark/events.ts";
import type { NexmarkGenerator } from "../nexmark/generator.ts";
import type { RowSink, WindowCount } from "../result-rows.ts";
import type { BidRecord, HandLoop } from "./hand-loop.ts";

interface Counter {
  count: number;
}

type Slice = Map<number, Counter>;

/**
 * Bids per auction in windows of `sizeMs` that start every `slideMs`; tumbling when both are equal.
 *
 * - W1. A bid is counted once, in the slice of `slideMs` that it falls into; a window is the sum of its slices.
 * - W2. A window fires when the watermark reaches its end - 1, windows in order of their ends.
 * - W3. A slice is dropped once the last window over it has fired; a bid for it is late and left out. A bid that is
 *   late for some of its windows still counts for the others.
 */
export class HandSliceCounts implements HandLoop {
  readonly generator: NexmarkGenerator;
  readonly sink: RowSink<WindowCount>;
  readonly sizeMs: number;
  readonly slideMs: number;
  /** By start, in ms. */
  readonly slices: Map<number, Slice> = new Map();
  timestampMax: number = Number.NEGATIVE_INFINITY;
  /** End of the next window to fire; infinite before the first bid. */
  nextEnd: number = Number.POSITIVE_INFINITY;
  watermark: number = Number.NEGATIVE_INFINITY;

  constructor(generator: NexmarkGenerator, sink: RowSink<WindowCount>, window: { sizeMs: number; slideMs: number }) {
    this.generator = generator;
    this.sink = sink;
    this.sizeMs = window.sizeMs;
    this.slideMs = window.slideMs;
  }

  process(start: number, end: number): void {
    const { generator } = this;
    let sliceStart = Number.NaN;
    let slice: Slice = new Map();
    for (let index = start; index < end; index++) {
      const event = generator.event(index);
      const timestamp = event.dateTime;
      if (event.type === BID) {
        const bid: BidRecord = { auction: event.auction, bidder: event.bidder, price: event.price };
        // False for NaN too: the first bid looks its slice up.
        if (!(timestamp >= sliceStart && timestamp < sliceStart + this.slideMs)) {
          sliceStart = timestamp - (timestamp % this.slideMs);
          slice = this.sliceAt(sliceStart);
        }
        const counter = slice.get(bid.auction);
        if (counter === undefined) slice.set(bid.auction, { count: 1 });
        else counter.count++;
      }
      if (timestamp > this.timestampMax) {
        this.timestampMax = timestamp;
        this.watermark = timestamp - WATERMARK_DELAY_MS - 1;
        if (this.watermark >= this.nextEnd - 1) this.fire(this.watermark);
      }
    }
  }

  finish(): void {
    this.fire(Number.POSITIVE_INFINITY);
  }

  sliceAt(sliceStart: number): Slice {
    const known = this.slices.get(sliceStart);
    if (known !== undefined) return known;
    const slice: Slice = new Map();
    // A slice that no window will read any more takes late bids in and is forgotten.
    if (sliceStart + this.sizeMs - 1 <= this.watermark) return slice;
    this.slices.set(sliceStart, slice);
    this.nextEnd = Math.min(this.nextEnd, this.firstEndAfter(Math.max(sliceStart, this.watermark + 1)));
    return slice;
  }

  /** The grid of window ends is the grid of slices. */
  firstEndAfter(timestamp: number): number {
    return (Math.floor(timestamp / this.slideMs) + 1) * this.slideMs;
  }

  fire(watermark: number): void {
    while (this.slices.size > 0 && watermark >= this.nextEnd - 1) {
      const windowEnd = this.nextEnd;
      this.emit(windowEnd);
      this.slices.delete(windowEnd - this.sizeMs);
      this.nextEnd = windowEnd + this.slideMs;
    }
    if (this.slices.size === 0) this.nextEnd = Number.POSITIVE_INFINITY;
  }

  emit(windowEnd: number): void {
    const counts = this.sizeMs === this.slideMs ? this.slices.get(windowEnd - this.sizeMs) : this.merged(windowEnd);
    if (counts === undefined) return;
    for (const [key, counter] of counts) this.sink.write({ key, windowEnd, count: counter.count });
  }

  merged(windowEnd: number): Slice {
    const total: Slice = new Map();
    for (let start = windowEnd - this.sizeMs; start < windowEnd; start += this.slideMs) {
      const slice = this.slices.get(start);
      if (slice === undefined) continue;
      for (const [key, { count }] of slice) {
        const counter = total.get(key);
        if (counter === undefined) total.set(key, { count });
        else counter.count += count;
      }
    }
    return total;
  }
}
