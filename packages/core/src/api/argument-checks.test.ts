import { expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import type { Sink } from "../connectors/sink.ts";
import type { Source } from "../connectors/source.ts";
import { OutputTag } from "../operators/output-tag.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import { TumblingEventTimeWindows, TumblingProcessingTimeWindows } from "../time/tumbling-windows.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import type { SpanAssigner } from "../time/window-assigner.ts";
import type { Type } from "../types/type.ts";
import type { DataStream, KeyedStream } from "./data-stream.ts";
import { PipelineEnvironment } from "./environment.ts";

interface Row {
  readonly id: string;
  readonly n: number;
}

function environment(): PipelineEnvironment {
  const executor = { executeAsync: () => Promise.reject(new Error("nothing runs here")) };
  return new PipelineEnvironment({ executor, configuration: Configuration.fromEntries([]) });
}

const env = environment();
const rows: DataStream<Row> = env.fromData([{ id: "a", n: 1 }]);
const keyed: KeyedStream<Row, string> = rows.keyBy((row) => row.id);
const windows = keyed.window(TumblingEventTimeWindows.of("1 s"));
/** What a program without type checks passes. */
const untyped = (value: unknown): never => value as never;
const later = async (): Promise<number> => 1;

class Doubler {
  map(row: Row): number {
    return row.n * 2;
  }
}

const asynchronous: readonly (readonly [string, () => unknown])[] = [
  ["map", () => rows.map(untyped(later))],
  ["map", () => rows.map(untyped({ map: later }))],
  ["map", () => rows.map(untyped({ map: (row: Row) => row.n, open: later }))],
  ["filter", () => rows.filter(untyped(later))],
  ["flatMap", () => rows.flatMap(untyped(async function* () {}))],
  ["flatMap", () => rows.flatMap(untyped({ flatMap: later }))],
  ["keyBy", () => rows.keyBy(untyped(later))],
  ["process", () => rows.process(untyped({ processElement: later }))],
  ["process", () => keyed.process(untyped({ processElement: () => {}, onTimer: later }))],
  ["reduce", () => keyed.reduce(untyped(later))],
  ["reduce", () => windows.reduce(untyped(later))],
  ["process", () => windows.process(untyped({ process: later }))],
  ["aggregate", () => windows.aggregate(untyped({ createAccumulator: () => 0, add: later, getResult: () => 0 }))],
  ["map", () => rows.connect(rows).map(untyped({ map1: () => 1, map2: later }))],
];

test.each(asynchronous)("%s refuses an async function while the pipeline is built", (method, build) => {
  expect(build).toThrow(
    expect.objectContaining({ code: "MR_ASYNC_NOT_ALLOWED", message: expect.stringContaining(`method ${method}`) }),
  );
});

const invalid: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    "no function",
    () => rows.map(untyped(undefined)),
    /map .*Found: undefined\. Expected: a function or an object with map\(\)/,
  ],
  ["an object without the method", () => rows.filter(untyped({ map: () => 1 })), /Found: an object with {map}/],
  ["a class in place of an instance", () => rows.map(untyped(Doubler)), /Found: the class Doubler.*new Doubler\(\)/],
  ["a generator in map", () => rows.map(function* () {} as never), /generator function.*Use flatMap/],
  ["a plain function in process", () => rows.process(untyped(() => {})), /Expected: an object with processElement\(\)/],
  ["an onTimer that is no function", () => keyed.process(untyped({ processElement() {}, onTimer: 1 })), /onTimer/],
  ["an object as key selector", () => rows.keyBy(untyped({ key: 1 })), /keyBy .*Expected: a function\./],
  ["one half of a co-function", () => rows.connect(rows).map(untyped({ map1: () => 1 })), /map1\(\) and map2\(\)/],
  ["no sink", () => rows.sinkTo(untyped({})), /Expected: a Sink/],
  ["no window assigner", () => keyed.window(untyped("1 h")), /Found: "1 h".*window assigner/],
  ["negative lateness", () => windows.allowedLateness(-1), /allowedLateness .*Expected: 0 or more/],
  ["no tag", () => windows.sideOutputLateData(untyped({ id: "late" })), /Expected: an OutputTag/],
  ["an empty uid", () => rows.map((row) => row.n).uid(" "), /uid .*Found: " "\. Expected: a uid/],
  ["an empty name", () => rows.map((row) => row.n).name(""), /name .*Found: an empty string/],
  ["an empty sink uid", () => rows.print().uid(""), /Expected: a uid/],
  ["no type", () => rows.map((row) => row.n).returns(untyped("int32")), /Expected: a declared type/],
  ["no source", () => env.fromSource(untyped([1, 2]), WatermarkStrategy.noWatermarks(), "x"), /Expected: a Source/],
  [
    "no strategy",
    () => env.fromSource(untyped(source()), untyped(undefined), "x"),
    /Expected: a WatermarkStrategy or its options/,
  ],
  ["no source name", () => env.fromSource(source(), WatermarkStrategy.noWatermarks(), ""), /Expected: a name/],
  ["an async iterable as data", () => env.fromData(untyped((async function* () {})())), /async iterable.*fromSource/],
  ["no stream in a union", () => rows.union(untyped([1])), /Expected: a stream\./],
  [
    "a stream of another environment",
    () => rows.union(environment().fromData([{ id: "b", n: 2 }])),
    /another environment/,
  ],
  ["a fold with a lifecycle", () => windows.reduce({ reduce: (l: Row) => l, open: () => {} }), /without a lifecycle/],
  ["a limit of 0", () => rows.executeAndCollect(0), /Expected: a limit of at least 1/],
  [
    "a late output that was not asked for",
    () => windows.sum("n").getSideOutput(new OutputTag("late")),
    /"late" on a window/,
  ],
  ["a side output of a map", () => rows.map((row) => row).getSideOutput(new OutputTag("x")), /"x" on a map operator/],
];

function source(): Source<Row> {
  return { createReader() {}, createEnumerator() {}, restoreEnumerator() {} } as unknown as Source<Row>;
}

test.each(invalid)("%s is refused with the method, the place and what was expected", (_title, build, message) => {
  expect(build).toThrow(
    expect.objectContaining({ code: "MR_ARGUMENT_INVALID", message: expect.stringMatching(message) }),
  );
  expect(build).toThrow(
    expect.objectContaining({ message: expect.stringMatching(/at \/.*argument-checks\.test\.ts:\d+:\d+/) }),
  );
});

test("session windows refuse an aggregation without merge", () => {
  const sessions = keyed.window(EventTimeSessionWindows.withGap("1 s") as SpanAssigner);
  const count = { createAccumulator: () => 0, add: (_row: Row, n: number) => n + 1, getResult: (n: number) => n };
  expect(() => sessions.aggregate(count)).toThrow(/MR_ARGUMENT_INVALID aggregate .*without merge\(\)/);
  expect(sessions.aggregate({ ...count, merge: (left: number, right: number) => left + right })).toBeDefined();
});

test("windows of processing time are not taken for windows of event time", () => {
  const hourly = (assigner: SpanAssigner) => keyed.window(assigner).sum("n").transformation.spec.kind;
  expect(hourly(TumblingEventTimeWindows.of("1 h"))).toBe("window");
  expect(hourly(TumblingProcessingTimeWindows.of("1 h"))).toBe("transform");
});

test.each([0, -1, 1.5, Number.NaN, 32_769, "2", undefined])(
  "a parallelism of %s is refused everywhere",
  (parallelism) => {
    const given = untyped(parallelism);
    const calls = [
      () => env.setParallelism(given),
      () => env.setMaxParallelism(given),
      () => rows.map((row) => row).setParallelism(given),
      () => rows.map((row) => row).setMaxParallelism(given),
      () => rows.print().setParallelism(given),
      () => rows.print().setMaxParallelism(given),
    ];
    for (const call of calls) {
      expect(call).toThrow(
        expect.objectContaining({
          code: "MR_PARALLELISM_INVALID",
          message: expect.stringMatching(/\(method set(Max)?Parallelism, at .*from 1 to 32768/),
        }),
      );
    }
  },
);

test("what passes every check is taken: generators in flatMap, instances, type-erased sinks", () => {
  const words = rows.flatMap(function* (row) {
    yield row.id;
  });
  expect(words.map((word) => word.length)).toBeDefined();
  expect(rows.map(new Doubler())).toBeDefined();
  const sink = { description: { kind: "mine", options: {} }, createWriter() {} } as unknown as Sink<Row>;
  expect(rows.sinkTo(sink).transformation.name).toBe("Sink: mine");
  const type = { schema: {}, serializer: {}, copy() {} } as unknown as Type<string>;
  expect(words.returns(type).type).toBe(type);
});
