/**
 * What a stored table has in its sorted store: a column family a state and one for timers, all with the same keys
 * (`stored-keys.ts`); large maps and lists have rows in families of their own (`paged-value.ts`). Every value is a stream of its own, so that
 * it can be read alone.
 *
 * Writes are collected and applied together by `flush`; until then reads do not see them.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { invariant } from "../base/errors.ts";
import { compareBytes, KvBatch } from "../kv/kv-packing.ts";
import type { SortedKv } from "../kv/sorted-kv.ts";
import { FamilyScan } from "./family-scan.ts";
import { setSlot, slotOf } from "./key-entry.ts";
import { TIMERS_SECTION, writeTimers } from "./keyed-snapshot-format.ts";
import { PagedList } from "./paged-list.ts";
import { PagedMap } from "./paged-map.ts";
import { isMark, PagedValue, type PagedValues, readMark, writeMark } from "./paged-value.ts";
import { RowFamily, type RowStore, rowsOf, type StoredRow } from "./row-family.ts";
import type { SlotCodec } from "./slot-codec.ts";
import type { StoredEntry } from "./stored-entry.ts";
import { rowsFamilyName, valuesFamilyName } from "./stored-families.ts";
import { GROUP_BYTES, prefixEnd, readStoredKey, writeGroup, writeStoredKey } from "./stored-keys.ts";
import { rowsFamilyIn, rowsFromWhole } from "./stored-rows.ts";

/** A batch is applied when it is about as long. */
const BATCH_BYTES = 256 * 1024;
const VALUE_BYTES = 4 * 1024;

/**
 * Longer values are written whether they have changed or not, since a copy of each is kept; all copies together are within the
 * bytes that the cache may have.
 */
const LOADED_BYTES_MAX = 64 * 1024;

/** The mean size of an entry is about the last this many. */
const SAMPLES = 4096;

/** Keys that ascend are written faster: a chunk of entries is sorted before. */
const CHUNK_ENTRIES = 1024;

/** A map or a list is written in rows when it is longer as a whole. */
const WHOLE_BYTES_MAX = 8 * 1024;

export class EntryStore implements RowStore {
  readonly kv: SortedKv;
  readonly #maxParallelism: number;
  readonly #slots: readonly SlotCodec[];
  /** By slot; undefined for one that no store has. */
  readonly #families: (number | undefined)[] = [];
  readonly #timersFamily: number;
  /** By slot, made when they are needed; null where large values stay whole. */
  readonly #rows: (RowFamily | undefined | null)[] = [];
  readonly #memory: PagedValues;
  readonly #batch = new KvBatch();
  readonly #keys = new BinaryWriter(4096);
  readonly #value = new BinaryWriter(4096);
  readonly #reader = new BinaryReader(new Uint8Array(0));
  #read = new Uint8Array(VALUE_BYTES);
  /** Since the store was opened, for statistics. */
  readCount = 0;
  writeCount = 0;
  #sampledBytes = 0;
  #sampleCount = 0;

  /** @param slots - The table's; a slot is there before its family is added. */
  constructor(kv: SortedKv, slots: readonly SlotCodec[], maxParallelism: number, memory: PagedValues) {
    this.kv = kv;
    this.#memory = memory;
    this.#slots = slots;
    this.#maxParallelism = maxParallelism;
    this.#timersFamily = this.namedFamily(TIMERS_SECTION.name);
  }

  /** Slots are added in their order. */
  addSlot(codec: SlotCodec, mayHaveRows: boolean): void {
    this.#families.push(codec.isTransient === true ? undefined : this.namedFamily(valuesFamilyName(codec.name)));
    this.#rows.push(mayHaveRows && codec.parts !== undefined ? undefined : null);
  }

  /** Whether something is written that reads do not see. */
  get isAhead(): boolean {
    return this.#batch.opCount > 0;
  }

  /** The column family of a slot; undefined for what is in no snapshot. */
  familyOf(slot: number): number | undefined {
    return this.#families[slot];
  }

  get timersFamily(): number {
    return this.#timersFamily;
  }

  /** The column family of the name, made when there is none. */
  namedFamily(name: string): number {
    const known = this.kv.columnFamilies.indexOf(name);
    return known >= 0 ? known : this.kv.addColumnFamily({ name });
  }

  /** What an entry takes in the store, its key included: the mean of those that were read and written last; 0 before the first. */
  get meanBytes(): number {
    return this.#sampleCount === 0 ? 0 : this.#sampledBytes / this.#sampleCount;
  }

  #sample(bytes: number): void {
    if (this.#sampleCount === SAMPLES) {
      this.#sampledBytes /= 2;
      this.#sampleCount /= 2;
    }
    this.#sampledBytes += bytes;
    this.#sampleCount++;
  }

  /** Reads the values of all states into the entry; true when there is one. */
  load(entry: StoredEntry): boolean {
    const key = this.#keyOf(entry);
    entry.loaded = undefined;
    let bytes = key.length;
    let isFound = false;
    for (let slot = 0; slot < this.#slots.length; slot++) {
      const length = this.#loadSlot(entry, slot, key);
      if (length < 0) continue;
      bytes += length;
      isFound = true;
    }
    if (isFound) this.#sample(bytes);
    return isFound;
  }

  /** Reads the value of one state into the entry. */
  loadSlot(entry: StoredEntry, slot: number): void {
    this.#loadSlot(entry, slot, this.#keyOf(entry));
  }

  /** The length of the value, -1 when there is none. */
  #loadSlot(entry: StoredEntry, slot: number, key: Uint8Array): number {
    const family = this.#families[slot];
    const length = family === undefined ? -1 : this.#get(family, key);
    if (length < 0) return -1;
    this.#reader.reset(this.#read, 0, length);
    const codec = this.#slots[slot]!;
    const isPaged = codec.parts !== undefined && isMark(this.#read, 0, length);
    setSlot(
      entry,
      slot,
      isPaged ? this.#pagedValue(slot, key.slice(), readMark(this.#reader)) : codec.read(this.#reader),
    );
    entry.setStored(slot, true);
    entry.setRows(slot, isPaged);
    if (length <= LOADED_BYTES_MAX) {
      entry.loaded ??= [];
      entry.loaded[slot] = this.#read.slice(0, length);
    }
    return length;
  }

  /** Valid until the next key is written. */
  #keyOf({ key }: StoredEntry): Uint8Array {
    this.#keys.reset();
    writeStoredKey(key, this.#maxParallelism, this.#keys);
    return this.#keys.written();
  }

  /**
   * Writes the entries, sorted, `CHUNK_ENTRIES` at a time: those that are still dirty, and have not been touched since
   * they were of this version.
   */
  *writeSorted(entries: readonly StoredEntry[], version: number): Generator<void> {
    for (let start = 0; start < entries.length; start += CHUNK_ENTRIES) {
      const end = Math.min(start + CHUNK_ENTRIES, entries.length);
      this.#writeChunk(entries.slice(start, end), version);
      yield;
    }
  }

  #writeChunk(entries: readonly StoredEntry[], version: number): void {
    const keys = this.#keys;
    keys.reset();
    const places: { readonly entry: StoredEntry; readonly from: number; readonly to: number }[] = [];
    for (const entry of entries) {
      if (!entry.isDirty || entry.version !== version) continue;
      const from = keys.position;
      writeStoredKey(entry.key, this.#maxParallelism, keys);
      places.push({ entry, from, to: keys.position });
    }
    // The writer has its last memory now.
    const chunk = places.map(({ entry, from, to }) => {
      const key = keys.buffer.subarray(from, to);
      return { entry, key, order: orderOf(key) };
    });
    chunk.sort((left, right) => left.order - right.order || compareBytes(left.key, right.key));
    for (const { entry, key } of chunk) this.#writeEntry(entry, key);
  }

  /** Writes one entry as it is now. */
  write(entry: StoredEntry): void {
    this.#writeEntry(entry, this.#keyOf(entry));
  }

  #writeEntry(entry: StoredEntry, key: Uint8Array): void {
    const batch = this.#batch;
    const { opCount } = batch;
    let bytes = key.length;
    for (let slot = 0; slot < this.#slots.length; slot++) {
      const family = this.#families[slot];
      if (family === undefined) continue;
      const codec = this.#slots[slot]!;
      let value = slotOf(entry, slot);
      if (value !== undefined && codec.snapshotOf !== undefined) value = codec.snapshotOf(value);
      if (value === undefined) {
        if (entry.hasStored(slot)) batch.delete(family, key);
        if (entry.loaded !== undefined) entry.loaded[slot] = undefined;
        this.#clearRows(entry, slot, key);
      } else {
        const encoded =
          codec.parts === undefined ? this.#encoded(codec, value) : this.#writeRows(entry, slot, key, value);
        bytes += encoded.length;
        if (!isLoaded(entry, slot, encoded)) batch.put(family, key, encoded);
      }
      entry.setStored(slot, value !== undefined);
    }
    this.#writeTimers(entry, key);
    entry.isDirty = false;
    this.#sample(bytes);
    if (batch.opCount > opCount) this.writeCount++;
    this.#flushIfFull();
  }

  /** Puts a map or a list of an entry into rows, where it can be; its memory has still to be told. */
  page(entry: StoredEntry, slot: number): PagedValue | undefined {
    return this.#page(entry, slot, this.#keyOf(entry), slotOf(entry, slot));
  }

  #page(entry: StoredEntry, slot: number, key: Uint8Array, value: unknown): PagedValue | undefined {
    const rows = this.#rowsOf(slot);
    if (rows === null) return undefined;
    const { parts } = this.#slots[slot]!;
    const place = { prefix: key.slice(), rows, memory: this.#memory };
    let paged: PagedValue | undefined;
    if (parts?.kind === "list" && Array.isArray(value)) paged = PagedList.of(place, parts, value);
    else if (parts?.kind === "map" && value instanceof Map) paged = PagedMap.of(place, parts, value);
    if (paged !== undefined) setSlot(entry, slot, paged);
    return paged;
  }

  #pagedValue(slot: number, prefix: Uint8Array, count: number): PagedValue {
    const { parts } = this.#slots[slot]!;
    const rows = this.#rowsOf(slot);
    invariant(rows !== null && parts !== undefined, "a large value is read by an operator that looks through the map");
    const place = { prefix, rows, memory: this.#memory };
    return parts.kind === "map" ? PagedMap.stored(place, parts, count) : PagedList.stored(place, parts, count);
  }

  /** Writes what a map or a list has in rows. Returns its bytes for the entry: all of it, or its mark. */
  #writeRows(entry: StoredEntry, slot: number, key: Uint8Array, value: unknown): Uint8Array {
    let paged = value instanceof PagedValue ? value : undefined;
    if (paged === undefined) {
      const bytes = this.#encoded(this.#slots[slot]!, value);
      // What a snapshot leaves out stays with the entry.
      const isAll = value === slotOf(entry, slot);
      if (bytes.length > WHOLE_BYTES_MAX && isAll) paged = this.#page(entry, slot, key, value);
      if (paged === undefined) {
        this.#clearRows(entry, slot, key);
        return bytes;
      }
      this.#memory.held(paged, paged.heldCount);
    }
    if (!paged.hasRows) this.#clearRows(entry, slot, key);
    paged.write(this.#value);
    entry.setRows(slot, true);
    return this.#value.written();
  }

  #clearRows(entry: StoredEntry, slot: number, key: Uint8Array): void {
    if (!entry.hasRows(slot)) return;
    entry.setRows(slot, false);
    const family = rowsFamilyIn(this.kv, this.#slots[slot]!);
    if (family !== undefined) this.deleteStoredRange(family, key, prefixEnd(key));
  }

  #rowsOf(slot: number): RowFamily | null {
    const known = this.#rows[slot];
    if (known !== undefined) return known;
    const name = rowsFamilyName(this.#slots[slot]!);
    invariant(name !== undefined, "only maps and lists have rows");
    const rows = new RowFamily(this, this.namedFamily(name));
    this.#rows[slot] = rows;
    return rows;
  }

  /** Whether large values of the slot are put into rows. */
  mayHaveRows(slot: number): boolean {
    return this.#rows[slot] !== null;
  }

  /** Puts a value that was written as a whole in its slot's terms into rows, without having it in memory. */
  takeLarge(slot: number, group: number, key: Uint8Array, input: BinaryReader): void {
    const rows = this.#rowsOf(slot);
    const { parts } = this.#slots[slot]!;
    invariant(rows !== null && parts !== undefined, "only maps and lists have rows");
    this.#keys.reset();
    writeGroup(group, this.#keys);
    this.#keys.rawBytes(key);
    const stored = this.#keys.written().slice();
    const count = rowsFromWhole(input, parts, (rowKey, value) => rows.put(stored, rowKey, value));
    this.#value.reset();
    writeMark(count, this.#value);
    this.putStored(this.#families[slot]!, stored, this.#value.written());
  }

  /** The rows of a large value that was written in some form. */
  *rowsUnder({ schema }: Pick<SlotCodec, "schema">, name: string, stored: Uint8Array): Iterable<StoredRow> {
    const family = rowsFamilyIn(this.kv, { name, schema });
    if (family !== undefined) yield* rowsOf(this.kv, family, stored);
  }

  /** Writes the timers only. */
  writeTimersOf(entry: StoredEntry): void {
    this.#writeTimers(entry, this.#keyOf(entry));
    this.#flushIfFull();
  }

  #writeTimers(entry: StoredEntry, key: Uint8Array): void {
    const { timers } = entry;
    const hasTimers = timers !== undefined && timers.size > 0;
    if (hasTimers) {
      const out = this.#value;
      out.reset();
      writeTimers(timers, out);
      this.#batch.put(this.#timersFamily, key, out.written());
    } else if (entry.hasStoredTimers) this.#batch.delete(this.#timersFamily, key);
    entry.hasStoredTimers = hasTimers;
  }

  /** All entries of a family, a page at a time; what is changed meanwhile is of no matter to the page at hand. */
  *entriesOf(family: number): Iterable<{
    readonly key: unknown;
    readonly stored: Uint8Array;
    readonly value: BinaryReader;
    /** Whether the value is a mark, if it is a map or a list. */
    readonly isMark: boolean;
  }> {
    const scan = new FamilyScan(this.kv, family);
    while (scan.nextPage()) {
      // The keys of a page at once: whoever goes along them may read and write.
      const { cursor } = scan;
      const page = scan.page.slice();
      const places: number[] = [];
      while (cursor.next()) places.push(cursor.keyStart, cursor.keyEnd, cursor.valueStart, cursor.valueEnd);
      for (let at = 0; at < places.length; at += 4) {
        const stored = page.subarray(places[at]!, places[at + 1]!);
        const value = new BinaryReader(page, places[at + 2]!, places[at + 3]!);
        const key = readStoredKey(page, places[at]!, places[at + 1]!);
        yield { key, stored, value, isMark: isMark(page, places[at + 2]!, places[at + 3]!) };
      }
    }
  }

  deleteStored(family: number, stored: Uint8Array): void {
    this.#batch.delete(family, stored);
    this.#flushIfFull();
  }

  deleteStoredRange(family: number, from: Uint8Array, to: Uint8Array): void {
    this.#batch.deleteRange(family, from, to);
    this.#flushIfFull();
  }

  /** Writes bytes under a key with its group. */
  putStored(family: number, stored: Uint8Array, value: Uint8Array): void {
    this.#batch.put(family, stored, value);
    this.#flushIfFull();
  }

  /** Writes a value under a key with its group. */
  putSlot(slot: number, stored: Uint8Array, value: unknown): void {
    this.putStored(this.#families[slot]!, stored, this.#encoded(this.#slots[slot]!, value));
  }

  /** Writes a value that is in bytes already, behind a key without its group. */
  putBytes(family: number, group: number, key: Uint8Array, value: Uint8Array): void {
    const keys = this.#keys;
    keys.reset();
    writeGroup(group, keys);
    keys.rawBytes(key);
    this.putStored(family, keys.written(), value);
  }

  /** Writes a value behind a key without its group. */
  putValue(slot: number, group: number, key: Uint8Array, value: unknown): void {
    this.putBytes(this.#families[slot]!, group, key, this.#encoded(this.#slots[slot]!, value));
  }

  /** A stream of its own; valid until the next one. */
  #encoded(codec: SlotCodec, value: unknown): Uint8Array {
    this.#value.reset();
    codec.write(value, this.#value);
    return this.#value.written();
  }

  #flushIfFull(): void {
    if (this.#batch.length >= BATCH_BYTES) this.flush();
  }

  flush(): void {
    const batch = this.#batch;
    if (batch.opCount === 0) return;
    this.kv.writeBatch(batch.packed(), batch.length);
    batch.reset();
  }

  /** Deletes everything that was written. */
  clear(): void {
    this.#batch.reset();
    const all = Uint8Array.of(0xff, 0xff, 0xff);
    for (const family of this.kv.columnFamilies.keys()) this.kv.deleteRange(family, new Uint8Array(0), all);
  }

  /** Reads a value to the start of `#read`; returns its length, -1 when there is none. */
  #get(family: number, key: Uint8Array): number {
    this.readCount++;
    let length = this.kv.get(family, key, key.length, this.#read);
    if (length > this.#read.length) {
      this.#read = new Uint8Array(Math.max(length, 2 * this.#read.length));
      length = this.kv.get(family, key, key.length, this.#read);
    }
    return length;
  }
}

/** Whether the store has these bytes. What differs from them is forgotten: who changes a value changes it again. */
function isLoaded(entry: StoredEntry, slot: number, encoded: Uint8Array): boolean {
  const { loaded } = entry;
  const bytes = loaded?.[slot];
  if (bytes === undefined) return false;
  if (bytes.length === encoded.length && compareBytes(bytes, encoded) === 0) return true;
  loaded![slot] = undefined;
  return false;
}

/** The first bytes of a key as a number that rises with them. */
function orderOf(key: Uint8Array): number {
  let order = 0;
  for (let at = 0; at < GROUP_BYTES + 4; at++) order = order * 256 + (key[at] ?? 0);
  return order;
}
