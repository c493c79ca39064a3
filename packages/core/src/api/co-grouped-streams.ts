/**
 * Two streams whose records meet by key and window: `a.coGroup(b).where(…).equalTo(…).window(…).apply(…)`. As in Flink it
 * is a union of tagged records, keyed and windowed, so everything about windows holds here too.
 */
import { calling } from "../operators/clone-function.ts";
import type { CoGroupFunction, KeySelector } from "../operators/functions.ts";
import type { TaggedUnion } from "../operators/window/co-group-window-function.ts";
import type { AnyWindowAssigner } from "../operators/window/element-assigner.ts";
import type { SpanAssigner } from "../time/window-assigner.ts";
import { t } from "../types/declared-types.ts";
import type { Type } from "../types/type.ts";
import { addOperator } from "./add-operator.ts";
import { checkFunction } from "./argument-checks.ts";
import { type UserCall, userCall } from "./call-site.ts";
import type { DataStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import type { KeyOf } from "./key-types.ts";
import {
  type HalfKeyedPair,
  type KeyedPair,
  PairedWindows,
  pairEqualTo,
  pairWhere,
  type Tagged,
  type Windows,
} from "./paired-streams.ts";
import type { Synchronous } from "./synchronous.ts";
import { parallelismOf } from "./upstreams.ts";
import { checkAssigner } from "./window-specs.ts";

/**
 * Two streams to be grouped together, by keys and windows that come next.
 *
 * @example
 * orders
 *   .coGroup(payments)
 *   .where((order) => order.id)
 *   .equalTo((payment) => payment.order)
 *   .window(TumblingEventTimeWindows.of("1 h"))
 *   .apply((ordersOfHour, paymentsOfHour) => [{ orders: ordersOfHour.length, payments: paymentsOfHour.length }]);
 * @public
 */
export class CoGroupedStreams<T1, T2> {
  readonly #first: DataStream<T1>;
  readonly #second: DataStream<T2>;

  /** @internal */
  constructor(first: DataStream<T1>, second: DataStream<T2>) {
    this.#first = first;
    this.#second = second;
  }

  /** The key of the first stream's records. @throws MillraceError `MR_ARGUMENT_INVALID` */
  where<const K>(selector: (value: T1) => KeyOf<K>): CoGroupedWhere<T1, T2, K> {
    return new CoGroupedWhere<T1, T2, K>(pairWhere(this.#first, this.#second, selector));
  }
}

/** The first stream has its key. @public */
export class CoGroupedWhere<T1, T2, K> {
  readonly #pair: HalfKeyedPair<T1, T2, K>;

  /** @internal */
  constructor(pair: HalfKeyedPair<T1, T2, K>) {
    this.#pair = pair;
  }

  /** The key of the second stream's records: of the first one's type. @throws MillraceError `MR_ARGUMENT_INVALID` */
  equalTo(selector: (value: T2) => NoInfer<K>): CoGroupedEqualTo<T1, T2, K> {
    return new CoGroupedEqualTo(pairEqualTo(this.#pair, selector));
  }
}

/** Both streams have their keys. @public */
export class CoGroupedEqualTo<T1, T2, K> {
  readonly #pair: KeyedPair<T1, T2, K>;

  /** @internal */
  constructor(pair: KeyedPair<T1, T2, K>) {
    this.#pair = pair;
  }

  /**
   * The windows that records of both streams meet in: any assigner, which sees the records as a trigger does, each as the
   * property `first` or `second` of an object.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID`
   */
  window<A extends AnyWindowAssigner<TaggedUnion<T1, T2>>>(assigner: A): CoGroupedWithWindow<T1, T2, A> {
    return new CoGroupedWithWindow<T1, T2, A>(assigner, windowsOf(userCall("window"), this.#pair, assigner));
  }
}

/** Two streams in windows. @public */
export class CoGroupedWithWindow<
  T1,
  T2,
  A extends AnyWindowAssigner<TaggedUnion<T1, T2>> = SpanAssigner,
> extends PairedWindows<T1, T2, A> {
  /** Phantoms: the types of the records. */
  declare readonly _types?: readonly [T1, T2] | undefined;

  protected override changed(windows: Windows): this {
    return erased(new CoGroupedWithWindow<T1, T2, A>(this.assigner, windows));
  }

  /**
   * Calls the function for every key and window that has records of at least one of the streams. A plain function returns
   * its results, an object collects them; they have the window's last millisecond as timestamp.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID`, `MR_ASYNC_NOT_ALLOWED`
   */
  apply<R>(
    fn:
      | ((first: readonly T1[], second: readonly T2[]) => Iterable<R>)
      | (CoGroupFunction<T1, T2, R> & Synchronous<"coGroup">),
  ): SingleOutputStreamOperator<R> {
    checkFunction(userCall("apply"), fn, { methods: ["coGroup"], plain: "function or generator" });
    return this.applied<R>({ kind: "coGroup", fn: erased(fn) });
  }
}

/** The union of both streams' tagged records, keyed and windowed. @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function windowsOf<T1, T2, K>(call: UserCall, pair: KeyedPair<T1, T2, K>, assigner: unknown): Windows {
  checkAssigner(call, assigner);
  const { first, second, keys } = pair;
  const type = erased<Type<Tagged> | undefined>(taggedType(first.type, second.type));
  const [firstKey, secondKey] = erased<readonly [KeySelector<unknown, string>, KeySelector<unknown, string>]>(keys);
  const tagged = tag(call, erased(first), (value) => ({ first: value }), type).union(
    tag(call, erased(second), (value) => ({ second: value }), type),
  );
  const keyOf = (element: Tagged): string => ("first" in element ? firstKey(element.first) : secondKey(element.second));
  return tagged.keyBy(calling(keyOf, firstKey, secondKey)).window(erased<AnyWindowAssigner<Tagged>>(assigner));
}

// Where the records are: spread over other subtasks they would lose their order.
function tag(
  call: UserCall,
  stream: DataStream<unknown>,
  fn: (value: unknown) => Tagged,
  type: Type<Tagged> | undefined,
): DataStream<Tagged> {
  const tagged = addOperator<Tagged>(stream, call, "Map", { kind: "map", fn }, type);
  tagged.transformation.parallelism = parallelismOf(stream);
  return tagged;
}

function taggedType(first: Type<unknown> | undefined, second: Type<unknown> | undefined): unknown {
  if (first === undefined || second === undefined) return undefined;
  return t.object({ first: t.optional(first), second: t.optional(second) });
}
