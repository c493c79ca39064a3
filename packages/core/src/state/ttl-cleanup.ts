import { type KeyEntry, setSlot, slotOf } from "./key-entry.ts";
import type { KeyedStateTable } from "./keyed-state-table.ts";

/** Walks round the keys of a table, some at every access, and takes out what has expired in one of its slots. */
export class TtlCleanup {
  readonly #table: KeyedStateTable;
  readonly #slot: number;
  readonly #size: number;
  readonly #live: (value: unknown) => unknown;
  #entries: Iterator<KeyEntry> | undefined = undefined;

  /** @param live - What is left of a value; the value itself when nothing of it has expired, undefined for nothing. */
  constructor(table: KeyedStateTable, slot: number, size: number, live: (value: unknown) => unknown) {
    this.#table = table;
    this.#slot = slot;
    this.#size = size;
    this.#live = live;
  }

  step(): void {
    for (let left = this.#size; left > 0; left--) {
      this.#entries ??= this.#table.map.values();
      const next = this.#entries.next();
      if (next.done === true) {
        this.#entries = undefined;
        return;
      }
      this.#clean(next.value);
    }
  }

  #clean(entry: KeyEntry): void {
    const value = slotOf(entry, this.#slot);
    if (value === undefined) return;
    const live = this.#live(value);
    if (live === value) return;
    const table = this.#table;
    // T2: a running snapshot gets the entry as it was.
    if (entry.version !== table.version) table.touch(entry);
    setSlot(entry, this.#slot, live);
    table.removeIfEmpty(entry);
  }
}
