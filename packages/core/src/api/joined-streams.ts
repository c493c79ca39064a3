/** Inner joins of two streams in windows: a co-group whose function pairs the records of both sides. */
import type { FlatJoinFunction, JoinFunction, Sync } from "../operators/functions.ts";
import type { TaggedUnion } from "../operators/window/co-group-window-function.ts";
import type { AnyWindowAssigner } from "../operators/window/element-assigner.ts";
import type { SpanAssigner } from "../time/window-assigner.ts";
import { checkFunction } from "./argument-checks.ts";
import { userCall } from "./call-site.ts";
import { windowsOf } from "./co-grouped-streams.ts";
import type { DataStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import type { KeyOf } from "./key-types.ts";
import {
  type HalfKeyedPair,
  type KeyedPair,
  PairedWindows,
  pairEqualTo,
  pairWhere,
  type Windows,
} from "./paired-streams.ts";
import type { Synchronous } from "./synchronous.ts";

/**
 * Two streams to be joined, by keys and windows that come next.
 *
 * @example
 * orders
 *   .join(payments)
 *   .where((order) => order.id)
 *   .equalTo((payment) => payment.order)
 *   .window(TumblingEventTimeWindows.of("1 h"))
 *   .apply((order, payment) => ({ order: order.id, paid: payment.cents }));
 * @public
 */
export class JoinedStreams<T1, T2> {
  readonly #first: DataStream<T1>;
  readonly #second: DataStream<T2>;

  /** @internal */
  constructor(first: DataStream<T1>, second: DataStream<T2>) {
    this.#first = first;
    this.#second = second;
  }

  /** The key of the first stream's records. @throws MillraceError `MR_ARGUMENT_INVALID` */
  where<const K>(selector: (value: T1) => KeyOf<K>): JoinedWhere<T1, T2, K> {
    return new JoinedWhere<T1, T2, K>(pairWhere(this.#first, this.#second, selector));
  }
}

/** The first stream has its key. @public */
export class JoinedWhere<T1, T2, K> {
  readonly #pair: HalfKeyedPair<T1, T2, K>;

  /** @internal */
  constructor(pair: HalfKeyedPair<T1, T2, K>) {
    this.#pair = pair;
  }

  /** The key of the second stream's records: of the first one's type. @throws MillraceError `MR_ARGUMENT_INVALID` */
  equalTo(selector: (value: T2) => NoInfer<K>): JoinedEqualTo<T1, T2, K> {
    return new JoinedEqualTo(pairEqualTo(this.#pair, selector));
  }
}

/** Both streams have their keys. @public */
export class JoinedEqualTo<T1, T2, K> {
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
  window<A extends AnyWindowAssigner<TaggedUnion<T1, T2>>>(assigner: A): JoinedWithWindow<T1, T2, A> {
    return new JoinedWithWindow<T1, T2, A>(assigner, windowsOf(userCall("window"), this.#pair, assigner));
  }
}

/** Two streams in windows. @public */
export class JoinedWithWindow<
  T1,
  T2,
  A extends AnyWindowAssigner<TaggedUnion<T1, T2>> = SpanAssigner,
> extends PairedWindows<T1, T2, A> {
  /** Phantoms: the types of the records. */
  declare readonly _types?: readonly [T1, T2] | undefined;

  protected override changed(windows: Windows): this {
    return erased(new JoinedWithWindow<T1, T2, A>(this.assigner, windows));
  }

  /**
   * Calls the function for every pair of records that have the same key and are in the same window, when the window fires:
   * for each record of the first stream all of the second. Results have the window's last millisecond as timestamp. A
   * record without a partner has no result; use `coGroup` for outer joins.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID`, `MR_ASYNC_NOT_ALLOWED`
   */
  apply<R>(
    fn:
      | ((first: T1, second: T2) => Sync<R>)
      | JoinFunction<T1, T2, Sync<R>>
      | (FlatJoinFunction<T1, T2, R> & Synchronous<"flatJoin">),
  ): SingleOutputStreamOperator<R> {
    const isFlat = typeof fn === "object" && fn !== null && "flatJoin" in fn;
    checkFunction(userCall("apply"), fn, { methods: [isFlat ? "flatJoin" : "join"], plain: "function" });
    return this.applied<R>({ kind: "join", fn: erased(fn) });
  }
}
