/**
 * Event-time windows on a grid, tumbling and sliding. A record is folded once, into its key's pane of the slice that it
 * falls into; a window's result is made from the panes of its slices when it fires.
 *
 * - S1. A slice is wholly inside or wholly outside of every window (SliceGrid). It is kept until the last window over it
 *   is purged. A record that is late for some windows over its slice may be folded all the same: those are never read again.
 * - S2. A window of a key is created by its first record that is not late, and that record creates the first pane of the
 *   window: windows that end at the same time fire in the order of the lowest `seq` among their panes (W2).
 * - S3. The panes of a key are ordered by descending slice. They are in the entry's first slot; its second field holds an
 *   index of them when there are many, which is no state and is in no snapshot.
 * - S4. The panes of a window are merged oldest slice first, after the one that was created first. So a merged
 *   accumulator begins with the record that came first; further records may come to it in another order than they arrived.
 * - S5. A key does not fall behind: after a rescale the operator's watermark may be lower than the one the key had; until
 *   it has caught up, windows that have fired for the key do not fire again.
 * - S6. Where keyed state is in a store, slices have no lists of their panes: keys have their turns (SliceTurns), for which they
 *   are read, and what they emit comes in the same order.
 *
 * Generated code folds, finds the pane of the usual case in line, and calls `sliceAt` and `paneIn` otherwise.
 */

import { KeyEntry } from "../../state/key-entry.ts";
import { transientCodec } from "../../state/slot-codec.ts";
import type { SnapshotFormat } from "../../state/store-snapshot.ts";
import type { DueKey } from "../../state/stored-time-index.ts";
import { TimeWindow } from "../../time/time-window.ts";
import type { OperatorHost, OperatorSnapshot } from "../operator-runtime.ts";
import { WAITING_COUNTED_MAX, type WaitingForTime } from "../waiting.ts";
import { firstCreatedOf, Slice, SlicePane } from "./slice.ts";
import { type RestoredPane, type RestoredSlices, sliceCodec } from "./slice-codec.ts";
import type { SliceGrid } from "./slice-grid.ts";
import { SliceList } from "./slice-list.ts";
import { PURGE_SEQ, SliceTurns, windowSeq } from "./slice-turns.ts";
import { windowStateIncompatible } from "./window-layout.ts";
import { WindowOperator, type WindowSettings } from "./window-operator.ts";

/** Panes that are looked at one by one before the key gets an index of them. */
const PANES_WALKED_MAX = 8;

/** Slices in which a new pane's neighbour is looked for before the key's panes are walked along. */
const NEIGHBOURS_PROBED_MAX = 64;

export class SlicedWindowOperator extends WindowOperator {
  /** Set by generated code: emits the result of a window, given the oldest of the key's panes in it. */
  fire: (oldest: SlicePane, window: TimeWindow) => void = () => {};
  /** What generated code starts with in place of the slice of the last record: no time is in it. */
  readonly noSlice: Slice = new Slice(
    { start: Number.NaN, end: Number.NaN, firstWindowEnd: Number.NaN, lastWindowEnd: Number.NaN },
    false,
    true,
  );
  readonly grid: SliceGrid;
  readonly #slices = new SliceList();
  /** The watermark at which the next window fires or the next slice is over. */
  #nextMs = Number.POSITIVE_INFINITY;
  /** The windows that fire at the same time, by their oldest pane; emptied, and kept at its length for the next ones. */
  readonly #due: (SlicePane | undefined)[] = [];
  /** The watermark of the last snapshot; what is written of an entry later must not tell of the time after. */
  #snapshotWatermark = Number.MIN_SAFE_INTEGER;
  /** S5: the watermarks of restored keys that are ahead of the operator's. */
  #ahead: WeakMap<KeyEntry, number> | undefined = undefined;
  /** The highest of them. */
  #aheadUntilMs = Number.NEGATIVE_INFINITY;
  #firing = new TimeWindow(0, 0);
  /** S6. */
  readonly #turns: SliceTurns | undefined;

  constructor(host: OperatorHost, settings: WindowSettings, grid: SliceGrid) {
    super(host, settings);
    this.grid = grid;
    const index = this.table.indexByTime((entry) => this.#adopt(entry));
    const timing = { grid, isMerging: this.#isMerging, allowedLatenessMs: this.allowedLatenessMs };
    this.#turns = index && new SliceTurns(index, timing);
  }

  override onWatermark(timestampMs: number): void {
    if (this.#turns !== undefined) {
      this.#takeTurns(this.#turns, timestampMs);
      return;
    }
    const previous = this.currentWatermark;
    this.currentWatermark = timestampMs;
    if (timestampMs < this.#nextMs) return;
    let end = this.#nextWindowEnd(previous + 1);
    for (; end - 1 <= timestampMs; end = this.#nextWindowEnd(end)) this.#fireWindows(end);
    for (const slice of this.#slices.removeWhile((oldest) => this.isLate(oldest.lastWindowEnd))) this.#purge(slice);
    this.#nextMs = end - 1;
    this.#awaitPurge();
  }

  /** The slice of a time, created when there is none; one that is over when all windows over it are late (W1). */
  sliceAt(timestampMs: number): Slice {
    this.checkTime(timestampMs);
    const start = this.grid.sliceStart(timestampMs);
    return this.#sliceOf(start, this.grid.sliceEnd(start));
  }

  /** The pane of the current key in the slice, created when there is none; undefined when the record is late. */
  paneIn(slice: Slice): SlicePane | undefined {
    if (slice.isOver) {
      // In a batch job time begins again with every key, and the caller may still have the slice of the key before.
      return this.isLate(slice.lastWindowEnd) ? undefined : this.paneIn(this.#sliceOf(slice.start, slice.end));
    }
    const entry = this.table.current;
    let newer: SlicePane | undefined;
    let pane = entry?.s0 as SlicePane | undefined;
    for (let steps = 0; pane !== undefined && pane.slice.end > slice.end; steps++) {
      if (steps === PANES_WALKED_MAX) {
        const known = this.#indexOf(entry!).get(slice);
        if (known !== undefined) return known;
        const neighbour = this.#nextNewer(entry!, slice);
        if (neighbour !== undefined) pane = neighbour;
      }
      newer = pane;
      pane = pane.older;
    }
    if (pane !== undefined && pane.slice === slice) return pane;
    if (entry !== undefined && slice.lastWindowEnd - 1 + this.allowedLatenessMs <= this.#watermarkOf(entry)) {
      return undefined;
    }
    return this.#insert(this.table.createCurrent(), slice, newer);
  }

  /** The pane of a window that was created first, when its oldest one is disordered (S4). */
  firstCreatedOf(oldest: SlicePane, windowEnd: number): SlicePane {
    return firstCreatedOf(oldest, windowEnd);
  }

  /** Fires the windows again that a late element has come to, the newest first. */
  fireLate(pane: SlicePane): void {
    const { slice, entry } = pane;
    this.table.selectEntry(entry);
    const watermark = this.#watermarkOf(entry);
    for (let end = slice.lastWindowEnd; end >= slice.firstWindowEnd; end -= this.grid.slideMs) {
      if (end - 1 > watermark) continue;
      if (end - 1 + this.allowedLatenessMs <= watermark) return;
      const start = this.#windowStart(slice, end);
      let oldest = pane;
      while (oldest.older !== undefined && oldest.older.slice.start >= start) oldest = oldest.older;
      this.fire(oldest, new TimeWindow(start, end));
    }
  }

  override snapshot(checkpointId: number, format?: SnapshotFormat): OperatorSnapshot {
    // Beginning a snapshot finishes the one before, which has its own watermark.
    const snapshot = super.snapshot(checkpointId, format);
    const now = this.currentWatermark;
    this.#snapshotWatermark = now;
    if (this.#aheadUntilMs <= now) this.#ahead = undefined;
    return snapshot;
  }

  #sliceOf(start: number, end: number): Slice {
    const found = this.#slices.find(start, end);
    if (found !== undefined) return found;
    // A restored slice of another grid of tumbling windows is its own window, too.
    const isWindow = !this.#isMerging;
    const firstWindowEnd = isWindow ? end : this.grid.firstWindowEnd(start);
    const lastWindowEnd = isWindow ? end : this.grid.lastWindowEnd(start);
    const isOver = this.isLate(lastWindowEnd);
    const hasFired = firstWindowEnd - 1 <= this.currentWatermark;
    const slice = new Slice({ start, end, firstWindowEnd, lastWindowEnd }, hasFired, isOver);
    if (isOver) return slice;
    this.#slices.insert(slice);
    this.#nextMs = Math.min(this.#nextMs, this.#nextWindowEnd(this.currentWatermark + 1) - 1);
    this.#awaitPurge();
    return slice;
  }

  get #isMerging(): boolean {
    return this.grid.slideMs < this.grid.sizeMs;
  }

  #insert(entry: KeyEntry, slice: Slice, newer: SlicePane | undefined): SlicePane {
    const pane = new SlicePane(entry, slice, this.folding.createAccumulator?.(), this.table.nextSeq());
    if (newer === undefined) {
      pane.older = entry.s0 as SlicePane | undefined;
      entry.s0 = pane;
    } else {
      pane.isDisordered = true;
      pane.newer = newer;
      pane.older = newer.older;
      newer.older = pane;
    }
    if (pane.older !== undefined) pane.older.newer = pane;
    (entry.s1 as Map<Slice, SlicePane> | undefined)?.set(slice, pane);
    if (this.#turns === undefined) slice.append(pane);
    else this.#turns.onCreated(pane, this.#watermarkOf(entry));
    return pane;
  }

  /** Where a key has many panes, because its records are far apart in event time, they are found by their slice. */
  #indexOf(entry: KeyEntry): Map<Slice, SlicePane> {
    let index = entry.s1 as Map<Slice, SlicePane> | undefined;
    if (index === undefined) {
      index = new Map();
      for (let pane = entry.s0 as SlicePane | undefined; pane !== undefined; pane = pane.older) {
        index.set(pane.slice, pane);
      }
      entry.s1 = index;
    }
    return index;
  }

  /** The key's pane in the next newer slice that it has one in, when that is near; a walk along the key's panes may be long. */
  #nextNewer(entry: KeyEntry, slice: Slice): SlicePane | undefined {
    const index = this.#indexOf(entry);
    const slices = this.#slices.byTime;
    const first = this.#slices.indexEndingAfter(slice.end);
    for (let at = first; at < first + NEIGHBOURS_PROBED_MAX && at < slices.length; at++) {
      const pane = index.get(slices[at]!);
      if (pane !== undefined) return pane;
    }
    return undefined;
  }

  /** The earliest end of a window with a slice that is later than the time; Infinity when there is none. */
  #nextWindowEnd(timestampMs: number): number {
    const slice = this.#slices.firstWithWindowAfter(timestampMs);
    if (slice === undefined) return Number.POSITIVE_INFINITY;
    return Math.min(slice.lastWindowEnd, Math.max(slice.firstWindowEnd, this.grid.windowEndAfter(timestampMs)));
  }

  protected override nextWindow(): WaitingForTime | undefined {
    if (this.#turns !== undefined) return this.#nextTurn(this.#turns);
    const end = this.#nextWindowEnd(this.currentWatermark + 1);
    const slice = this.#slices.firstWithWindowAfter(this.currentWatermark + 1);
    if (slice === undefined || end === Number.POSITIVE_INFINITY) return undefined;
    const start = this.#windowStart(slice, end);
    const keys = new Set<KeyEntry>();
    for (const each of this.#slices.byTime) {
      if (each.start < start || each.end > end) continue;
      for (let pane = each.firstPane; pane !== undefined && keys.size <= WAITING_COUNTED_MAX; pane = pane.nextOfSlice) {
        keys.add(pane.entry);
      }
    }
    const hasMore = keys.size > WAITING_COUNTED_MAX;
    return { atMs: end - 1, window: { start, end }, keys: keys.size, timers: undefined, hasMore };
  }

  #awaitPurge(): void {
    const oldest = this.#slices.oldest;
    if (oldest === undefined) return;
    this.#nextMs = Math.min(this.#nextMs, oldest.lastWindowEnd - 1 + this.allowedLatenessMs);
  }

  #windowStart(slice: Slice, windowEnd: number): number {
    return this.#isMerging ? windowEnd - this.grid.sizeMs : slice.start;
  }

  /** S6: as what follows, key by key. */
  #takeTurns(turns: SliceTurns, timestampMs: number): void {
    this.currentWatermark = timestampMs;
    for (const slice of this.#slices.byTime) if (slice.firstWindowEnd - 1 <= timestampMs) slice.hasFired = true;
    for (let turn = turns.pollUntil(timestampMs); turn !== undefined; turn = turns.pollUntil(timestampMs)) {
      this.table.select(turn.key);
      const entry = this.table.current;
      if (entry !== undefined) this.#takeTurn(turns, turn, entry);
    }
    for (const slice of this.#slices.removeWhile((oldest) => this.isLate(oldest.lastWindowEnd))) slice.isOver = true;
  }

  #takeTurn(turns: SliceTurns, turn: DueKey, entry: KeyEntry): void {
    const { timeMs, seq } = turn;
    const oldest = seq === PURGE_SEQ ? undefined : turns.oldestOf(entry, turn);
    if (oldest !== undefined && (this.#ahead === undefined || !this.#hasFired(entry, timeMs + 1))) {
      this.fire(oldest, this.#windowOf(oldest.slice, timeMs + 1));
    }
    let pane = entry.s0 as SlicePane | undefined;
    while (pane !== undefined) {
      const { older } = pane;
      const isOver = pane.slice.lastWindowEnd - 1 + this.allowedLatenessMs <= timeMs;
      // Where every slice is a window, others of the same end have turns of their own.
      if (isOver && (seq === PURGE_SEQ || this.#isMerging || pane === oldest)) this.#remove(pane);
      pane = older;
    }
    if (entry.s0 !== undefined) turns.schedule(entry, timeMs, seq);
  }

  /** The same object as long as it is the same window. */
  #windowOf(slice: Slice, end: number): TimeWindow {
    const start = this.#windowStart(slice, end);
    if (this.#firing.start !== start || this.#firing.end !== end) this.#firing = new TimeWindow(start, end);
    return this.#firing;
  }

  #nextTurn(turns: SliceTurns): WaitingForTime | undefined {
    const next = turns.nextWindows(WAITING_COUNTED_MAX + 1);
    if (next.length === 0) return undefined;
    const atMs = next[0]!.timeMs;
    const window = { start: atMs + 1 - this.grid.sizeMs, end: atMs + 1 };
    return { atMs, window, keys: next.length, timers: undefined, hasMore: next.length > WAITING_COUNTED_MAX };
  }

  #fireWindows(end: number): void {
    if (!this.#isMerging) {
      for (const slice of this.#slices.endingAt(end)) this.#firePanes(slice);
      return;
    }
    const window = new TimeWindow(end - this.grid.sizeMs, end);
    const due = this.#due;
    const count = this.#gatherDue(window);
    for (let index = 0; index < count; index++) {
      const pane = due[index]!;
      due[index] = undefined;
      const { entry } = pane;
      this.table.selectEntry(entry);
      if (this.#ahead === undefined || !this.#hasFired(entry, end)) this.fire(pane, window);
    }
  }

  /** Fires the windows that are one slice each, and purges them in the same go when nothing is left to wait for. */
  #firePanes(slice: Slice): void {
    const window = new TimeWindow(slice.start, slice.end);
    const isLast = this.allowedLatenessMs === 0;
    slice.hasFired = true;
    let pane = slice.firstPane;
    while (pane !== undefined) {
      const { entry, nextOfSlice } = pane;
      this.table.selectEntry(entry);
      if (this.#ahead === undefined || !this.#hasFired(entry, slice.end)) this.fire(pane, window);
      if (isLast) this.#remove(pane);
      pane = nextOfSlice;
    }
    if (isLast) slice.clear();
  }

  /**
   * Puts into `#due`, for every key of the window, its oldest pane there, in the order in which the keys' windows were
   * created (S2). Returns how many there are.
   */
  #gatherDue(window: TimeWindow): number {
    const { start, end } = window;
    const due = this.#due;
    let count = 0;
    let lastSeq = -1;
    let isOrdered = true;
    const slices = this.#slices.byTime;
    for (let index = this.#slices.indexEndingAfter(start); index < slices.length; index++) {
      const slice = slices[index]!;
      if (slice.start >= end) break;
      slice.hasFired = true;
      for (let pane = slice.firstPane; pane !== undefined; pane = pane.nextOfSlice) {
        if (pane.older !== undefined && pane.older.slice.start >= start) continue;
        const seq = windowSeq(pane, end);
        if (seq < lastSeq) isOrdered = false;
        lastSeq = seq;
        due[count++] = pane;
      }
    }
    if (!isOrdered) {
      due.length = count;
      due.sort((left, right) => windowSeq(left!, end) - windowSeq(right!, end));
    }
    return count;
  }

  #purge(slice: Slice): void {
    slice.isOver = true;
    let pane = slice.firstPane;
    slice.clear();
    while (pane !== undefined) {
      const { nextOfSlice, entry } = pane;
      if (entry.version !== this.table.version) this.table.touch(entry);
      this.#remove(pane);
      pane = nextOfSlice;
    }
  }

  // Without its links a dead pane that has grown old keeps no younger ones from being collected.
  #remove(pane: SlicePane): void {
    const { entry, newer, older } = pane;
    if (newer === undefined) entry.s0 = older;
    else newer.older = older;
    if (older !== undefined) older.newer = newer;
    (entry.s1 as Map<Slice, SlicePane> | undefined)?.delete(pane.slice);
    if (entry.s0 === undefined) entry.s1 = undefined;
    pane.nextOfSlice = undefined;
    pane.newer = undefined;
    pane.older = undefined;
    this.table.removeIfEmpty(entry);
  }

  #hasFired(entry: KeyEntry, windowEnd: number): boolean {
    const ahead = this.#ahead?.get(entry);
    return ahead !== undefined && windowEnd - 1 <= ahead;
  }

  #watermarkOf(entry: KeyEntry): number {
    const ahead = this.#ahead?.get(entry);
    return ahead === undefined ? this.currentWatermark : Math.max(ahead, this.currentWatermark);
  }

  protected override restoreWindows(): void {
    this.table.registerSlot(
      sliceCodec({
        accumulator: this.folding.serializer,
        windowSizeMs: this.#isMerging ? this.grid.sizeMs : 0,
        firedUntilMs: (pane) => this.#firedUntil(pane.entry),
        onStored: (key, slices) => this.#noteStored(key, slices),
        owner: this.host,
      }),
    );
    this.table.registerSlot(transientCodec("_paneIndex"));
    if (this.#turns !== undefined) return;
    const restored: SlicePane[] = [];
    for (const entry of this.table.map.values()) {
      this.#adopt(entry);
      for (let pane = entry.s0 as SlicePane | undefined; pane !== undefined; pane = pane.older) restored.push(pane);
      this.table.removeIfEmpty(entry);
    }
    restored.sort((left, right) => left.seq - right.seq);
    for (const pane of restored) {
      this.table.raiseNextSeq(pane.seq);
      pane.slice.append(pane);
    }
  }

  /** What is written outside of a snapshot is of now, and holds until the key's next turn. */
  #firedUntil(entry: KeyEntry): number {
    const now = this.table.writesSnapshot ? this.#snapshotWatermark : this.currentWatermark;
    return Math.max(now, this.#ahead?.get(entry) ?? now);
  }

  /** V1 of SliceTurns, for a key that is restored into a store. */
  #noteStored(key: unknown, slices: RestoredSlices): void {
    const entry = new KeyEntry(key, 0);
    entry.s0 = slices;
    this.#adopt(entry);
    for (let pane = entry.s0 as SlicePane | undefined; pane !== undefined; pane = pane.older) {
      this.table.raiseNextSeq(pane.seq);
    }
    this.#turns?.schedule(entry, this.#watermarkOf(entry), PURGE_SEQ);
  }

  /** Makes live panes of what was read. */
  #adopt(entry: KeyEntry): void {
    const slices = entry.s0 as RestoredSlices | undefined;
    if (slices === undefined) return;
    if (slices.firedUntilMs > this.currentWatermark) {
      this.#ahead ??= new WeakMap();
      this.#ahead.set(entry, slices.firedUntilMs);
      this.#aheadUntilMs = Math.max(this.#aheadUntilMs, slices.firedUntilMs);
    }
    this.#adoptPanes(entry, slices);
  }

  #adoptPanes(entry: KeyEntry, slices: RestoredSlices): void {
    let newest: SlicePane | undefined;
    for (const saved of slices.panes) {
      const slice = this.#restoredSlice(saved);
      // A key that is read in its turn may have panes that are over only after it.
      if (slice.isOver && this.#turns === undefined) continue;
      if (slice.firstWindowEnd - 1 <= slices.firedUntilMs) slice.hasFired = true;
      const pane = new SlicePane(entry, slice, saved.acc, saved.seq);
      pane.older = newest;
      if (newest !== undefined) newest.newer = pane;
      newest = pane;
    }
    entry.s0 = newest;
    let lowestSeq = Number.POSITIVE_INFINITY;
    for (let pane = newest; pane !== undefined; pane = pane.older) {
      pane.isDisordered = pane.seq > lowestSeq;
      lowestSeq = Math.min(lowestSeq, pane.seq);
    }
  }

  #restoredSlice(saved: RestoredPane): Slice {
    const { start, end } = saved;
    if (this.#isMerging && (this.grid.sliceStart(start) !== start || this.grid.sliceEnd(start) !== end)) {
      throw windowStateIncompatible(
        this.host,
        `a slice from ${start} to ${end}`,
        "slices of the job's sliding windows",
      );
    }
    return this.#sliceOf(start, end);
  }
}
