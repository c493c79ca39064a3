/**
 * All keyed state of one operator in one subtask, in a sorted store with a write-back cache of entries in front.
 *
 * - D1. An entry that may have changed since it was written is dirty, and is in `#touched` or in the cut of the running
 *   snapshot. T1 of the table is what makes it so: whoever may change an entry makes it current first.
 * - D2. A cut is the contents at `beginSnapshot`. Until all of it is in the store nothing newer is written: an entry of the
 *   cut that is about to change is written first, and whoever has to write more brings the cut to its end before.
 * - D3. Only clean entries leave the cache. One that has timers keeps its place without values (`SPILLED`), because the
 *   queues of timers lead to it; becoming current reads them again.
 * - D4. The entry of a removed key is known until the store has forgotten the key, too.
 *
 * An operator that looks through the map (`readsOnDemand` is false) has all its entries in it: they are written, and never
 * leave. One that finds keys by their times (`indexByTime`) does not; its index is cut with the entries.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { invariant } from "../base/errors.ts";
import { decodeKey, type MapKey, mapKeyOf, validateKey } from "../types/key-encoding.ts";
import { EntryStore } from "./entry-store.ts";
import { isEmptyEntry, type KeyEntry, setSlot, slotOf } from "./key-entry.ts";
import type { KeyedSnapshot } from "./keyed-snapshot.ts";
import {
  type KeyedSection,
  type RestoredGroup,
  type RestoredKeyedState,
  type RestoredTimer,
  readerOf,
  readTimers,
} from "./keyed-snapshot-format.ts";
import { type KeyedStateOwner, KeyedStateTable, type LargeValues } from "./keyed-state-table.ts";
import { PagedValues } from "./paged-value.ts";
import { isContextual, type SlotCodec } from "./slot-codec.ts";
import type { RestoredStore, RunningKeyedSnapshot, SnapshotFormat } from "./store-snapshot.ts";
import { SPILLED, StoredEntry } from "./stored-entry.ts";
import { copyGroups, linkStore } from "./stored-groups.ts";
import { migrateRows, wholeOf } from "./stored-rows.ts";
import {
  CanonicalStoredSnapshot,
  NativeStoredSnapshot,
  type StoredSnapshot,
  type StoredSnapshotParts,
} from "./stored-snapshot.ts";
import {
  REMEMBERED_MAX,
  type StoredTableOptions,
  type StoredTableTraffic,
  WHOLE_ENTRIES_MAX,
} from "./stored-table-options.ts";
import { INDEX_FAMILY, StoredTimeIndex } from "./stored-time-index.ts";
import { TouchedGenerations } from "./touched-generations.ts";

/** What an eviction leaves in the cache. */
const KEPT_SHARE = 0.75;
/** However large values are. */
const CACHED_MIN = 16;
/** How large they are is found out by writing when there are so many of them. */
const SAMPLED_MIN = 256;

/** @internal */
export class StoredStateTable extends KeyedStateTable implements LargeValues {
  readonly #options: StoredTableOptions;
  #opened: EntryStore | undefined = undefined;
  #restored: RestoredKeyedState | undefined = undefined;
  /** D4. */
  readonly #removed = new Map<MapKey, StoredEntry>();
  /** Under the current version. */
  #touched: StoredEntry[] = [];
  readonly #rememberedMax: number;
  #touchedMax: number;
  readonly #generations = new TouchedGenerations();
  /** Entries with values in the map. */
  #cachedCount = 0;
  /** Its cut is not wholly written. */
  #cutting: StoredSnapshot | undefined = undefined;
  readonly #snapshots = new Set<StoredSnapshot>();
  readonly #paged: PagedValues;
  #index: StoredTimeIndex | undefined = undefined;
  #onRead: (entry: KeyEntry) => void = () => {};
  /** Whether the index has what the restored state waits for. */
  #isIndexRestored = false;
  /** Changes when files may get names that were other files'. */
  #storeId: string;
  #snapshotCount = 0;

  constructor(owner: KeyedStateOwner, maxParallelism: number, options: StoredTableOptions) {
    super(owner, maxParallelism);
    this.#options = options;
    this.#rememberedMax = options.rememberedMax ?? REMEMBERED_MAX;
    this.#touchedMax = this.#rememberedMax;
    this.#storeId = options.random.uuid();
    const wholeEntriesMax = options.wholeEntriesMax ?? WHOLE_ENTRIES_MAX;
    this.#paged = new PagedValues(wholeEntriesMax, options.cacheEntriesMax, () => this.#writeBack());
    // An entry that was read, and not touched, is of the version before.
    this.version = 1;
  }

  /** What the cache has cost, for statistics. */
  get traffic(): StoredTableTraffic {
    const { readCount = 0, writeCount = 0 } = this.#opened ?? {};
    const { heldCount: held } = this.#paged;
    return {
      read: readCount,
      written: writeCount,
      cached: this.#cachedCount,
      listed: this.#generations.listedCount,
      held,
    };
  }

  /** Operators that look through the map find all values in it as they are. */
  override get largeValues(): LargeValues | undefined {
    return this.readsOnDemand ? this : undefined;
  }

  outgrow(grown: KeyEntry, slot: number): void {
    const value = slotOf(grown, slot);
    const size = value instanceof Map ? value.size : Array.isArray(value) ? value.length : 0;
    if (size <= this.#paged.wholeEntriesMax) return;
    const paged = this.#store.page(grown as StoredEntry, slot);
    if (paged !== undefined) this.#paged.grown(paged, paged.heldCount);
  }

  override get writesSnapshot(): boolean {
    return this.#cutting !== undefined;
  }

  override indexByTime(onRead: (entry: KeyEntry) => void): StoredTimeIndex {
    this.readsOnDemand = true;
    this.#onRead = onRead;
    const beforeWrite = (): void => this.#cutting?.writeCut();
    this.#index = new StoredTimeIndex(() => this.#store, beforeWrite, this.maxParallelism);
    return this.#index;
  }

  override readKey(key: unknown): KeyEntry | undefined {
    validateKey(key, this.owner);
    const place = mapKeyOf(key);
    if (!this.mayWait || this.#removed.has(place)) return this.map.get(place);
    this.#tidyIfFull();
    this.#makeRoom();
    const entry = new StoredEntry(key, this.version);
    if (!this.#store.load(entry)) return undefined;
    this.map.set(place, entry);
    this.#cachedCount++;
    this.#markDirty(entry);
    if (this.#index === undefined) return entry;
    this.#onRead(entry);
    this.removeIfEmpty(entry);
    return this.map.get(place);
  }

  override readAll(): void {}

  override touch(touched: KeyEntry): void {
    const entry = touched as StoredEntry;
    if (entry.version === SPILLED) {
      this.#makeRoom();
      this.#store.load(entry);
      this.#cachedCount++;
      this.#onRead(entry);
    } else if (entry.isDirty) this.#store.write(entry);
    entry.version = this.version;
    this.#markDirty(entry);
  }

  override removeIfEmpty(removed: KeyEntry): void {
    if (!isEmptyEntry(removed)) return;
    const entry = removed as StoredEntry;
    const place = mapKeyOf(entry.key);
    if (this.map.get(place) === entry) {
      if (!entry.isDirty) this.touch(entry);
      this.map.delete(place);
      this.#cachedCount--;
      if (entry.isStored || this.#store.isAhead) this.#removed.set(place, entry);
    }
    if (this.current === entry) this.current = undefined;
  }

  override registerSlot(codec: SlotCodec): number {
    invariant(!this.slots.some((slot) => slot.name === codec.name), `state ${codec.name} registered twice`);
    const slot = this.slots.length;
    const store = this.#store;
    this.slots.push(codec);
    store.addSlot(codec, this.readsOnDemand);
    this.mayWait = this.readsOnDemand;
    const form = this.#restored?.formOf(codec.name);
    if (form !== undefined) this.#adoptStored(slot, form);
    for (const values of this.#restored?.takeState(codec, this.owner) ?? []) this.#takeRestored(slot, values);
    store.flush();
    if (this.readsOnDemand) {
      for (const entry of this.map.values()) if (entry.version !== SPILLED) store.loadSlot(entry as StoredEntry, slot);
    }
    return slot;
  }

  /**
   * Goes on from the stores of a checkpoint, before `restore` is called with their headers. What was one subtask's and is this
   * one's now is taken over as it is; otherwise the wanted key groups are copied.
   */
  override restoreStores(stores: readonly RestoredStore[], groupStartAt: number, groupEndAt: number): void {
    if (stores.length === 0) return;
    invariant(this.#opened === undefined, "a store is restored over another");
    const disk = this.#options.stores;
    const [only] = stores;
    const isTaken = stores.length === 1 && only!.keyGroupStart === groupStartAt && only!.keyGroupEnd === groupEndAt;
    let nextSeqs: readonly (number | undefined)[];
    if (isTaken) {
      linkStore(disk, only!, `${this.#options.directory}/db`);
      this.#storeId = only!.storeId;
      const isIndexed = this.#store.kv.columnFamilies.includes(INDEX_FAMILY);
      nextSeqs = [isIndexed ? this.#index?.adoptStored() : undefined];
    } else {
      const target = { store: this.#store, index: this.#index, groupStart: groupStartAt, groupEnd: groupEndAt };
      nextSeqs = stores.map(({ directory }) => copyGroups(disk.open(directory, []), target));
    }
    this.#isIndexRestored = !nextSeqs.includes(undefined);
    for (const nextSeq of nextSeqs) this.raiseNextSeq(nextSeq ?? 0);
    for (const { directory } of stores) disk.remove(directory);
    this.#adoptTimers();
  }

  #adoptTimers(): void {
    const store = this.#store;
    const restored: { readonly entry: StoredEntry; readonly timer: Omit<RestoredTimer, "key" | "group"> }[] = [];
    for (const { key, value } of store.entriesOf(store.timersFamily)) {
      const entry = this.#restoredEntry(key);
      entry.hasStoredTimers = true;
      for (const timer of readTimers(value)) restored.push({ entry, timer });
    }
    restored.sort((left, right) => left.timer.seq - right.timer.seq);
    for (const { entry, timer } of restored) this.restoreTimer(entry, timer.domain, timer.timeMs, timer.seq);
  }

  /** What the store had of a state before the state was registered: as its codec would have written it, and in memory if need be. */
  #adoptStored(slot: number, form: Pick<KeyedSection, "kind" | "schema">): void {
    const store = this.#store;
    const family = store.familyOf(slot);
    const codec = this.slots[slot]!;
    const { read, isCurrent } = readerOf(codec, form, this.owner);
    const onStored = this.#isIndexRestored ? undefined : codec.onStored;
    const isAsItIs = isCurrent && this.readsOnDemand;
    if (family === undefined || (isAsItIs && codec.onStored === undefined)) return;
    const where = { operator: this.owner.operatorName, uid: this.owner.uid, state: codec.name };
    for (const { key, stored, value, isMark } of store.entriesOf(family)) {
      const isPaged = isMark && codec.parts !== undefined;
      if (isPaged && this.readsOnDemand) continue;
      const found = isPaged ? wholeOf(codec, form, where, store.rowsUnder(form, codec.name, stored)) : read(value);
      if (this.readsOnDemand) {
        // One tells whether the operator can go on with all.
        if (isAsItIs && onStored === undefined) return;
        onStored?.(key, found);
        if (!isCurrent) store.putSlot(slot, stored, found);
        continue;
      }
      const entry = this.#restoredEntry(key);
      setSlot(entry, slot, found);
      entry.setStored(slot, true);
      entry.setRows(slot, isPaged);
      if (!isCurrent && !entry.isDirty) this.touch(entry);
    }
    store.flush();
    if (codec.parts !== undefined && this.readsOnDemand) migrateRows(store, codec, form, where);
  }

  override restore(restored: RestoredKeyedState): void {
    this.#restored = restored;
    this.mayWait = this.readsOnDemand;
    const store = this.#store;
    for (const { key, domain, timeMs, seq } of restored.takeTimers()) {
      this.restoreTimer(this.#restoredEntry(key), domain, timeMs, seq);
    }
    for (const entry of this.map.values()) {
      if (!(entry as StoredEntry).hasStoredTimers) store.writeTimersOf(entry as StoredEntry);
    }
    store.flush();
  }

  override *keysOf(slot: number): Iterable<unknown> {
    const family = this.#store.familyOf(slot);
    if (family === undefined) return;
    this.#writeBack();
    for (const { key } of this.#store.entriesOf(family)) yield key;
  }

  override clear(): void {
    this.#cutting?.writeCut();
    super.clear();
    this.#store.clear();
    this.#index?.clear();
    this.#removed.clear();
    this.#touched = [];
    this.#generations.clear();
    this.#paged.clear();
    this.#cachedCount = 0;
    this.mayWait = this.readsOnDemand;
  }

  override beginSnapshotAs(format: SnapshotFormat | undefined): RunningKeyedSnapshot {
    if (this.#hasNothing) return super.beginSnapshot();
    const isNative = format === "NATIVE" || (format === undefined && this.#options.isIncremental);
    return isNative ? this.#begin((parts) => new NativeStoredSnapshot(parts, this.#storeId)) : this.beginSnapshot();
  }

  override beginSnapshot(): KeyedSnapshot {
    return this.#hasNothing ? super.beginSnapshot() : this.#begin((parts) => new CanonicalStoredSnapshot(parts));
  }

  /** For an operator without keyed state no store is opened. */
  get #hasNothing(): boolean {
    return this.#opened === undefined && this.slots.length === 0 && this.map.size === 0;
  }

  #begin<T extends StoredSnapshot>(create: (parts: StoredSnapshotParts) => T): T {
    this.#cutting?.writeCut();
    this.#index?.flush(this.nextSeq());
    const cut = this.#touched;
    const { version } = this;
    this.#endGeneration();
    this.current = undefined;
    const snapshot: T = create({
      cut,
      version,
      store: this.#store,
      stores: this.#options.stores,
      // Beside the table's directory: a snapshot may outlive the table.
      directory: `${this.#options.directory}-snapshot-${this.#snapshotCount++}`,
      slots: this.slots.slice(),
      carriedOver: this.#restored?.carriedOver() ?? [],
      onCutWritten: () => {
        this.#forgetRemoved(cut);
        if (this.#cutting === snapshot) this.#cutting = undefined;
      },
      onWritten: () => this.#snapshots.delete(snapshot),
    });
    this.#cutting = snapshot;
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  override close(): void {
    for (const snapshot of this.#snapshots) snapshot.close();
    this.#opened?.kv.close();
    this.#options.stores.remove(this.#options.directory);
  }

  protected override newEntry(key: unknown): KeyEntry {
    this.#tidyIfFull();
    this.#cachedCount++;
    const place = mapKeyOf(key);
    const removed = this.#removed.get(place);
    if (removed !== undefined) {
      this.#removed.delete(place);
      if (removed.version !== this.version) this.touch(removed);
      return removed;
    }
    const entry = new StoredEntry(key, this.version);
    this.#markDirty(entry);
    return entry;
  }

  get #store(): EntryStore {
    if (this.#opened !== undefined) return this.#opened;
    const { stores, directory } = this.#options;
    stores.makeDirectory(directory);
    const kv = stores.open(`${directory}/db`, []);
    this.#opened = new EntryStore(kv, this.slots, this.maxParallelism, this.#paged);
    return this.#opened;
  }

  #markDirty(entry: StoredEntry): void {
    entry.isDirty = true;
    this.#touched.push(entry);
  }

  /** What a checkpoint has of one state in one key group goes to the store, and to the entries that are in memory. */
  #takeRestored(slot: number, { group, count, bytes, read, isCurrent }: RestoredGroup): void {
    const store = this.#store;
    const family = store.familyOf(slot);
    if (family === undefined) return;
    const isCopied = isCurrent && (count === 1 || !isContextual(this.slots[slot]!));
    const mayBeLarge = store.mayHaveRows(slot);
    const input = new BinaryReader(bytes);
    for (let index = 0; index < count; index++) {
      const keyStart = input.position;
      const key = decodeKey(input);
      const keyEnd = input.position;
      const keyBytes = bytes.subarray(keyStart, keyEnd);
      if (isCurrent && mayBeLarge && new BinaryReader(bytes, keyEnd).varint() > this.#paged.wholeEntriesMax) {
        store.takeLarge(slot, group, keyBytes, input);
        continue;
      }
      const value = read(input);
      if (this.readsOnDemand) this.slots[slot]!.onStored?.(key, value);
      if (isCopied) store.putBytes(family, group, keyBytes, bytes.subarray(keyEnd, input.position));
      else if (this.readsOnDemand) store.putValue(slot, group, keyBytes, value);
      if (this.readsOnDemand) continue;
      const entry = this.#restoredEntry(key);
      setSlot(entry, slot, value);
      if (isCopied) entry.setStored(slot, true);
      else if (!entry.isDirty) this.touch(entry);
    }
  }

  /** The entry of a restored key: as clean as the store. */
  #restoredEntry(key: unknown): StoredEntry {
    const place = mapKeyOf(key);
    const known = this.map.get(place) as StoredEntry | undefined;
    if (known !== undefined) return known;
    const entry = new StoredEntry(key, this.readsOnDemand ? SPILLED : this.version - 1);
    if (!this.readsOnDemand) this.#cachedCount++;
    this.putEntry(place, entry);
    return entry;
  }

  #makeRoom(): void {
    if (this.#cachedCount < SAMPLED_MIN && this.#cachedCount < this.#options.cacheEntriesMax) return;
    if (this.#store.meanBytes === 0) this.#writeBack();
    const entriesMax = this.#cachedMax;
    if (this.#cachedCount < entriesMax) return;
    this.#writeBack();
    this.#evict(Math.floor(entriesMax * KEPT_SHARE));
  }

  /** Of how many entries the values may be in memory, with values as large as those of late. */
  get #cachedMax(): number {
    const { cacheEntriesMax, cacheBytesMax } = this.#options;
    const { meanBytes } = this.#store;
    if (meanBytes === 0) return cacheEntriesMax;
    return Math.min(cacheEntriesMax, Math.max(CACHED_MIN, Math.floor(cacheBytesMax / meanBytes)));
  }

  /** Lets go what was touched and is nothing any more; writes when that is not enough. */
  #tidyIfFull(): void {
    if (this.#removed.size < this.#rememberedMax && this.#touched.length < this.#touchedMax) return;
    this.#store.flush();
    this.#touched = this.#touched.filter((entry) => {
      if (!isEmptyEntry(entry) || entry.isStored) return true;
      this.#forgetRemoved([entry]);
      return false;
    });
    const touchedMax = Math.max(this.#rememberedMax, 2 * this.#cachedCount);
    if (this.#removed.size >= this.#rememberedMax || this.#touched.length >= touchedMax) this.#writeBack();
    this.#touchedMax = Math.max(touchedMax, 2 * this.#touched.length);
  }

  /** Makes all entries clean. */
  #writeBack(): void {
    this.#cutting?.writeCut();
    const touched = this.#touched;
    const store = this.#store;
    for (const _chunk of store.writeSorted(touched, this.version)) {
      // All of them in one go.
    }
    store.flush();
    this.#forgetRemoved(touched);
    const { current } = this;
    this.#endGeneration();
    // Whoever is at work on the current entry goes on with it.
    if (current instanceof StoredEntry) this.touch(current);
  }

  #endGeneration(): void {
    if (this.#touched.length > 0 && this.readsOnDemand) {
      this.#generations.add(this.version, this.#touched, this.#rememberedMax + 2 * this.#cachedCount);
    }
    this.#touched = [];
    this.version++;
  }

  #evict(kept: number): void {
    while (this.#cachedCount > kept) {
      const oldest = this.#generations.takeOldest();
      if (oldest === undefined) return;
      if (oldest !== this.current) this.#evictEntry(oldest);
    }
  }

  #evictEntry(entry: StoredEntry): void {
    invariant(!entry.isDirty, "what was not written leaves the cache");
    entry.version = SPILLED;
    this.#cachedCount--;
    if (entry.timers === undefined || entry.timers.size === 0) {
      this.map.delete(mapKeyOf(entry.key));
      return;
    }
    entry.s0 = undefined;
    entry.s1 = undefined;
    entry.more = undefined;
    entry.loaded = undefined;
  }

  /** D4: the store has been told, and what it was told is applied. */
  #forgetRemoved(written: readonly StoredEntry[]): void {
    if (this.#removed.size === 0) return;
    for (const entry of written) {
      if ((entry.isDirty && entry.isStored) || !isEmptyEntry(entry)) continue;
      const place = mapKeyOf(entry.key);
      if (this.#removed.get(place) === entry) this.#removed.delete(place);
    }
  }
}
