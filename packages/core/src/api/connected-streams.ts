import type {
  CoFlatMapFunction,
  CoMapFunction,
  CoProcessFunction,
  KeyedCoProcessFunction,
  KeySelector,
  Sync,
} from "../operators/functions.ts";
import type { CoSpec } from "../operators/operator-spec.ts";
import { addTwoInputOperator } from "./add-operator.ts";
import { checkFunction } from "./argument-checks.ts";
import { type UserCall, userCall } from "./call-site.ts";
import type { DataStream, KeyedStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import type { KeyOf } from "./key-types.ts";
import type { Synchronous } from "./synchronous.ts";

type Key = KeySelector<unknown, unknown>;

/** Two streams that feed one operator. @public */
export class ConnectedStreams<T1, T2> {
  protected readonly first: DataStream<T1>;
  protected readonly second: DataStream<T2>;

  /** @internal */
  constructor(first: DataStream<T1>, second: DataStream<T2>) {
    this.first = first;
    this.second = second;
  }

  /** Keys both streams, so that the operator sees records of one key together. Both selectors return the same type. */
  keyBy<const K>(first: (value: T1) => KeyOf<K>, second: (value: T2) => KeyOf<K>): KeyedConnectedStreams<K, T1, T2> {
    const call = userCall("keyBy");
    for (const selector of [first, second]) checkFunction(call, selector, { methods: [], plain: "function" });
    return new KeyedConnectedStreams<K, T1, T2>(this.first.keyBy(erased(first)), this.second.keyBy(erased(second)));
  }

  /** One result for every record of either stream. */
  map<R>(fn: CoMapFunction<T1, T2, Sync<R>>): SingleOutputStreamOperator<R> {
    const call = userCall("map");
    checkFunction(call, fn, { methods: ["map1", "map2"] });
    return this.addTwoInputOperator<R>(call, "Co-Map", fn, "map");
  }

  /** Any number of results for every record of either stream. */
  flatMap<R>(fn: CoFlatMapFunction<T1, T2, R> & Synchronous<"flatMap1" | "flatMap2">): SingleOutputStreamOperator<R> {
    const call = userCall("flatMap");
    checkFunction(call, fn, { methods: ["flatMap1", "flatMap2"] });
    return this.addTwoInputOperator<R>(call, "Co-Flat Map", fn, "flatMap");
  }

  /** Full access to the records of both streams. */
  process<R>(
    fn: CoProcessFunction<T1, T2, R> & Synchronous<"processElement1" | "processElement2">,
  ): SingleOutputStreamOperator<R> {
    const call = userCall("process");
    checkFunction(call, fn, { methods: ["processElement1", "processElement2"] });
    return this.addTwoInputOperator<R>(call, "Co-Process", fn, "process");
  }

  /** @internal */
  protected addTwoInputOperator<R>(
    call: UserCall,
    name: string,
    fn: unknown,
    flavour: CoSpec["flavour"],
    keys: CoSpec["keys"] = undefined,
  ): SingleOutputStreamOperator<R> {
    const spec: CoSpec = { kind: "co", keys, fn: erased(fn), flavour };
    return addTwoInputOperator<R>(this.first, this.second, call, name, spec);
  }
}

/** Two streams with keys of the same type that feed one operator with state and timers per key. @public */
export class KeyedConnectedStreams<K, T1, T2> extends ConnectedStreams<T1, T2> {
  readonly #keys: readonly [Key, Key];
  /** Phantom: the type of the keys. */
  declare readonly _key?: K | undefined;

  /** @internal */
  constructor(first: KeyedStream<T1, K>, second: KeyedStream<T2, K>) {
    super(first, second);
    this.#keys = [first.key, second.key];
  }

  /** Full access to the records of both streams, with keyed state and timers that both share. */
  override process<R>(
    fn: KeyedCoProcessFunction<K, T1, T2, R> & Synchronous<"processElement1" | "processElement2" | "onTimer">,
  ): SingleOutputStreamOperator<R> {
    const call = userCall("process");
    checkFunction(call, fn, { methods: ["processElement1", "processElement2"], optional: ["onTimer"] });
    return this.addTwoInputOperator<R>(call, "Co-Keyed-Process", fn, "process");
  }

  protected override addTwoInputOperator<R>(
    call: UserCall,
    name: string,
    fn: unknown,
    flavour: CoSpec["flavour"],
  ): SingleOutputStreamOperator<R> {
    return super.addTwoInputOperator<R>(call, name, fn, flavour, this.#keys);
  }
}

/**
 * A loop whose feedback is not of its input's type: the input is the first stream, what is fed back the second.
 *
 * As in Flink, watermarks come from the input only. Unlike there, the two may be keyed here, which sends records that are
 * fed back to the subtask of their key.
 *
 * @example
 * const loop = numbers.iterate().withFeedbackType<string>();
 * const texts = loop.map({ map1: (n) => "x".repeat(n), map2: (text) => text.slice(1) });
 * loop.closeWith(texts.filter((text) => text.length > 0));
 * @public
 */
export class ConnectedIterativeStreams<T, F> extends ConnectedStreams<T, F> {
  readonly #close: (call: UserCall, feedback: DataStream<F>) => void;

  /** @internal */
  constructor(input: DataStream<T>, feedback: DataStream<F>, close: (call: UserCall, feedback: DataStream<F>) => void) {
    super(input, feedback);
    this.#close = close;
  }

  /**
   * Feeds the records of a stream back to the second input, in the loop's parallelism. May be called for several streams.
   *
   * @returns The same stream.
   * @throws MillraceError `MR_ARGUMENT_INVALID` when the stream does not come from this loop; the execution throws
   *   `MR_ITERATION_NOT_CLOSED` when nothing is fed back
   */
  closeWith(feedback: DataStream<F>): DataStream<F> {
    this.#close(userCall("closeWith"), feedback);
    return feedback;
  }
}
