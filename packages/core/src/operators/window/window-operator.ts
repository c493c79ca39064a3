/**
 * Event-time windows with the default trigger: a window fires when the watermark reaches its last millisecond, again
 * for every late element within the allowed lateness, and is purged after that.
 *
 * - W1. An element is late for a window when `end - 1 + allowedLateness <= watermark`; it goes to the late output when
 *   it is late for all its windows (a merged session counts as one).
 * - W2. Windows that end at the same time fire in the order in which they were created, across restores too.
 * - W3. The panes of a key are ordered by descending start; a pane in the list is not purged. They are in the entry's first
 *   slot; its second field holds an index of them when there are many, which is no state and is in no snapshot.
 *
 * Generated code finds the pane of the usual case in line and calls `paneAt` or `session` otherwise.
 *
 * @see Akidau et al., "The Dataflow Model", VLDB 2015, section 2.2.
 */

import { MillraceError } from "../../base/errors.ts";
import type { Counter } from "../../metrics/counter.ts";
import type { KeyEntry } from "../../state/key-entry.ts";
import { KeyedStateTable } from "../../state/keyed-state-table.ts";
import { TimeWindow } from "../../time/time-window.ts";
import type { Serializer } from "../../types/type.ts";
import { invokeClose, invokeOpen } from "../clone-function.ts";
import type { ProcessWindowContext } from "../functions.ts";
import { OperatorContext } from "../keyed-context.ts";
import { BaseOperator, type OperatorHost } from "../operator-runtime.ts";
import { Pane } from "./pane.ts";
import { paneCodec } from "./pane-codec.ts";
import { PaneTimers } from "./pane-timers.ts";

/** How a window operator folds, as data and functions; see `WindowSpec`. */
export interface WindowFolding {
  /** Undefined when the first element is the accumulator (reduce). */
  readonly createAccumulator: (() => unknown) | undefined;
  readonly add: (value: unknown, accumulator: unknown) => unknown;
  /** Only for merging windows. */
  readonly merge: ((left: unknown, right: unknown) => unknown) | undefined;
  readonly serializer: Serializer<unknown>;
}

class WindowContext extends OperatorContext implements ProcessWindowContext {
  /** Set by generated code before every call. */
  window: TimeWindow = new TimeWindow(0, 0);
}

/** Panes that are looked at one by one before the key gets an index of them. */
const PANES_WALKED_MAX = 8;

/** No window of a record starts before this: the earliest JavaScript date less the longest window. */
const TIMESTAMP_MIN_MS = -8_960_000_000_000_000;

export class WindowOperator extends BaseOperator {
  override readonly table: KeyedStateTable;
  readonly context: WindowContext;
  readonly folding: WindowFolding;
  readonly allowedLatenessMs: number;
  /** Set by generated code: emits the result of a pane. */
  fire: (pane: Pane) => void = () => {};
  /** Set by generated code when the late output is consumed. */
  emitLate: ((value: unknown, timestampMs: number) => void) | undefined = undefined;
  readonly #timers = new PaneTimers();
  readonly #lateDropped: Counter;
  readonly #emitFunction: unknown;

  constructor(host: OperatorHost, folding: WindowFolding, allowedLatenessMs: number, emitFunction?: unknown) {
    super(host);
    this.#emitFunction = emitFunction;
    this.folding = folding;
    this.allowedLatenessMs = allowedLatenessMs;
    this.table = new KeyedStateTable(host, host.maxParallelism);
    this.context = new WindowContext(this);
    this.#lateDropped = host.context.metricGroup.counter("numLateRecordsDropped");
  }

  override open(): void {
    this.table.registerSlot(paneCodec(this.folding.serializer));
    this.#adoptRestoredPanes();
    invokeOpen(this.#emitFunction, this.host.context);
  }

  override async close(): Promise<void> {
    invokeClose(this.#emitFunction);
  }

  override onWatermark(timestampMs: number): void {
    this.currentWatermark = timestampMs;
    for (let due = this.#timers.pollUntil(timestampMs); due !== undefined; due = this.#timers.pollUntil(timestampMs)) {
      for (const pane of due) {
        if (!pane.isGone) this.#onTime(pane, timestampMs);
      }
    }
  }

  /**
   * The pane of the current key for the window `[start, end)`, created when there is none; undefined when the window
   * is late (W1).
   */
  paneAt(start: number, end: number): Pane | undefined {
    const entry = this.table.current;
    let before: Pane | undefined;
    let pane = entry?.s0 as Pane | undefined;
    for (let steps = 0; pane !== undefined && pane.start > start; steps++) {
      if (steps === PANES_WALKED_MAX) {
        const known = this.#indexOf(entry!).get(start);
        if (known !== undefined) return known;
      }
      before = pane;
      pane = pane.next;
    }
    if (pane !== undefined && pane.start === start) return pane;
    if (!(start >= TIMESTAMP_MIN_MS)) throw this.#timestampMissing();
    if (this.isLate(end)) return undefined;
    return this.#insert(this.table.createCurrent(), before, start, end);
  }

  isLate(end: number): boolean {
    return end - 1 + this.allowedLatenessMs <= this.currentWatermark;
  }

  /** No window took the element. With gaps between windows that alone does not make it late. */
  late(value: unknown, timestampMs: number): void {
    if (timestampMs + this.allowedLatenessMs > this.currentWatermark) return;
    if (this.emitLate !== undefined) this.emitLate(value, timestampMs);
    else this.#lateDropped.inc();
  }

  /** Adds an element to the session it belongs to, merging the sessions that it connects. */
  addToSession(value: unknown, timestampMs: number, gapMs: number): void {
    if (!(timestampMs >= TIMESTAMP_MIN_MS)) throw this.#timestampMissing();
    let start = timestampMs;
    let end = timestampMs + gapMs;
    const touching: Pane[] = [];
    for (let pane = this.table.current?.s0 as Pane | undefined; pane !== undefined; pane = pane.next) {
      if (pane.start > timestampMs + gapMs || pane.end < timestampMs) continue;
      touching.push(pane);
      start = Math.min(start, pane.start);
      end = Math.max(end, pane.end);
    }
    if (touching.length === 0 && this.isLate(end)) {
      this.late(value, timestampMs);
      return;
    }
    const session = this.#mergeInto(touching, start, end);
    session.acc =
      this.folding.createAccumulator === undefined && session.acc === undefined
        ? value
        : this.folding.add(value, session.acc);
    if (session.end - 1 <= this.currentWatermark) {
      session.isFired = true;
      this.fire(session);
    }
  }

  #mergeInto(touching: readonly Pane[], start: number, end: number): Pane {
    const entry = this.table.createCurrent();
    if (touching.length === 1 && touching[0]!.start === start) {
      this.#extend(touching[0]!, end);
      return touching[0]!;
    }
    let acc = this.folding.createAccumulator?.();
    for (let index = touching.length - 1; index >= 0; index--) {
      const pane = touching[index]!;
      acc = acc === undefined ? pane.acc : this.folding.merge!(acc, pane.acc);
      this.#unlink(pane);
    }
    let before: Pane | undefined;
    for (let pane = entry.s0 as Pane | undefined; pane !== undefined && pane.start > start; pane = pane.next)
      before = pane;
    const merged = this.#insert(entry, before, start, end);
    merged.acc = acc;
    return merged;
  }

  // The timer of the old end stays: when it fires too early it is moved to the new end.
  #extend(session: Pane, end: number): void {
    if (end <= session.end) return;
    session.end = end;
    if (session.isFired && end - 1 > this.currentWatermark) session.isFired = false;
  }

  #insert(entry: KeyEntry, before: Pane | undefined, start: number, end: number): Pane {
    const pane = new Pane(entry, start, end, this.folding.createAccumulator?.(), this.table.nextSeq());
    pane.previous = before;
    if (before === undefined) {
      pane.next = entry.s0 as Pane | undefined;
      entry.s0 = pane;
    } else {
      pane.next = before.next;
      before.next = pane;
    }
    if (pane.next !== undefined) pane.next.previous = pane;
    (entry.s1 as Map<number, Pane> | undefined)?.set(start, pane);
    this.#schedule(pane);
    return pane;
  }

  /** Where a key has many panes, because its records are far apart in event time, they are found by their start. */
  #indexOf(entry: KeyEntry): Map<number, Pane> {
    let index = entry.s1 as Map<number, Pane> | undefined;
    if (index === undefined) {
      index = new Map();
      for (let pane = entry.s0 as Pane | undefined; pane !== undefined; pane = pane.next) index.set(pane.start, pane);
      entry.s1 = index;
    }
    return index;
  }

  // A window within its lateness starts as fired: its elements fire it at once, only the purge is left to wait for.
  #schedule(pane: Pane): void {
    if (pane.end - 1 <= this.currentWatermark) pane.isFired = true;
    this.#timers.add(pane.isFired ? pane.end - 1 + this.allowedLatenessMs : pane.end - 1, pane);
  }

  #onTime(pane: Pane, nowMs: number): void {
    this.table.selectEntry(pane.entry);
    if (pane.end - 1 > nowMs) {
      this.#timers.add(pane.end - 1, pane);
      return;
    }
    if (!pane.isFired) {
      pane.isFired = true;
      this.fire(pane);
    }
    if (this.isLate(pane.end)) this.#purge(pane);
    else this.#timers.add(pane.end - 1 + this.allowedLatenessMs, pane);
  }

  #purge(pane: Pane): void {
    this.#unlink(pane);
    this.table.removeIfEmpty(pane.entry);
  }

  #unlink(pane: Pane): void {
    pane.isGone = true;
    const { entry, previous, next } = pane;
    if (previous === undefined) entry.s0 = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    const index = entry.s1 as Map<number, Pane> | undefined;
    index?.delete(pane.start);
    if (entry.s0 === undefined) entry.s1 = undefined;
  }

  #timestampMissing(): MillraceError {
    return new MillraceError("MR_TIMESTAMP_MISSING", {
      what: "A record without event time reached an event-time window",
      where: { operator: this.host.operatorName, uid: this.host.uid },
      expected: "a timestamp in epoch milliseconds",
      todo: "Give the source a WatermarkStrategy with a timestamp assigner, or call assignTimestampsAndWatermarks",
    });
  }

  #adoptRestoredPanes(): void {
    const restored: Pane[] = [];
    for (const entry of this.table.map.values()) {
      const panes = entry.s0 as readonly Pane[] | undefined;
      if (panes === undefined) continue;
      const owned = panes.map((pane) => {
        const own = new Pane(entry, pane.start, pane.end, pane.acc, pane.seq);
        own.isFired = pane.isFired;
        return own;
      });
      owned.forEach((pane, index) => {
        pane.next = owned[index + 1];
        pane.previous = owned[index - 1];
      });
      entry.s0 = owned[0];
      restored.push(...owned);
    }
    restored.sort((left, right) => left.seq - right.seq);
    for (const pane of restored) {
      this.table.raiseNextSeq(pane.seq);
      this.#timers.add(pane.isFired ? pane.end - 1 + this.allowedLatenessMs : pane.end - 1, pane);
    }
  }
}
