import type { Accumulator } from "./accumulator.ts";

/**
 * How often each number was added: its result has the numbers in ascending order with their counts. For few different
 * numbers; distributions of measurements are what a histogram of `metricGroup` is for.
 *
 * Flink calls it `Histogram`, which here is the metric.
 *
 * @public
 */
export class HistogramAccumulator implements Accumulator<number, ReadonlyMap<number, number>> {
  private counts = new Map<number, number>();

  add(value: number): void {
    this.counts.set(value, (this.counts.get(value) ?? 0) + 1);
  }

  getLocalValue(): ReadonlyMap<number, number> {
    return new Map([...this.counts].sort(([left], [right]) => left - right));
  }

  resetLocal(): void {
    this.counts = new Map();
  }

  merge(other: HistogramAccumulator): void {
    for (const [value, count] of other.counts) this.counts.set(value, (this.counts.get(value) ?? 0) + count);
  }

  clone(): HistogramAccumulator {
    const copy = new HistogramAccumulator();
    copy.merge(this);
    return copy;
  }
}
