/** Some numbers in short: least, greatest, mean and percentiles. Plain data; the percentiles are Flink's. */

/** @internal */
export interface NumberSummary {
  readonly count: number;
  /** 0 without numbers, as the next two. */
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  /** Without numbers NaN. */
  readonly quantiles: Readonly<Record<QuantileName, number>>;
}

/** @internal */
export type QuantileName = "p25" | "p50" | "p75" | "p90" | "p95" | "p99" | "p999";

const SHARES: Readonly<Record<QuantileName, number>> = {
  p25: 0.25,
  p50: 0.5,
  p75: 0.75,
  p90: 0.9,
  p95: 0.95,
  p99: 0.99,
  p999: 0.999,
};

/** Of all the numbers. @internal */
export function summarize(numbers: readonly number[]): NumberSummary {
  const sorted = numbers.toSorted((left, right) => left - right);
  return {
    count: sorted.length,
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    sum: sorted.reduce((sum, number) => sum + number, 0),
    quantiles: quantilesOf(sorted),
  };
}

/** Numbers as they come: least, greatest and sum of all of them, percentiles of the last ones. @internal */
export class RunningSummary {
  readonly #recentMax: number;
  readonly #recent: number[] = [];
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #sum = 0;

  /** @param recentMax - How many numbers percentiles are of. */
  constructor(recentMax: number) {
    this.#recentMax = recentMax;
  }

  add(number: number): void {
    this.#recent[this.#count % this.#recentMax] = number;
    this.#count++;
    this.#min = Math.min(this.#min, number);
    this.#max = Math.max(this.#max, number);
    this.#sum += number;
  }

  get summary(): NumberSummary {
    const { quantiles } = summarize(this.#recent);
    const isEmpty = this.#count === 0;
    return {
      count: this.#count,
      min: isEmpty ? 0 : this.#min,
      max: isEmpty ? 0 : this.#max,
      sum: this.#sum,
      quantiles,
    };
  }
}

function quantilesOf(sorted: readonly number[]): NumberSummary["quantiles"] {
  const { p25, p50, p75, p90, p95, p99, p999 } = SHARES;
  const of = (share: number): number => quantile(sorted, share);
  return { p25: of(p25), p50: of(p50), p75: of(p75), p90: of(p90), p95: of(p95), p99: of(p99), p999: of(p999) };
}

/** Between the two numbers around the position, counted as if there were one number more. */
function quantile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length + 1);
  const below = Math.floor(position);
  if (sorted.length === 0) return Number.NaN;
  if (below < 1) return sorted[0]!;
  if (below >= sorted.length) return sorted.at(-1)!;
  const left = sorted[below - 1]!;
  return left + (position - below) * (sorted[below]! - left);
}
