/** What the calls of a windowed stream become: the folding, the emission and the spec of a window operator. */
import { type Duration, durationMs } from "../base/duration.ts";
import { calling } from "../operators/clone-function.ts";
import type { AggregateFunction, KeySelector } from "../operators/functions.ts";
import type { OperatorSpec, WindowEmit, WindowFold } from "../operators/operator-spec.ts";
import type { OutputTag } from "../operators/output-tag.ts";
import { type AnyWindowAssigner, isMerging, staggered } from "../operators/window/element-assigner.ts";
import type { Evictor } from "../operators/window/evictors/evictor.ts";
import { generalWindowSpec, nameOf } from "../operators/window/general-window-spec.ts";
import { EventTimeTrigger } from "../operators/window/triggers/event-time-trigger.ts";
import type { Trigger } from "../operators/window/triggers/trigger.ts";
import { type MergingWindowAssigner, WindowAssigner } from "../operators/window/window-assigner.ts";
import {
  ApplyAllWrapper,
  ApplyWrapper,
  ClearingProcessAllWrapper,
  ProcessAllWrapper,
} from "../operators/window/window-function-adapters.ts";
import type { Window } from "../time/window.ts";
import type { DynamicSessionAssigner, SessionAssigner, SpanAssigner } from "../time/window-assigner.ts";
import type { Type } from "../types/type.ts";
import { checkFold, checkFunction, checkMembers, describeValue, invalidArgument } from "./argument-checks.ts";
import { type UserCall, userCall } from "./call-site.ts";
import { erased } from "./erased.ts";
import { checkTag } from "./stream-checks.ts";

/** An aggregation that can join two accumulators, which session windows need when a record connects two sessions. @public */
export interface MergingAggregateFunction<T, ACC, R> extends AggregateFunction<T, ACC, R> {
  merge(left: ACC, right: ACC): ACC;
}

/** The aggregation that windows of this kind take. @public */
export type AggregateFunctionFor<A, T, ACC, R> = [A] extends [
  SessionAssigner | DynamicSessionAssigner<never> | MergingWindowAssigner<never, never>,
]
  ? MergingAggregateFunction<T, ACC, R>
  : AggregateFunction<T, ACC, R>;

/** What an aggregation may be told besides its function. @public */
export interface AggregateOptions<ACC> {
  /** What accumulators are, for checkpoints; without it the runtime learns the shapes it sees. */
  readonly accumulatorType?: Type<ACC>;
}

/** How a windowed stream was described so far. @internal */
export interface Windowing {
  readonly assigner: AnyWindowAssigner<never>;
  readonly trigger: Trigger<unknown, Window> | undefined;
  readonly evictor: Evictor<unknown, Window> | undefined;
  readonly latenessMs: number;
  readonly lateTag: OutputTag<unknown> | undefined;
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function windowingOf(call: UserCall, assigner: unknown): Windowing {
  checkAssigner(call, assigner);
  const checked = assigner as AnyWindowAssigner<never>;
  return { assigner: checked, trigger: undefined, evictor: undefined, latenessMs: 0, lateTag: undefined };
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function checkAssigner(call: UserCall, assigner: unknown): void {
  const given = (typeof assigner === "object" && assigner !== null ? assigner : {}) as Partial<SpanAssigner>;
  const isKnown = ["tumbling", "sliding", "session", "dynamicSession", "global"].includes(String(given.kind));
  if (assigner instanceof WindowAssigner || (isKnown && typeof given.assign === "function")) return;
  throw invalidArgument(
    call,
    describeValue(assigner),
    "a window assigner",
    'Pass one such as TumblingEventTimeWindows.of("1 h"), or an object of a class that extends WindowAssigner',
  );
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function withTrigger(windowing: Windowing, trigger: unknown): Windowing {
  const call = userCall("trigger");
  const members = ["onElement", "onEventTime", "onProcessingTime", "canMerge", "clear"];
  checkMembers(call, trigger, members, "a trigger such as CountTrigger.of(100)");
  const checked = trigger as Trigger<unknown, Window>;
  if (isMerging(windowing.assigner) && !checked.canMerge()) {
    const todo = "Pass a trigger that can merge, or windows that do not";
    throw invalidArgument(call, `${nameOf(checked)} for windows that merge`, "a trigger with canMerge()", todo);
  }
  return { ...windowing, trigger: checked };
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function withEvictor(windowing: Windowing, evictor: unknown): Windowing {
  checkMembers(userCall("evictor"), evictor, ["evictBefore", "evictAfter"], "an evictor such as CountEvictor.of(100)");
  return { ...windowing, evictor: evictor as Evictor<unknown, Window> };
}

/** @throws MillraceError `MR_ARGUMENT_INVALID`, `MR_DURATION_INVALID` @internal */
export function withLateness(windowing: Windowing, lateness: Duration): Windowing {
  const latenessMs = durationMs(lateness);
  if (latenessMs >= 0) return { ...windowing, latenessMs };
  const call = userCall("allowedLateness");
  throw invalidArgument(call, describeValue(lateness), "0 or more", 'Pass one such as "1 min"');
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function withLateTag(windowing: Windowing, tag: unknown): Windowing {
  checkTag(userCall("sideOutputLateData"), tag);
  return { ...windowing, lateTag: erased<OutputTag<unknown>>(tag) };
}

/** @internal */
export function aggregateFold(
  call: UserCall,
  assigner: AnyWindowAssigner<never>,
  aggregate: unknown,
  accumulatorType: Type<unknown> | undefined,
): WindowFold {
  const methods = ["createAccumulator", "add", "getResult"];
  checkFold(call, aggregate, { methods, optional: ["merge"] });
  // The members have just been looked at; what they take and return is the compiler's to check.
  const checked = aggregate as AggregateFunction<unknown, unknown, unknown>;
  if (isMerging(assigner) && checked.merge === undefined) {
    const todo = "Add merge(left, right): a record between two sessions joins their accumulators";
    throw invalidArgument(call, "an aggregation without merge()", "one with merge() for session windows", todo);
  }
  return { kind: "aggregate", aggregate: checked, accumulatorType };
}

/** @internal */
export function reduceFold(call: UserCall, fn: unknown, type: Type<unknown> | undefined): WindowFold {
  checkFold(call, fn, { methods: ["reduce"], plain: "function" });
  type Reduce = (accumulated: unknown, value: unknown) => unknown;
  if (typeof fn === "function") return { kind: "reduce", fn: fn as Reduce, type };
  const owner = fn as { readonly reduce: Reduce };
  const reduce: Reduce = (accumulated, value) => owner.reduce(accumulated, value);
  return { kind: "reduce", fn: calling(reduce, owner), type };
}

/** What a function of a keyed window's result is: plain, a `WindowFunction` or a `ProcessWindowFunction`. @internal */
export function emitOf(call: UserCall, result: unknown): WindowEmit {
  if (result === undefined) return { kind: "value" };
  if (typeof result === "function") {
    checkFunction(call, result, { methods: ["process"], plain: "function" });
    return { kind: "function", fn: erased(result) };
  }
  if (hasMethod(result, "apply")) return applyOf(call, result);
  checkFunction(call, result, { methods: ["process"], optional: ["clear"], plain: "function" });
  return { kind: "process", fn: erased(result) };
}

/** @internal */
export function applyOf(call: UserCall, fn: unknown): WindowEmit {
  checkFunction(call, fn, { methods: ["apply"], plain: "function" });
  return { kind: "process", fn: erased(new ApplyWrapper(erased(fn))) };
}

/** As `emitOf`, for windows without keys. @internal */
export function emitAllOf(call: UserCall, result: unknown): WindowEmit {
  if (result === undefined) return { kind: "value" };
  if (typeof result === "function") {
    checkFunction(call, result, { methods: ["process"], plain: "function" });
    const make = result as (window: unknown, result: unknown) => unknown;
    const ofWindow = (_key: unknown, window: unknown, value: unknown): unknown => make(window, value);
    return { kind: "function", fn: calling(ofWindow, make) };
  }
  if (hasMethod(result, "apply")) return applyAllOf(call, result);
  checkFunction(call, result, { methods: ["process"], optional: ["clear"], plain: "function" });
  const wrapper = hasMethod(result, "clear") ? ClearingProcessAllWrapper : ProcessAllWrapper;
  return { kind: "process", fn: erased(new wrapper(erased(result))) };
}

/** @internal */
export function applyAllOf(call: UserCall, fn: unknown): WindowEmit {
  checkFunction(call, fn, { methods: ["apply"], plain: "function" });
  return { kind: "process", fn: erased(new ApplyAllWrapper(erased(fn))) };
}

function hasMethod(value: unknown, name: string): boolean {
  return typeof value === "object" && value !== null && typeof (value as Record<string, unknown>)[name] === "function";
}

/** The stream that is cut into windows. @internal */
export interface WindowedInput {
  readonly key: KeySelector<unknown, unknown>;
  readonly type: Type<unknown> | undefined;
}

/**
 * Windows of event time that fire when they end have an operator of their own; all others are made of an assigner and a
 * trigger.
 * @internal
 */
export function windowSpec(
  { key, type }: WindowedInput,
  windowing: Windowing,
  fold: WindowFold,
  emit: WindowEmit,
): OperatorSpec {
  const { assigner, trigger, evictor, latenessMs: allowedLatenessMs, lateTag } = windowing;
  const firesAtEnd = trigger === undefined || trigger.constructor === EventTimeTrigger;
  const keepsState = emit.kind === "process" && emit.fn.clear !== undefined;
  const common = { key, fold, emit, allowedLatenessMs, lateTag };
  if (firesAtEnd && evictor === undefined && !keepsState && isEventTimeSpan(assigner)) {
    return { kind: "window", assigner, ...common };
  }
  return generalWindowSpec({ ...common, assigner: erased(assigner), trigger, evictor, elementType: type });
}

function isEventTimeSpan(assigner: AnyWindowAssigner<never>): assigner is SpanAssigner {
  if (assigner instanceof WindowAssigner || !assigner.isEventTime || staggered(assigner) !== undefined) return false;
  return assigner.kind === "tumbling" || assigner.kind === "sliding" || assigner.kind === "session";
}

/** As in Flink: `Window(TumblingEventTimeWindows(3600000), aggregate)`. @internal */
export function windowName({ assigner, trigger }: Windowing, call: UserCall): string {
  const parts = [nameOf(assigner), ...(trigger === undefined ? [] : [nameOf(trigger)]), call.method];
  return `Window(${parts.join(", ")})`;
}
