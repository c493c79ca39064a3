import { type Duration, durationMs } from "../base/duration.ts";
import type { ProcessWindowFunction, ReduceFunction, Sync, WindowResultFunction } from "../operators/functions.ts";
import type { WindowFold, WindowSpec } from "../operators/operator-spec.ts";
import type { OutputTag } from "../operators/output-tag.ts";
import type { WindowAssigner } from "../time/window-assigner.ts";
import type { Type } from "../types/type.ts";
import { addOperator } from "./add-operator.ts";
import { checkFunction, describeValue, invalidArgument } from "./argument-checks.ts";
import { type UserCall, userCall } from "./call-site.ts";
import type { KeyedStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import {
  extremeOf,
  extremeRecordOf,
  type FieldOf,
  type Orderable,
  type Summable,
  sumOf,
} from "./field-aggregations.ts";
import { checkTag } from "./stream-checks.ts";
import type { Synchronous } from "./synchronous.ts";
import {
  type AggregateFunctionFor,
  type AggregateOptions,
  aggregateFold,
  emitOf,
  reduceFold,
  windowName,
} from "./window-specs.ts";

interface Lateness {
  readonly latenessMs: number;
  readonly lateTag: OutputTag<unknown> | undefined;
}

/**
 * The records of each key, grouped into windows. A window emits when the watermark passes its end, and again for every
 * record that comes within the allowed lateness.
 * @public
 */
export class WindowedStream<T, K, A extends WindowAssigner = WindowAssigner> {
  readonly #input: KeyedStream<T, K>;
  readonly #assigner: A;
  readonly #lateness: Lateness;

  /** @internal */
  constructor(input: KeyedStream<T, K>, assigner: A, lateness: Lateness) {
    this.#input = input;
    this.#assigner = assigner;
    this.#lateness = lateness;
  }

  /**
   * Keeps windows for a while after they have emitted.
   *
   * @param lateness - 0 or more; 0 by default.
   * @throws MillraceError `MR_ARGUMENT_INVALID` when it is negative, `MR_DURATION_INVALID` when it is no duration
   */
  allowedLateness(lateness: Duration): WindowedStream<T, K, A> {
    const latenessMs = durationMs(lateness);
    if (latenessMs < 0)
      throw invalidArgument(
        userCall("allowedLateness"),
        describeValue(lateness),
        "0 or more",
        'Pass one such as "1 min"',
      );
    return new WindowedStream<T, K, A>(this.#input, this.#assigner, { ...this.#lateness, latenessMs });
  }

  /** Sends records that are too late for all their windows to a side output; they are dropped and counted otherwise. */
  sideOutputLateData(tag: OutputTag<T>): WindowedStream<T, K, A> {
    checkTag(userCall("sideOutputLateData"), tag);
    const lateTag = erased<OutputTag<unknown>>(tag);
    return new WindowedStream<T, K, A>(this.#input, this.#assigner, { ...this.#lateness, lateTag });
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
    result?: WindowResultFunction<K, V, Sync<R>> | (ProcessWindowFunction<V, R, K> & Synchronous<"process">),
    options: AggregateOptions<ACC> = {},
  ): SingleOutputStreamOperator<R> {
    const call = userCall("aggregate");
    const accumulatorType = erased<Type<unknown> | undefined>(options.accumulatorType);
    return this.#apply<R>(call, aggregateFold(call, this.#assigner, aggregate, accumulatorType), result);
  }

  /** Folds the records of a window into one of their own type. @param result - As for `aggregate`. */
  reduce<R = T>(
    fn: ((accumulated: T, value: T) => T) | ReduceFunction<T>,
    result?: WindowResultFunction<K, T, Sync<R>> | (ProcessWindowFunction<T, R, K> & Synchronous<"process">),
  ): SingleOutputStreamOperator<R> {
    const call = userCall("reduce");
    return this.#apply<R>(call, reduceFold(call, fn, erased(this.#input.type)), result);
  }

  /** Keeps all records of a window and sees them at once. Costs memory for each of them; prefer `aggregate`. */
  process<R>(fn: ProcessWindowFunction<T, R, K> & Synchronous<"process">): SingleOutputStreamOperator<R> {
    const call = userCall("process");
    checkFunction(call, fn, { methods: ["process"] });
    return this.#apply<R>(call, { kind: "list", type: erased(this.#input.type) }, fn);
  }

  /** The sum of a field. The other fields are those of the window's first record. */
  sum(field: FieldOf<T, Summable>): SingleOutputStreamOperator<T> {
    const call = userCall("sum");
    return this.#fold(call, sumOf(call, field));
  }

  /** The minimum of a field. The other fields are those of the window's first record. */
  min(field: FieldOf<T, Orderable>): SingleOutputStreamOperator<T> {
    const call = userCall("min");
    return this.#fold(call, extremeOf(call, field, "min"));
  }

  /** The maximum of a field. The other fields are those of the window's first record. */
  max(field: FieldOf<T, Orderable>): SingleOutputStreamOperator<T> {
    const call = userCall("max");
    return this.#fold(call, extremeOf(call, field, "max"));
  }

  /** The whole record with the smallest field; among equal ones the first, or the last. */
  minBy(field: FieldOf<T, Orderable>, first: boolean = true): SingleOutputStreamOperator<T> {
    const call = userCall("minBy");
    return this.#fold(call, extremeRecordOf(call, field, "min", first));
  }

  /** The whole record with the largest field; among equal ones the first, or the last. */
  maxBy(field: FieldOf<T, Orderable>, first: boolean = true): SingleOutputStreamOperator<T> {
    const call = userCall("maxBy");
    return this.#fold(call, extremeRecordOf(call, field, "max", first));
  }

  #fold(call: UserCall, fn: unknown): SingleOutputStreamOperator<T> {
    return this.#apply<T>(call, reduceFold(call, fn, erased(this.#input.type)), undefined);
  }

  #apply<R>(call: UserCall, fold: WindowFold, result: unknown): SingleOutputStreamOperator<R> {
    const spec: WindowSpec = {
      kind: "window",
      key: this.#input.key,
      assigner: this.#assigner,
      fold,
      emit: emitOf(call, result),
      allowedLatenessMs: this.#lateness.latenessMs,
      lateTag: this.#lateness.lateTag,
    };
    // A reduce without a result function emits what came in.
    const isUnchanged = fold.kind === "reduce" && spec.emit.kind === "value";
    return addOperator<R>(
      this.#input,
      call,
      windowName(spec, call),
      spec,
      isUnchanged ? erased(this.#input.type) : undefined,
    );
  }
}
