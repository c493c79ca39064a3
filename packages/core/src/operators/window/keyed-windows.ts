/**
 * The windows of one key, with what they hold and the timers of their triggers.
 *
 * - K1. A window is kept as long as it has contents, state or a timer.
 * - K2. For every time at which a window has a timer the key has a timer in the table, and for no other.
 * - K3. Timers of one time come in the order in which they were registered, across restores too.
 */
import { isEmptyEntry, type KeyEntry, type TimeDomain } from "../../state/key-entry.ts";
import type { KeyedStateTable } from "../../state/keyed-state-table.ts";
import type { Window } from "../../time/window.ts";

/** One window of one key. */
export class WindowPane {
  readonly window: Window;
  /** What tells the window from others of its key. */
  readonly id: string;
  /** Unique within the operator: what the window's state is found by after a restore. */
  readonly seq: number;
  /** Accumulator, list of elements, or undefined: nothing to emit. */
  contents: unknown = undefined;
  /** What triggers and functions remember of this window, see WindowStateTable. */
  states: KeyEntry | undefined = undefined;
  /** By time, the sequence number of its registration. */
  readonly eventTimers: Map<number, number> = new Map();
  readonly processingTimers: Map<number, number> = new Map();

  constructor(window: Window, id: string, seq: number) {
    this.window = window;
    this.id = id;
    this.seq = seq;
  }

  timersOf(domain: TimeDomain): Map<number, number> {
    return domain === "event" ? this.eventTimers : this.processingTimers;
  }

  /** K1. */
  get isEmpty(): boolean {
    if (this.contents !== undefined || this.eventTimers.size > 0 || this.processingTimers.size > 0) return false;
    return this.states === undefined || isEmptyEntry(this.states);
  }
}

export class KeyedWindows {
  /** In the order of their creation. */
  readonly panes: Map<string, WindowPane> = new Map();
  readonly #eventTimes = new Map<number, WindowPane[]>();
  readonly #processingTimes = new Map<number, WindowPane[]>();

  /** The key has to be current in `table`. */
  addTimer(table: KeyedStateTable, domain: TimeDomain, pane: WindowPane, timeMs: number): void {
    const timers = pane.timersOf(domain);
    if (timers.has(timeMs)) return;
    timers.set(timeMs, table.nextSeq());
    const times = this.#timesOf(domain);
    const waiting = times.get(timeMs);
    if (waiting !== undefined) {
      waiting.push(pane);
      return;
    }
    times.set(timeMs, [pane]);
    table.addTimer(domain, timeMs);
  }

  /** The key has to be current in `table`. */
  deleteTimer(table: KeyedStateTable, domain: TimeDomain, pane: WindowPane, timeMs: number): void {
    if (!pane.timersOf(domain).delete(timeMs)) return;
    const times = this.#timesOf(domain);
    const waiting = times.get(timeMs)!;
    if (waiting.length > 1) {
      waiting.splice(waiting.indexOf(pane), 1);
      return;
    }
    times.delete(timeMs);
    table.deleteTimer(domain, timeMs);
  }

  /** The windows with a timer at the time. */
  panesAt(domain: TimeDomain, timeMs: number): readonly WindowPane[] {
    return this.#timesOf(domain).get(timeMs) ?? [];
  }

  /** Takes the timers of a time, after the key's timer of that time has been taken from the table. */
  takeTimers(domain: TimeDomain, timeMs: number): readonly WindowPane[] {
    const times = this.#timesOf(domain);
    const due = times.get(timeMs) ?? [];
    times.delete(timeMs);
    for (const pane of due) pane.timersOf(domain).delete(timeMs);
    return due;
  }

  /** Drops a window with all its timers. */
  remove(table: KeyedStateTable, pane: WindowPane): void {
    for (const domain of ["event", "processing"] as const) {
      for (const timeMs of [...pane.timersOf(domain).keys()]) this.deleteTimer(table, domain, pane, timeMs);
    }
    this.panes.delete(pane.id);
  }

  /** Takes a window that was read from a checkpoint; the table has restored the key's timers itself. */
  addRestored(panes: readonly WindowPane[]): void {
    for (const pane of panes) this.panes.set(pane.id, pane);
    for (const domain of ["event", "processing"] as const) {
      const timers = panes.flatMap((pane) =>
        [...pane.timersOf(domain)].map(([timeMs, seq]) => ({ pane, timeMs, seq })),
      );
      timers.sort((left, right) => left.seq - right.seq);
      const times = this.#timesOf(domain);
      for (const { pane, timeMs } of timers) {
        const waiting = times.get(timeMs);
        if (waiting === undefined) times.set(timeMs, [pane]);
        else waiting.push(pane);
      }
    }
  }

  #timesOf(domain: TimeDomain): Map<number, WindowPane[]> {
    return domain === "event" ? this.#eventTimes : this.#processingTimes;
  }
}
