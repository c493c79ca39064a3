/** Warnings about functions are given wherever a job can have one: in operators of every kind, and behind what we put around it. */
import { describe, expect, test } from "vitest";
import type { DataStream, KeyedStream } from "../api/data-stream.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type { RuntimeContext } from "../operators/functions.ts";
import { CountEvictor } from "../operators/window/evictors/count-evictor.ts";
import { DeltaEvictor } from "../operators/window/evictors/delta-evictor.ts";
import { CountTrigger } from "../operators/window/triggers/count-trigger.ts";
import { DeltaTrigger } from "../operators/window/triggers/delta-trigger.ts";
import { PurgingTrigger } from "../operators/window/triggers/purging-trigger.ts";
import type { ValueState } from "../state/keyed-state.ts";
import { mapState, valueState } from "../state/state-descriptors.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { GlobalWindows } from "../time/global-windows.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { buildJobGraph } from "./build-job-graph.ts";
import type { JobGraph } from "./job-graph.ts";
import { statesOf } from "./operator-states.ts";

type Numbers = DataStream<number>;
type Keyed = KeyedStream<number, number>;
type Build = (keyed: Keyed, numbers: Numbers) => unknown;

function graphOf(build: Build, strategy = WatermarkStrategy.forMonotonousTimestamps<number>()): JobGraph {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  const source = DataGeneratorSource.of((index: number) => index, 10);
  Object.defineProperty(source, "boundedness", { value: "continuous-unbounded" });
  const numbers = env.fromSource(source, strategy, "numbers");
  build(
    numbers.keyBy((n) => n % 2),
    numbers,
  );
  return buildJobGraph(env.getTransformations(), {
    name: "test",
    parallelism: 1,
    maxParallelism: undefined,
    isChainingEnabled: true,
    copiesRecords: false,
    autoGenerateUids: true,
  });
}

const codes = (build: Build, strategy?: WatermarkStrategy<number>): readonly string[] =>
  graphOf(build, strategy)
    .warnings.map((warning) => warning.code)
    .filter((code) => code !== "MR_LINT_UID_MISSING");

const minute = TumblingEventTimeWindows.of("1 min");
const rules = mapState<string, string>("rules");
const random = (n: number): number => n + Math.random();
const now = (n: number): number => n + Date.now();
const repeatable = (n: number): number => n;

/** By what the function is given to: the operator of a job, with one function in it. */
const families: readonly (readonly [string, (fn: (n: number) => number) => Build])[] = [
  // Those without open() keep nothing by key.
  ["map", (fn) => (keyed) => keyed.map({ open() {}, map: fn })],
  ["filter", (fn) => (keyed) => keyed.filter({ open() {}, filter: fn } as never)],
  ["flatMap", (fn) => (keyed) => keyed.flatMap({ open() {}, flatMap: fn } as never)],
  ["process", (fn) => (keyed) => keyed.process({ processElement: fn } as never)],
  ["reduce", (fn) => (keyed) => keyed.reduce(fn)],
  ["key selector", (fn) => (_keyed, numbers) => numbers.keyBy(fn).reduce(repeatable)],
  [
    "co process",
    (fn) => (keyed) => keyed.connect(keyed).process({ processElement1: fn, processElement2: fn } as never),
  ],
  [
    "interval join",
    (fn) => (keyed) =>
      keyed
        .intervalJoin(keyed)
        .between(-1, 1)
        .process({ processElement: fn } as never),
  ],
  ["window reduce", (fn) => (keyed) => keyed.window(minute).reduce(fn)],
  ["window reduce with an object", (fn) => (keyed) => keyed.window(minute).reduce({ reduce: fn })],
  ["window result", (fn) => (keyed) => keyed.window(minute).reduce(repeatable, fn as never)],
  ["window apply", (fn) => (keyed) => keyed.window(minute).apply({ apply: fn } as never)],
  ["window process", (fn) => (keyed) => keyed.window(minute).process({ process: fn } as never)],
  ["windowAll result", (fn) => (_keyed, numbers) => numbers.windowAll(minute).reduce(repeatable, fn as never)],
  ["windowAll process", (fn) => (_keyed, numbers) => numbers.windowAll(minute).process({ process: fn } as never)],
  [
    "window aggregate with an evictor",
    (fn) => (keyed) =>
      keyed
        .window(minute)
        .evictor(CountEvictor.of(2))
        .aggregate({ createAccumulator: () => 0, add: fn, getResult: repeatable }),
  ],
  ["evictor", (fn) => (keyed) => keyed.window(minute).evictor(DeltaEvictor.of(2, fn)).reduce(repeatable)],
  ["trigger", (fn) => (keyed) => keyed.window(minute).trigger(DeltaTrigger.of(2, fn)).reduce(repeatable)],
  [
    "trigger within another",
    (fn) => (keyed) =>
      keyed
        .window(GlobalWindows.create())
        .trigger(PurgingTrigger.of(DeltaTrigger.of(2, fn)))
        .reduce(repeatable),
  ],
  ["dynamic gap", (fn) => (keyed) => keyed.window(EventTimeSessionWindows.withDynamicGap(fn)).reduce(repeatable)],
  ["count window", (fn) => (keyed) => keyed.countWindow(3).reduce(fn)],
  [
    "window join",
    (fn) => (_keyed, numbers) => numbers.join(numbers).where(repeatable).equalTo(repeatable).window(minute).apply(fn),
  ],
  [
    "window join, its key",
    (fn) => (_keyed, numbers) => numbers.join(numbers).where(repeatable).equalTo(fn).window(minute).apply(repeatable),
  ],
  [
    "co-group",
    (fn) => (_keyed, numbers) =>
      numbers
        .coGroup(numbers)
        .where(repeatable)
        .equalTo(repeatable)
        .window(minute)
        .apply({ coGroup: fn } as never),
  ],
  [
    "keyed broadcast",
    (fn) => (keyed, numbers) =>
      keyed
        .connect(numbers.broadcast(rules))
        .process({ processElement: fn, processBroadcastElement: () => {} } as never),
  ],
  ["mapPartition", (fn) => (keyed) => keyed.fullWindowPartition().mapPartition({ mapPartition: fn } as never)],
  ["sortPartition", (fn) => (keyed) => keyed.fullWindowPartition().sortPartition(fn, "ASCENDING")],
];

describe("U18: MR_LINT_NOT_REPEATABLE in every family of operators", () => {
  test.each(families)("is given for Date.now and Math.random, and for nothing else: %s", (_name, build) => {
    expect(codes(build(random))).toEqual(["MR_LINT_NOT_REPEATABLE"]);
    expect(codes(build(now))).toEqual(["MR_LINT_NOT_REPEATABLE"]);
    expect(codes(build(repeatable))).toEqual([]);
  });

  test("is not given where no key is: asynchronous functions, broadcast streams, partitions of subtasks", () => {
    expect(
      codes((_keyed, numbers) => {
        numbers.mapAsync(async (n) => n + Math.random());
        numbers.fullWindowPartition().reduce(random);
        numbers.connect(numbers.broadcast(rules)).process<number>({
          processElement: (n, _context, out) => out.collect(random(n) * Date.now()),
          processBroadcastElement: () => {},
        });
      }),
    ).toEqual([]);
  });
});

/** Keeps a value of each key for ever, and rules for all keys. */
class Ruled {
  readonly rules = rules;
  readonly total = valueState<number>("total");
  private totals!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.totals = context.getState(this.total);
  }

  processElement(n: number): void {
    this.totals.update(n);
  }

  processBroadcastElement(): void {}
}

class RuledUntil extends Ruled {
  override processElement(
    n: number,
    context?: { readonly timerService: { registerEventTimeTimer(at: number): void } },
  ): void {
    super.processElement(n);
    context?.timerService.registerEventTimeTimer(n);
  }

  onTimer(): void {}
}

describe("U18: other warnings about functions of keyed broadcast streams", () => {
  const ruled =
    (fn: Ruled): Build =>
    (keyed, numbers) =>
      keyed.connect(numbers.broadcast(rules)).process(fn as never);

  test("MR_LINT_STATE_UNBOUNDED names the keyed state without TTL and leaves out the broadcast one", () => {
    const { warnings, vertices } = graphOf(ruled(new Ruled()));
    const [warning] = warnings.filter(({ code }) => code === "MR_LINT_STATE_UNBOUNDED");
    expect(warning!.message).toMatch(/^keeps "total" for every key/);
    const { spec } = vertices.flatMap(({ operators }) => operators).find(({ name }) => name.startsWith("Co-Process"))!;
    expect(statesOf(spec).map(({ name, kind }) => `${kind} ${name}`)).toEqual(["broadcast rules", "value total"]);
  });

  test("MR_LINT_WATERMARKS_MISSING is given when its event-time timers never fire without watermarks", () => {
    expect(codes(ruled(new RuledUntil()))).toEqual([]);
    expect(codes(ruled(new RuledUntil()), WatermarkStrategy.noWatermarks())).toEqual(["MR_LINT_WATERMARKS_MISSING"]);
  });

  test("no state of a window is unbounded: it ends with the window", () => {
    expect(codes((keyed) => keyed.window(minute).trigger(CountTrigger.of(2)).reduce(repeatable))).toEqual([]);
  });
});
