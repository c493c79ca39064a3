/**
 * Counts durations in buckets whose width grows with the duration, as HdrHistogram does: 128 buckets to every power of
 * two above 256 µs, one a microsecond below. A reported duration is at most 1/128 too high and never too low.
 *
 * @see Tene, "How NOT to Measure Latency", for why percentiles are counted from due times and over all events.
 */
const EXACT_BITS = 8;
const EXACT_COUNT = 1 << EXACT_BITS;
const BUCKETS_PER_OCTAVE = EXACT_COUNT / 2;
/** About 35 minutes; longer ones count as this. */
const MICROS_MAX = 2 ** 31 - 1;
const BUCKET_COUNT = indexOf(MICROS_MAX) + 1;

/** @internal */
export class LatencyHistogram {
  /** How many durations fell into each bucket; what travels between threads. */
  readonly counts: Float64Array = new Float64Array(BUCKET_COUNT);

  record(durationMs: number): void {
    const micros = Math.min(MICROS_MAX, Math.max(0, Math.ceil(durationMs * 1000)));
    this.counts[indexOf(micros)]!++;
  }

  /** Adds what another one has counted. */
  add(counts: Float64Array): void {
    for (let index = 0; index < BUCKET_COUNT; index++) this.counts[index]! += counts[index]!;
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** The duration in ms that the share `q` of all, 0 to 1, does not exceed; NaN when nothing was recorded. */
  quantileMs(q: number): number {
    const rank = Math.max(1, Math.ceil(q * this.total));
    let seen = 0;
    for (let index = 0; index < BUCKET_COUNT; index++) {
      seen += this.counts[index]!;
      if (seen >= rank) return highestMicros(index) / 1000;
    }
    return Number.NaN;
  }
}

function indexOf(micros: number): number {
  if (micros < EXACT_COUNT) return micros;
  const shift = 32 - Math.clz32(micros) - EXACT_BITS;
  return shift * BUCKETS_PER_OCTAVE + (micros >>> shift);
}

function highestMicros(index: number): number {
  if (index < EXACT_COUNT) return index;
  const shift = Math.floor(index / BUCKETS_PER_OCTAVE) - 1;
  return (index - shift * BUCKETS_PER_OCTAVE + 1) * 2 ** shift - 1;
}
