/**
 * One key of one operator with the values of all its states side by side, so that a record costs one map look-up
 * however many states its operator has. One class for every operator keeps the engine's property accesses monomorphic.
 *
 * An absent value is `undefined`. An entry without values and timers is not kept in its table.
 */
export class KeyEntry {
  readonly key: unknown;
  /** The table's version when this entry was last made visible to code that may change it; see KeyedStateTable. */
  version: number;
  s0: unknown = undefined;
  s1: unknown = undefined;
  /** Slots from 2 up: few operators have more than two states, and entries are what a large state is made of. */
  more: unknown[] | undefined = undefined;
  timers: TimerSet | undefined = undefined;

  constructor(key: unknown, version: number) {
    this.key = key;
    this.version = version;
  }
}

/** Slots kept in fields; the others are in `more`. */
export const FIELD_SLOTS = 2;

/** Reads a slot by number; hot code reads the fields itself. */
export function slotOf(entry: KeyEntry, slot: number): unknown {
  switch (slot) {
    case 0:
      return entry.s0;
    case 1:
      return entry.s1;
    default:
      return entry.more?.[slot - FIELD_SLOTS];
  }
}

export function setSlot(entry: KeyEntry, slot: number, value: unknown): void {
  switch (slot) {
    case 0:
      entry.s0 = value;
      return;
    case 1:
      entry.s1 = value;
      return;
    default:
      entry.more ??= [];
      entry.more[slot - FIELD_SLOTS] = value;
  }
}

/** True when nothing is left to keep: no slot has a value and no timer is registered. */
export function isEmptyEntry(entry: KeyEntry): boolean {
  if (entry.s0 !== undefined || entry.s1 !== undefined) return false;
  if (entry.timers !== undefined && entry.timers.size > 0) return false;
  return entry.more === undefined || entry.more.every((value) => value === undefined);
}

/** @public */
export type TimeDomain = "event" | "processing";

/** A registered timer of one key. `seq` orders timers of the same time, in the order of registration. */
export interface Timer {
  readonly timeMs: number;
  readonly seq: number;
  readonly entry: KeyEntry;
  readonly domain: TimeDomain;
  /** Deleted timers stay in the queue until they come to its head. */
  isDeleted: boolean;
}

/** The timers of one key, for deduplication and for the snapshot. Few keys have more than a handful. */
export class TimerSet {
  readonly #event = new Map<number, Timer>();
  readonly #processing = new Map<number, Timer>();

  get size(): number {
    return this.#event.size + this.#processing.size;
  }

  of(domain: TimeDomain): Map<number, Timer> {
    return domain === "event" ? this.#event : this.#processing;
  }
}
