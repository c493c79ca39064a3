/** Inner joins of two streams in windows: a co-group whose function pairs the records of both sides. */
import type { FlatJoinFunction, JoinFunction, KeySelector, Sync } from "../operators/functions.ts";
import type { SpanAssigner } from "../time/window-assigner.ts";
import { checkFunction } from "./argument-checks.ts";
import { userCall } from "./call-site.ts";
import { type KeyedPair, windowsOf } from "./co-grouped-streams.ts";
import type { DataStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import type { KeyOf } from "./key-types.ts";
import { PairedWindows, type Windows } from "./paired-streams.ts";
import type { Synchronous } from "./synchronous.ts";
import { checkAssigner } from "./window-specs.ts";

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
    checkFunction(userCall("where"), selector, { methods: [], plain: "function" });
    return new JoinedWhere(this.#first, this.#second, erased(selector));
  }
}

/** The first stream has its key. @public */
export class JoinedWhere<T1, T2, K> {
  readonly #first: DataStream<T1>;
  readonly #second: DataStream<T2>;
  readonly #firstKey: KeySelector<T1, K>;

  /** @internal */
  constructor(first: DataStream<T1>, second: DataStream<T2>, firstKey: KeySelector<T1, K>) {
    this.#first = first;
    this.#second = second;
    this.#firstKey = firstKey;
  }

  /** The key of the second stream's records: of the first one's type. @throws MillraceError `MR_ARGUMENT_INVALID` */
  equalTo(selector: (value: T2) => NoInfer<K>): JoinedEqualTo<T1, T2, K> {
    checkFunction(userCall("equalTo"), selector, { methods: [], plain: "function" });
    return new JoinedEqualTo({
      first: this.#first,
      second: this.#second,
      keys: [this.#firstKey, selector],
    });
  }
}

/** Both streams have their keys. @public */
export class JoinedEqualTo<T1, T2, K> {
  readonly #pair: KeyedPair<T1, T2, K>;

  /** @internal */
  constructor(pair: KeyedPair<T1, T2, K>) {
    this.#pair = pair;
  }

  /** The windows that records of both streams meet in. @throws MillraceError `MR_ARGUMENT_INVALID` */
  window(assigner: SpanAssigner): JoinedWithWindow<T1, T2> {
    const call = userCall("window");
    checkAssigner(call, assigner);
    return new JoinedWithWindow(assigner, windowsOf(call, this.#pair, assigner));
  }
}

/** Two streams in windows. @public */
export class JoinedWithWindow<T1, T2> extends PairedWindows<T1, T2> {
  /** Phantoms: the types of the records. */
  declare readonly _types?: readonly [T1, T2];

  protected override changed(windows: Windows): this {
    return erased(new JoinedWithWindow<T1, T2>(this.assigner, windows));
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
