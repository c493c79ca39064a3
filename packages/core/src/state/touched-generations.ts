import { isEmptyEntry } from "./key-entry.ts";
import type { StoredEntry } from "./stored-entry.ts";

/** Entries that were touched under the same version. */
interface Generation {
  readonly version: number;
  readonly entries: readonly StoredEntry[];
  /** The next one to look at. */
  next: number;
}

/** The entries of a cache in the order in which they were touched, to find those that were not for the longest time. */
export class TouchedGenerations {
  /** Oldest first. */
  #generations: Generation[] = [];
  #listedCount = 0;

  /** Of all generations, those included that have been touched since. */
  get listedCount(): number {
    return this.#listedCount;
  }

  /** @param listedMax - When there are more, those that have been touched since are forgotten. */
  add(version: number, entries: readonly StoredEntry[], listedMax: number): void {
    this.#generations.push({ version, entries, next: 0 });
    this.#listedCount += entries.length;
    if (this.#listedCount > listedMax) this.#forgetTouched();
  }

  /** Takes the entry that was touched longest ago; undefined when there is none. */
  takeOldest(): StoredEntry | undefined {
    for (let oldest = this.#generations[0]; oldest !== undefined; oldest = this.#generations[0]) {
      while (oldest.next < oldest.entries.length) {
        const entry = oldest.entries[oldest.next++]!;
        if (entry.version === oldest.version && !isEmptyEntry(entry)) return entry;
      }
      this.#generations.shift();
      this.#listedCount -= oldest.entries.length;
    }
    return undefined;
  }

  clear(): void {
    this.#generations = [];
    this.#listedCount = 0;
  }

  /** Of what was touched again, only the last generation is needed: without evictions they would be kept for ever. */
  #forgetTouched(): void {
    this.#generations = this.#generations
      .map(({ version, entries, next }) => ({
        version,
        entries: entries.slice(next).filter((entry) => entry.version === version && !isEmptyEntry(entry)),
        next: 0,
      }))
      .filter(({ entries }) => entries.length > 0);
    this.#listedCount = this.#generations.reduce((sum, { entries }) => sum + entries.length, 0);
  }
}
