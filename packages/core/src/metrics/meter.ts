import { Counter } from "./counter.ts";

/** The time that a rate looks back over. */
const WINDOW_MS = 60_000;
/** How often the registry samples; with the window this bounds the samples that are kept. @internal */
export const METER_SAMPLE_INTERVAL_MS = 5000;
const SAMPLES_MAX = WINDOW_MS / METER_SAMPLE_INTERVAL_MS + 1;

interface Sample {
  readonly monoMs: number;
  readonly count: number;
}

/**
 * Events per second over the last minute. Marking an event costs one addition: the rate comes from samples of the count
 * that `MetricRegistry.sampleMeters` takes.
 * @public
 */
export class Meter {
  readonly #counter: Counter;
  #samples: readonly Sample[] = [];

  /** @param counter - What is measured; by default a counter of the meter's own. */
  constructor(counter: Counter = new Counter()) {
    this.#counter = counter;
  }

  markEvent(count = 1): void {
    this.#counter.inc(count);
  }

  getCount(): number {
    return this.#counter.value;
  }

  /** Events per second between the oldest and the newest sample of the last minute; 0 before the second sample. */
  getRate(): number {
    const [oldest] = this.#samples;
    const newest = this.#samples.at(-1);
    if (oldest === undefined || newest === undefined || newest.monoMs <= oldest.monoMs) return 0;
    return ((newest.count - oldest.count) * 1000) / (newest.monoMs - oldest.monoMs);
  }

  /** Notes the count at a moment of the monotonic clock. @internal */
  sample(monoMs: number): void {
    const fresh = this.#samples.filter((sample) => sample.monoMs >= monoMs - WINDOW_MS);
    this.#samples = [...fresh, { monoMs, count: this.#counter.value }].slice(-SAMPLES_MAX);
  }
}
