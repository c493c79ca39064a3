/**
 * Maps and lists that are too large to be read and written as a whole. In memory are some of their entries; the others
 * are rows of a family of their own (`row-family.ts`), and the key's entry has the value's mark only.
 *
 * - G1. A value writes nothing by itself: its rows are written when its key's entry is (D1, D2 of the table).
 * - G2. What it has in memory and has not written is dirty, and stays. The rest may be let go at any time.
 * - G3. Rows that were there before the value belong to one that is gone, until its first write deletes them.
 */
import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { invariant } from "../base/errors.ts";
import type { RowFamily } from "./row-family.ts";

/** No map or list is written as a whole with 0 entries: one that has none is no value. */
const MARK = 0;
const MARK_VERSION = 1;

/** Whether a state's bytes are the mark of a value in rows. */
export function isMark(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start > 1 && bytes[start] === MARK;
}

/** What is to be known of a value without its rows. */
export function writeMark(count: number, out: BinaryWriter): void {
  out.u8(MARK);
  out.u8(MARK_VERSION);
  out.varint(count);
}

export function readMark(input: BinaryReader): number {
  const isKnown = input.u8() === MARK && input.u8() === MARK_VERSION;
  invariant(isKnown, "a large value was written by a later version");
  return input.varint();
}

/** Counts what large values have in memory. */
export interface PagedMemory {
  /** What has no more entries is better off as a whole. */
  readonly wholeEntriesMax: number;
  /** Called last when a call has made `value` hold more: what it holds may be let go. */
  grown(value: PagedValue, count: number): void;
}

/** Where a value lives. */
export interface PagedPlace {
  /** The value's key in the store. */
  readonly prefix: Uint8Array;
  readonly rows: RowFamily;
  readonly memory: PagedMemory;
}

export abstract class PagedValue {
  /** Rises with the calls that made it hold more. */
  usedAt = 0;
  protected readonly place: PagedPlace;
  #hasRows: boolean;

  /** @param hasRows - Whether the rows in the store are this value's (G3). */
  constructor(place: PagedPlace, hasRows: boolean) {
    this.place = place;
    this.#hasRows = hasRows;
  }

  get hasRows(): boolean {
    return this.#hasRows;
  }

  /** Entries or elements in memory. */
  abstract readonly heldCount: number;

  /** Writes what is dirty, and the mark. */
  write(mark: BinaryWriter): void {
    this.writeRows();
    this.#hasRows = true;
    mark.reset();
    writeMark(this.countForMark(), mark);
  }

  /** Lets go what is in memory but for what was used last; again: all of it. Nothing is dirty, or nobody has the value any more. */
  abstract age(): void;

  protected abstract writeRows(): void;
  /** What the mark says. */
  protected abstract countForMark(): number;
}

/** What the large values of a table may have in memory together. */
export class PagedValues implements PagedMemory {
  readonly wholeEntriesMax: number;
  readonly #heldMax: number;
  readonly #writeBack: () => void;
  readonly #values = new Set<PagedValue>();
  #heldCount = 0;
  #uses = 0;

  /** @param writeBack - Writes all that is dirty. */
  constructor(wholeEntriesMax: number, heldMax: number, writeBack: () => void) {
    this.wholeEntriesMax = wholeEntriesMax;
    this.#heldMax = heldMax;
    this.#writeBack = writeBack;
  }

  get heldCount(): number {
    return this.#heldCount;
  }

  /** As `grown`, for a value that is being written. */
  held(value: PagedValue, count: number): void {
    this.#values.add(value);
    value.usedAt = ++this.#uses;
    this.#heldCount += count;
  }

  grown(value: PagedValue, count: number): void {
    this.held(value, count);
    if (this.#heldCount > this.#heldMax) this.#makeRoom();
  }

  clear(): void {
    this.#values.clear();
    this.#heldCount = 0;
  }

  /** Those that were used longest ago are the first to let go. */
  #makeRoom(): void {
    this.#writeBack();
    const oldestFirst = [...this.#values].sort((left, right) => left.usedAt - right.usedAt);
    this.#heldCount = oldestFirst.reduce((sum, { heldCount }) => sum + heldCount, 0);
    const kept = this.#heldMax * 0.75;
    for (const value of oldestFirst) {
      for (let round = 0; round < 2 && this.#heldCount > kept; round++) {
        this.#heldCount -= value.heldCount;
        value.age();
        this.#heldCount += value.heldCount;
      }
      if (value.heldCount === 0) this.#values.delete(value);
    }
  }
}
