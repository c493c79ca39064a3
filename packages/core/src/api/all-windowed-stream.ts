import type { Duration } from "../base/duration.ts";
import type {
  AllWindowFunction,
  Collector,
  ProcessAllWindowFunction,
  ReduceFunction,
  Sync,
} from "../operators/functions.ts";
import type { WindowEmit, WindowFold } from "../operators/operator-spec.ts";
import type { OutputTag } from "../operators/output-tag.ts";
import type { AnyWindowAssigner, WindowOf } from "../operators/window/element-assigner.ts";
import type { Evictor } from "../operators/window/evictors/evictor.ts";
import type { Trigger } from "../operators/window/triggers/trigger.ts";
import type { Window } from "../time/window.ts";
import type { SpanAssigner } from "../time/window-assigner.ts";
import type { Type } from "../types/type.ts";
import { addOperator } from "./add-operator.ts";
import { checkFunction } from "./argument-checks.ts";
import { type UserCall, userCall } from "./call-site.ts";
import type { DataStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import { FieldAggregatedWindows } from "./field-aggregated-stream.ts";
import type { Nothing, ObjectOnly, Synchronous } from "./synchronous.ts";
import {
  type AggregateFunctionFor,
  type AggregateOptions,
  aggregateFold,
  applyAllOf,
  emitAllOf,
  reduceFold,
  type Windowing,
  windowName,
  windowSpec,
  withEvictor,
  withLateness,
  withLateTag,
  withTrigger,
} from "./window-specs.ts";

/** What may make the output records of a window of all records out of its one result. @public */
export type AllWindowResult<V, R, W extends Window> =
  | ((window: W, result: V) => Sync<R>)
  | (ProcessAllWindowFunction<V, R, W> & Synchronous<"process">)
  | (AllWindowFunction<V, R, W> & Synchronous<"apply"> & ObjectOnly);

/**
 * All records of a stream, grouped into windows by one subtask: its parallelism is 1. When windows emit is as for
 * {@link WindowedStream}; where there is a key, that one is faster.
 * @public
 */
export class AllWindowedStream<T, A extends AnyWindowAssigner<T> = SpanAssigner> extends FieldAggregatedWindows<T> {
  readonly #input: DataStream<T>;
  readonly #windowing: Windowing;
  /** Phantom: the assigner. */
  declare readonly _assigner?: A | undefined;

  /** @internal */
  constructor(input: DataStream<T>, windowing: Windowing) {
    super();
    this.#input = input;
    this.#windowing = windowing;
  }

  /**
   * Says when windows emit, instead of the assigner's own trigger.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID` when windows merge and the trigger cannot
   * @example
   * totals
   *   .windowAll(TumblingEventTimeWindows.of("1 d"))
   *   .trigger(ContinuousEventTimeTrigger.of("1 h"))
   *   .sum("count");
   */
  trigger(trigger: Trigger<T, WindowOf<A>>): AllWindowedStream<T, A> {
    return new AllWindowedStream<T, A>(this.#input, withTrigger(this.#windowing, trigger));
  }

  /** Removes elements of a window before or after its function sees them. Keeps all the others, whatever the function. */
  evictor(evictor: Evictor<T, WindowOf<A>>): AllWindowedStream<T, A> {
    return new AllWindowedStream<T, A>(this.#input, withEvictor(this.#windowing, evictor));
  }

  /**
   * Keeps windows for a while after they have emitted. Only for windows of event time.
   *
   * @param lateness - 0 or more; 0 by default.
   * @throws MillraceError `MR_ARGUMENT_INVALID` when it is negative, `MR_DURATION_INVALID` when it is no duration
   */
  allowedLateness(lateness: Duration): AllWindowedStream<T, A> {
    return new AllWindowedStream<T, A>(this.#input, withLateness(this.#windowing, lateness));
  }

  /** Sends records that are too late for all their windows to a side output; they are dropped and counted otherwise. */
  sideOutputLateData(tag: OutputTag<T>): AllWindowedStream<T, A> {
    return new AllWindowedStream<T, A>(this.#input, withLateTag(this.#windowing, tag));
  }

  /**
   * Folds each record into an accumulator as it comes, and emits the result of the window.
   *
   * @param aggregate - Session windows need one with `merge`.
   * @param result - Makes the output record of window and result; without it the result itself is emitted.
   * @example
   * clicks.windowAll(TumblingEventTimeWindows.of("1 h")).aggregate(
   *   { createAccumulator: () => 0, add: (_click, count) => count + 1, getResult: (count) => count },
   *   (window, count) => ({ from: window.start, count }),
   * );
   */
  aggregate<ACC, V, R = V>(
    aggregate: AggregateFunctionFor<A, T, ACC, Sync<V>>,
    result?: AllWindowResult<V, R, WindowOf<A>>,
    options: AggregateOptions<ACC> = {},
  ): SingleOutputStreamOperator<R> {
    const call = userCall("aggregate");
    const accumulatorType = erased<Type<unknown> | undefined>(options.accumulatorType);
    const fold = aggregateFold(call, this.#windowing.assigner, aggregate, accumulatorType);
    return this.#add<R>(call, fold, emitAllOf(call, result));
  }

  /** Folds the records of a window into one of their own type. @param result - As for `aggregate`. */
  reduce<R = T>(
    fn: ((accumulated: T, value: T) => T) | ReduceFunction<T>,
    result?: AllWindowResult<T, R, WindowOf<A>>,
  ): SingleOutputStreamOperator<R> {
    const call = userCall("reduce");
    return this.#add<R>(call, reduceFold(call, fn, erased(this.#input.type)), emitAllOf(call, result));
  }

  /** Keeps all records of a window and sees them at once. Costs memory for each of them; prefer `aggregate`. */
  process<R>(fn: ProcessAllWindowFunction<T, R, WindowOf<A>> & Synchronous<"process">): SingleOutputStreamOperator<R> {
    const call = userCall("process");
    checkFunction(call, fn, { methods: ["process"], optional: ["clear"] });
    return this.#add<R>(call, this.#list(), emitAllOf(call, fn));
  }

  /**
   * As `process`, with less to know: the window instead of a context, and a plain function will do.
   *
   * @example
   * clicks.windowAll(TumblingEventTimeWindows.of("1 h")).apply<string>((window, clicks, out) => {
   *   out.collect(`${window.start}: ${[...clicks].length}`);
   * });
   */
  apply<R>(
    fn:
      | ((window: WindowOf<A>, elements: Iterable<T>, out: Collector<R>) => Nothing)
      | (AllWindowFunction<T, R, WindowOf<A>> & Synchronous<"apply"> & ObjectOnly),
  ): SingleOutputStreamOperator<R> {
    const call = userCall("apply");
    return this.#add<R>(call, this.#list(), applyAllOf(call, fn));
  }

  #list(): WindowFold {
    return { kind: "list", type: erased(this.#input.type) };
  }

  protected override fold(call: UserCall, fn: unknown): SingleOutputStreamOperator<T> {
    return this.#add<T>(call, reduceFold(call, fn, erased(this.#input.type)), { kind: "value" });
  }

  #add<R>(call: UserCall, fold: WindowFold, emit: WindowEmit): SingleOutputStreamOperator<R> {
    const spec = windowSpec({ key: () => 0, type: erased(this.#input.type) }, this.#windowing, fold, emit);
    // A reduce without a result function emits what came in.
    const isUnchanged = fold.kind === "reduce" && emit.kind === "value";
    const type = isUnchanged ? erased<undefined>(this.#input.type) : undefined;
    return addOperator<R>(this.#input, call, `All${windowName(this.#windowing, call)}`, spec, type).forceNonParallel();
  }
}
