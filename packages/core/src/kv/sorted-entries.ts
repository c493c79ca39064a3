import { compareBytes } from "./kv-packing.ts";

/** @internal */
export interface SortedEntry<V> {
  readonly key: Uint8Array;
  readonly value: V;
}

/** Entries in an array in the order of their keys: simple rather than fast. Keys belong to it. @internal */
export class SortedEntries<V> {
  #entries: SortedEntry<V>[] = [];

  get size(): number {
    return this.#entries.length;
  }

  all(): readonly SortedEntry<V>[] {
    return this.#entries;
  }

  get(key: Uint8Array): V | undefined {
    const entry = this.#entries[this.lowerBound(key)];
    return entry !== undefined && compareBytes(entry.key, key) === 0 ? entry.value : undefined;
  }

  set(key: Uint8Array, value: V): void {
    const at = this.lowerBound(key);
    const entry = this.#entries[at];
    const replaced = entry !== undefined && compareBytes(entry.key, key) === 0 ? 1 : 0;
    this.#entries.splice(at, replaced, { key, value });
  }

  delete(key: Uint8Array): void {
    const at = this.lowerBound(key);
    const entry = this.#entries[at];
    if (entry !== undefined && compareBytes(entry.key, key) === 0) this.#entries.splice(at, 1);
  }

  /** The entries of `[from, to)`. */
  range(from: Uint8Array, to: Uint8Array): readonly SortedEntry<V>[] {
    return this.#entries.slice(this.lowerBound(from), this.lowerBound(to));
  }

  /** The place of the first entry that is not before `key`. */
  lowerBound(key: Uint8Array): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes(this.#entries[middle]!.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  keepOnly(isKept: (value: V) => boolean): void {
    this.#entries = this.#entries.filter((entry) => isKept(entry.value));
  }

  clear(): void {
    this.#entries = [];
  }
}
