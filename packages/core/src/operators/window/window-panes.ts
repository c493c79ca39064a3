/** Finds, makes and drops the windows of the current key. */
import type { KeyEntry } from "../../state/key-entry.ts";
import type { KeyedStateTable } from "../../state/keyed-state-table.ts";
import type { Window } from "../../time/window.ts";
import { KeyedWindows, WindowPane } from "./keyed-windows.ts";
import { type KeyedWindowsTypes, windowId } from "./keyed-windows-codec.ts";

export class WindowPanes {
  readonly #table: KeyedStateTable;
  readonly #types: KeyedWindowsTypes;
  /** The windows of the current key that may have become empty. */
  readonly #touched: WindowPane[] = [];

  /** @param table - Has the windows of a key in its first slot. */
  constructor(table: KeyedStateTable, types: KeyedWindowsTypes) {
    this.#table = table;
    this.#types = types;
  }

  idOf(window: Window): string {
    return windowId(window, this.#types);
  }

  /** In the order of their creation. */
  ofCurrentKey(): readonly WindowPane[] {
    const windows = this.#table.current?.s0 as KeyedWindows | undefined;
    return windows === undefined ? [] : [...windows.panes.values()];
  }

  /** Of a key that has at least one window. */
  currentWindows(): KeyedWindows {
    return this.#table.current!.s0 as KeyedWindows;
  }

  /** Those of the windows that the current key has, in the order of their creation. */
  known(windows: readonly Window[]): readonly WindowPane[] {
    const ids = new Set(windows.map((window) => this.idOf(window)));
    return this.ofCurrentKey().filter((pane) => ids.has(pane.id));
  }

  /** The current key's pane for a window, made when there is none. */
  paneOf(window: Window): WindowPane {
    const entry = this.#table.createCurrent();
    let windows = entry.s0 as KeyedWindows | undefined;
    if (windows === undefined) {
      windows = new KeyedWindows();
      entry.s0 = windows;
    }
    const id = this.idOf(window);
    let pane = windows.panes.get(id);
    if (pane === undefined) {
      pane = new WindowPane(window, id, this.#table.nextSeq());
      windows.panes.set(id, pane);
    }
    this.#touched.push(pane);
    return pane;
  }

  touch(pane: WindowPane): void {
    this.#touched.push(pane);
  }

  remove(pane: WindowPane): void {
    this.currentWindows().remove(this.#table, pane);
  }

  /** Drops what has become empty. Returns the current key's entry when it has no window left. */
  dropEmpty(): KeyEntry | undefined {
    if (this.#touched.length === 0) return undefined;
    const entry = this.#table.current!;
    const { panes } = entry.s0 as KeyedWindows;
    for (const pane of this.#touched) {
      if (pane.isEmpty) panes.delete(pane.id);
    }
    this.#touched.length = 0;
    return panes.size === 0 ? entry : undefined;
  }

  /** Sequence numbers go on after restored ones. */
  adoptRestored(): void {
    for (const { s0 } of this.#table.map.values()) {
      for (const pane of (s0 as KeyedWindows | undefined)?.panes.values() ?? []) {
        this.#table.raiseNextSeq(pane.seq);
        for (const seq of pane.eventTimers.values()) this.#table.raiseNextSeq(seq);
        for (const seq of pane.processingTimers.values()) this.#table.raiseNextSeq(seq);
      }
    }
  }
}
