import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { compareBytes } from "../kv/kv-packing.ts";
import { type PagedPlace, PagedValue } from "./paged-value.ts";
import type { MapParts } from "./slot-codec.ts";

/** What a slot of a map state holds. */
export type MapContents = Map<unknown, unknown> | PagedMap;

/** Rows that are counted when nobody knows how many are left, for each entry of a map that is whole; twice as many each time. */
const COUNTED_ROWS = 16;

/** Stands for the value of a key that is known to have none. */
const ABSENT: unique symbol = Symbol("absent");

interface Held {
  readonly key: unknown;
  value: unknown;
  isDirty: boolean;
}

/**
 * A map in rows, one an entry, under the bytes of the map's keys. To put is not to read: how many entries there are is not known, but a number
 * that there are at least, and that is always above 0.
 */
export class PagedMap extends PagedValue {
  readonly #parts: MapParts;
  /** By key. What was used last is in the first; the second is let go next. */
  #young = new Map<unknown, Held>();
  #old = new Map<unknown, Held>();
  #dirty: Held[] = [];
  #countMin: number;
  #countedMax: number;
  /** Changes when rows do. */
  #writes = 0;
  /** What the map has become; nothing is asked of this one any more but to go on where somebody goes along it. */
  #small: Map<unknown, unknown> | undefined = undefined;
  readonly #key = new BinaryWriter(64);
  readonly #value = new BinaryWriter(256);

  private constructor(place: PagedPlace, parts: MapParts, hasRows: boolean, countMin: number) {
    super(place, hasRows);
    this.#parts = parts;
    this.#countMin = countMin;
    this.#countedMax = COUNTED_ROWS * place.memory.wholeEntriesMax;
  }

  /** @param countMin - As its mark says. */
  static stored(place: PagedPlace, parts: MapParts, countMin: number): PagedMap {
    return new PagedMap(place, parts, true, countMin);
  }

  /** Takes the entries over. Whoever has made it tells the memory. */
  static of(place: PagedPlace, parts: MapParts, entries: ReadonlyMap<unknown, unknown>): PagedMap {
    const map = new PagedMap(place, parts, false, entries.size);
    for (const [key, value] of entries) map.#hold(key, value, true);
    return map;
  }

  get heldCount(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: unknown): unknown {
    const { value } = this.#find(key);
    return value === ABSENT ? undefined : value;
  }

  has(key: unknown): boolean {
    return this.#find(key).value !== ABSENT;
  }

  set(key: unknown, value: unknown): void {
    const held = this.#held(key);
    if (held === undefined) {
      this.#hold(key, value, true);
      this.place.memory.grown(this, 1);
      return;
    }
    if (held.value === ABSENT) this.#countMin++;
    held.value = value;
    this.#markDirty(held);
  }

  /** What is left: this map, or a plain one when there is little, with nothing in it when there is nothing. */
  remove(key: unknown): MapContents {
    const held = this.#held(key);
    if (held?.value === ABSENT) return this;
    if (held === undefined) this.#hold(key, ABSENT, true);
    else {
      held.value = ABSENT;
      this.#markDirty(held);
    }
    this.#countMin--;
    const small = this.#countMin > 0 ? undefined : this.#count();
    if (held === undefined) this.place.memory.grown(this, 1);
    return small ?? this;
  }

  /** This map, or the plain one that it has become. */
  get now(): MapContents {
    return this.#small ?? this;
  }

  /** In no particular order. An entry that is put meanwhile may or may not be seen, one that is removed is not. */
  *entries(): IterableIterator<[unknown, unknown]> {
    for (const { key, value } of this.#walk(true)) yield [key, value];
  }

  *keys(): IterableIterator<unknown> {
    for (const { key } of this.#walk(false)) yield key;
  }

  *values(): IterableIterator<unknown> {
    for (const { value } of this.#walk(true)) yield value;
  }

  age(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#dirty = [];
  }

  protected writeRows(): void {
    const { rows, prefix } = this.place;
    const out = this.#value;
    for (const held of this.#dirty) {
      held.isDirty = false;
      const key = this.#bytesOf(held.key);
      if (held.value === ABSENT) {
        rows.delete(prefix, key);
        continue;
      }
      out.reset();
      this.#parts.value.write(held.value, out);
      rows.put(prefix, key, out.written());
    }
    this.#dirty = [];
    this.#writes++;
  }

  protected countForMark(): number {
    return this.#countMin;
  }

  #find(key: unknown): Pick<Held, "value"> {
    const held = this.#held(key);
    if (held !== undefined) return held;
    const found = this.#hold(key, this.#read(key), false);
    this.place.memory.grown(this, 1);
    return found;
  }

  #read(key: unknown): unknown {
    if (!this.hasRows) return ABSENT;
    const { rows, prefix } = this.place;
    const stored = rows.get(prefix, this.#bytesOf(key));
    return stored === undefined ? ABSENT : this.#parts.value.read(stored);
  }

  #held(key: unknown): Held | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#young.set(key, old);
    return old;
  }

  #hold(key: unknown, value: unknown, isDirty: boolean): Held {
    const held = { key, value, isDirty: false };
    this.#young.set(key, held);
    if (isDirty) this.#markDirty(held);
    return held;
  }

  #markDirty(held: Held): void {
    if (held.isDirty) return;
    held.isDirty = true;
    this.#dirty.push(held);
  }

  /** Valid until the next key. */
  #bytesOf(key: unknown): Uint8Array {
    const out = this.#key;
    out.reset();
    // A Map takes both zeros for one key.
    this.#parts.key.write(key === 0 ? 0 : key, out);
    return out.written();
  }

  /** Counts what is left, some of it at least. Returns all of it when it is little. */
  #count(): Map<unknown, unknown> | undefined {
    const { wholeEntriesMax } = this.place.memory;
    const removed = this.#dirty.filter(({ value }) => value === ABSENT).length;
    const living = this.#dirty.length - removed;
    let counted = 0;
    if (this.hasRows) {
      for (const _row of this.place.rows.rows(this.place.prefix)) {
        counted++;
        if (counted === this.#countedMax + removed) break;
      }
      // What was removed costs time, too, until it is compacted: going along it often would take for ever.
      this.#countedMax *= 2;
    }
    this.#countMin = Math.max(counted - removed, living);
    if (this.#countMin > wholeEntriesMax / 2) return undefined;
    const all = new Map(this.entries());
    this.#countMin = all.size;
    if (all.size > wholeEntriesMax) return undefined;
    this.#small = all;
    return all;
  }

  /** First what is dirty, as it is in memory, then the rows, but for what is known to be otherwise. */
  *#walk(readsValues: boolean): Generator<Pick<Held, "key" | "value">> {
    const passed = new Set<unknown>();
    for (const { key } of [...this.#dirty]) {
      if (passed.has(key)) continue;
      passed.add(key);
      const value = this.#now(key);
      if (value !== ABSENT) yield { key, value };
      if (this.#small !== undefined) return yield* this.#rest(passed, undefined);
    }
    if (!this.hasRows) return;
    const writes = this.#writes;
    const reader = new BinaryReader(new Uint8Array(0));
    for (const row of this.place.rows.rows(this.place.prefix)) {
      reader.reset(row.key);
      const key = this.#parts.key.read(reader);
      if (passed.has(key)) continue;
      const isAsRead = writes === this.#writes && !this.#isHeld(key);
      if (isAsRead) reader.reset(row.value);
      const value = !isAsRead ? this.#now(key) : readsValues ? this.#parts.value.read(reader) : undefined;
      if (value === ABSENT) continue;
      const last = this.#small === undefined ? row.key.slice() : undefined;
      yield { key, value };
      if (this.#small !== undefined) return yield* this.#rest(passed, last);
    }
  }

  /** What of the small map has not been passed. */
  *#rest(passed: ReadonlySet<unknown>, last: Uint8Array | undefined): Generator<Pick<Held, "key" | "value">> {
    const small = this.#small!;
    for (const key of [...small.keys()]) {
      if (passed.has(key) || !small.has(key)) continue;
      if (last !== undefined && compareBytes(this.#bytesOf(key), last) <= 0) continue;
      yield { key, value: small.get(key) };
    }
  }

  #isHeld(key: unknown): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  /** The value as it is now, without making it held. */
  #now(key: unknown): unknown {
    const held = this.#young.get(key) ?? this.#old.get(key);
    return held === undefined ? this.#read(key) : held.value;
  }
}

/** Removes an entry. Returns what holds the others: undefined when there are none, another map when a large one has become small. */
export function removeFrom(map: MapContents, key: unknown): MapContents | undefined {
  if (map instanceof PagedMap) {
    const left = map.remove(key);
    return left instanceof Map && left.size === 0 ? undefined : left;
  }
  map.delete(key);
  return map.size === 0 ? undefined : map;
}
