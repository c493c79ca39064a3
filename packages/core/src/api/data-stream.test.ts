import { expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import { DiscardingSink } from "../connectors/discarding-sink.ts";
import type { Transformation } from "../graph/transformation.ts";
import type { Collector, CoProcessFunction, KeyedProcessFunction, ProcessFunction } from "../operators/functions.ts";
import type { KeyedReduceSpec, OperatorSpec, WindowSpec } from "../operators/operator-spec.ts";
import { OutputTag } from "../operators/output-tag.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { t } from "../types/declared-types.ts";
import { DEAD_LETTERS } from "./data-stream-source.ts";
import { PipelineEnvironment } from "./environment.ts";

interface Flight {
  readonly origin: string;
  readonly delay: number;
  readonly date: number;
}

const Flight = t.object({ origin: t.string, delay: t.int32, date: t.timestamp });
const flight: Flight = { origin: "ZRH", delay: 1, date: 0 };

function environment(): PipelineEnvironment {
  const executor = { executeAsync: () => Promise.reject(new Error("nothing runs here")) };
  return new PipelineEnvironment({ executor, configuration: Configuration.fromEntries([]) });
}

/** One line an operator: id, name, and for each input its source, partitioning, side output and number. */
function plan(env: PipelineEnvironment): string[] {
  return env.getTransformations().map(({ id, name, inputs }) => {
    const edges = inputs.map((edge) => {
      const side = edge.sideOutput === undefined ? "" : `/${edge.sideOutput}`;
      return `${edge.source.id}${side} ${edge.partitioning?.kind ?? "-"} ${edge.input}`;
    });
    return `${id} ${name}${edges.length > 0 ? ` <- ${edges.join(", ")}` : ""}`;
  });
}

function last(env: PipelineEnvironment): Transformation {
  return env.getTransformations().at(-1)!;
}

function specOf<K extends OperatorSpec["kind"]>(env: PipelineEnvironment, kind: K): Extract<OperatorSpec, { kind: K }> {
  const { spec } = last(env);
  expect(spec.kind).toBe(kind);
  return spec as Extract<OperatorSpec, { kind: K }>;
}

class Keep implements ProcessFunction<Flight, Flight>, KeyedProcessFunction<string, Flight, Flight> {
  processElement(value: Flight, _context: unknown, out: Collector<Flight>): void {
    out.collect(value);
  }
}

class Both implements CoProcessFunction<Flight, number, string> {
  processElement1(value: Flight, _context: unknown, out: Collector<string>): void {
    out.collect(value.origin);
  }
  processElement2(value: number, _context: unknown, out: Collector<string>): void {
    out.collect(String(value));
  }
}

test("S01: every method adds one operator under Flink's name, fed by the stream it was called on", () => {
  const env = environment();
  env
    .fromData([flight], Flight)
    .assignTimestampsAndWatermarks({ boundedOutOfOrderness: "1 min", timestamp: (f) => f.date })
    .map((f) => f.delay)
    .filter((delay) => delay > 0)
    .flatMap((delay) => [delay, -delay])
    .sinkTo(DiscardingSink.of());
  env.fromSequence(1, 3).print("n");
  expect(plan(env)).toEqual([
    "0 Source: Collection Source",
    "1 Timestamps/Watermarks <- 0 - 0",
    "2 Map <- 1 - 0",
    "3 Filter <- 2 - 0",
    "4 Flat Map <- 3 - 0",
    "5 Sink: discarding <- 4 - 0",
    "6 Source: Sequence Source",
    "7 Sink: print <- 6 - 0",
  ]);
});

test("S04: keyed operators get their records by the hash of the key", () => {
  const env = environment();
  const keyed = env.fromData([flight], Flight).keyBy((f) => f.origin);
  keyed.process(new Keep());
  keyed.reduce((left) => left);
  keyed.sum("delay");
  keyed.map((f) => f.delay);
  expect(plan(env).slice(1)).toEqual([
    "1 KeyedProcess <- 0 hash 0",
    "2 Keyed Reduce <- 0 hash 0",
    "3 Keyed Aggregation <- 0 hash 0",
    "4 Map <- 0 hash 0",
  ]);
  const [, process] = env.getTransformations();
  const key = process!.inputs[0]!.partitioning as { readonly key: (value: unknown) => unknown };
  expect(key.key(flight)).toBe("ZRH");
  expect((process!.spec as { readonly key: unknown }).key).toBe(key.key);
});

test("S08: a window operator carries its assigner, fold, emission, lateness and late output", () => {
  const env = environment();
  const late = new OutputTag<Flight>("late");
  const hourly = env
    .fromData([flight], Flight)
    .keyBy((f) => f.origin)
    .window(TumblingEventTimeWindows.of("1 h"));
  const count = { createAccumulator: () => 0, add: (_f: Flight, n: number) => n + 1, getResult: (n: number) => n };
  const counts = hourly
    .allowedLateness("1 min")
    .sideOutputLateData(late)
    .aggregate(count, (origin, window, n) => ({ origin, hour: window.start, n }), { accumulatorType: t.int32 });
  const spec = specOf(env, "window");
  expect(last(env).name).toBe("Window(TumblingEventTimeWindows(3600000), aggregate)");
  expect(spec).toMatchObject({ allowedLatenessMs: 60_000, lateTag: late, emit: { kind: "function" } });
  expect(spec.fold).toEqual({ kind: "aggregate", aggregate: count, accumulatorType: t.int32 });
  counts.getSideOutput(late).print();
  expect(plan(env).at(-1)).toBe("2 Sink: print <- 1/late - 0");
});

test("S02: window settings belong to the stream they return", () => {
  const env = environment();
  const hourly = env
    .fromData([flight])
    .keyBy((f) => f.origin)
    .window(TumblingEventTimeWindows.of("1 h"));
  hourly.allowedLateness("1 min");
  hourly.maxBy("delay");
  expect(specOf(env, "window").allowedLatenessMs).toBe(0);
});

test("S08: window folds: reduce keeps one record, process keeps them all, aggregations of a field are reduces", () => {
  const env = environment();
  const sessions = env
    .fromData([flight], Flight)
    .keyBy((f) => f.origin)
    .window(EventTimeSessionWindows.withGap("10 s"));
  const reduced = sessions.reduce((left) => left);
  expect(reduced.type).toBe(Flight);
  expect(specOf(env, "window")).toMatchObject({ fold: { kind: "reduce", type: Flight }, emit: { kind: "value" } });
  const described = sessions.reduce({ reduce: (left) => left }, (key, window, f) => `${key} ${window.end} ${f.delay}`);
  expect(described.type).toBeUndefined();
  const fold = specOf(env, "window").fold as Extract<WindowSpec["fold"], { kind: "reduce" }>;
  expect(fold.fn(flight, { ...flight, delay: 5 })).toBe(flight);
  sessions.process({ process: () => {} });
  expect(specOf(env, "window")).toMatchObject({ fold: { kind: "list", type: Flight }, emit: { kind: "process" } });
  sessions.sum("delay");
  expect(last(env).name).toBe("Window(EventTimeSessionWindows(10000), sum)");
  expect(specOf(env, "window").fold.kind).toBe("reduce");
});

test("S09: union feeds the next operator from every stream, each with its own partitioning", () => {
  const env = environment();
  const [left, right] = [env.fromData([1]), env.fromData([2])];
  left
    .rebalance()
    .union(right, left)
    .map((n) => n);
  left.union(right).keyBy((n) => n).sum;
  expect(plan(env).at(-1)).toBe("2 Map <- 0 rebalance 0, 1 - 0, 0 - 0");
  expect(env.fromData([1], t.int32).union(env.fromData([2], t.int32)).type).toBe(t.int32);
  expect(env.fromData([1], t.int32).union(env.fromData([2])).type).toBeUndefined();
});

test("S15: the partitioning methods set how records reach the next operator, the last one wins", () => {
  const env = environment();
  const numbers = env.fromData([1]);
  for (const method of ["rebalance", "rescale", "shuffle", "broadcast", "global", "forward"] as const) {
    numbers
      .shuffle()
      [method]()
      .map((n) => n);
    expect(last(env).inputs[0]!.partitioning).toEqual({ kind: method });
  }
});

test("S12: connected streams are two inputs of one operator, keyed when both are", () => {
  const env = environment();
  const flights = env.fromData([flight]);
  const numbers = env.fromSequence(1, 3);
  flights.connect(numbers).map({ map1: (f) => f.origin, map2: String });
  expect(plan(env).at(-1)).toBe("2 Co-Map <- 0 - 0, 1 - 1");
  expect(specOf(env, "co")).toMatchObject({ keys: undefined, flavour: "map" });
  flights.connect(numbers).flatMap({ flatMap1: () => {}, flatMap2: () => {} });
  expect(last(env).name).toBe("Co-Flat Map");
  flights
    .connect(numbers)
    .keyBy((f) => f.origin, String)
    .process(new Both());
  expect(plan(env).at(-1)).toBe("4 Co-Keyed-Process <- 0 hash 0, 1 hash 1");
  expect(specOf(env, "co").keys!.map((key, input) => key(input === 0 ? flight : 7))).toEqual(["ZRH", "7"]);
  flights
    .keyBy((f) => f.origin)
    .connect(numbers.keyBy(String))
    .process(new Both());
  expect(specOf(env, "co").keys).toHaveLength(2);
  flights
    .keyBy((f) => f.origin)
    .connect(numbers)
    .process(new Both());
  expect(specOf(env, "co").keys).toBeUndefined();
});

test("S02: one stream feeds many operators and is not changed by them", () => {
  const env = environment();
  const numbers = env.fromData([1]);
  const keyed = numbers.keyBy((n) => n);
  numbers.map((n) => n);
  numbers.map((n) => n);
  keyed.reduce((left) => left);
  expect(plan(env).slice(1)).toEqual(["1 Map <- 0 - 0", "2 Map <- 0 - 0", "3 Keyed Reduce <- 0 hash 0"]);
});

test("S16: name, uid, parallelism and chaining are set on the operator and return the same stream", () => {
  const env = environment();
  const mapped = env.fromData([1]).map((n) => n);
  expect(mapped.name("twice").uid("twice").setParallelism(3).setMaxParallelism(12).startNewChain()).toBe(mapped);
  expect(last(env)).toMatchObject({
    name: "twice",
    uid: "twice",
    parallelism: 3,
    maxParallelism: 12,
    chaining: "head",
  });
  mapped.disableChaining();
  expect(last(env).chaining).toBe("never");
  mapped.print().name("out").uid("out").setParallelism(1).setMaxParallelism(2).disableChaining();
  expect(last(env)).toMatchObject({
    name: "Sink: out",
    uid: "out",
    parallelism: 1,
    maxParallelism: 2,
    chaining: "never",
  });
  const source = env.fromSequence(1, 2).name("numbers");
  expect(source.transformation.name).toBe("Source: numbers");
});

test("S02: declared types follow the records until a function changes them", () => {
  const env = environment();
  const flights = env.fromData([flight], Flight);
  const keyed = flights
    .rebalance()
    .filter((f) => f.delay > 0)
    .keyBy((f) => f.origin);
  expect(keyed.type).toBe(Flight);
  expect(keyed.sum("delay").type).toBe(Flight);
  expect(specOf(env, "keyedReduce")).toMatchObject({ type: Flight, label: "sum" } satisfies Partial<KeyedReduceSpec>);
  expect(keyed.map((f) => f.delay).type).toBeUndefined();
  expect(keyed.map((f) => f.delay).returns(t.int32).type).toBe(t.int32);
  expect(env.fromSequence(1, 2).type).toBe(t.int64);
});

test("F01: side outputs are read from the operator by their tag, with the tag's type", () => {
  const env = environment();
  const tag = new OutputTag<number>("odd", t.int32);
  const side = env.fromData([flight]).process(new Keep()).getSideOutput(tag);
  side.rebalance().map((n) => n);
  expect(side.type).toBe(t.int32);
  expect(plan(env).at(-1)).toBe("2 Map <- 1/odd rebalance 0");
});

test("a source has one side output: the records that it could not read", () => {
  const env = environment();
  const source = env.fromData([flight]);
  source.getSideOutput(DEAD_LETTERS).map((letter) => letter.raw);
  expect(plan(env).at(-1)).toBe("1 Map <- 0/dead-letters - 0");
  const { spec } = source.transformation;
  expect(spec.kind === "source" && spec.deadLetterTag).toBe(DEAD_LETTERS);
});

test("S18: a watermark strategy is taken as an object or as options", () => {
  const env = environment();
  const strategy = WatermarkStrategy.forMonotonousTimestamps<Flight>();
  env.fromData([flight]).assignTimestampsAndWatermarks(strategy);
  expect(specOf(env, "timestamps").strategy).toBe(strategy);
  env.fromData([flight]).assignTimestampsAndWatermarks({ boundedOutOfOrderness: 5, timestamp: (f) => f.date });
  expect(specOf(env, "timestamps").strategy).toMatchObject({ kind: "bounded", outOfOrdernessMs: 5 });
});

test("an operator knows where in the program it was made", () => {
  const env = environment();
  env.fromData([1]).map((n) => n);
  expect(last(env).callSite).toMatch(/\/api\/data-stream\.test\.ts:\d+:\d+$/);
  expect(last(env).callSite).not.toBe(env.getTransformations()[0]!.callSite);
});
