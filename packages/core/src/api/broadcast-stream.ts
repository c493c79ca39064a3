import type {
  BroadcastProcessFunction,
  KeyedBroadcastProcessFunction,
} from "../operators/broadcast/broadcast-functions.ts";
import { BroadcastOperator } from "../operators/broadcast/broadcast-operator.ts";
import { KeyedBroadcastOperator } from "../operators/broadcast/keyed-broadcast-operator.ts";
import { cloneFunction } from "../operators/clone-function.ts";
import type { KeySelector } from "../operators/functions.ts";
import type { TransformSpec } from "../operators/operator-spec.ts";
import { MapStateDescriptor } from "../state/state-descriptors.ts";
import { addTwoInputOperator } from "./add-operator.ts";
import { checkFunction, describeValue, invalidArgument } from "./argument-checks.ts";
import { userCall } from "./call-site.ts";
import type { DataStream, KeyedStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import { checkStreams } from "./stream-checks.ts";
import type { Synchronous } from "./synchronous.ts";
import { type Input, partitioned } from "./upstreams.ts";

/** Any map state. @internal */
export type AnyMapState = MapStateDescriptor<unknown, unknown>;

/**
 * A stream whose records go to every subtask of the operator that it is connected to, with the states that keep what is
 * made of them. Made by `broadcast(…descriptors)`.
 *
 * @public
 */
export class BroadcastStream<T> {
  /** @internal */
  readonly input: Input;
  /** @internal */
  readonly states: readonly AnyMapState[];
  /** Phantom: the type of the records. */
  declare readonly _type?: T | undefined;

  /** @internal */
  constructor(input: Input, states: readonly AnyMapState[]) {
    this.input = input;
    this.states = states;
  }

  /** @internal */
  get builder(): Input["builder"] {
    return this.input.builder;
  }
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function broadcastStream<T>(stream: DataStream<T>, states: readonly AnyMapState[]): BroadcastStream<T> {
  const call = userCall("broadcast");
  for (const state of states) {
    if (state instanceof MapStateDescriptor) continue;
    throw invalidArgument(call, describeValue(state), "a map state", 'Pass one such as mapState("rules")');
  }
  const upstreams = partitioned(stream, { kind: "broadcast" });
  return new BroadcastStream<T>({ builder: stream.builder, upstreams, type: erased(stream.type) }, states);
}

/** A stream and a broadcast one that feed one operator. @public */
export class BroadcastConnectedStream<T1, T2> {
  protected readonly stream: DataStream<T1>;
  protected readonly broadcast: BroadcastStream<T2>;

  /** @internal */
  constructor(stream: DataStream<T1>, broadcast: BroadcastStream<T2>) {
    this.stream = stream;
    this.broadcast = broadcast;
  }

  /**
   * Runs the function with the records of both streams. The order between the two is not defined.
   *
   * @example
   * const blocked = mapState("blocked", t.string, t.boolean);
   * orders.connect(rules.broadcast(blocked)).process<Order>({
   *   processBroadcastElement: (rule, context) => context.getBroadcastState(blocked).put(rule.shop, true),
   *   processElement: (order, context, out) => {
   *     if (!context.getBroadcastState(blocked).contains(order.shop)) out.collect(order);
   *   },
   * });
   */
  process<R>(
    fn: BroadcastProcessFunction<T1, T2, R> & Synchronous<"processElement" | "processBroadcastElement">,
  ): SingleOutputStreamOperator<R> {
    const call = userCall("process");
    checkFunction(call, fn, { methods: ["processElement", "processBroadcastElement"] });
    const { states, input } = this.broadcast;
    const spec = broadcastSpec(states, undefined, fn, (host) => {
      return new BroadcastOperator(host, cloneFunction(erased(fn), host.operatorName), states);
    });
    return addTwoInputOperator<R>(this.stream, input, call, "Co-Process-Broadcast", spec);
  }
}

/** A keyed stream and a broadcast one that feed one operator. @public */
export class KeyedBroadcastConnectedStream<K, T1, T2> extends BroadcastConnectedStream<T1, T2> {
  readonly #key: KeySelector<unknown, unknown>;
  /** Phantom: the type of the keys. */
  declare readonly _key?: K | undefined;

  /** @internal */
  constructor(stream: KeyedStream<T1, K>, broadcast: BroadcastStream<T2>) {
    super(stream, broadcast);
    this.#key = stream.key;
  }

  /** As {@link BroadcastConnectedStream.process}, with keyed state and timers for the records of the keyed stream. */
  override process<R>(
    fn: KeyedBroadcastProcessFunction<K, T1, T2, R> &
      Synchronous<"processElement" | "processBroadcastElement" | "onTimer">,
  ): SingleOutputStreamOperator<R> {
    const call = userCall("process");
    checkFunction(call, fn, { methods: ["processElement", "processBroadcastElement"], optional: ["onTimer"] });
    const { states, input } = this.broadcast;
    const spec = broadcastSpec(states, this.#key, fn, (host) => {
      return new KeyedBroadcastOperator(host, cloneFunction(erased(fn), host.operatorName), states);
    });
    return addTwoInputOperator<R>(this.stream, input, call, "Co-Process-Broadcast-Keyed", spec);
  }
}

function broadcastSpec(
  states: readonly AnyMapState[],
  key: KeySelector<unknown, unknown> | undefined,
  fn: unknown,
  create: TransformSpec["create"],
): TransformSpec {
  return {
    kind: "transform",
    label: key === undefined ? "broadcast" : "keyedBroadcast",
    keys: [key, undefined],
    isStateful: true,
    details: { broadcastStates: states.map(({ name }) => name) },
    hasSideOutput: () => true,
    functions: [fn],
    create,
  };
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` for streams of two environments @internal */
export function connectBroadcast<T1, T2>(
  stream: DataStream<T1>,
  broadcast: BroadcastStream<T2>,
): BroadcastConnectedStream<T1, T2> {
  checkStreams(userCall("connect"), stream.builder, [broadcast]);
  return new BroadcastConnectedStream<T1, T2>(stream, broadcast);
}

/** As {@link connectBroadcast}. @internal */
export function connectKeyedBroadcast<K, T1, T2>(
  stream: KeyedStream<T1, K>,
  broadcast: BroadcastStream<T2>,
): KeyedBroadcastConnectedStream<K, T1, T2> {
  checkStreams(userCall("connect"), stream.builder, [broadcast]);
  return new KeyedBroadcastConnectedStream<K, T1, T2>(stream, broadcast);
}
