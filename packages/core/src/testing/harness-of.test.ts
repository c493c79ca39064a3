import { describe, expect, expectTypeOf, test } from "vitest";
import type { DataStream } from "../api/data-stream.ts";
import type {
  KeyedBroadcastContext,
  KeyedBroadcastProcessFunction,
  KeyedReadOnlyContext,
} from "../operators/broadcast/broadcast-functions.ts";
import type { FunctionInitializationContext } from "../operators/checkpointed-function.ts";
import type {
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
  OnTimerContext,
  RuntimeContext,
} from "../operators/functions.ts";
import { OutputTag } from "../operators/output-tag.ts";
import type { ListState, ValueState } from "../state/keyed-state.ts";
import { listState, mapState, valueState } from "../state/state-descriptors.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { t } from "../types/declared-types.ts";
import { harnessOf, twoInputHarnessOf } from "./harness-of.ts";
import type { HarnessSnapshot, OneInputOperatorTestHarness } from "./operator-test-harness.ts";

interface Click {
  readonly user: string;
}

interface Total {
  readonly user: string;
  readonly clicks: number;
}

const repeated = new OutputTag<string>("repeated");

/** Counts clicks, and emits the count of a user ten seconds of event time after the first one. */
class ClickCounter implements KeyedProcessFunction<string, Click, Total> {
  private clicks!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.clicks = context.getState(valueState<number>("clicks"));
  }

  processElement(click: Click, context: KeyedProcessContext<string>): void {
    const clicks = this.clicks.value();
    if (clicks === undefined) context.timerService.registerEventTimeTimer(context.timestamp + 10_000);
    else context.output(repeated, click.user);
    this.clicks.update((clicks ?? 0) + 1);
  }

  onTimer(_timeMs: number, context: OnTimerContext<string>, out: Collector<Total>): void {
    out.collect({ user: context.currentKey, clicks: this.clicks.value()! });
    this.clicks.clear();
  }
}

type Options = Parameters<typeof harnessOf>[1];

function clickHarness(options: Options = {}): OneInputOperatorTestHarness<Click, Total> {
  const count = (clicks: DataStream<Click>) => clicks.keyBy((click) => click.user).process(new ClickCounter());
  return harnessOf(count, { sideOutputs: [repeated], ...options });
}

describe("F44: harness of an operator with one input", () => {
  test("records, watermarks and timers are the test's; results have their timestamps", () => {
    const harness = clickHarness();
    harness.processElement({ user: "ada" }, 1_000);
    harness.processElement({ user: "ada" }, 2_000);
    harness.processElement({ user: "bob" }, 3_000);
    expect(harness.numEventTimeTimers()).toBe(2);
    expect(harness.numKeyedStateEntries()).toBe(2);
    harness.processWatermark(10_999);
    expect(harness.getOutput()).toEqual([]);
    harness.processWatermark(11_000);
    expect(harness.getOutput()).toEqual([{ value: { user: "ada", clicks: 2 }, timestamp: 11_000 }]);
    expect(harness.getWatermark()).toBe(11_000);
    expect(harness.numEventTimeTimers()).toBe(1);
    expect(harness.getSideOutput(repeated)).toEqual([{ value: "ada", timestamp: 2_000 }]);
    harness.clearOutput();
    harness.endInput();
    expect(harness.extractOutputValues()).toEqual([{ user: "bob", clicks: 1 }]);
  });

  test.each([
    [1, 1],
    [1, 3],
    [3, 2],
  ])("a snapshot taken at parallelism %i goes on at %i", (before, after) => {
    const users = Array.from({ length: 20 }, (_, index) => `user ${index}`);
    const first = clickHarness({ parallelism: before, maxParallelism: 16 });
    for (const user of users) first.processElement({ user }, 1_000);
    const snapshot: HarnessSnapshot = first.snapshot();
    first.processElement({ user: "after the snapshot" }, 1_000);
    const second = clickHarness({ parallelism: after, restore: snapshot });
    for (const user of users) second.processElement({ user }, 2_000);
    second.processWatermark(20_000);
    expect(second.numKeyedStateEntries()).toBe(0);
    expect(second.extractOutputValues().toSorted((a, b) => a.user.localeCompare(b.user))).toEqual(
      users.toSorted((a, b) => a.localeCompare(b)).map((user) => ({ user, clicks: 2 })),
    );
  });

  test("processing time moves when the test says so, and stops at every timer on the way", () => {
    const harness = harnessOf(
      (input: DataStream<string>) =>
        input
          .keyBy((value) => value)
          .process({
            processElement: (_value: string, context: KeyedProcessContext<string>) =>
              context.timerService.registerProcessingTimeTimer(context.currentProcessingTime() + 500),
            onTimer: (timeMs: number, _context: OnTimerContext<string>, out: Collector<number>) => out.collect(timeMs),
          }),
      { processingTime: 1_000 },
    );
    harness.processElement("a");
    expect(harness.numProcessingTimeTimers()).toBe(1);
    harness.setProcessingTime(1_499);
    expect(harness.extractOutputValues()).toEqual([]);
    harness.setProcessingTime(9_000);
    expect(harness.extractOutputValues()).toEqual([1_500]);
    expect(() => harness.setProcessingTime(8_000)).toThrow(/MR_TEST_KIT_MISUSED.*cannot go back/);
  });

  test("late records of a window reach their side output", () => {
    const late = new OutputTag<number>("late");
    const harness = harnessOf(
      (input: DataStream<number>) =>
        input
          .keyBy(() => "all")
          .window(TumblingEventTimeWindows.of(100))
          .sideOutputLateData(late)
          .reduce((left, right) => left + right),
      { sideOutputs: [late] },
    );
    harness.processElement(1, 10);
    harness.processElement(2, 20);
    harness.processWatermark(99);
    harness.processElement(3, 30);
    expect(harness.getOutput()).toEqual([{ value: 3, timestamp: 99 }]);
    expect(harness.getSideOutput(late)).toEqual([{ value: 3, timestamp: 30 }]);
  });

  test("an error of the function is thrown where the record was fed", () => {
    const harness = harnessOf((input: DataStream<number>) =>
      input.map((n): number => {
        throw new Error(`no ${n}`);
      }),
    );
    expect(() => harness.processElement(7)).toThrow("no 7");
  });

  test("its types are those of the stream", () => {
    const harness = harnessOf((input: DataStream<number>) => input.map((n) => `${n}`));
    expectTypeOf(harness.processElement).parameter(0).toEqualTypeOf<number>();
    expectTypeOf(harness.extractOutputValues()).toEqualTypeOf<readonly string[]>();
  });

  test("misuse says what to do: no operator, two of them, an unknown tag", () => {
    expect(() => harnessOf((input: DataStream<number>) => input.map((n) => n).map((n) => n))).toThrow(
      /MR_TEST_KIT_MISUSED.*Map -> Map.*JobTestDriver/,
    );
    expect(() => harnessOf((input: DataStream<number>) => input as never)).toThrow("no operator");
    const harness = harnessOf((input: DataStream<number>) => input.map((n) => n));
    expect(() => harness.getSideOutput(repeated)).toThrow(/tag "repeated".*sideOutputs/);
  });
});

describe("F44: harness of an operator with two inputs, keyed or not", () => {
  test("each input has its records and watermarks; the operator's watermark is the lower one", () => {
    const harness = twoInputHarnessOf((left: DataStream<number>, right: DataStream<string>) =>
      left.connect(right).map({ map1: (n: number) => `left ${n}`, map2: (text: string) => `right ${text}` }),
    );
    harness.processElement1(1, 10);
    harness.processElement2("a", 20);
    harness.processWatermark1(100);
    expect(harness.getWatermark()).toBe(Number.MIN_SAFE_INTEGER);
    harness.processWatermark2(50);
    expect(harness.getWatermark()).toBe(50);
    harness.processBothWatermarks(200);
    expect(harness.getWatermark()).toBe(200);
    expect(harness.extractOutputValues()).toEqual(["left 1", "right a"]);
  });

  test("a join keeps its state over a snapshot, at another parallelism", () => {
    interface Priced {
      readonly id: string;
      readonly price: number;
    }
    const build = (orders: DataStream<Priced>, payments: DataStream<Priced>) =>
      orders
        .keyBy((order) => order.id)
        .intervalJoin(payments.keyBy((payment) => payment.id))
        .between(0, 100)
        .process({
          processElement: (order: Priced, payment: Priced, _context: unknown, out: Collector<string>) =>
            out.collect(`${order.id} ${order.price}/${payment.price}`),
        });
    const first = twoInputHarnessOf(build, { parallelism: 2 });
    first.processElement1({ id: "a", price: 1 }, 10);
    first.processElement1({ id: "b", price: 2 }, 10);
    const second = twoInputHarnessOf(build, { parallelism: 3, restore: first.snapshot() });
    second.processElement2({ id: "b", price: 3 }, 60);
    second.processElement2({ id: "a", price: 4 }, 200);
    second.endInputs();
    expect(second.extractOutputValues()).toEqual(["b 2/3"]);
  });
});

describe("F44: harness of a broadcast stream", () => {
  interface Order {
    readonly shop: string;
    readonly cents: number;
  }
  const rates = mapState("rates", t.string, t.float64);

  /** Sums up what a shop has sold, in today's rate; a new rate empties all sums. */
  class Converted implements KeyedBroadcastProcessFunction<string, Order, readonly [string, number], string> {
    readonly sold = valueState("sold", t.float64);
    private sum!: ValueState<number>;

    open(context: RuntimeContext): void {
      this.sum = context.getState(this.sold);
    }

    processElement(order: Order, context: KeyedReadOnlyContext<string>): void {
      const rate = context.getBroadcastState(rates).get("EUR") ?? 1;
      this.sum.update((this.sum.value() ?? 0) + rate * order.cents);
      context.timerService.registerEventTimeTimer(100);
    }

    processBroadcastElement([name, rate]: readonly [string, number], context: KeyedBroadcastContext<string>): void {
      context.getBroadcastState(rates).put(name, rate);
      context.applyToKeyedState(this.sold, (_shop, sum) => sum.update(0));
    }

    onTimer(_timeMs: number, context: OnTimerContext<string>, out: Collector<string>): void {
      out.collect(`${context.currentKey} ${this.sum.value()}`);
    }
  }

  const converted = (orders: DataStream<Order>, changes: DataStream<readonly [string, number]>) =>
    orders
      .keyBy((order) => order.shop)
      .connect(changes.broadcast(rates))
      .process(new Converted());
  const shops = Array.from({ length: 12 }, (_, index) => `shop ${index}`);

  test.each([
    [1, 3],
    [3, 1],
    [2, 3],
  ])(
    "every subtask has the broadcast record, also those of a snapshot of parallelism %i that goes on at %i",
    (p, q) => {
      const first = twoInputHarnessOf(converted, { parallelism: p });
      for (const shop of shops) first.processElement1({ shop, cents: 5 }, 10);
      first.processElement2(["EUR", 2], 10);
      expect(first.numEventTimeTimers()).toBe(shops.length);
      const second = twoInputHarnessOf(converted, { parallelism: q, restore: first.snapshot() });
      for (const shop of shops) second.processElement1({ shop, cents: 10 }, 20);
      second.processWatermark1(100);
      expect(second.extractOutputValues()).toEqual([]);
      second.processWatermark2(100);
      expect([...second.extractOutputValues()].sort()).toEqual(shops.map((shop) => `${shop} 20`).sort());
    },
  );

  test("without keys, records see the broadcast state of their subtask", () => {
    const harness = twoInputHarnessOf(
      (orders: DataStream<Order>, changes: DataStream<readonly [string, number]>) =>
        orders.connect(changes.broadcast(rates)).process<number>({
          processElement: (order, context, out) =>
            out.collect(order.cents * (context.getBroadcastState(rates).get("EUR") ?? 1)),
          processBroadcastElement: ([name, rate], context) => context.getBroadcastState(rates).put(name, rate),
        }),
      { parallelism: 2 },
    );
    harness.processElement1({ shop: "a", cents: 1 });
    harness.processElement2(["EUR", 3]);
    harness.processElement1({ shop: "a", cents: 1 });
    harness.processElement1({ shop: "a", cents: 1 });
    expect(harness.extractOutputValues()).toEqual([1, 3, 3]);
  });
});

test("F44: operator state is in a snapshot, and a function that is restored knows it", () => {
  class Restored {
    private last!: ListState<number>;
    private readonly seen: number[] = [];
    initializeState({ isRestored, operatorStateStore }: FunctionInitializationContext): void {
      this.last = operatorStateStore.getUnionListState(listState("last", t.float64));
      if (isRestored) this.seen.push(...this.last.get());
    }
    snapshotState(): void {
      this.last.update(this.seen.slice(-1));
    }
    map(n: number): string {
      this.seen.push(n);
      return this.seen.join();
    }
  }
  const mapped = (input: DataStream<number>) => input.map(new Restored());
  const first = harnessOf(mapped, { parallelism: 2 });
  for (const n of [1, 2, 3, 4]) first.processElement(n);
  const second = harnessOf(mapped, { parallelism: 3, restore: first.snapshot() });
  for (const n of [5, 6, 7]) second.processElement(n);
  // A union list is everybody's.
  expect(second.extractOutputValues()).toEqual(["3,4,5", "3,4,6", "3,4,7"]);
});
