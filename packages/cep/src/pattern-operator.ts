/**
 * Finds the matches of a pattern in the events of each key.
 *
 * - C1. In event time an event waits until the watermark reaches it: events of a key are looked at in the order of their
 *   timestamps, those of one timestamp in the order of arrival or of the comparator. One at or below the watermark is late.
 * - C2. Each moment at which something happens to a key has a timer: an event's time, and the end of a run's time. So
 *   results do not depend on where watermarks fall between events.
 * - C3. Time-outs of a moment come before its events: an event at the very end of `within` is too late for it.
 * - C4. A key whose runs are those of the beginning keeps nothing.
 */
import { type Collector, type Counter, MillraceError, NO_TIMESTAMP, type OutputTag, type Type } from "millrace";
import { cloneFunction, type KeyedStateTable, type OperatorHost, StreamOperator } from "millrace/internal";
import type { SkipRule } from "./after-match-skip-strategy.ts";
import { compilePattern } from "./compile-pattern.ts";
import { type AnyCondition, compileExpression } from "./conditions.ts";
import { type KeyMatches, keyMatchesCodec } from "./key-matches.ts";
import { closeAll, createHandler, type MatchFunctions, type MatchHandler, openAll } from "./match-handler.ts";
import { areInitial, initialRuns, type Match, Matcher } from "./matcher.ts";
import type { Nfa } from "./nfa-state.ts";
import type { Stage } from "./stage.ts";

/** How events with equal timestamps are ordered: negative when the first comes first. @public */
export type EventComparator<T> = (left: T, right: T) => number;

/** What the operator needs to know of a pattern and its use. */
export interface PatternMatching {
  readonly last: Stage;
  readonly skip: SkipRule;
  readonly eventType: Type<unknown>;
  readonly comparator: EventComparator<unknown> | undefined;
  readonly timeDomain: "event" | "processing";
  readonly lateTag: OutputTag<unknown> | undefined;
  readonly functions: MatchFunctions;
}

export class PatternOperator extends StreamOperator {
  override readonly table: KeyedStateTable;
  readonly #matching: PatternMatching;
  readonly #nfa: Nfa;
  readonly #matcher: Matcher;
  readonly #handler: MatchHandler;
  readonly #conditions = new Map<AnyCondition, AnyCondition>();
  readonly #lateDropped: Counter;
  readonly #out: Collector<unknown>;

  constructor(host: OperatorHost, matching: PatternMatching) {
    super(host);
    this.#matching = matching;
    this.table = host.stateBackend.createTable(host, host.maxParallelism);
    this.#nfa = compilePattern(matching.last);
    this.#ownConditions();
    this.#handler = createHandler(matching.functions, host.operatorName);
    this.#matcher = new Matcher(this.#nfa, matching.skip, {
      wantsTimedOut: this.#handler.onTimedOut !== undefined,
      schedule: (timeMs) => this.table.addOwnTimer(matching.timeDomain, timeMs),
      currentProcessingTime: () => host.clock.wallMs(),
    });
    this.#lateDropped = host.context.metricGroup.counter("numLateRecordsDropped");
    // Results in processing time have no event time, as in Flink.
    this.#out = {
      collect: (value) => this.emit(value, matching.timeDomain === "event" ? this.context.timestamp : NO_TIMESTAMP),
    };
  }

  override open(): void {
    this.table.registerSlot(keyMatchesCodec(this.#matching.eventType, this.#nfa, this.host));
    openAll(this.#conditions.values(), this.host.context);
    openAll(this.#handler.functions, this.host.context);
  }

  override processElement(value: unknown, timestampMs: number): void {
    if (this.#matching.timeDomain === "event") this.#processInEventTime(value, timestampMs);
    else this.#processInProcessingTime(value);
  }

  override onWatermark(timestampMs: number): void {
    this.currentWatermark = timestampMs;
    this.#fire("event", timestampMs);
  }

  override onProcessingTime(timeMs: number): void {
    this.#fire("processing", timeMs);
  }

  override nextProcessingTimeMs(): number {
    return this.table.processingTimers.peekTimeMs();
  }

  // In processing time nothing else will wake up what still waits to be sorted.
  override finish(): void {
    for (const entry of [...this.table.map.values()]) {
      const matches = entry.s0 as KeyMatches | undefined;
      if (matches === undefined || matches.waiting.size === 0) continue;
      this.table.selectEntry(entry);
      this.#advanceTo(Math.max(...matches.waiting.keys()));
    }
  }

  override async close(): Promise<void> {
    closeAll(this.#handler.functions);
    closeAll(this.#conditions.values());
  }

  #ownConditions(): void {
    const own = (condition: AnyCondition): AnyCondition => {
      const known = this.#conditions.get(condition);
      if (known !== undefined) return known;
      const copy = cloneFunction(condition, this.host.operatorName);
      this.#conditions.set(condition, copy);
      return copy;
    };
    for (const { transitions } of this.#nfa.states.values()) {
      for (const transition of transitions) transition.test = compileExpression(transition.condition, own);
    }
  }

  #processInEventTime(value: unknown, timestampMs: number): void {
    if (!(timestampMs > NO_TIMESTAMP)) throw this.#timestampMissing();
    if (timestampMs > this.currentWatermark) this.#wait(value, timestampMs);
    else if (this.#matching.lateTag === undefined) this.#lateDropped.inc();
    else {
      this.context.timestamp = timestampMs;
      this.context.output(this.#matching.lateTag, value);
    }
  }

  #processInProcessingTime(value: unknown): void {
    const nowMs = this.host.clock.wallMs();
    if (this.#matching.comparator !== undefined) {
      // Once the millisecond is over, all that came in it can be sorted.
      this.#wait(value, nowMs);
      return;
    }
    const matches = this.#matchesOfKey();
    this.#endRuns(matches, nowMs);
    this.#process(matches, value, nowMs);
    this.#keepOrClear(matches);
  }

  #wait(value: unknown, timestampMs: number): void {
    const { waiting } = this.#matchesOfKey();
    const same = waiting.get(timestampMs);
    if (same !== undefined) same.push(value);
    else {
      waiting.set(timestampMs, [value]);
      this.table.addOwnTimer(this.#matching.timeDomain, timestampMs);
    }
  }

  #fire(domain: "event" | "processing", untilMs: number): void {
    for (
      let timer = this.table.pollTimer(domain, untilMs);
      timer !== undefined;
      timer = this.table.pollTimer(domain, untilMs)
    ) {
      this.#advanceTo(timer.timeMs);
      this.table.removeIfEmpty(timer.entry);
    }
  }

  /** Brings the current key to a moment: see C2, C3. */
  #advanceTo(timeMs: number): void {
    const matches = this.table.current?.s0 as KeyMatches | undefined;
    if (matches === undefined) return;
    const due = [...matches.waiting.keys()].filter((at) => at <= timeMs).sort((left, right) => left - right);
    for (const at of due) {
      this.#endRuns(matches, at);
      const events = matches.waiting.get(at)!;
      matches.waiting.delete(at);
      const { comparator } = this.#matching;
      if (comparator !== undefined) events.sort(comparator);
      for (const event of events) this.#process(matches, event, at);
    }
    this.#endRuns(matches, timeMs);
    this.#keepOrClear(matches);
  }

  #process(matches: KeyMatches, value: unknown, timestampMs: number): void {
    const event = { seq: matches.nextSeq++, timestampMs, value };
    this.context.timestamp = timestampMs;
    for (const match of this.#matcher.process(matches.runs, event)) this.#emitMatch(match);
  }

  #endRuns(matches: KeyMatches, timeMs: number): void {
    const { matches: found, timedOut } = this.#matcher.advanceTime(matches.runs, timeMs);
    this.context.timestamp = timeMs;
    for (const match of found) this.#emitMatch(match);
    for (const { match, timeoutMs } of timedOut) {
      this.context.timestamp = timeoutMs;
      this.#handler.onTimedOut?.(match, timeoutMs, this.context);
    }
  }

  #emitMatch(match: Match): void {
    this.#handler.onMatch(match, this.context, this.#out);
  }

  #matchesOfKey(): KeyMatches {
    const entry = this.table.createCurrent();
    entry.s0 ??= { runs: initialRuns(this.#nfa), nextSeq: 0, waiting: new Map() } satisfies KeyMatches;
    return entry.s0 as KeyMatches;
  }

  /** C4. */
  #keepOrClear(matches: KeyMatches): void {
    if (matches.waiting.size > 0 || !areInitial(matches.runs)) return;
    const entry = this.table.createCurrent();
    entry.s0 = undefined;
    this.table.removeIfEmpty(entry);
  }

  #timestampMissing(): MillraceError {
    return new MillraceError("MR_TIMESTAMP_MISSING", {
      what: "A record without event time reached a pattern",
      where: { operator: this.host.operatorName, uid: this.host.uid },
      expected: "a timestamp in epoch milliseconds",
      todo: "Give the source a WatermarkStrategy with a timestamp assigner, or match inProcessingTime()",
    });
  }
}
