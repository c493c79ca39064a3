import { PerformanceObserver } from "node:perf_hooks";

/** Sums up the garbage collection of the thread it is made in. @internal */
export class GcObserver {
  readonly #observer: PerformanceObserver;
  #gcMs = 0;

  constructor() {
    this.#observer = new PerformanceObserver((list) => this.#add(list.getEntries()));
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** Stops, and returns the milliseconds so far. Entries are delivered in a turn of the event loop, so one has to pass. */
  async finish(): Promise<number> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#add(this.#observer.takeRecords());
    this.#observer.disconnect();
    return this.#gcMs;
  }

  #add(entries: readonly { readonly duration: number }[]): void {
    for (const entry of entries) this.#gcMs += entry.duration;
  }
}
