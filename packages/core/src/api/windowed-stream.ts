import type { Duration } from "../base/duration.ts";
import type {
  Collector,
  ProcessWindowFunction,
  ReduceFunction,
  Sync,
  WindowFunction,
  WindowResultFunction,
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
import type { KeyedStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import { FieldAggregatedWindows } from "./field-aggregated-stream.ts";
import type { Nothing, ObjectOnly, Synchronous } from "./synchronous.ts";
import {
  type AggregateFunctionFor,
  type AggregateOptions,
  aggregateFold,
  applyOf,
  emitOf,
  reduceFold,
  type Windowing,
  windowName,
  windowSpec,
  withEvictor,
  withLateness,
  withLateTag,
  withTrigger,
} from "./window-specs.ts";

/** What may make the output records of a window out of its one result. @public */
export type WindowResult<K, V, R, W extends Window> =
  | WindowResultFunction<K, V, Sync<R>, W>
  | (ProcessWindowFunction<V, R, K, W> & Synchronous<"process">)
  | (WindowFunction<V, R, K, W> & Synchronous<"apply"> & ObjectOnly);

/**
 * The records of each key, grouped into windows. Windows of event time emit when the watermark passes their end, and
 * again for every record that comes within the allowed lateness; windows of processing time emit when the clock passes
 * their end, and not at all when the input ends before. A trigger changes that.
 * @public
 */
export class WindowedStream<T, K, A extends AnyWindowAssigner<T> = SpanAssigner> extends FieldAggregatedWindows<T> {
  readonly #input: KeyedStream<T, K>;
  readonly #windowing: Windowing;
  /** Phantom: the assigner. */
  declare readonly _assigner?: A | undefined;

  /** @internal */
  constructor(input: KeyedStream<T, K>, windowing: Windowing) {
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
   *   .keyBy((total) => total.user)
   *   .window(TumblingEventTimeWindows.of("1 d"))
   *   .trigger(ContinuousEventTimeTrigger.of("1 h"))
   *   .sum("count");
   */
  trigger(trigger: Trigger<T, WindowOf<A>>): WindowedStream<T, K, A> {
    return new WindowedStream<T, K, A>(this.#input, withTrigger(this.#windowing, trigger));
  }

  /** Removes elements of a window before or after its function sees them. Keeps all the others, whatever the function. */
  evictor(evictor: Evictor<T, WindowOf<A>>): WindowedStream<T, K, A> {
    return new WindowedStream<T, K, A>(this.#input, withEvictor(this.#windowing, evictor));
  }

  /**
   * Keeps windows for a while after they have emitted. Only for windows of event time.
   *
   * @param lateness - 0 or more; 0 by default.
   * @throws MillraceError `MR_ARGUMENT_INVALID` when it is negative, `MR_DURATION_INVALID` when it is no duration
   */
  allowedLateness(lateness: Duration): WindowedStream<T, K, A> {
    return new WindowedStream<T, K, A>(this.#input, withLateness(this.#windowing, lateness));
  }

  /** Sends records that are too late for all their windows to a side output; they are dropped and counted otherwise. */
  sideOutputLateData(tag: OutputTag<T>): WindowedStream<T, K, A> {
    return new WindowedStream<T, K, A>(this.#input, withLateTag(this.#windowing, tag));
  }

  /**
   * Folds each record into an accumulator as it comes, and emits the result of the window.
   *
   * @param aggregate - Session windows need one with `merge`.
   * @param result - Makes the output record of key, window and result; without it the result itself is emitted.
   * @example
   * windows.aggregate(
   *   { createAccumulator: () => 0, add: (_click, count) => count + 1, getResult: (count) => count },
   *   (user, window, count) => ({ user, from: window.start, count }),
   * );
   */
  aggregate<ACC, V, R = V>(
    aggregate: AggregateFunctionFor<A, T, ACC, Sync<V>>,
    result?: WindowResult<K, V, R, WindowOf<A>>,
    options: AggregateOptions<ACC> = {},
  ): SingleOutputStreamOperator<R> {
    const call = userCall("aggregate");
    const accumulatorType = erased<Type<unknown> | undefined>(options.accumulatorType);
    const fold = aggregateFold(call, this.#windowing.assigner, aggregate, accumulatorType);
    return this.#add<R>(call, fold, emitOf(call, result));
  }

  /** Folds the records of a window into one of their own type. @param result - As for `aggregate`. */
  reduce<R = T>(
    fn: ((accumulated: T, value: T) => T) | ReduceFunction<T>,
    result?: WindowResult<K, T, R, WindowOf<A>>,
  ): SingleOutputStreamOperator<R> {
    const call = userCall("reduce");
    return this.#add<R>(call, reduceFold(call, fn, erased(this.#input.type)), emitOf(call, result));
  }

  /** Keeps all records of a window and sees them at once. Costs memory for each of them; prefer `aggregate`. */
  process<R>(fn: ProcessWindowFunction<T, R, K, WindowOf<A>> & Synchronous<"process">): SingleOutputStreamOperator<R> {
    const call = userCall("process");
    checkFunction(call, fn, { methods: ["process"], optional: ["clear"] });
    return this.#add<R>(call, this.#list(), { kind: "process", fn: erased(fn) });
  }

  /**
   * As `process`, with less to know: the window instead of a context, and a plain function will do.
   *
   * @example
   * windows.apply<string>((user, window, clicks, out) => {
   *   out.collect(`${user} ${window.start}: ${[...clicks].length}`);
   * });
   */
  apply<R>(
    fn:
      | ((key: K, window: WindowOf<A>, elements: Iterable<T>, out: Collector<R>) => Nothing)
      | (WindowFunction<T, R, K, WindowOf<A>> & Synchronous<"apply"> & ObjectOnly),
  ): SingleOutputStreamOperator<R> {
    const call = userCall("apply");
    return this.#add<R>(call, this.#list(), applyOf(call, fn));
  }

  #list(): WindowFold {
    return { kind: "list", type: erased(this.#input.type) };
  }

  protected override fold(call: UserCall, fn: unknown): SingleOutputStreamOperator<T> {
    return this.#add<T>(call, reduceFold(call, fn, erased(this.#input.type)), { kind: "value" });
  }

  #add<R>(call: UserCall, fold: WindowFold, emit: WindowEmit): SingleOutputStreamOperator<R> {
    const spec = windowSpec({ key: this.#input.key, type: erased(this.#input.type) }, this.#windowing, fold, emit);
    // A reduce without a result function emits what came in.
    const isUnchanged = fold.kind === "reduce" && emit.kind === "value";
    const type = isUnchanged ? erased<undefined>(this.#input.type) : undefined;
    return addOperator<R>(this.#input, call, windowName(this.#windowing, call), spec, type);
  }
}
