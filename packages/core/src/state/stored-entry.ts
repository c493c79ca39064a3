import { KeyEntry } from "./key-entry.ts";

/** The version of an entry whose values are in the store only; it is kept for its timers. */
export const SPILLED = -1;

/** Slots above this are always taken for stored ones: to delete what is not there does no harm. */
const SLOT_BIT_MAX = 29;
const TIMERS_BIT = 1 << 30;

/** An entry that is in a sorted store too. */
export class StoredEntry extends KeyEntry {
  /** Whether it may have changed since it was written. */
  isDirty = false;
  /**
   * By slot, what the store has of a value that was read and not changed since: state that is only read is not written. Values are
   * handed out live, so bytes tell what code may not have told.
   */
  loaded: (Uint8Array | undefined)[] | undefined = undefined;
  /** A bit for each slot that the store has a value of. */
  #stored = 0;
  /** A bit for each slot that the store has rows of, too. */
  #rows = 0;

  hasStored(slot: number): boolean {
    return slot > SLOT_BIT_MAX || (this.#stored & (1 << slot)) !== 0;
  }

  setStored(slot: number, isStored: boolean): void {
    if (slot > SLOT_BIT_MAX) return;
    if (isStored) this.#stored |= 1 << slot;
    else this.#stored &= ~(1 << slot);
  }

  hasRows(slot: number): boolean {
    return slot > SLOT_BIT_MAX || (this.#rows & (1 << slot)) !== 0;
  }

  setRows(slot: number, hasRows: boolean): void {
    if (slot > SLOT_BIT_MAX) return;
    if (hasRows) this.#rows |= 1 << slot;
    else this.#rows &= ~(1 << slot);
  }

  /** Whether the store may have anything of the key. */
  get isStored(): boolean {
    return this.#stored !== 0 || this.more !== undefined;
  }

  get hasStoredTimers(): boolean {
    return (this.#stored & TIMERS_BIT) !== 0;
  }

  set hasStoredTimers(isStored: boolean) {
    if (isStored) this.#stored |= TIMERS_BIT;
    else this.#stored &= ~TIMERS_BIT;
  }
}
