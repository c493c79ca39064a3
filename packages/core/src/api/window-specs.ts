/** What the calls of a windowed stream become: the folding and the emission of a window operator. */
import { unreachable } from "../base/errors.ts";
import type { AggregateFunction } from "../operators/functions.ts";
import type { WindowEmit, WindowFold, WindowSpec } from "../operators/operator-spec.ts";
import type { TimeWindow } from "../time/time-window.ts";
import type { SessionAssigner, WindowAssigner } from "../time/window-assigner.ts";
import type { Type } from "../types/type.ts";
import { checkFold, checkFunction, describeValue, invalidArgument } from "./argument-checks.ts";
import type { UserCall } from "./call-site.ts";

/** An aggregation that can join two accumulators, which session windows need when a record connects two sessions. @public */
export interface MergingAggregateFunction<T, ACC, R> extends AggregateFunction<T, ACC, R> {
  merge(left: ACC, right: ACC): ACC;
}

/** The aggregation that windows of this kind take. @public */
export type AggregateFunctionFor<A, T, ACC, R> = [A] extends [SessionAssigner]
  ? MergingAggregateFunction<T, ACC, R>
  : AggregateFunction<T, ACC, R>;

/** @public */
export interface AggregateOptions<ACC> {
  /** What accumulators are, for checkpoints; without it the runtime learns the shapes it sees. */
  readonly accumulatorType?: Type<ACC>;
}

/** @internal */
export function checkAssigner(call: UserCall, assigner: unknown): void {
  const given = (typeof assigner === "object" && assigner !== null ? assigner : {}) as Partial<
    WindowAssigner<TimeWindow>
  >;
  const isKnown = given.kind === "tumbling" || given.kind === "sliding" || given.kind === "session";
  if (isKnown && typeof given.assign === "function" && given.isEventTime === true) return;
  throw invalidArgument(
    call,
    describeValue(assigner),
    "an event-time window assigner",
    'Pass one such as TumblingEventTimeWindows.of("1 h")',
  );
}

/** @internal */
export function aggregateFold(
  call: UserCall,
  assigner: WindowAssigner,
  aggregate: unknown,
  accumulatorType: Type<unknown> | undefined,
): WindowFold {
  const methods = ["createAccumulator", "add", "getResult"];
  checkFold(call, aggregate, { methods, optional: ["merge"] });
  // The members have just been looked at; what they take and return is the compiler's to check.
  const checked = aggregate as AggregateFunction<unknown, unknown, unknown>;
  if (assigner.kind === "session" && checked.merge === undefined) {
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
  return { kind: "reduce", fn: (accumulated, value) => owner.reduce(accumulated, value), type };
}

/** @internal */
export function emitOf(call: UserCall, result: unknown): WindowEmit {
  if (result === undefined) return { kind: "value" };
  checkFunction(call, result, { methods: ["process"], plain: "function" });
  if (typeof result === "function") {
    return { kind: "function", fn: result as Extract<WindowEmit, { kind: "function" }>["fn"] };
  }
  return { kind: "process", fn: result as Extract<WindowEmit, { kind: "process" }>["fn"] };
}

/** As in Flink: `Window(TumblingEventTimeWindows(3600000), aggregate)`. @internal */
export function windowName(spec: WindowSpec, call: UserCall): string {
  return `Window(${spec.assigner}, ${call.method})`;
}

/** The side outputs that a window operator can have: the late records, and what its process function emits. @internal */
export function hasWindowOutput(spec: WindowSpec, tagId: string): boolean {
  switch (spec.emit.kind) {
    case "process":
      return true;
    case "value":
    case "function":
      return spec.lateTag?.id === tagId;
    default:
      return unreachable(spec.emit);
  }
}
