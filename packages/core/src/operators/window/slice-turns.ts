/**
 * When keys have their turn, where the panes of a window are not linked to each other because most of them are in a store.
 *
 * - V1. A key with panes has an item in the index at its next turn: the next window that fires for it, or the purge of a pane.
 * - V2. A window's item has its last millisecond and the `seq` that orders it (W2 of WindowOperator), so that to note it
 *   again changes nothing. Purges come after all windows of their time.
 * - V3. An item that the key has nothing to do for any more is passed over.
 */
import type { KeyEntry } from "../../state/key-entry.ts";
import type { DueKey, StoredTimeIndex } from "../../state/stored-time-index.ts";
import { firstCreatedOf, type SlicePane } from "./slice.ts";
import type { SliceGrid } from "./slice-grid.ts";

/** The `seq` of a purge. */
export const PURGE_SEQ: number = Number.MAX_SAFE_INTEGER;

/** What decides when windows over slices fire and are purged. */
export interface SliceTiming {
  readonly grid: SliceGrid;
  /** Whether a window is several slices. */
  readonly isMerging: boolean;
  readonly allowedLatenessMs: number;
}

export class SliceTurns {
  readonly #index: StoredTimeIndex;
  readonly #timing: SliceTiming;

  constructor(index: StoredTimeIndex, timing: SliceTiming) {
    this.#index = index;
    this.#timing = timing;
  }

  pollUntil(timeMs: number): DueKey | undefined {
    return this.#index.pollUntil(timeMs);
  }

  /** The first turns at which a window fires, all of the same one, up to `countMax`. */
  nextWindows(countMax: number): readonly DueKey[] {
    const turns = this.#index.first(countMax).filter(({ seq }) => seq !== PURGE_SEQ);
    return turns.filter(({ timeMs }) => timeMs === turns[0]!.timeMs);
  }

  /** Notes a new pane, whose key has seen all windows up to the watermark. */
  onCreated(pane: SlicePane, watermarkMs: number): void {
    const { older, newer, slice } = pane;
    // The older pane has its turn first, and is looked at together with this one then.
    const isAwaited = newer === undefined && older !== undefined && older.slice.lastWindowEnd - 1 > watermarkMs;
    if (isAwaited && older.slice.end < slice.end) return;
    this.schedule(pane.entry, watermarkMs, PURGE_SEQ);
  }

  /** V1: the key's first turn that comes after the time and, of the same time, after the number. */
  schedule(entry: KeyEntry, afterMs: number, afterSeq: number): void {
    let timeMs = Number.POSITIVE_INFINITY;
    let seq = PURGE_SEQ;
    for (let pane = entry.s0 as SlicePane | undefined; pane !== undefined; pane = pane.older) {
      const purgeMs = pane.slice.lastWindowEnd - 1 + this.#timing.allowedLatenessMs;
      if (purgeMs > afterMs && purgeMs < timeMs) {
        timeMs = purgeMs;
        seq = PURGE_SEQ;
      }
      const fireMs = this.#fireTime(pane, afterMs, afterSeq);
      if (fireMs > timeMs) continue;
      const fireSeq = this.#timing.isMerging ? 0 : pane.seq;
      if (fireMs < timeMs || fireSeq < seq) {
        timeMs = fireMs;
        seq = fireSeq;
      }
    }
    if (timeMs === Number.POSITIVE_INFINITY) return;
    if (this.#timing.isMerging && seq !== PURGE_SEQ) seq = this.#windowSeq(entry, timeMs + 1);
    this.#index.add(timeMs, seq, entry.key);
  }

  /** The oldest pane of the window that a turn fires; undefined when there is none (V3). */
  oldestOf(entry: KeyEntry, { timeMs, seq }: DueKey): SlicePane | undefined {
    const end = timeMs + 1;
    if (this.#timing.isMerging) {
      const oldest = this.#oldestIn(entry, end);
      return oldest !== undefined && windowSeq(oldest, end) === seq ? oldest : undefined;
    }
    let pane = entry.s0 as SlicePane | undefined;
    while (pane !== undefined && (pane.seq !== seq || pane.slice.end !== end)) pane = pane.older;
    return pane;
  }

  /** When the pane's next window fires; Infinity for never again. */
  #fireTime(pane: SlicePane, afterMs: number, afterSeq: number): number {
    const { slice, seq } = pane;
    const { isMerging, grid } = this.#timing;
    if (!isMerging) {
      const fireMs = slice.end - 1;
      return fireMs > afterMs || (fireMs === afterMs && seq > afterSeq) ? fireMs : Number.POSITIVE_INFINITY;
    }
    const end = Math.max(slice.firstWindowEnd, grid.windowEndAfter(afterMs + 1));
    return end <= slice.lastWindowEnd ? end - 1 : Number.POSITIVE_INFINITY;
  }

  #windowSeq(entry: KeyEntry, end: number): number {
    return windowSeq(this.#oldestIn(entry, end)!, end);
  }

  #oldestIn(entry: KeyEntry, end: number): SlicePane | undefined {
    const start = end - this.#timing.grid.sizeMs;
    let oldest: SlicePane | undefined;
    for (
      let pane = entry.s0 as SlicePane | undefined;
      pane !== undefined && pane.slice.start >= start;
      pane = pane.older
    ) {
      if (pane.slice.start < end) oldest = pane;
    }
    return oldest;
  }
}

/** What orders the windows that end at the same time, given a window's oldest pane. */
export function windowSeq(oldest: SlicePane, windowEnd: number): number {
  return oldest.isDisordered ? firstCreatedOf(oldest, windowEnd).seq : oldest.seq;
}
