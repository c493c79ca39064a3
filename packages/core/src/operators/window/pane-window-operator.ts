/**
 * Event-time windows with one accumulator per window and key: sessions, and sliding windows that cannot share slices.
 *
 * - P1. The panes of a key are ordered by descending start; a pane in the list is not purged. They are in the entry's first
 *   slot; its second field holds an index of them when there are many, which is no state and is in no snapshot.
 *
 * Generated code finds the pane of the usual case in line and calls `paneAt` or `addToSession` otherwise.
 */

import { KeyEntry } from "../../state/key-entry.ts";
import { transientCodec } from "../../state/slot-codec.ts";
import type { SessionAssigner, SlidingAssigner } from "../../time/window-assigner.ts";
import type { OperatorHost } from "../operator-runtime.ts";
import { WAITING_COUNTED_MAX, type WaitingForTime } from "../waiting.ts";
import { Pane } from "./pane.ts";
import { paneCodec } from "./pane-codec.ts";
import { PaneTimers } from "./pane-timers.ts";
import { StoredPaneTimers } from "./stored-pane-timers.ts";
import { WindowOperator, type WindowSettings } from "./window-operator.ts";

/** How finely the timers of sessions are sorted before the watermark comes to them. */
const SPANS_PER_GAP = 128;

/** Panes that are looked at one by one before the key gets an index of them. */
const PANES_WALKED_MAX = 8;

/** Windows of which a new pane's neighbour may be one before the key's panes are walked along. */
const NEIGHBOURS_PROBED_MAX = 64;

export class PaneWindowOperator extends WindowOperator {
  /** Set by generated code: emits the result of a pane. */
  fire: (pane: Pane) => void = () => {};
  readonly #timers: PaneTimers | StoredPaneTimers;
  /** Keys need not be in memory (StoredPaneTimers). */
  readonly #isStored: boolean;
  /** How far apart windows begin; sessions are not found by their start. */
  readonly #slideMs: number;

  constructor(host: OperatorHost, settings: WindowSettings, assigner: SessionAssigner | SlidingAssigner) {
    super(host, settings);
    const bucketMs = assigner.kind === "sliding" ? assigner.slideMs : assigner.gapMs / SPANS_PER_GAP;
    this.#slideMs = assigner.kind === "sliding" ? assigner.slideMs : Number.NaN;
    const timeOf = (pane: Pane): number => (pane.isFired ? this.#purgeTime(pane) : pane.end - 1);
    const index = this.table.indexByTime(adoptPanes);
    this.#isStored = index !== undefined;
    this.#timers = index ? new StoredPaneTimers(index, this.table, timeOf) : new PaneTimers(bucketMs, timeOf);
  }

  override onWatermark(timestampMs: number): void {
    this.currentWatermark = timestampMs;
    for (
      let pane = this.#timers.pollUntil(timestampMs);
      pane !== undefined;
      pane = this.#timers.pollUntil(timestampMs)
    ) {
      this.#onTime(pane);
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
        const neighbour = this.#nextNewer(entry!, start);
        if (neighbour !== undefined) pane = neighbour;
      }
      before = pane;
      pane = pane.next;
    }
    if (pane !== undefined && pane.start === start) return pane;
    this.checkTime(start);
    if (this.isLate(end)) return undefined;
    return this.#insert(this.table.createCurrent(), before, start, end);
  }

  /** No window took the element. With gaps between windows that alone does not make it late. */
  lateUnlessInGap(value: unknown, timestampMs: number): void {
    if (timestampMs + this.allowedLatenessMs <= this.currentWatermark) this.late(value, timestampMs);
  }

  /** Adds an element to the session it belongs to, merging the sessions that it connects. */
  addToSession(value: unknown, timestampMs: number, gapMs: number): void {
    this.checkTime(timestampMs);
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
    const only = touching.length === 1 ? touching[0]! : undefined;
    // A session that has fired waits for its purge, which may be after its new end: it becomes a new one, with a new timer.
    const isOpenAgain = only?.isFired === true && end - 1 > this.currentWatermark;
    if (only !== undefined && only.start === start && !isOpenAgain) {
      only.end = end;
      return only;
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

  /** The key's pane of the next newer window that it has, when that is near; a walk along the key's panes may be long. */
  #nextNewer(entry: KeyEntry, start: number): Pane | undefined {
    const index = this.#indexOf(entry);
    for (let step = 1; step <= NEIGHBOURS_PROBED_MAX; step++) {
      const pane = index.get(start + step * this.#slideMs);
      if (pane !== undefined) return pane;
    }
    return undefined;
  }

  // A window within its lateness starts as fired: its elements fire it at once, only the purge is left to wait for.
  #schedule(pane: Pane): void {
    if (pane.end - 1 <= this.currentWatermark) pane.isFired = true;
    this.#timers.add(pane);
  }

  #onTime(pane: Pane): void {
    this.table.selectEntry(pane.entry);
    if (!pane.isFired) {
      pane.isFired = true;
      this.fire(pane);
    }
    if (this.isLate(pane.end)) this.#purge(pane);
    else this.#timers.add(pane);
  }

  protected override nextWindow(): WaitingForTime | undefined {
    const first = this.#timers.first((pane) => !pane.isFired);
    if (first === undefined) return undefined;
    const { start, end } = first;
    // Sessions of different keys are different windows; sliding ones are the same.
    let keys = 0;
    let lookedAt = 0;
    for (const entry of this.table.map.values()) {
      if (lookedAt++ === WAITING_COUNTED_MAX) break;
      for (let pane = entry.s0 as Pane | undefined; pane !== undefined; pane = pane.next) {
        if (pane.start !== start || pane.end !== end) continue;
        keys++;
        break;
      }
    }
    const hasMore = lookedAt > WAITING_COUNTED_MAX;
    return { atMs: end - 1, window: { start, end }, keys: Math.max(1, keys), timers: undefined, hasMore };
  }

  #purgeTime(pane: Pane): number {
    return pane.end - 1 + this.allowedLatenessMs;
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

  protected override restoreWindows(): void {
    this.table.registerSlot(
      paneCodec(this.folding.serializer, this.host, (key, panes) => this.#noteStored(key, panes)),
    );
    this.table.registerSlot(transientCodec("_paneIndex"));
    if (this.#isStored) return;
    const restored: Pane[] = [];
    for (const entry of this.table.map.values()) {
      adoptPanes(entry);
      for (let pane = entry.s0 as Pane | undefined; pane !== undefined; pane = pane.next) restored.push(pane);
    }
    this.#await(restored);
  }

  /** For a key that is restored into a store. */
  #noteStored(key: unknown, panes: readonly Pane[]): void {
    const entry = new KeyEntry(key, 0);
    this.#await(panes.map((pane) => ownedBy(entry, pane)));
  }

  #await(restored: Pane[]): void {
    restored.sort((left, right) => left.seq - right.seq);
    for (const pane of restored) {
      this.table.raiseNextSeq(pane.seq);
      this.#timers.add(pane);
    }
  }
}

/** Makes live panes of what was read. */
function adoptPanes(entry: KeyEntry): void {
  const panes = entry.s0 as readonly Pane[] | undefined;
  if (panes === undefined) return;
  const owned = panes.map((pane) => ownedBy(entry, pane));
  owned.forEach((pane, index) => {
    pane.next = owned[index + 1];
    pane.previous = owned[index - 1];
  });
  entry.s0 = owned[0];
}

function ownedBy(entry: KeyEntry, pane: Pane): Pane {
  const own = new Pane(entry, pane.start, pane.end, pane.acc, pane.seq);
  own.isFired = pane.isFired;
  return own;
}
