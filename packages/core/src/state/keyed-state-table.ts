/**
 * All keyed state of one operator in one subtask, on the heap. `StoredStateTable` keeps the same in a sorted store.
 *
 * - T1. Code that may change an entry gets it only through `select`, `selectEntry` or `create`, which make it current.
 * - T2. A snapshot is the contents at `beginSnapshot`. An entry whose version is older than the table's is written to
 *   the running snapshot before it becomes current (pre-image), so nobody can change it unseen. What still waits to be
 *   read since the restore is in it as bytes; entries that are read later are of a newer version.
 * - T3. An entry without values and timers is removed; a table without state for any key is empty.
 *
 * Reading a value hands out the live object, so becoming current counts as a change.
 */
import { invariant } from "../base/errors.ts";
import type { Clock } from "../platform/platform.ts";
import { hashKey, keyGroup, type MapKey, mapKeyOf, validateKey } from "../types/key-encoding.ts";
import { type EntryMap, MAP_ENTRIES_MAX, ShardedEntryMap } from "./entry-map.ts";
import { isEmptyEntry, KeyEntry, setSlot, slotOf, type TimeDomain, type Timer, TimerSet } from "./key-entry.ts";
import { HeapKeyedSnapshot, type KeyedSnapshot } from "./keyed-snapshot.ts";
import type { GroupBytes, RestoredKeyedState } from "./keyed-snapshot-format.ts";
import { NoEntry } from "./no-entry.ts";
import type { SlotCodec } from "./slot-codec.ts";
import type { RunningKeyedSnapshot, SnapshotFormat } from "./store-snapshot.ts";
import { backendDiffers, type RestoredStore } from "./store-snapshot.ts";
import type { StoredTimeIndex } from "./stored-time-index.ts";
import { timerInvalid } from "./timer-invalid.ts";
import { TimerQueue } from "./timer-queue.ts";
import { WaitingGroups } from "./waiting-groups.ts";

/** Who the table belongs to: for messages, and for the time by which values expire. Every operator host is one. */
export interface KeyedStateOwner {
  readonly operatorName: string;
  readonly uid: string;
  readonly clock?: Pick<Clock, "wallMs">;
}

/** What becomes of maps and lists that grow. */
export interface LargeValues {
  /** Looks at a value that something was added to: when it has become large, the slot gets one in pieces instead (paged-value.ts). */
  outgrow(entry: KeyEntry, slot: number): void;
}

export class KeyedStateTable {
  /** Generated code looks keys up here; replaced once, when it outgrows a Map. */
  map: EntryMap = new Map();
  /** Rises with every snapshot; see T2. */
  version = 0;
  /** Whether new timers are kept; false while the last timers of a key fire in a batch job. */
  takesTimers = true;
  /**
   * Whether restored values are read when a key of their key group is asked for, or all when their state is registered.
   * For operators that come to entries by `select` and by timers only, never by looking through the map.
   */
  readsOnDemand = false;
  /** Whether a key without an entry may have values that have not been read; then `readKey` is to be asked. */
  mayWait = false;
  current: KeyEntry | undefined = undefined;
  currentKey: unknown = undefined;
  readonly eventTimers: TimerQueue = new TimerQueue();
  readonly processingTimers: TimerQueue = new TimerQueue();
  readonly owner: KeyedStateOwner;
  readonly maxParallelism: number;
  readonly slots: SlotCodec[] = [];
  #nextSeq = 0;
  #snapshot: HeapKeyedSnapshot | undefined = undefined;
  #restored: RestoredKeyedState | undefined = undefined;
  #waiting: WaitingGroups | undefined = undefined;
  readonly #mapEntriesMax: number;

  constructor(owner: KeyedStateOwner, maxParallelism: number, mapEntriesMax: number = MAP_ENTRIES_MAX) {
    this.owner = owner;
    this.maxParallelism = maxParallelism;
    this.#mapEntriesMax = mapEntriesMax;
  }

  /** Undefined where maps and lists stay whole. */
  get largeValues(): LargeValues | undefined {
    return undefined;
  }

  /** Makes `key` current. Its entry is not created before a state or timer needs it. */
  select(key: unknown): void {
    let entry = this.map.get(typeof key === "object" ? mapKeyOf(key) : (key as string));
    if (entry === undefined) {
      if (this.mayWait) entry = this.readKey(key);
    } else if (entry.version !== this.version) this.touch(entry);
    this.currentKey = key;
    this.current = entry;
  }

  /**
   * The entry of a key that the map has none for, after what waits for its key group has been read (W1).
   * @throws MillraceError `MR_KEY_INVALID`
   */
  readKey(key: unknown): KeyEntry | undefined {
    validateKey(key, this.owner);
    this.#waiting?.open(keyGroup(hashKey(key), this.maxParallelism));
    this.#dropWaiting();
    return this.map.get(mapKeyOf(key));
  }

  /** Reads all that still waits since the restore. */
  readAll(): void {
    this.#waiting?.openAll();
    this.#dropWaiting();
  }

  /** What waits for a slot, as bytes. */
  waitingOf(slot: number): readonly GroupBytes[] {
    return this.#waiting?.of(slot) ?? [];
  }

  /** Makes no key current: using keyed state or timers is an error until the next record or timer. */
  selectNone(): void {
    this.currentKey = undefined;
    this.current = new NoEntry(this.owner);
  }

  selectEntry(entry: KeyEntry): void {
    if (entry.version !== this.version) this.touch(entry);
    this.currentKey = entry.key;
    this.current = entry;
  }

  /** Writes the entry's pre-image if a snapshot still needs it, and marks it as seen. */
  touch(entry: KeyEntry): void {
    this.#snapshot?.write(entry);
    entry.version = this.version;
  }

  /** The entry of the current key, created when there is none. @throws MillraceError `MR_KEY_INVALID` */
  createCurrent(): KeyEntry {
    return this.current ?? this.create(this.currentKey);
  }

  /** Creates the entry of a key that has none and makes it current. @throws MillraceError `MR_KEY_INVALID` */
  create(key: unknown): KeyEntry {
    const entry = this.insert(key);
    this.currentKey = key;
    this.current = entry;
    return entry;
  }

  /** T3: called after something was cleared. */
  removeIfEmpty(entry: KeyEntry): void {
    if (!isEmptyEntry(entry)) return;
    const key = mapKeyOf(entry.key);
    // The key may have got a new entry meanwhile: cleared, which removed this one, and then written again.
    if (this.map.get(key) === entry) this.map.delete(key);
    if (this.current === entry) this.current = undefined;
  }

  /** Reserves a slot for a state and restores what a checkpoint holds for it. Returns the slot's number. */
  registerSlot(codec: SlotCodec): number {
    invariant(!this.slots.some((slot) => slot.name === codec.name), `state ${codec.name} registered twice`);
    const slot = this.slots.length;
    this.slots.push(codec);
    const waiting = this.#waiting ?? new WaitingGroups(this.#put);
    for (const values of this.#restored?.takeState(codec, this.owner) ?? []) {
      // A snapshot could not take as they are what is to be migrated or to be left out.
      const mayWait = this.#waiting !== undefined && values.isCurrent && codec.snapshotOf === undefined;
      if (!mayWait) waiting.open(values.group);
      waiting.add(slot, values);
    }
    return slot;
  }

  /** The keys that have a value in the slot; what is changed meanwhile may or may not be among them. */
  *keysOf(slot: number): Iterable<unknown> {
    this.readAll();
    for (const entry of [...this.map.values()]) if (slotOf(entry, slot) !== undefined) yield entry.key;
  }

  /** Whether what codecs write is of the last snapshot that was begun, and not as it is now. */
  get writesSnapshot(): boolean {
    return true;
  }

  /**
   * For an operator that finds the keys whose time has come by an index, and not by objects that are linked to each other. Asked
   * for before anything is restored. On the heap there is none: all entries are in the map.
   *
   * @param onRead - Called with every entry that was read from the store, before anybody else sees it.
   */
  indexByTime(_onRead: (entry: KeyEntry) => void): StoredTimeIndex | undefined {
    return undefined;
  }

  /** Nothing is asked of the table any more. */
  close(): void {}

  /** Drops all entries and timers. Not while a snapshot is written. */
  clear(): void {
    invariant(this.#snapshot === undefined, "state is dropped while it is written");
    this.map = new Map();
    this.#waiting = undefined;
    this.mayWait = false;
    this.current = undefined;
    this.eventTimers.clear();
    this.processingTimers.clear();
  }

  nextSeq(): number {
    return this.#nextSeq++;
  }

  /**
   * Registers a timer of the current key; a second one for the same time is the same timer.
   * @throws MillraceError `MR_TIMER_INVALID` when it is no time: the queue would lose its order
   */
  addTimer(domain: TimeDomain, timeMs: number): void {
    if (!Number.isFinite(timeMs)) throw timerInvalid(this.owner, timeMs);
    if (this.takesTimers) this.addOwnTimer(domain, timeMs);
  }

  /** As `addTimer`, also at the end of a key's time: for an operator whose timers come to an end by themselves. */
  addOwnTimer(domain: TimeDomain, timeMs: number): void {
    const entry = this.createCurrent();
    entry.timers ??= new TimerSet();
    const timers = entry.timers.of(domain);
    if (!timers.has(timeMs)) this.#addTimer(entry, domain, timeMs, this.#nextSeq++);
  }

  deleteTimer(domain: TimeDomain, timeMs: number): void {
    const entry = this.current;
    const timer = entry?.timers?.of(domain).get(timeMs);
    if (entry === undefined || timer === undefined) return;
    timer.isDeleted = true;
    entry.timers!.of(domain).delete(timeMs);
    this.removeIfEmpty(entry);
  }

  /** Takes the next due timer and makes its key current, or returns undefined when none is due at `timeMs`. */
  pollTimer(domain: TimeDomain, timeMs: number): Timer | undefined {
    const timer = (domain === "event" ? this.eventTimers : this.processingTimers).pollUntil(timeMs);
    if (timer === undefined) return undefined;
    this.selectEntry(timer.entry);
    timer.entry.timers!.of(domain).delete(timer.timeMs);
    return timer;
  }

  /** As `beginSnapshot`, in the terms of the state backend where the format allows it; left out: it is for a checkpoint. */
  beginSnapshotAs(_format: SnapshotFormat | undefined): RunningKeyedSnapshot {
    return this.beginSnapshot();
  }

  /** Freezes the contents (T2). The returned snapshot is written in slices by its owner. */
  beginSnapshot(): KeyedSnapshot {
    // At most one snapshot at a time: finishing the older one first costs time, never correctness.
    this.#snapshot?.writeAll();
    this.version++;
    this.current = undefined;
    const snapshot = new HeapKeyedSnapshot(this, this.version, this.#restored, () => {
      if (this.#snapshot === snapshot) this.#snapshot = undefined;
    });
    this.#snapshot = snapshot;
    return snapshot;
  }

  /**
   * Takes the local stores that a checkpoint holds for this subtask, before `restore` gets their headers, too. On the heap there is no place for
   * them.
   * @throws MillraceError `MR_STATE_BACKEND_DIFFERS`
   */
  restoreStores(stores: readonly RestoredStore[], _groupStart: number, _groupEnd: number): void {
    if (stores.length > 0) throw backendDiffers(this.owner);
  }

  /** Takes what a checkpoint holds for this subtask; values appear when their states are registered. */
  restore(restored: RestoredKeyedState): void {
    this.#restored = restored;
    if (this.readsOnDemand) {
      this.#waiting = new WaitingGroups(this.#put);
      this.mayWait = true;
    }
    for (const timer of restored.takeTimers()) {
      this.#waiting?.open(timer.group);
      this.restoreTimer(this.entryFor(timer.key), timer.domain, timer.timeMs, timer.seq);
    }
  }

  /** Sequence numbers continue after restored ones, so that ties keep their order across a restore. */
  raiseNextSeq(usedSeq: number): void {
    if (usedSeq >= this.#nextSeq) this.#nextSeq = usedSeq + 1;
  }

  protected restoreTimer(entry: KeyEntry, domain: TimeDomain, timeMs: number, seq: number): void {
    entry.timers ??= new TimerSet();
    this.#addTimer(entry, domain, timeMs, seq);
    this.raiseNextSeq(seq);
  }

  #addTimer(entry: KeyEntry, domain: TimeDomain, timeMs: number, seq: number): void {
    const timer: Timer = { timeMs, seq, entry, domain, isDeleted: false };
    entry.timers!.of(domain).set(timeMs, timer);
    (domain === "event" ? this.eventTimers : this.processingTimers).add(timer);
  }

  readonly #put = (key: unknown, slot: number, value: unknown): void => setSlot(this.entryFor(key), slot, value);

  /** Nothing waits any more: keys without an entry have no values, and states that come later are read at once. */
  #dropWaiting(): void {
    if (this.#waiting?.isEmpty !== true) return;
    this.#waiting = undefined;
    this.mayWait = false;
  }

  protected entryFor(key: unknown): KeyEntry {
    return this.map.get(mapKeyOf(key)) ?? this.insert(key);
  }

  /** Makes the entry of a key that the map has none for. */
  protected insert(key: unknown): KeyEntry {
    validateKey(key, this.owner);
    const entry = this.newEntry(key);
    this.putEntry(mapKeyOf(key), entry);
    return entry;
  }

  protected putEntry(place: MapKey, entry: KeyEntry): void {
    if (this.map instanceof Map && this.map.size >= this.#mapEntriesMax) {
      this.map = new ShardedEntryMap(this.map, this.#mapEntriesMax);
    }
    this.map.set(place, entry);
  }

  protected newEntry(key: unknown): KeyEntry {
    return new KeyEntry(key, this.version);
  }
}
