/** A half-open span of time, and the arithmetic that places it on a grid. */
import type { Window } from "./window.ts";

/**
 * The span `[start, end)` of event time or processing time, in epoch milliseconds.
 *
 * @example
 * const hour = new TimeWindow(0, 3_600_000);
 * hour.maxTimestamp; // 3_599_999
 * @public
 */
export class TimeWindow implements Window {
  /** The first millisecond that belongs to the window. */
  readonly start: number;
  /** The first millisecond after the window. */
  readonly end: number;

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }

  /** The last millisecond that belongs to the window; the window fires when the watermark, or the clock, reaches it. */
  get maxTimestamp(): number {
    return this.end - 1;
  }

  /**
   * Whether the windows overlap or touch. Touching counts, as in Flink: a session ends a gap after its last element, so
   * an element at exactly that time still continues it.
   */
  intersects(other: TimeWindow): boolean {
    return this.start <= other.end && this.end >= other.start;
  }

  /** The smallest window that contains both. */
  cover(other: TimeWindow): TimeWindow {
    return new TimeWindow(Math.min(this.start, other.start), Math.max(this.end, other.end));
  }

  /** As in Flink: `TimeWindow{start=0, end=5}`. */
  toString(): string {
    return `TimeWindow{start=${this.start}, end=${this.end}}`;
  }
}

/**
 * The start of the grid cell that contains a timestamp: the largest `offsetMs + k * sizeMs` that is not after it, before
 * the epoch too.
 *
 * Exact for timestamps that a JavaScript date can hold and sizes up to `WINDOW_LENGTH_MAX_MS`; |offsetMs| < sizeMs.
 *
 * @example
 * windowStartWithOffset(-1, 0, 5); // -5
 * windowStartWithOffset(7, 2, 5); // 7
 * @internal
 */
export function windowStartWithOffset(timestampMs: number, offsetMs: number, sizeMs: number): number {
  const remainder = (timestampMs - offsetMs) % sizeMs;
  return timestampMs - (remainder < 0 ? remainder + sizeMs : remainder);
}
