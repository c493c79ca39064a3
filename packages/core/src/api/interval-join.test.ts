/** Interval joins as users write them: what compiles, what is refused while the pipeline is built, and what comes out. */
import { expect, expectTypeOf, test } from "vitest";
import type { Collector, ProcessJoinContext, ProcessJoinFunction } from "../operators/functions.ts";
import { OutputTag } from "../operators/output-tag.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import type { DataStream, KeyedStream, SingleOutputStreamOperator } from "./data-stream.ts";
import type { IntervalJoin } from "./interval-join.ts";
import type { IntervalJoined } from "./interval-joined-stream.ts";

interface Order {
  readonly order: number;
  readonly at: number;
}

interface Payment {
  readonly paid: number;
  readonly cents: number;
  readonly at: number;
}

class Pair implements ProcessJoinFunction<Order, Payment, string> {
  processElement(order: Order, payment: Payment, context: ProcessJoinContext, out: Collector<string>): void {
    const { leftTimestamp, rightTimestamp, timestamp } = context;
    out.collect(`${order.order}: ${payment.cents} ${rightTimestamp - leftTimestamp} ${timestamp}`);
  }
}

interface Streams {
  readonly orders: KeyedStream<Order, number>;
  readonly payments: KeyedStream<Payment, number>;
}

function streams(orders: readonly Order[], payments: readonly Payment[], parallelism = 1): Streams {
  const env = StreamExecutionEnvironment.getExecutionEnvironment().setParallelism(parallelism);
  const timed = <T extends { readonly at: number }>(stream: DataStream<T>): DataStream<T> =>
    stream.assignTimestampsAndWatermarks(
      WatermarkStrategy.forBoundedOutOfOrderness<T>("1 min").withTimestampAssigner((record) => record.at),
    );
  return {
    orders: timed(env.fromData([...orders])).keyBy((order) => order.order),
    payments: timed(env.fromData([...payments])).keyBy((payment) => payment.paid),
  };
}

const { orders, payments } = streams([], []);
const text = StreamExecutionEnvironment.getExecutionEnvironment().fromData("a").keyBy(String);
/** What a program without type checks passes. */
const untyped = (value: unknown): never => value as never;

test("S11: the types of both sides and of the results are inferred", () => {
  const join = orders.intervalJoin(payments);
  expectTypeOf(join).toEqualTypeOf<IntervalJoin<IntervalJoined<Order, Payment>>>();
  const joined = join.between("-1 s", 1000).lowerBoundExclusive().upperBoundExclusive();
  expectTypeOf(joined).toEqualTypeOf<IntervalJoined<Order, Payment>>();
  expectTypeOf(joined.process(new Pair())).toEqualTypeOf<SingleOutputStreamOperator<string>>();
  joined.process<number>({
    processElement(order, payment, context, out) {
      expectTypeOf(order).toEqualTypeOf<Order>();
      expectTypeOf(payment).toEqualTypeOf<Payment>();
      expectTypeOf(context).toEqualTypeOf<ProcessJoinContext>();
      expectTypeOf(out).toEqualTypeOf<Collector<number>>();
    },
  });
  expect(misuses).toBeTypeOf("function");
});

/** Never called: each statement is an error that the compiler must report. */
export function misuses(): void {
  const joined = orders.intervalJoin(payments).between(0, 1);
  // @ts-expect-error the keys have different types
  orders.intervalJoin(text);
  // @ts-expect-error a stream without keys has no partners
  orders.intervalJoin(payments.map((payment) => payment));
  // @ts-expect-error the bounds come first
  orders.intervalJoin(payments).process(new Pair());
  // @ts-expect-error a duration has a unit
  orders.intervalJoin(payments).between("1 hour", "2 h");
  // @ts-expect-error the sides are exchanged
  payments.intervalJoin(orders).between(0, 1).process(new Pair());
  // @ts-expect-error a Promise has no place in a join
  joined.process<number>({ async processElement() {} });
  // @ts-expect-error the late left records are orders
  joined.sideOutputLeftLateData(new OutputTag<Payment>("late"));
  // @ts-expect-error the late right records are payments
  joined.sideOutputRightLateData(new OutputTag<Order>("late"));
}

const joined = orders.intervalJoin(payments).between(0, "1 s");
const refused: readonly (readonly [what: string, build: () => unknown, code: string, message: string])[] = [
  ["a stream without keys", () => orders.intervalJoin(untyped(payments.map(String))), "MR_ARGUMENT_INVALID", "keyBy"],
  ["no stream", () => orders.intervalJoin(untyped(7)), "MR_ARGUMENT_INVALID", "a stream"],
  ["a stream of elsewhere", () => orders.intervalJoin(untyped(text)), "MR_ARGUMENT_INVALID", "environment"],
  [
    "exchanged bounds",
    () => orders.intervalJoin(payments).between("1 s", "-1 s"),
    "MR_ARGUMENT_INVALID",
    "1 s to -1 s",
  ],
  ["an endless bound", () => orders.intervalJoin(payments).between(0, 1e300), "MR_ARGUMENT_INVALID", "safe integers"],
  [
    "a bound that is none",
    () => orders.intervalJoin(payments).between(0, untyped("soon")),
    "MR_DURATION_INVALID",
    "soon",
  ],
  [
    "an interval of nothing",
    () => orders.intervalJoin(payments).between(5, 5).upperBoundExclusive().process(new Pair()),
    "MR_ARGUMENT_INVALID",
    "from 5 ms before 5 ms",
  ],
  ["a plain function", () => joined.process(untyped(() => {})), "MR_ARGUMENT_INVALID", "processElement()"],
  [
    "an async function",
    () => joined.process(untyped({ processElement: async () => {} })),
    "MR_ASYNC_NOT_ALLOWED",
    "processElement",
  ],
  ["a tag that is none", () => joined.sideOutputLeftLateData(untyped("late")), "MR_ARGUMENT_INVALID", "OutputTag"],
  ["a tag that is none", () => joined.sideOutputRightLateData(untyped("late")), "MR_ARGUMENT_INVALID", "OutputTag"],
];

test.each(refused)("%s is refused while the pipeline is built", (_what, build, code, message) => {
  expect(build).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
});

const someOrders: readonly Order[] = Array.from({ length: 60 }, (_, id) => ({ order: id % 20, at: id * 1000 }));
const somePayments: readonly Payment[] = Array.from({ length: 90 }, (_, id) => ({
  paid: (id * 7) % 20,
  cents: id,
  at: ((id * 37) % 90) * 700,
}));

test.each([1, 2, 3])(
  "S11: all pairs are found at parallelism %s, with inclusive and exclusive bounds",
  async (parallelism) => {
    for (const [lower, upper] of [
      [-5000, 12_000],
      [0, 7000],
      [-8000, -1],
    ] as const) {
      for (const isExclusive of [false, true]) {
        const both = streams(someOrders, somePayments, parallelism);
        const inclusive = both.orders.intervalJoin(both.payments).between(lower, upper);
        const join = isExclusive ? inclusive.lowerBoundExclusive().upperBoundExclusive() : inclusive;
        const results = await join.process(new Pair()).uid("join").executeAndCollect().toArray();
        const shift = isExclusive ? 1 : 0;
        const expected = someOrders.flatMap(({ order, at }) =>
          somePayments
            .filter((payment) => payment.paid === order)
            .filter((payment) => payment.at >= at + lower + shift && payment.at <= at + upper - shift)
            .map((payment) => `${order}: ${payment.cents} ${payment.at - at} ${Math.max(at, payment.at)}`),
        );
        expect(expected.length).toBeGreaterThan(5);
        expect(results.toSorted()).toEqual(expected.toSorted());
      }
    }
  },
);

test("S11: late records of either side come out of their side outputs, what the function emits to a tag too", async () => {
  const lateOrders = new OutputTag<Order>("late-orders");
  const latePayments = new OutputTag<Payment>("late-payments");
  const high = new OutputTag<string>("high");
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  // Both sides come from one stream and have its watermarks, one after every batch of 256 records.
  const filler = Array.from({ length: 600 }, (_, id) => ({ order: -1, at: 100_000 + id }));
  const all = env
    .fromData<Order>([{ order: 1, at: 100_000 }, ...filler, { order: 2, at: 5 }, { order: 1, at: 101_000 }])
    .assignTimestampsAndWatermarks({ boundedOutOfOrderness: 0, timestamp: (record) => record.at });
  const late = all.filter((record) => record.order > 0);
  const result = late
    .keyBy((record) => record.order)
    .intervalJoin(
      late.map(({ order, at }): Payment => ({ paid: order, cents: 5, at })).keyBy((payment) => payment.paid),
    )
    .between(0, 2000)
    .sideOutputLeftLateData(lateOrders)
    .sideOutputRightLateData(latePayments)
    .process<string>({
      processElement: (order, payment, context, out) => {
        out.collect(`pair of ${order.order}`);
        if (payment.at > 100_000) context.output(high, `high ${context.timestamp}`);
      },
    })
    .uid("join");
  const everything = result
    .union(
      result.getSideOutput(high),
      result.getSideOutput(lateOrders).map((order) => `late order ${order.order}`),
      result.getSideOutput(latePayments).map((payment) => `late payment ${payment.paid}`),
    )
    .executeAndCollect();
  expect((await everything.toArray()).toSorted()).toEqual([
    "high 101000",
    "high 101000",
    "late order 2",
    "late payment 2",
    "pair of 1",
    "pair of 1",
    "pair of 1",
  ]);
});
