/**
 * What compiles of functions with state, and what does not (`@ts-expect-error` fails when the line compiles). The misuses
 * are checked by the compiler and never run; pipelines are built, but not executed.
 */
import { describe, expect, expectTypeOf, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import type { Transformation } from "../graph/transformation.ts";
import type { BroadcastProcessFunction } from "../operators/broadcast/broadcast-functions.ts";
import type { Collector, MapFunction, RuntimeContext } from "../operators/functions.ts";
import type { OperatorSpec } from "../operators/operator-spec.ts";
import type { AggregatingState, ListState, ReducingState } from "../state/keyed-state.ts";
import type { BroadcastState, ReadOnlyBroadcastState } from "../state/operator-state.ts";
import { aggregatingState, listState, mapState, reducingState, valueState } from "../state/state-descriptors.ts";
import { t } from "../types/declared-types.ts";
import type { BroadcastConnectedStream, BroadcastStream, KeyedBroadcastConnectedStream } from "./broadcast-stream.ts";
import type { DataStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { PipelineEnvironment } from "./environment.ts";

interface Order {
  readonly shop: string;
  readonly price: number;
}

interface Rule {
  readonly shop: string;
  readonly limit: number;
}

function environment(): PipelineEnvironment {
  const executor = { executeAsync: () => Promise.reject(new Error("nothing runs here")) };
  return new PipelineEnvironment({ executor, configuration: Configuration.fromEntries([]) });
}

const env = environment();
const orders: DataStream<Order> = env.fromData<Order>([]);
const rules: DataStream<Rule> = env.fromData<Rule>([]);
const limits = mapState("limits", t.string, t.float64);
const counts = listState("counts", t.int32);

const specOf = ({ transformation }: { readonly transformation: Transformation }): OperatorSpec => transformation.spec;

describe("broadcast", () => {
  test("without descriptors it is a partitioning, with descriptors a stream for connect", () => {
    expectTypeOf(rules.broadcast()).toEqualTypeOf<DataStream<Rule>>();
    const broadcast = rules.broadcast(limits);
    expectTypeOf(broadcast).toEqualTypeOf<BroadcastStream<Rule>>();
    expectTypeOf(orders.connect(broadcast)).toEqualTypeOf<BroadcastConnectedStream<Order, Rule>>();
    expectTypeOf(orders.keyBy((order) => order.shop).connect(broadcast)).toEqualTypeOf<
      KeyedBroadcastConnectedStream<string, Order, Rule>
    >();
    // @ts-expect-error: broadcast state is a map
    expect(() => rules.broadcast(counts)).toThrow(/MR_ARGUMENT_INVALID/);
  });

  test("the records' side reads, the broadcast side writes; everything is inferred", () => {
    const result = orders.connect(rules.broadcast(limits)).process<string>({
      processElement(order, context, out) {
        expectTypeOf(order).toEqualTypeOf<Order>();
        const state = context.getBroadcastState(limits);
        expectTypeOf(state).toEqualTypeOf<ReadOnlyBroadcastState<string, number>>();
        // @ts-expect-error: read-only
        state.put("a", 1);
        out.collect(order.shop);
      },
      processBroadcastElement(rule, context) {
        expectTypeOf(rule).toEqualTypeOf<Rule>();
        const state = context.getBroadcastState(limits);
        expectTypeOf(state).toEqualTypeOf<BroadcastState<string, number>>();
        state.put(rule.shop, rule.limit);
        // @ts-expect-error: a number
        state.put(rule.shop, "many");
      },
    });
    expectTypeOf(result).toEqualTypeOf<SingleOutputStreamOperator<string>>();
    expect(specOf(result)).toMatchObject({ kind: "transform", details: { broadcastStates: ["limits"] } });
  });

  test("a keyed stream has keys and timers for its records, and applyToKeyedState for broadcast ones", () => {
    orders
      .keyBy((order) => order.shop)
      .connect(rules.broadcast(limits))
      .process<string>({
        processElement(_order, context) {
          expectTypeOf(context.currentKey).toEqualTypeOf<string>();
          context.timerService.registerEventTimeTimer(1);
        },
        processBroadcastElement(_rule, context) {
          // @ts-expect-error: a broadcast record has no key
          context.currentKey;
          context.applyToKeyedState(counts, (key, state) => {
            expectTypeOf(key).toEqualTypeOf<string>();
            expectTypeOf(state).toEqualTypeOf<ListState<number>>();
          });
        },
        onTimer(timeMs, context) {
          expectTypeOf(timeMs).toEqualTypeOf<number>();
          expectTypeOf(context.getBroadcastState(limits)).toEqualTypeOf<ReadOnlyBroadcastState<string, number>>();
        },
      });
  });

  test("asynchronous functions and missing methods are refused", () => {
    const connected = orders.connect(rules.broadcast(limits));
    const slow = { processElement: async () => {}, processBroadcastElement: () => {} };
    // @ts-expect-error: Promise<void> is not void
    expect(() => connected.process(slow)).toThrow(/MR_ASYNC_NOT_ALLOWED/);
    const half = { processElement: () => {} } as unknown as BroadcastProcessFunction<Order, Rule, string>;
    expect(() => connected.process(half)).toThrow(/MR_ARGUMENT_INVALID/);
  });

  test("streams of two environments cannot be connected", () => {
    const foreign = environment().fromData<Rule>([]).broadcast(limits);
    expect(() => orders.connect(foreign)).toThrow(/MR_ARGUMENT_INVALID/);
  });
});

describe("functions with state", () => {
  const map: MapFunction<Order, number> = { map: (order) => order.price };
  const rich: MapFunction<Order, number> = { map: (order) => order.price, open: () => {} };
  const keyed = orders.keyBy((order) => order.shop);

  test("only a function that is told of its context runs under the key; plain ones are spared the look-up", () => {
    expect(specOf(keyed.map(rich))).toHaveProperty("key", keyed.key);
    expect(specOf(keyed.filter({ filter: () => true, open: () => {} }))).toHaveProperty("key", keyed.key);
    expect(specOf(keyed.flatMap({ flatMap: () => {}, open: () => {} }))).toHaveProperty("key", keyed.key);
    for (const stream of [keyed.map(map), keyed.map((order) => order), orders.map(rich), keyed.filter(() => true)]) {
      expect(specOf(stream)).not.toHaveProperty("key");
    }
  });

  test("a state hook without its counterpart is refused", () => {
    const lost = { map: (order: Order) => order, snapshotState: () => {} };
    expect(() => orders.map(lost)).toThrow(/MR_ARGUMENT_INVALID.*snapshotState\(\) together with initializeState\(\)/);
    const unwritten = { map: (order: Order) => order, restoreState: () => {} };
    expect(() => orders.map(unwritten)).toThrow(/MR_ARGUMENT_INVALID/);
    const slow = { map: (order: Order) => order, initializeState: async () => {}, snapshotState: () => {} };
    expect(() => orders.map(slow)).toThrow(/MR_ASYNC_NOT_ALLOWED.*initializeState/);
  });

  test("states have the types of their descriptors", () => {
    const total = reducingState("total", (a: number, b: number) => a + b);
    const mean = aggregatingState("mean", {
      createAccumulator: () => ({ sum: 0, count: 0 }),
      add: (order: Order, { sum, count }) => ({ sum: sum + order.price, count: count + 1 }),
      getResult: ({ sum, count }) => sum / count,
    });
    const open = (context: RuntimeContext, out: Collector<number>): void => {
      expectTypeOf(context.getReducingState(total)).toEqualTypeOf<ReducingState<number>>();
      expectTypeOf(context.getAggregatingState(mean)).toEqualTypeOf<AggregatingState<Order, number>>();
      // @ts-expect-error: a reducing state is no value state
      context.getState(total);
      out.collect(context.getReducingState(total).get() ?? 0);
    };
    expectTypeOf(open).toBeFunction();
    expectTypeOf(valueState("x", t.int32).enableTimeToLive("1 h")).toEqualTypeOf(valueState("x", t.int32));
  });
});
