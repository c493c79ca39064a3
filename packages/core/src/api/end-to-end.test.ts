/** The streams on the engine: each test runs a job in this thread and reads its results. */
import { expect, test } from "vitest";
import type { Collector, KeyedCoProcessFunction, KeyedProcessContext, RuntimeContext } from "../operators/functions.ts";
import { OutputTag } from "../operators/output-tag.ts";
import type { ValueState } from "../state/keyed-state.ts";
import { valueState } from "../state/state-descriptors.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { t } from "../types/declared-types.ts";
import type { DataStream } from "./data-stream.ts";

interface Flight {
  readonly origin: string;
  readonly date: number;
  readonly delay: number;
}

const flights: readonly Flight[] = [
  { origin: "ZRH", date: 0, delay: 5 },
  { origin: "GVA", date: 10, delay: 1 },
  { origin: "ZRH", date: 900, delay: -2 },
  { origin: "ZRH", date: 1000, delay: 7 },
  { origin: "GVA", date: 2500, delay: 1 },
];

function stream(): DataStream<Flight> {
  return StreamExecutionEnvironment.getExecutionEnvironment()
    .fromData(flights, t.object({ origin: t.string, date: t.timestamp, delay: t.int32 }))
    .assignTimestampsAndWatermarks({ boundedOutOfOrderness: 0, timestamp: (flight) => flight.date });
}

/** Tells the bonus of a flight's airport, as soon as the second stream has brought it. */
class AddBonus implements KeyedCoProcessFunction<string, Flight, { origin: string; bonus: number }, string> {
  private bonus!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.bonus = context.getState(valueState("bonus", t.int32));
  }

  processElement1(flight: Flight, context: KeyedProcessContext<string>, out: Collector<string>): void {
    out.collect(`${context.currentKey} ${flight.delay} ${this.bonus.value() ?? "no bonus"}`);
  }

  processElement2({ bonus }: { bonus: number }): void {
    this.bonus.update(bonus);
  }
}

test("S05, S06: rolling aggregations emit the running value for every record", async () => {
  const byOrigin = stream().keyBy((flight) => flight.origin);
  const delays = async (aggregated: DataStream<Flight>): Promise<readonly string[]> =>
    aggregated.map(({ origin, date, delay }) => `${origin}@${date}:${delay}`).executeAndCollect(5);
  expect(await delays(byOrigin.sum("delay").uid("sum"))).toEqual([
    "ZRH@0:5",
    "GVA@10:1",
    "ZRH@0:3",
    "ZRH@0:10",
    "GVA@10:2",
  ]);
  expect(await delays(byOrigin.min("delay").uid("min"))).toEqual([
    "ZRH@0:5",
    "GVA@10:1",
    "ZRH@0:-2",
    "ZRH@0:-2",
    "GVA@10:1",
  ]);
  expect(await delays(byOrigin.maxBy("delay").uid("max"))).toEqual([
    "ZRH@0:5",
    "GVA@10:1",
    "ZRH@0:5",
    "ZRH@1000:7",
    "GVA@10:1",
  ]);
  const last = byOrigin.maxBy("delay", false).uid("last");
  expect((await delays(last)).at(-1)).toBe("GVA@2500:1");
});

test("S07, S08: windows aggregate per key, with the key and the window at hand", async () => {
  const results = await stream()
    .keyBy((flight) => flight.origin)
    .window(TumblingEventTimeWindows.of("1 s"))
    .aggregate(
      { createAccumulator: () => 0, add: (_flight, count) => count + 1, getResult: (count) => count },
      (origin, window, count) => `${origin} ${window.start} ${count}`,
    )
    .uid("windows")
    .executeAndCollect()
    .toArray();
  expect(results.toSorted()).toEqual(["GVA 0 1", "GVA 2000 1", "ZRH 0 2", "ZRH 1000 1"]);
});

test("S08, S20: session windows merge; a process function sees all their records", async () => {
  const results = await stream()
    .keyBy((flight) => flight.origin)
    .window(EventTimeSessionWindows.withGap(950))
    .process<string>({
      process: (origin, { window }, elements, out) =>
        out.collect(`${origin} ${window.start}-${window.end}: ${[...elements].map(({ delay }) => delay)}`),
    })
    .uid("windows")
    .executeAndCollect()
    .toArray();
  expect(results.toSorted()).toEqual(["GVA 10-960: 1", "GVA 2500-3450: 1", "ZRH 0-1950: 5,-2,7"]);
});

test("S12: connected streams of the same keys share their state", async () => {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  const bonuses = env.fromData([{ origin: "ZRH", bonus: 100 }]).keyBy(({ origin }) => origin);
  const results = await env
    .fromData([...flights])
    .keyBy((flight) => flight.origin)
    .connect(bonuses)
    .process(new AddBonus())
    .uid("bonus")
    .executeAndCollect()
    .toArray();
  expect(results).toHaveLength(5);
  expect(results.filter((line) => line.startsWith("GVA"))).toEqual(["GVA 1 no bonus", "GVA 1 no bonus"]);
});

test("S03, S09: one stream feeds a side output, a union and a flatMap at any parallelism", async () => {
  const env = StreamExecutionEnvironment.getExecutionEnvironment().setParallelism(3);
  const odd = new OutputTag<number>("odd");
  const evens = env.fromSequence(1, 100).process<number>({
    processElement: (n, context, out) => (n % 2 === 0 ? out.collect(n) : context.output(odd, n)),
  });
  const both = evens.map((n) => `even ${n}`).union(evens.getSideOutput(odd).flatMap((n) => [`odd ${n}`, `odd ${n}`]));
  const results = await both.rebalance().executeAndCollect().toArray();
  expect(results.filter((line) => line.startsWith("even"))).toHaveLength(50);
  expect(results.filter((line) => line.startsWith("odd"))).toHaveLength(100);
  expect(new Set(results).size).toBe(100);
});

test("leaving a loop over an endless job ends it", async () => {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  const seen: number[] = [];
  const endless = env.fromSequence(1, Number.MAX_SAFE_INTEGER - 1).map((n) => n * 2);
  for await (const n of endless.executeAndCollect()) {
    seen.push(n);
    if (n === 10) break;
  }
  expect(seen).toEqual([2, 4, 6, 8, 10]);
});

test("S03: map, flatMap and filter give one result, any number, and one or none, in the order of the records", async () => {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  const results = await env
    .fromSequence(1, 200)
    .map((n) => n * 10)
    .flatMap((n) => (n % 30 === 0 ? [] : [n, n + 1]))
    .filter((n) => n % 4 !== 1)
    .flatMap({
      flatMap: (n: number, out: Collector<string>) => {
        for (let copy = 0; copy < n % 3; copy++) out.collect(`${n}#${copy}`);
      },
    })
    .executeAndCollect(1000);
  const expected = [];
  for (let i = 10; i <= 2000; i += 10) {
    for (const n of i % 30 === 0 ? [] : [i, i + 1]) {
      if (n % 4 !== 1) for (let copy = 0; copy < n % 3; copy++) expected.push(`${n}#${copy}`);
    }
  }
  expect(results).toEqual(expected);
});

test("a failure of the job names the operator and is thrown by the loop", async () => {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  const sums = env
    .fromData<{ k: string; n: number }>({ k: "a", n: 1 }, { k: "a", n: "2" as unknown as number })
    .keyBy(({ k }) => k)
    .sum("n")
    .uid("sum");
  await expect(sums.executeAndCollect().toArray()).rejects.toThrow(/MR_FIELD_INVALID/);
});
