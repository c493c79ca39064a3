/**
 * Which keys have something to do at which time, in a column family of a stored table: the earliest are in memory, the
 * others in the store. Keys that wait need not be in memory for it.
 *
 * - X1. An item is a time, a number and a key, and items come in that order. Adding one again changes nothing.
 * - X2. The head holds every item up to and including `#coveredTo`, and no other; the rest is in the store or on its way.
 * - X3. After `flush` the store has all items. What is added or taken then is not written before the cut of a running
 *   snapshot is (D2 of the table).
 *
 *     item = time f64 | number f64 | key group u16 | key      all of them so that unsigned bytes are in their order
 *     0x00 = the next number of the table, f64                before all items
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { compareBytes, KvBatch } from "../kv/kv-packing.ts";
import type { SortedKv } from "../kv/sorted-kv.ts";
import { FamilyScan } from "./family-scan.ts";
import { groupOf, readStoredKey, writeStoredKey } from "./stored-keys.ts";

/** A key whose turn has come. */
export interface DueKey {
  readonly timeMs: number;
  readonly seq: number;
  readonly key: unknown;
}

interface Item extends DueKey {
  readonly bytes: Uint8Array;
  /** Whether the store has it. */
  isStored: boolean;
}

/** The table's store. */
export interface IndexStore {
  readonly kv: SortedKv;
  namedFamily(name: string): number;
}

/** The column family of a table's index. Its keys do not begin with their key group; no state has its name. */
export const INDEX_FAMILY = "~due";

/** The key of the table's next number. */
const NEXT_SEQ: Uint8Array = Uint8Array.of(0);
const NOTHING: Uint8Array = new Uint8Array(0);
const KEY_AT = 16;

/** When the head is longer than that, its later half goes to the store. */
const HEAD_ITEMS_MAX = 4096;
const BATCH_BYTES = 256 * 1024;

export class StoredTimeIndex {
  readonly #open: () => IndexStore;
  readonly #beforeWrite: () => void;
  readonly #maxParallelism: number;
  readonly #headItemsMax: number;
  #opened: { readonly kv: SortedKv; readonly family: number } | undefined = undefined;
  /** Ascending, from `#position` on. */
  #head: Item[] = [];
  #position = 0;
  /** X2; undefined when the head has all. */
  #coveredTo: Uint8Array | undefined = undefined;
  readonly #batch = new KvBatch();
  readonly #item = new BinaryWriter(64);
  readonly #number = new DataView(new ArrayBuffer(8));

  /**
   * @param open - Called once, when the store is needed.
   * @param beforeWrite - Called before something is written.
   */
  constructor(
    open: () => IndexStore,
    beforeWrite: () => void,
    maxParallelism: number,
    headItemsMax: number = HEAD_ITEMS_MAX,
  ) {
    this.#open = open;
    this.#beforeWrite = beforeWrite;
    this.#maxParallelism = maxParallelism;
    this.#headItemsMax = headItemsMax;
  }

  /** The time of the first item; Infinity when there is none. */
  peekTimeMs(): number {
    return this.#first()?.timeMs ?? Number.POSITIVE_INFINITY;
  }

  /** The first items, up to `countMax`; looked up when somebody asks. */
  first(countMax: number): readonly DueKey[] {
    while (this.#head.length - this.#position < countMax && this.#coveredTo !== undefined) this.#readPage();
    return this.#head.slice(this.#position, this.#position + countMax);
  }

  add(timeMs: number, seq: number, key: unknown): void {
    const bytes = this.#encoded(timeMs, seq, key);
    if (!this.#isCovered(bytes)) {
      this.#batch.put(this.#store.family, bytes, NOTHING);
      this.#writeIfFull();
      return;
    }
    const at = this.#placeOf(bytes);
    const next = this.#head[at];
    if (next !== undefined && compareBytes(next.bytes, bytes) === 0) return;
    const item: Item = { timeMs, seq, key, bytes: bytes.slice(), isStored: false };
    if (at === this.#head.length) this.#head.push(item);
    else this.#head.splice(at, 0, item);
    if (this.#head.length - this.#position > this.#headItemsMax) this.#shorten();
  }

  /** Takes an item out; nothing happens when it is not there. */
  delete(timeMs: number, seq: number, key: unknown): void {
    const bytes = this.#encoded(timeMs, seq, key);
    if (!this.#isCovered(bytes)) {
      this.#batch.delete(this.#store.family, bytes);
      this.#writeIfFull();
      return;
    }
    const at = this.#placeOf(bytes);
    const found = this.#head[at];
    if (found === undefined || compareBytes(found.bytes, bytes) !== 0) return;
    this.#head.splice(at, 1);
    this.#forget(found);
  }

  /** Takes the first item whose time is at most `timeMs`; undefined when none is due. */
  pollUntil(timeMs: number): DueKey | undefined {
    const first = this.#first();
    if (first === undefined || first.timeMs > timeMs) return undefined;
    this.#position++;
    this.#forget(first);
    return first;
  }

  /** X3. @param nextSeq - Kept beside the items. */
  flush(nextSeq: number): void {
    const { family } = this.#store;
    for (let at = this.#position; at < this.#head.length; at++) {
      const item = this.#head[at]!;
      if (!item.isStored) this.#batch.put(family, item.bytes, NOTHING);
      item.isStored = true;
    }
    const out = new BinaryWriter(8);
    out.f64(nextSeq);
    this.#batch.put(family, NEXT_SEQ, out.written());
    this.#write();
  }

  /** Goes on with what the store has, in place of what was added. Returns the number that `flush` was called with. */
  adoptStored(): number {
    this.#forgetAll();
    this.#coveredTo = NEXT_SEQ;
    const { kv, family } = this.#store;
    const found = new Uint8Array(8);
    return kv.get(family, NEXT_SEQ, NEXT_SEQ.length, found) < 0 ? 0 : new BinaryReader(found).f64();
  }

  /** Takes over the items of key groups in `[groupStart, groupEnd)` from another store. Returns as `adoptStored`. */
  copyFrom(view: SortedKv, from: number, groupStart: number, groupEnd: number): number {
    const { family } = this.#store;
    const scan = new FamilyScan(view, from);
    let nextSeq = 0;
    while (scan.nextPage()) {
      const { cursor, page } = scan;
      while (cursor.next()) {
        const { keyStart, keyEnd } = cursor;
        if (keyEnd - keyStart < KEY_AT) {
          nextSeq = new BinaryReader(page, cursor.valueStart, cursor.valueEnd).f64();
          continue;
        }
        const group = groupOf(page, keyStart + KEY_AT);
        if (group < groupStart || group >= groupEnd) continue;
        this.#batch.put(family, page.subarray(keyStart, keyEnd), NOTHING);
        this.#writeIfFull();
      }
    }
    this.#write();
    this.#coveredTo = NEXT_SEQ;
    return nextSeq;
  }

  /** Of a store that has been cleared. */
  clear(): void {
    this.#forgetAll();
    this.#coveredTo = undefined;
  }

  #forgetAll(): void {
    this.#head = [];
    this.#position = 0;
    this.#batch.reset();
  }

  get #store(): { readonly kv: SortedKv; readonly family: number } {
    if (this.#opened !== undefined) return this.#opened;
    const store = this.#open();
    this.#opened = { kv: store.kv, family: store.namedFamily(INDEX_FAMILY) };
    return this.#opened;
  }

  #first(): Item | undefined {
    while (this.#position === this.#head.length && this.#coveredTo !== undefined) this.#readPage();
    return this.#head[this.#position];
  }

  #forget(item: Item): void {
    if (item.isStored) this.#batch.delete(this.#store.family, item.bytes);
    if (this.#position === this.#head.length) {
      this.#head = [];
      this.#position = 0;
    }
    this.#writeIfFull();
  }

  /** Valid until the next one. */
  #encoded(timeMs: number, seq: number, key: unknown): Uint8Array {
    const out = this.#item;
    out.reset();
    writeOrdered(timeMs, this.#number, out);
    writeOrdered(seq, this.#number, out);
    writeStoredKey(key, this.#maxParallelism, out);
    return out.written();
  }

  #isCovered(bytes: Uint8Array): boolean {
    return this.#coveredTo === undefined || compareBytes(bytes, this.#coveredTo) <= 0;
  }

  /** The first place in the head that is not before the item. */
  #placeOf(bytes: Uint8Array): number {
    let low = this.#position;
    let high = this.#head.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareBytes(this.#head[middle]!.bytes, bytes) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #shorten(): void {
    const kept = this.#position + (this.#headItemsMax >> 1);
    const { family } = this.#store;
    for (const { bytes, isStored } of this.#head.slice(kept)) if (!isStored) this.#batch.put(family, bytes, NOTHING);
    this.#head = this.#head.slice(this.#position, kept);
    this.#position = 0;
    this.#coveredTo = this.#head.at(-1)!.bytes;
    this.#writeIfFull();
  }

  /** Lengthens the head by what the store has next. */
  #readPage(): void {
    this.#write();
    const { kv, family } = this.#store;
    const after = new Uint8Array(this.#coveredTo!.length + 1);
    after.set(this.#coveredTo!);
    const scan = new FamilyScan(kv, family, after, NOTHING);
    const hasFound = scan.nextPage();
    if (!hasFound || scan.cursor.nextBytes === 0) this.#coveredTo = undefined;
    if (!hasFound) return;
    const { cursor } = scan;
    const { page } = scan;
    while (cursor.next()) {
      const bytes = page.subarray(cursor.keyStart, cursor.keyEnd);
      const timeMs = readOrdered(bytes, 0, this.#number);
      const seq = readOrdered(bytes, 8, this.#number);
      this.#head.push({ timeMs, seq, key: readStoredKey(bytes, KEY_AT, bytes.length), bytes, isStored: true });
      if (this.#coveredTo !== undefined) this.#coveredTo = bytes;
    }
  }

  #writeIfFull(): void {
    if (this.#batch.length >= BATCH_BYTES) this.#write();
  }

  #write(): void {
    const batch = this.#batch;
    if (batch.opCount === 0) return;
    const { kv } = this.#store;
    this.#beforeWrite();
    kv.writeBatch(batch.packed(), batch.length);
    batch.reset();
  }
}

/** A number as 8 bytes that are ordered as numbers are: the sign first, all bits turned when it is negative. */
function writeOrdered(value: number, view: DataView, out: BinaryWriter): void {
  // Zero has one sign only.
  view.setFloat64(0, value + 0);
  const high = view.getUint32(0);
  const mask = high >>> 31 === 1 ? 0xffff_ffff : 0;
  const first = (high ^ (mask | 0x8000_0000)) >>> 0;
  const second = (view.getUint32(4) ^ mask) >>> 0;
  for (let shift = 24; shift >= 0; shift -= 8) out.u8((first >>> shift) & 0xff);
  for (let shift = 24; shift >= 0; shift -= 8) out.u8((second >>> shift) & 0xff);
}

function readOrdered(bytes: Uint8Array, at: number, view: DataView): number {
  const source = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  const high = source.getUint32(0);
  const mask = high >>> 31 === 1 ? 0 : 0xffff_ffff;
  view.setUint32(0, (high ^ (mask | 0x8000_0000)) >>> 0);
  view.setUint32(4, (source.getUint32(4) ^ mask) >>> 0);
  return view.getFloat64(0);
}
