import { invariant } from "../base/errors.ts";

/** How many of the latest values a histogram keeps unless it is told otherwise. @public */
export const HISTOGRAM_SIZE_DEFAULT = 1000;

/** What a histogram knows about its latest values. Without values, numbers are NaN and `size` is 0. @public */
export interface HistogramStatistics {
  readonly size: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Of the sample (divided by n - 1); 0 for one value. */
  readonly stddev: number;
  /** The smallest kept value that at least the share `q` of the kept values do not exceed; `0 <= q <= 1`. */
  quantile(q: number): number;
}

/**
 * The distribution of the latest values, exactly, in a ring of fixed size: memory never grows and an update costs one
 * store.
 * @public
 */
export class Histogram {
  readonly #ring: Float64Array;
  #count = 0;

  /** @param size - How many of the latest values count, at least 1. */
  constructor(size: number = HISTOGRAM_SIZE_DEFAULT) {
    invariant(Number.isSafeInteger(size) && size >= 1, `a histogram of ${size} values`);
    this.#ring = new Float64Array(size);
  }

  update(value: number): void {
    this.#ring[this.#count % this.#ring.length] = value;
    this.#count++;
  }

  /** How many values there have been, those no longer kept included. */
  getCount(): number {
    return this.#count;
  }

  /** A copy: later updates do not change it. Sorts the kept values, so it is for reporting, not for hot paths. */
  getStatistics(): HistogramStatistics {
    const size = Math.min(this.#count, this.#ring.length);
    const sorted = this.#ring.slice(0, size).sort();
    const mean = sorted.reduce((sum, value) => sum + value / size, size === 0 ? Number.NaN : 0);
    const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const at = (index: number): number => sorted[index] ?? Number.NaN;
    return {
      size,
      min: at(0),
      max: at(size - 1),
      mean,
      stddev: size === 0 ? Number.NaN : Math.sqrt(squares / Math.max(1, size - 1)),
      quantile: (q) => at(Math.max(0, Math.ceil(q * size) - 1)),
    };
  }
}
