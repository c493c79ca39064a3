/** Bounded streams whose partitions are seen as a whole, at the end of input. */
import type {
  AggregateFunction,
  KeySelector,
  MapPartitionFunction,
  ReduceFunction,
  Sync,
} from "../operators/functions.ts";
import type { PartitionFold } from "../operators/partition/partition-fold.ts";
import { keyPartitionSpec, subtaskPartitionSpec } from "../operators/partition/partition-spec.ts";
import { compareKeys } from "../types/compare-keys.ts";
import type { Type } from "../types/type.ts";
import { addOperator } from "./add-operator.ts";
import { checkFold, checkFunction, describeValue, invalidArgument } from "./argument-checks.ts";
import { type UserCall, userCall } from "./call-site.ts";
import type { SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import type { FieldOf, Orderable } from "./field-aggregations.ts";
import type { Synchronous } from "./synchronous.ts";
import type { Input } from "./upstreams.ts";
import type { AggregateOptions } from "./window-specs.ts";

/** The direction of a sort. @public */
export type Order = "ASCENDING" | "DESCENDING";

/** What `sortPartition` can compare: what `<` orders, and tuples of it. @public */
export type SortKey = string | number | bigint | boolean | readonly SortKey[];

/**
 * The partitions of a bounded stream: what each subtask gets, or on a keyed stream what each key has. Every method emits
 * when the input has ended; what is collected until then is state, all of it for `mapPartition` and `sortPartition`, one
 * value a partition for `reduce` and `aggregate`. Results have no timestamp.
 *
 * @example
 * const sorted = readings.keyBy((reading) => reading.sensor).fullWindowPartition().sortPartition("at", "ASCENDING");
 * @public
 */
export class PartitionWindowedStream<T> {
  readonly #input: Input;
  readonly #key: KeySelector<unknown, unknown> | undefined;
  readonly #type: Type<T> | undefined;

  /** @internal */
  constructor(input: Input, key: KeySelector<unknown, unknown> | undefined, type: Type<T> | undefined) {
    this.#input = input;
    this.#key = key;
    this.#type = type;
  }

  /**
   * Sees all records of a partition at once and makes any number of results: a plain function returns them, an object
   * collects them. A partition without records is not seen.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID`, `MR_ASYNC_NOT_ALLOWED`; so do all methods
   * @example
   * readings.fullWindowPartition().mapPartition((all) => [[...all].length]);
   */
  mapPartition<R>(
    fn: ((values: Iterable<T>) => Iterable<R>) | (MapPartitionFunction<T, R> & Synchronous<"mapPartition">),
  ): SingleOutputStreamOperator<R> {
    const call = userCall("mapPartition");
    checkFunction(call, fn, { methods: ["mapPartition"], plain: "function or generator" });
    return this.#apply<R>(call, { kind: "map", fn: erased(fn) }, erased(this.#type));
  }

  /**
   * The records of each partition in order; those that compare equal keep the order they came in.
   *
   * @param by - A field, or a function that returns what to compare.
   * @example
   * trades.fullWindowPartition().sortPartition("price", "DESCENDING");
   * trades.fullWindowPartition().sortPartition((trade) => [trade.symbol, trade.at], "ASCENDING");
   */
  sortPartition(by: FieldOf<T, Orderable> | ((value: T) => SortKey), order: Order): SingleOutputStreamOperator<T> {
    const call = userCall("sortPartition");
    const keyOf = sortKeyOf(call, by);
    if (order !== "ASCENDING" && order !== "DESCENDING") {
      throw invalidArgument(call, describeValue(order), '"ASCENDING" or "DESCENDING"', "Pass an order");
    }
    const sign = order === "ASCENDING" ? 1 : -1;
    const compare = (left: unknown, right: unknown): number => sign * compareKeys(left, right);
    return this.#apply<T>(call, { kind: "sort", keyOf, compare }, erased(this.#type), this.#type);
  }

  /** Folds the records of each partition into one of their own type. */
  reduce(fn: ((accumulated: T, value: T) => T) | ReduceFunction<T>): SingleOutputStreamOperator<T> {
    const call = userCall("reduce");
    checkFunction(call, fn, { methods: ["reduce"], plain: "function" });
    return this.#apply<T>(call, { kind: "reduce", fn: erased(fn) }, erased(this.#type), this.#type);
  }

  /** Folds the records of each partition into an accumulator, and emits its result. */
  aggregate<ACC, R>(
    aggregate: AggregateFunction<T, ACC, Sync<R>>,
    options: AggregateOptions<ACC> = {},
  ): SingleOutputStreamOperator<R> {
    const call = userCall("aggregate");
    checkFold(call, aggregate, { methods: ["createAccumulator", "add", "getResult"], optional: ["merge"] });
    return this.#apply<R>(call, { kind: "aggregate", fn: erased(aggregate) }, erased(options.accumulatorType));
  }

  #apply<R>(
    call: UserCall,
    fold: PartitionFold,
    stateType: Type<unknown> | undefined,
    resultType?: Type<R>,
  ): SingleOutputStreamOperator<R> {
    const name = call.method.charAt(0).toUpperCase() + call.method.slice(1);
    const spec =
      this.#key === undefined
        ? subtaskPartitionSpec(call.method, fold, stateType)
        : keyPartitionSpec(call.method, this.#key, fold, stateType);
    return addOperator<R>(this.#input, call, name, spec, resultType);
  }
}

function sortKeyOf(call: UserCall, by: unknown): (value: unknown) => unknown {
  if (typeof by === "string" || typeof by === "number") {
    return (value) => (value as Readonly<Record<string | number, unknown>>)[by];
  }
  checkFunction(call, by, { methods: [], plain: "function" });
  return by as (value: unknown) => unknown;
}
