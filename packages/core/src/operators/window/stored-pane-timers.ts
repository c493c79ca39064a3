/** When panes fire or are purged whose keys need not be in memory: as PaneTimers, by an index of their keys. */
import type { KeyedStateTable } from "../../state/keyed-state-table.ts";
import type { StoredTimeIndex } from "../../state/stored-time-index.ts";
import type { Pane } from "./pane.ts";

/** Keys that are read to find the pane that fires first, when somebody asks. */
const KEYS_READ_MAX = 64;

export class StoredPaneTimers {
  readonly #index: StoredTimeIndex;
  readonly #table: KeyedStateTable;
  readonly #timeOf: (pane: Pane) => number;

  /** @param timeOf - When the pane fires or is purged next, in epoch ms; it may grow, and never shrinks. */
  constructor(index: StoredTimeIndex, table: KeyedStateTable, timeOf: (pane: Pane) => number) {
    this.#index = index;
    this.#table = table;
    this.#timeOf = timeOf;
  }

  add(pane: Pane): void {
    this.#index.add(this.#timeOf(pane), pane.seq, pane.entry.key);
  }

  /** Takes the next pane whose time is at most `timeMs`, and makes its key current; undefined when none is due. */
  pollUntil(timeMs: number): Pane | undefined {
    for (let due = this.#index.pollUntil(timeMs); due !== undefined; due = this.#index.pollUntil(timeMs)) {
      const pane = this.#find(due.key, due.seq);
      // One that is gone was merged into another, which waits for itself.
      if (pane === undefined) continue;
      if (this.#timeOf(pane) <= due.timeMs) return pane;
      this.add(pane);
    }
    return undefined;
  }

  /** The pane that comes out first of those for which the claim holds; looked for when somebody asks. */
  first(holds: (pane: Pane) => boolean): Pane | undefined {
    let best: Pane | undefined;
    for (const { key, seq, timeMs } of this.#index.first(KEYS_READ_MAX)) {
      if (best !== undefined && this.#timeOf(best) <= timeMs) break;
      const pane = this.#find(key, seq);
      if (pane === undefined || !holds(pane)) continue;
      if (best === undefined || this.#timeOf(pane) < this.#timeOf(best)) best = pane;
    }
    return best;
  }

  #find(key: unknown, seq: number): Pane | undefined {
    this.#table.select(key);
    let pane = this.#table.current?.s0 as Pane | undefined;
    while (pane !== undefined && pane.seq !== seq) pane = pane.next;
    return pane;
  }
}
