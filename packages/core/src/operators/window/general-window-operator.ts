/**
 * Windows of any assigner, trigger, evictor and function, as Flink's `WindowOperator`. What jobs use most, windows of
 * event time that fire when they end, has faster operators: see `slicing.ts`.
 *
 * - G1. A window is late when it is one of event time and its last millisecond plus the allowed lateness is not after the
 *   watermark. An element is late when all its windows are and, being in none, its timestamp plus the lateness.
 * - G2. Every window that ends has a timer at its last millisecond (plus the lateness, in event time), at which it is
 *   dropped with its state, after the trigger has seen that timer, too.
 * - G3. Windows fire in the order of their timers; those of one time by key and then in the order of registration,
 *   across restores too.
 * - G4. Windows that merge: an element is added to the merged window, whose trigger has seen `onMerge` before.
 *
 * Timers of processing time do not fire at the end of the input, as in Flink: what they would have emitted is dropped.
 *
 * @see Akidau et al., "The Dataflow Model", VLDB 2015, sections 2.2 and 2.3.
 */
import { MillraceError } from "../../base/errors.ts";
import type { Counter } from "../../metrics/counter.ts";
import type { TimeDomain } from "../../state/key-entry.ts";
import type { KeyedStateTable } from "../../state/keyed-state-table.ts";
import type { TimerQueue } from "../../state/timer-queue.ts";
import { TimeWindow } from "../../time/time-window.ts";
import { MAX_WATERMARK } from "../../time/timestamps.ts";
import type { Window } from "../../time/window.ts";
import type { OperatorHost } from "../operator-runtime.ts";
import type { OutputTag } from "../output-tag.ts";
import { StreamOperator } from "../stream-operator.ts";
import { type OperatorWaiting, WAITING_COUNTED_MAX, type WaitingForTime } from "../waiting.ts";
import { type ElementAssigner, mergedIntoThePast } from "./element-assigner.ts";
import type { Evictor, TimestampedValue } from "./evictors/evictor.ts";
import type { KeyedWindows, WindowPane } from "./keyed-windows.ts";
import { type KeyedWindowsTypes, keyedWindowsCodec } from "./keyed-windows-codec.ts";
import { PaneTriggerContext } from "./trigger-context.ts";
import { isFire, isPurge, type Trigger, TriggerResult } from "./triggers/trigger.ts";
import type { WindowContents } from "./window-contents.ts";
import { GeneralWindowContext } from "./window-context.ts";
import type { WindowEmission } from "./window-emission.ts";
import { WindowPanes } from "./window-panes.ts";
import { WindowStateTable } from "./window-state-table.ts";
import { WindowStates } from "./window-states.ts";

/** Everything that makes one subtask's windows; each part is this subtask's own instance. */
export interface GeneralWindowing {
  readonly assigner: ElementAssigner;
  readonly trigger: Trigger<unknown, Window>;
  readonly evictor: Evictor<unknown, Window> | undefined;
  readonly contents: WindowContents;
  readonly emission: WindowEmission;
  readonly allowedLatenessMs: number;
  readonly lateTag: OutputTag<unknown> | undefined;
}

export class GeneralWindowOperator extends StreamOperator {
  override readonly table: KeyedStateTable;
  override readonly context: GeneralWindowContext;
  readonly #windowing: GeneralWindowing;
  readonly #panes: WindowPanes;
  readonly #types: KeyedWindowsTypes;
  readonly #states: WindowStateTable;
  readonly #trigger: PaneTriggerContext;
  readonly #lateDropped: Counter;

  constructor(host: OperatorHost, windowing: GeneralWindowing) {
    super(host);
    const { assigner, contents } = windowing;
    this.#windowing = windowing;
    this.table = host.stateBackend.createTable(host, host.maxParallelism);
    this.#states = new WindowStateTable(host, this.table);
    const isMerging = assigner.merge !== undefined;
    this.context = new GeneralWindowContext(this, isMerging ? undefined : new WindowStates(this.#states, "_window."));
    this.#trigger = new PaneTriggerContext(this, this.table, this.#states);
    this.#types = { contents: contents.serializer, window: assigner.windowSerializer, owner: host };
    this.#panes = new WindowPanes(this.table, this.#types);
    this.#lateDropped = host.context.metricGroup.counter("numLateRecordsDropped");
  }

  override open(): void {
    this.table.registerSlot(keyedWindowsCodec(this.#types));
    this.#panes.adoptRestored();
    this.#windowing.emission.open(this);
  }

  override async close(): Promise<void> {
    this.#windowing.emission.close();
  }

  processElement(value: unknown, timestampMs: number): void {
    const { assigner } = this.#windowing;
    const nowMs = this.host.clock.wallMs();
    let isSkipped = true;
    for (const assigned of assigner.assign(value, timestampMs, nowMs)) {
      const window = assigner.merge === undefined ? assigned : this.#merge(assigned, assigner.merge, nowMs);
      if (this.#isLate(window)) continue;
      isSkipped = false;
      this.#add(this.#panes.paneOf(window), value, timestampMs);
    }
    this.#dropEmpty();
    if (isSkipped) this.#skip(value, timestampMs);
  }

  override onWatermark(timestampMs: number): void {
    this.currentWatermark = timestampMs;
    this.#onTimers("event", timestampMs);
  }

  override onProcessingTime(timeMs: number): void {
    this.#onTimers("processing", timeMs);
  }

  override nextProcessingTimeMs(): number {
    return this.table.processingTimers.peekTimeMs();
  }

  override describeWaiting(): OperatorWaiting {
    const event = this.#waitingFor("event", this.table.eventTimers);
    const processing = this.#waitingFor("processing", this.table.processingTimers);
    const hasTimers = event !== undefined || processing !== undefined;
    const triggerKeys = hasTimers ? undefined : this.table.map.size;
    return { event, processing, lateDropped: this.#lateDropped.getCount(), triggerKeys };
  }

  #add(pane: WindowPane, value: unknown, timestampMs: number): void {
    const { trigger, contents } = this.#windowing;
    pane.contents = contents.add(pane.contents, value, timestampMs);
    this.#select(pane);
    this.#react(pane, trigger.onElement(value, timestampMs, pane.window, this.#trigger));
    this.#registerEnd(pane);
  }

  #react(pane: WindowPane, result: TriggerResult): void {
    if (!Object.hasOwn(TriggerResult, result)) throw this.#badResult(result);
    if (isFire(result) && pane.contents !== undefined) this.#fire(pane);
    if (isPurge(result)) pane.contents = undefined;
  }

  #fire(pane: WindowPane): void {
    const { evictor, emission, contents } = this.#windowing;
    this.#enter(pane);
    if (evictor === undefined) {
      emission.emit(contents.resultOf(pane.contents));
      return;
    }
    const elements = pane.contents as TimestampedValue<unknown>[];
    evictor.evictBefore(elements, elements.length, pane.window, this.#trigger);
    emission.emit(contents.resultOf(elements));
    evictor.evictAfter(elements, elements.length, pane.window, this.#trigger);
    if (elements.length === 0) pane.contents = undefined;
  }

  /** Takes all due timers of a time domain, in their order. */
  #onTimers(domain: TimeDomain, untilMs: number): void {
    for (
      let timer = this.table.pollTimer(domain, untilMs);
      timer !== undefined;
      timer = this.table.pollTimer(domain, untilMs)
    ) {
      const due = (timer.entry.s0 as KeyedWindows | undefined)?.takeTimers(domain, timer.timeMs) ?? [];
      for (const pane of due) this.#onTimer(domain, timer.timeMs, pane);
      this.#dropEmpty();
    }
  }

  #onTimer(domain: TimeDomain, timeMs: number, pane: WindowPane): void {
    const { trigger, assigner } = this.#windowing;
    const { window } = pane;
    this.#panes.touch(pane);
    this.#select(pane);
    const result =
      domain === "event"
        ? trigger.onEventTime(timeMs, window, this.#trigger)
        : trigger.onProcessingTime(timeMs, window, this.#trigger);
    this.#react(pane, result);
    if (assigner.isEventTime === (domain === "event") && timeMs === this.#endOf(window)) this.#drop(pane);
  }

  /** G2: the window has no use any more. */
  #drop(pane: WindowPane): void {
    const { trigger, emission, assigner } = this.#windowing;
    pane.contents = undefined;
    trigger.clear(pane.window, this.#trigger);
    if (emission.clear !== undefined) {
      this.#enter(pane);
      emission.clear();
    }
    pane.states = undefined;
    // A timer that the trigger has left is still its trigger's, unless the window may come to life in another one.
    if (assigner.merge !== undefined) this.#panes.remove(pane);
  }

  /** G4: the window that an element's own window has become. */
  #merge(assigned: Window, merge: NonNullable<ElementAssigner["merge"]>, nowMs: number): Window {
    const existing = this.#panes.ofCurrentKey();
    const groups: { readonly parts: readonly Window[]; readonly result: Window }[] = [];
    merge([...existing.map((pane) => pane.window), assigned], (parts, result) => groups.push({ parts, result }));
    let result = assigned;
    for (const group of groups) {
      const merged = this.#panes.known(group.parts);
      if (group.parts.includes(assigned)) result = group.result;
      const isSame = merged.length === 1 && this.#panes.idOf(group.result) === merged[0]!.id;
      if (merged.length > 0 && !isSame) this.#mergePanes(merged, group.result, nowMs);
    }
    return result;
  }

  #mergePanes(merged: readonly WindowPane[], result: Window, nowMs: number): void {
    this.#checkMerge(result, nowMs);
    const { trigger, contents } = this.#windowing;
    const target = this.#panes.paneOf(result);
    this.#select(target);
    this.#trigger.merged = merged;
    trigger.onMerge(result, this.#trigger);
    this.#trigger.merged = [];
    let all: unknown;
    for (const pane of merged) {
      if (pane.contents !== undefined) all = all === undefined ? pane.contents : contents.merge(all, pane.contents);
      if (pane === target) continue;
      this.#select(pane);
      trigger.clear(pane.window, this.#trigger);
      this.#panes.remove(pane);
    }
    target.contents = all;
  }

  #isLate(window: Window): boolean {
    return this.#windowing.assigner.isEventTime && this.#endOf(window) <= this.currentWatermark;
  }

  /** G1: the element is in no window that is not late. */
  #skip(value: unknown, timestampMs: number): void {
    const { assigner, allowedLatenessMs, lateTag } = this.#windowing;
    if (!assigner.isEventTime || timestampMs + allowedLatenessMs > this.currentWatermark) return;
    if (lateTag === undefined) {
      this.#lateDropped.inc();
      return;
    }
    this.context.timestamp = timestampMs;
    this.context.output(lateTag, value);
  }

  /** The timers that may make a window fire, and the window of the earliest one. */
  #waitingFor(domain: TimeDomain, queue: TimerQueue): WaitingForTime | undefined {
    let earliest: { readonly timeMs: number; readonly window: Window } | undefined;
    let keys = 0;
    let timers = 0;
    for (const { timeMs, entry } of queue.live(WAITING_COUNTED_MAX)) {
      const panes = (entry.s0 as KeyedWindows | undefined)?.panesAt(domain, timeMs) ?? [];
      const pane = panes.find(({ window }) => !this.#isOver(window));
      if (pane === undefined) continue;
      timers++;
      if (earliest === undefined || timeMs < earliest.timeMs) {
        earliest = { timeMs, window: pane.window };
        keys = 0;
      }
      if (timeMs === earliest.timeMs) keys++;
    }
    if (earliest === undefined) return undefined;
    const { timeMs, window } = earliest;
    const span = window instanceof TimeWindow ? { start: window.start, end: window.end } : undefined;
    return { atMs: timeMs, window: span, keys, timers, hasMore: queue.size > WAITING_COUNTED_MAX };
  }

  /** Whether the window has had its time and is only kept for late elements. */
  #isOver(window: Window): boolean {
    return this.#windowing.assigner.isEventTime && window.maxTimestamp <= this.currentWatermark;
  }

  /** When the window is dropped; the end of time for never. */
  #endOf(window: Window): number {
    const { assigner, allowedLatenessMs } = this.#windowing;
    if (!assigner.isEventTime) return window.maxTimestamp;
    return Math.min(window.maxTimestamp + allowedLatenessMs, MAX_WATERMARK);
  }

  #registerEnd(pane: WindowPane): void {
    const endMs = this.#endOf(pane.window);
    if (endMs >= MAX_WATERMARK) return;
    if (this.#windowing.assigner.isEventTime) this.#trigger.registerEventTimeTimer(endMs);
    else this.#trigger.registerProcessingTimeTimer(endMs);
  }

  #select(pane: WindowPane): void {
    this.#trigger.select(this.#panes.currentWindows(), pane);
  }

  /** What the window's function sees and emits is of this window from now on. */
  #enter(pane: WindowPane): void {
    this.context.window = pane.window;
    this.context.timestamp = pane.window.maxTimestamp;
  }

  #checkMerge(result: Window, nowMs: number): void {
    const { assigner } = this.#windowing;
    if (assigner.isEventTime ? !this.#isLate(result) : result.maxTimestamp > nowMs) return;
    const now = assigner.isEventTime ? `the watermark ${this.currentWatermark}` : `the time ${nowMs}`;
    throw mergedIntoThePast(this.host.operatorName, String(result), `a window that ends after ${now}`);
  }

  #badResult(result: unknown): MillraceError {
    return new MillraceError("MR_TRIGGER_RESULT_INVALID", {
      what: "A trigger returned no TriggerResult",
      where: { operator: this.host.operatorName, uid: this.host.uid },
      found: typeof result === "string" ? JSON.stringify(result) : typeof result,
      expected: Object.keys(TriggerResult).join(", "),
      todo: "Return one of them from every method of the trigger",
    });
  }

  #dropEmpty(): void {
    const entry = this.#panes.dropEmpty();
    if (entry === undefined) return;
    this.#states.clearKey(entry);
    this.table.removeIfEmpty(entry);
  }
}
