/** Jobs in BATCH mode have the final results of the same jobs in STREAMING mode, whatever their operators. */
import { describe, expect, test } from "vitest";
import type { DataStream } from "../api/data-stream.ts";
import { Configuration } from "../config/configuration.ts";
import type { Collector, KeyedProcessContext, OnTimerContext } from "../operators/functions.ts";
import { CountEvictor } from "../operators/window/evictors/count-evictor.ts";
import { ContinuousEventTimeTrigger } from "../operators/window/triggers/continuous-event-time-trigger.ts";
import { CountTrigger } from "../operators/window/triggers/count-trigger.ts";
import { PurgingTrigger } from "../operators/window/triggers/purging-trigger.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { mapState } from "../state/state-descriptors.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { GlobalWindows } from "../time/global-windows.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";

interface Click {
  readonly user: string;
  readonly at: number;
  readonly n: number;
}

type Clicks = DataStream<Click>;
/** What it returns is a stream of anything, which no type of a stream says. */
type Build = (clicks: Clicks, other: Clicks) => object;

/** In the order of their time, so that a stream has nothing late, and no two of one user at the same time. */
const clicks: readonly Click[] = Array.from({ length: 120 }, (_, i) => ({
  user: `u${(i * 7) % 5}`,
  at: i * 3,
  n: (i * 11) % 13,
}));

const user = (click: Click): string => click.user;
const add = (left: Click, right: Click): Click => ({ ...left, at: Math.max(left.at, right.at), n: left.n + right.n });
const limits = mapState<string, number>("limits");

const families: readonly (readonly [string, Build])[] = [
  [
    "sessions with a dynamic gap",
    (a) =>
      a
        .keyBy(user)
        .window(EventTimeSessionWindows.withDynamicGap((click: Click) => 10 + click.n))
        .reduce(add)
        .uid("op"),
  ],
  ["count windows", (a) => a.keyBy(user).countWindow(4).reduce(add).uid("op")],
  ["sliding count windows", (a) => a.keyBy(user).countWindow(6, 2).reduce(add).uid("op")],
  [
    "global windows with a purging trigger and an evictor",
    (a) =>
      a
        .keyBy(user)
        .window(GlobalWindows.create())
        .trigger(PurgingTrigger.of(CountTrigger.of(5)))
        .evictor(CountEvictor.of(3))
        .reduce(add)
        .uid("op"),
  ],
  ["windows of all", (a) => a.windowAll(TumblingEventTimeWindows.of(50)).reduce(add).uid("op")],
  [
    "window joins",
    (a, b) =>
      a
        .join(b)
        .where(user)
        .equalTo(user)
        .window(TumblingEventTimeWindows.of(60))
        .apply((left, right) => [left.at, right.at])
        .uid("op"),
  ],
  [
    "co-groups",
    (a, b) =>
      a
        .coGroup(b)
        .where(user)
        .equalTo(user)
        .window(EventTimeSessionWindows.withGap(8))
        .apply((left, right) => [[left.length, right.length]])
        .uid("op"),
  ],
  [
    "interval joins",
    (a, b) =>
      a
        .keyBy(user)
        .intervalJoin(b.keyBy(user))
        .between(-30, 15)
        .process({
          processElement: (left: Click, right: Click, _context: unknown, out: Collector<readonly number[]>) =>
            out.collect([left.at, right.at]),
        })
        .uid("op"),
  ],
  [
    "timers",
    (a) =>
      a
        .keyBy(user)
        .process({
          processElement: (click: Click, context: KeyedProcessContext<string>) =>
            context.timerService.registerEventTimeTimer(click.at + 7),
          onTimer: (timeMs: number, context: OnTimerContext<string>, out: Collector<string>) =>
            out.collect(`${context.currentKey} ${timeMs}`),
        })
        .uid("op"),
  ],
  [
    "asynchronous functions before keys and after them",
    (a) =>
      a
        .mapAsync(async (click) => ({ ...click, n: click.n + 1 }), { ordered: false, capacity: 7 })
        .uid("before")
        .keyBy(user)
        .countWindow(3)
        .maxBy("n")
        .uid("op")
        .mapAsync(async (click) => click.n, { capacity: 2 })
        .uid("after"),
  ],
  [
    "keyed operators one behind the other",
    (a) =>
      a
        .keyBy(user)
        .window(TumblingEventTimeWindows.of(30))
        .reduce(add)
        .uid("first")
        .keyBy((click) => click.n % 3)
        .window(TumblingEventTimeWindows.of(90))
        .reduce(add)
        .map((click) => click.n % 3)
        .uid("op"),
  ],
  [
    "keyed broadcast functions",
    (a, b) =>
      a
        .keyBy(user)
        .connect(b.filter(() => false).broadcast(limits))
        .process<string>({
          processElement: (click, context, out) =>
            out.collect(`${click.at} ${context.getBroadcastState(limits).get(click.user) ?? "any"}`),
          processBroadcastElement: () => {},
        })
        .uid("op"),
  ],
];

async function rowsOf(build: Build, mode: "BATCH" | "STREAMING", parallelism: number): Promise<readonly string[]> {
  const platform = createSimulatedPlatform({ seed: 11 });
  const entries = Object.entries({ "execution.runtime-mode": mode, "parallelism.default": String(parallelism) });
  const configuration = Configuration.fromEntries(entries.map(([key, value]) => ({ key, value })));
  const env = StreamExecutionEnvironment.on(platform, configuration);
  const stream = (shift: number): Clicks =>
    env
      .fromData(clicks.map((click) => ({ ...click, at: click.at + shift })))
      .assignTimestampsAndWatermarks({ boundedOutOfOrderness: 0, timestamp: (click) => click.at });
  const rows = new CommittedRows();
  const results = build(stream(0), stream(1)) as DataStream<unknown>;
  results.sinkTo(rows.sink()).uid("rows");
  await platform.run(() => env.execute());
  return rows.rows;
}

describe("S46: BATCH has the final results of STREAMING", () => {
  const cases = families.flatMap(([name, build]) => [1, 3].map((p) => [name, p, build] as const));

  // What depends on the order of records has it in a stream only where one subtask reads them.
  test.each(cases.filter(([name, p]) => p === 1 || !/count|purging|asynchronous|of all/.test(name)))(
    "%s, at parallelism %i",
    async (_name, parallelism, build) => {
      const streamed = await rowsOf(build, "STREAMING", parallelism);
      expect(streamed.length).toBeGreaterThan(3);
      expect(await rowsOf(build, "BATCH", parallelism)).toEqual(streamed);
    },
  );

  test("a continuous trigger fires once more at the end of a window, not on the way to it", async () => {
    const build: Build = (a) =>
      a
        .keyBy(user)
        .window(TumblingEventTimeWindows.of(90))
        .trigger(ContinuousEventTimeTrigger.of(30))
        .reduce(add)
        .map((click) => [click.user, Math.floor(click.at / 90), click.n])
        .uid("op");
    const last = (rows: readonly string[]): unknown => {
      const sums = new Map<string, number>();
      for (const [name, window, n] of rows.map((row) => JSON.parse(row) as [string, number, number])) {
        const key = `${name} ${window}`;
        sums.set(key, Math.max(n, sums.get(key) ?? 0));
      }
      return [...sums].sort();
    };
    expect(last(await rowsOf(build, "BATCH", 2))).toEqual(last(await rowsOf(build, "STREAMING", 2)));
  });
});
