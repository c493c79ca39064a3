/**
 * What compiles and what does not. The misuses are checked by the compiler (`@ts-expect-error` fails when the line
 * compiles); they are never run.
 */
import { expect, expectTypeOf, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import type { Source } from "../connectors/source.ts";
import type {
  AggregateFunction,
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
} from "../operators/functions.ts";
import { OutputTag } from "../operators/output-tag.ts";
import type { TimestampedValue } from "../operators/window/evictors/evictor.ts";
import { CountTrigger } from "../operators/window/triggers/count-trigger.ts";
import { GlobalWindows } from "../time/global-windows.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import type { TimeWindow } from "../time/time-window.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import type { GlobalWindow } from "../time/window.ts";
import type { AllWindowedStream } from "./all-windowed-stream.ts";
import type { CollectedStream } from "./collected-stream.ts";
import type { ConnectedIterativeStreams, KeyedConnectedStreams } from "./connected-streams.ts";
import type { DataStream, IterativeStream, KeyedStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { PipelineEnvironment } from "./environment.ts";
import type { FieldOf, Orderable, Summable } from "./field-aggregations.ts";
import type { KeyNotAllowed, KeyOf } from "./key-types.ts";
import type { WindowedStream } from "./windowed-stream.ts";

interface Flight {
  readonly date: number;
  readonly delay: number;
  readonly origin: string;
  readonly destination: string;
  readonly gate?: string;
  readonly landed: Date;
  readonly isCancelled: boolean;
}

interface DelayStatistics {
  readonly flights: number;
  readonly mean: number;
}

function environment(): PipelineEnvironment {
  const executor = { executeAsync: () => Promise.reject(new Error("nothing runs here")) };
  return new PipelineEnvironment({ executor, configuration: Configuration.fromEntries([]) });
}

const env = environment();
const flights: DataStream<Flight> = env.fromData<Flight>([]);
const keyed = flights.keyBy((flight) => flight.origin);
const hourly = keyed.window(TumblingEventTimeWindows.of("1 h"));
const visits = keyed.window(EventTimeSessionWindows.withGap("1 h"));

const delayStatistics: AggregateFunction<Flight, { flights: number; delay: number }, DelayStatistics> = {
  createAccumulator: () => ({ flights: 0, delay: 0 }),
  add: (flight, sums) => {
    sums.flights++;
    sums.delay += flight.delay;
    return sums;
  },
  getResult: ({ flights, delay }) => ({ flights, mean: delay / flights }),
};

test("S02: a job needs no annotation from its source to its sink", () => {
  const fileSource = { createReader() {}, createEnumerator() {}, restoreEnumerator() {} } as unknown as Source<Flight>;
  const result = env
    .fromSource(
      fileSource,
      WatermarkStrategy.forBoundedOutOfOrderness("1 min").withTimestampAssigner((flight) => flight.date),
      "flights",
    )
    .keyBy((flight) => flight.origin)
    .window(TumblingEventTimeWindows.of("1 h"))
    .aggregate(delayStatistics, (origin, window, statistics) => ({ origin, hour: window.start, ...statistics }))
    .uid("hourly-delays");
  expectTypeOf(result).toEqualTypeOf<
    SingleOutputStreamOperator<{ flights: number; mean: number; origin: string; hour: number }>
  >();
  env.fromSource(fileSource, { boundedOutOfOrderness: "1 min", timestamp: (flight) => flight.date }, "literal");
});

test("S02: results are what the functions return", () => {
  expectTypeOf(flights.map((flight) => flight.delay)).toEqualTypeOf<SingleOutputStreamOperator<number>>();
  expectTypeOf(flights.map({ map: (flight) => [flight.origin] })).toEqualTypeOf<SingleOutputStreamOperator<string[]>>();
  expectTypeOf(flights.flatMap((flight) => flight.origin.split(""))).toEqualTypeOf<
    SingleOutputStreamOperator<string>
  >();
  expectTypeOf(flights.filter((flight) => flight.delay > 15)).toEqualTypeOf<SingleOutputStreamOperator<Flight>>();
  expectTypeOf(env.fromData([1, 2])).toExtend<DataStream<number>>();
  expectTypeOf(env.fromData("a", "b")).toExtend<DataStream<string>>();
  expectTypeOf(env.fromSequence(1, 2)).toExtend<DataStream<number>>();
});

test("S02: a type guard narrows the stream, a written and an inferred one", () => {
  const mixed: DataStream<string | number> = env.fromData<string | number>("a", 1);
  const isText = (value: string | number): value is string => typeof value === "string";
  expectTypeOf(mixed.filter(isText)).toEqualTypeOf<SingleOutputStreamOperator<string>>();
  expectTypeOf(mixed.filter((value) => typeof value === "number")).toEqualTypeOf<SingleOutputStreamOperator<number>>();
});

test("S04: keys keep their type: primitives, tuples, objects", () => {
  expectTypeOf(keyed).toEqualTypeOf<KeyedStream<Flight, string>>();
  expectTypeOf(flights.keyBy((f) => [f.origin, f.delay])).toEqualTypeOf<
    KeyedStream<Flight, readonly [string, number]>
  >();
  expectTypeOf(flights.keyBy((f) => ({ from: f.origin }))).toEqualTypeOf<
    KeyedStream<Flight, { readonly from: string }>
  >();
  expectTypeOf(flights.keyBy((f) => f.isCancelled)).toEqualTypeOf<KeyedStream<Flight, boolean>>();
  expectTypeOf<KeyOf<Date>>().toEqualTypeOf<KeyNotAllowed>();
  expectTypeOf<KeyOf<string | undefined>>().toEqualTypeOf<KeyNotAllowed>();
});

test("S08: functions know the key, the window and the context they are called with", () => {
  keyed.process<string>({
    processElement(flight, context, out) {
      expectTypeOf(flight).toEqualTypeOf<Flight>();
      expectTypeOf(context).toEqualTypeOf<KeyedProcessContext<string>>();
      expectTypeOf(out).toEqualTypeOf<Collector<string>>();
    },
    onTimer(_timeMs, context) {
      expectTypeOf(context.currentKey).toEqualTypeOf<string>();
    },
  });
  hourly.process<number>({
    process(key, context, elements) {
      expectTypeOf(key).toEqualTypeOf<string>();
      expectTypeOf(context.window.start).toEqualTypeOf<number>();
      expectTypeOf(elements).toEqualTypeOf<Iterable<Flight>>();
    },
  });
  const counted = hourly.aggregate({ createAccumulator: () => 0, add: (_flight, n) => n + 1, getResult: String });
  expectTypeOf(counted).toEqualTypeOf<SingleOutputStreamOperator<string>>();
  expectTypeOf(hourly.reduce((left) => left)).toEqualTypeOf<SingleOutputStreamOperator<Flight>>();
  expectTypeOf(
    hourly.reduce(
      (left) => left,
      (key) => key,
    ),
  ).toEqualTypeOf<SingleOutputStreamOperator<string>>();
});

test("S07, S08, F03: windows of all kinds tell their functions of what they are, without annotations", () => {
  const said = keyed
    .window(GlobalWindows.create())
    .trigger(CountTrigger.of(2))
    .evictor({
      evictBefore(elements, _size, window) {
        expectTypeOf(elements).toEqualTypeOf<TimestampedValue<Flight>[]>();
        expectTypeOf(window).toEqualTypeOf<GlobalWindow>();
      },
      evictAfter() {},
    });
  expectTypeOf(said).toEqualTypeOf<WindowedStream<Flight, string, GlobalWindows>>();
  const applied = said.apply<number>((key, window, elements, out) => {
    expectTypeOf(key).toEqualTypeOf<string>();
    expectTypeOf(window).toEqualTypeOf<GlobalWindow>();
    expectTypeOf(elements).toEqualTypeOf<Iterable<Flight>>();
    expectTypeOf(out).toEqualTypeOf<Collector<number>>();
  });
  expectTypeOf(applied).toEqualTypeOf<SingleOutputStreamOperator<number>>();
  expectTypeOf(keyed.countWindow(2)).toEqualTypeOf<WindowedStream<Flight, string, GlobalWindows>>();
  expectTypeOf(flights.countWindowAll(2, 1)).toEqualTypeOf<AllWindowedStream<Flight, GlobalWindows>>();
  const all = flights.windowAll(TumblingEventTimeWindows.of("1 h"));
  const counted = all.aggregate(
    { createAccumulator: () => 0, add: (_flight, n) => n + 1, getResult: String },
    (w, n) => {
      expectTypeOf(w).toEqualTypeOf<TimeWindow>();
      expectTypeOf(n).toEqualTypeOf<string>();
      return [w.start, n] as const;
    },
  );
  expectTypeOf(counted).toEqualTypeOf<SingleOutputStreamOperator<readonly [number, string]>>();
});

test("a class gives its output type to the stream", () => {
  class Lengths implements KeyedProcessFunction<string, Flight, number> {
    processElement(flight: Flight, _context: KeyedProcessContext<string>, out: Collector<number>): void {
      out.collect(flight.origin.length);
    }
  }
  expectTypeOf(keyed.process(new Lengths())).toEqualTypeOf<SingleOutputStreamOperator<number>>();
});

test("S06: field aggregations offer the fields that they can use", () => {
  expectTypeOf<FieldOf<Flight, Summable>>().toEqualTypeOf<"date" | "delay">();
  expectTypeOf<FieldOf<Flight, Orderable>>().toEqualTypeOf<
    "date" | "delay" | "origin" | "destination" | "isCancelled"
  >();
  expectTypeOf<FieldOf<readonly [string, number], Summable>>().toEqualTypeOf<1>();
  expectTypeOf<FieldOf<string, Summable>>().toEqualTypeOf<never>();
});

test("S12: streams of the same keys connect to a keyed operator", () => {
  const other = env.fromData(1, 2).keyBy(String);
  expectTypeOf(keyed.connect(other)).toEqualTypeOf<KeyedConnectedStreams<string, Flight, number>>();
  expectTypeOf(flights.connect(env.fromData(1)).keyBy((f) => f.origin, String)).toEqualTypeOf<
    KeyedConnectedStreams<string, Flight, number>
  >();
});

test("F01: a tag gives its type to the side output", () => {
  const late = new OutputTag<Flight>("late");
  const side = hourly.sideOutputLateData(late).sum("delay").getSideOutput(late);
  expectTypeOf(side).toEqualTypeOf<DataStream<Flight>>();
});

test("S02: a stream stands for one of the same type only, and map widens it", () => {
  interface Cancelled extends Flight {
    readonly reason: string;
  }
  expectTypeOf<DataStream<Cancelled>>().not.toExtend<DataStream<Flight>>();
  expectTypeOf<DataStream<Flight>>().not.toExtend<DataStream<Cancelled>>();
  expectTypeOf<KeyedStream<Cancelled, string>>().not.toExtend<KeyedStream<Flight, string>>();
  expectTypeOf<DataStream<"a">>().not.toExtend<DataStream<string>>();
  // The kinds of streams of one type stand for each other where one extends the other.
  expectTypeOf<KeyedStream<Flight, string>>().toExtend<DataStream<Flight>>();
  expectTypeOf<IterativeStream<Flight>>().toExtend<SingleOutputStreamOperator<Flight>>();
  const cancelled: DataStream<Cancelled> = env.fromData<Cancelled>([]);
  const wider = cancelled.map<Flight>((flight) => flight);
  expectTypeOf(flights.union(wider)).toEqualTypeOf<DataStream<Flight>>();
});

test("S13: a loop keeps the type of its input, or has a second one for what is fed back", () => {
  const loop = flights.iterate();
  expectTypeOf(loop).toEqualTypeOf<IterativeStream<Flight>>();
  expectTypeOf(loop.closeWith).parameter(0).toEqualTypeOf<DataStream<Flight>>();
  const texts = loop.withFeedbackType<string>();
  expectTypeOf(texts).toEqualTypeOf<ConnectedIterativeStreams<Flight, string>>();
  expectTypeOf(texts.closeWith).parameter(0).toEqualTypeOf<DataStream<string>>();
  texts.map({
    map1: (flight) => {
      expectTypeOf(flight).toEqualTypeOf<Flight>();
      return flight.origin;
    },
    map2: (text) => {
      expectTypeOf(text).toEqualTypeOf<string>();
      return text;
    },
  });
});

test("F31: functions are given cached files as paths", () => {
  keyed.process<string>({
    open(context) {
      expectTypeOf(context.getDistributedCache().getFile("airports")).toEqualTypeOf<string>();
    },
    processElement() {},
  });
  expectTypeOf(env.registerCachedFile("airports.csv", "airports")).toEqualTypeOf(env);
});

/** Never called: each statement is an error that the compiler must report. */
export function misuses(): void {
  const text = env.fromData("a");
  // @ts-expect-error a Promise has no place in a map
  flights.map(async (flight) => flight.delay);
  // @ts-expect-error nor in the method of an object
  flights.map({ map: async (flight) => flight.delay });
  // @ts-expect-error nor in a filter
  flights.filter(async (flight) => flight.delay > 0);
  // @ts-expect-error nor in a flatMap
  flights.flatMap(async (flight) => [flight.delay]);
  // @ts-expect-error nor in its object form, which returns nothing
  flights.flatMap<number>({ flatMap: async (flight, out) => out.collect(flight.delay) });
  // @ts-expect-error an asynchronous generator is no iterable
  flights.flatMap(async function* (flight) {
    yield flight.delay;
  });
  // @ts-expect-error nor in a key selector
  flights.keyBy(async (flight) => flight.origin);
  // @ts-expect-error nor in a reduce
  keyed.reduce(async (left) => left);
  // @ts-expect-error nor in a process function
  flights.process<number>({ processElement: async (flight, _context, out) => out.collect(flight.delay) });
  // @ts-expect-error nor in a keyed one
  keyed.process<number>({ async processElement() {} });
  // @ts-expect-error nor in its timers
  keyed.process<number>({ processElement() {}, async onTimer() {} });
  // @ts-expect-error nor in an aggregation
  hourly.aggregate({ createAccumulator: () => 0, add: async (_flight, n) => n + 1, getResult: (n) => n });
  // @ts-expect-error nor in its result
  hourly.aggregate({ createAccumulator: () => 0, add: (_flight, n) => n + 1, getResult: async (n) => n });
  // @ts-expect-error nor in a window's result function
  hourly.aggregate(delayStatistics, async (origin) => origin);
  // @ts-expect-error nor in a window's process function
  hourly.process<number>({ async process() {} });
  // @ts-expect-error nor in a function of connected streams
  flights.connect(text).map({ map1: async (flight) => flight.delay, map2: () => 1 });
  // @ts-expect-error a Date is no key
  flights.keyBy((flight) => flight.landed);
  // @ts-expect-error a key must always be there
  flights.keyBy((flight) => flight.gate);
  // @ts-expect-error nor is an object with one inside
  flights.keyBy((flight) => ({ when: flight.landed }));
  // @ts-expect-error a whole record with a Date is none either
  flights.keyBy((flight) => flight);
  // @ts-expect-error text cannot be added up
  keyed.sum("origin");
  // @ts-expect-error a field that may be absent cannot be compared
  keyed.min("gate");
  // @ts-expect-error there is no such field
  hourly.maxBy("delays");
  // @ts-expect-error a union is of one type
  flights.union(text);
  // @ts-expect-error sessions are merged, so their accumulators must be too
  visits.aggregate(delayStatistics);
  flights.connect(text).keyBy(
    (flight) => flight.origin,
    // @ts-expect-error both keys have the same type
    (value) => value.length,
  );
  // @ts-expect-error the late records have the stream's type
  hourly.sideOutputLateData(new OutputTag<string>("late"));
  // @ts-expect-error a duration has a unit
  hourly.allowedLateness("1 hour");
  // @ts-expect-error state and timers need a key
  flights.process<number>({ processElement: (_flight, context) => context.timerService });
}

test("aggregations with merge are taken by session windows", () => {
  const merging = {
    ...delayStatistics,
    merge: (left: { flights: number; delay: number }, right: { flights: number; delay: number }) => ({
      flights: left.flights + right.flights,
      delay: left.delay + right.delay,
    }),
  };
  expectTypeOf(visits.aggregate(merging)).toEqualTypeOf<SingleOutputStreamOperator<DelayStatistics>>();
  expect(misuses).toBeTypeOf("function");
});

test("F31: collecting gives a stream, or an array with a limit", () => {
  expectTypeOf<DataStream<Flight>["executeAndCollect"]>().toBeCallableWith("name", 10);
  const collect = (): CollectedStream<Flight> => flights.executeAndCollect();
  const collectSome = (): Promise<Flight[]> => flights.executeAndCollect(10);
  expectTypeOf(collect).returns.toExtend<AsyncIterable<Flight>>();
  expectTypeOf(collectSome).returns.resolves.toEqualTypeOf<Flight[]>();
});
