/**
 * Where slices and windows lie in event time. Windows start every `slideMs` and end `sizeMs` later; a slice is a span
 * between two neighbours among all those starts and ends, so it is wholly inside or wholly outside of every window.
 * There are one or two slices to a slide, whatever its size.
 *
 * ```
 * size 5, slide 2   windows   [0    5)
 *                               [2    7)
 *                   slices    [0 1)[1 2)[2 3)[3 4)[4 5) …
 * size 6, slide 2   slices    [0   2)[2   4)[4   6) …
 * ```
 *
 * Times are epoch ms; results are exact within ±2^53.
 *
 * @see Krishnamurthy et al., "On-the-fly sharing for streamed aggregation", SIGMOD 2006 (paired windows).
 */
export class SliceGrid {
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
  /** From a window's start to the next end of an older window; 0 when ends fall on starts. */
  readonly #cutMs: number;

  constructor(sizeMs: number, slideMs: number, offsetMs: number) {
    this.sizeMs = sizeMs;
    this.slideMs = slideMs;
    this.offsetMs = offsetMs;
    this.#cutMs = sizeMs % slideMs;
  }

  sliceStart(timestampMs: number): number {
    const cell = this.#cellStart(timestampMs);
    return this.#cutMs > 0 && timestampMs - cell >= this.#cutMs ? cell + this.#cutMs : cell;
  }

  sliceEnd(sliceStart: number): number {
    const cell = this.#cellStart(sliceStart);
    return this.#cutMs > 0 && sliceStart === cell ? cell + this.#cutMs : cell + this.slideMs;
  }

  /** End of the oldest window over the slice. */
  firstWindowEnd(sliceStart: number): number {
    return this.windowEndAfter(sliceStart);
  }

  /** End of the newest window over the slice. */
  lastWindowEnd(sliceStart: number): number {
    return this.#cellStart(sliceStart) + this.sizeMs;
  }

  /** The earliest end of a window that is later than the time. */
  windowEndAfter(timestampMs: number): number {
    return this.#cellStart(timestampMs - this.#cutMs) + this.#cutMs + this.slideMs;
  }

  // Division and floor are exact for whole milliseconds within ±2^53 and much faster than the remainder of doubles.
  #cellStart(timestampMs: number): number {
    return Math.floor((timestampMs - this.offsetMs) / this.slideMs) * this.slideMs + this.offsetMs;
  }
}
