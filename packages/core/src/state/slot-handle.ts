import { type KeyEntry, setSlot, slotOf } from "./key-entry.ts";
import type { KeyedStateTable } from "./keyed-state-table.ts";

/** A state of the current key in one slot of the table. */
export class SlotHandle {
  protected readonly table: KeyedStateTable;
  protected readonly slot: number;

  constructor(table: KeyedStateTable, slot: number) {
    this.table = table;
    this.slot = slot;
  }

  protected current(): unknown {
    const entry = this.table.current;
    return entry === undefined ? undefined : slotOf(entry, this.slot);
  }

  protected store(value: unknown): void {
    setSlot(this.table.current ?? this.table.createCurrent(), this.slot, value);
  }

  clear(): void {
    const entry: KeyEntry | undefined = this.table.current;
    if (entry === undefined) return;
    setSlot(entry, this.slot, undefined);
    this.table.removeIfEmpty(entry);
  }
}
