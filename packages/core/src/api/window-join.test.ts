/** Window joins and co-groups as users write them, against a search through all pairs. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type { CoGroupFunction, Collector, FlatJoinFunction, RuntimeContext } from "../operators/functions.ts";
import type { TaggedUnion } from "../operators/window/co-group-window-function.ts";
import type { AnyWindowAssigner } from "../operators/window/element-assigner.ts";
import { CountEvictor } from "../operators/window/evictors/count-evictor.ts";
import { evictWhere } from "../operators/window/evictors/evictor.ts";
import { CountTrigger } from "../operators/window/triggers/count-trigger.ts";
import { EventTimeTrigger } from "../operators/window/triggers/event-time-trigger.ts";
import { PurgingTrigger } from "../operators/window/triggers/purging-trigger.ts";
import { WindowAssigner } from "../operators/window/window-assigner.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { type HarnessSnapshot, OperatorHarness } from "../testing/operator-harness.ts";
import { GlobalWindows } from "../time/global-windows.ts";
import { EventTimeSessionWindows, mergeSessionWindows } from "../time/session-windows.ts";
import { SlidingEventTimeWindows } from "../time/sliding-windows.ts";
import type { TimeWindow } from "../time/time-window.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { t } from "../types/declared-types.ts";
import type { CoGroupedWithWindow } from "./co-grouped-streams.ts";
import type { SingleOutputStreamOperator } from "./data-stream.ts";

interface Left {
  readonly key: string;
  readonly id: number;
  readonly at: number;
}

interface Right {
  readonly of: string;
  readonly cents: number;
  readonly at: number;
}

const leftType = t.object({ key: t.string, id: t.int32, at: t.timestamp });
const rightType = t.object({ of: t.string, cents: t.int32, at: t.timestamp });
const times = { boundedOutOfOrderness: "1 d", timestamp: (record: { readonly at: number }) => record.at } as const;

type Either = TaggedUnion<Left, Right>;

/** Records of the first stream hold their session open for longer. */
const gapOf = (element: Either): number => ("first" in element ? 40 : 15);

/** The windows of the first stream's records are long, those of the second's short. */
class LongAndShort extends WindowAssigner<Either, TimeWindow> {
  override readonly isEventTime = true;

  override assignWindows(element: Either, timestampMs: number): readonly TimeWindow[] {
    const sizes = "first" in element ? [200, 50] : [50];
    return sizes.flatMap((size) => TumblingEventTimeWindows.of(size).assign(timestampMs));
  }
}

const assigners: readonly (readonly [string, AnyWindowAssigner<Either>])[] = [
  ["tumbling", TumblingEventTimeWindows.of(100, 7)],
  ["sliding", SlidingEventTimeWindows.of(100, 40)],
  ["session", EventTimeSessionWindows.withGap(30)],
  ["dynamic session", EventTimeSessionWindows.withDynamicGap(gapOf)],
  ["custom", new LongAndShort()],
];

/** What a co-group calls its function with: the sides of every key and window, as texts in order. */
function groups(
  lefts: readonly Left[],
  rights: readonly Right[],
  assigner: AnyWindowAssigner<Either>,
): readonly string[] {
  const elements: readonly Either[] = [...lefts.map((first) => ({ first })), ...rights.map((second) => ({ second }))];
  return groupsOf(elements, keyOf)
    .flatMap((ofKey) => {
      const assigned = ofKey.flatMap((element) =>
        windowsOf(assigner, element).map((window) => ({ window, elements: [element] })),
      );
      return joinedWindows(assigner, assigned).map((inWindow) =>
        textOf(
          inWindow.flatMap((element) => ("first" in element ? [element.first] : [])),
          inWindow.flatMap((element) => ("second" in element ? [element.second] : [])),
        ),
      );
    })
    .toSorted();
}

function groupsOf<T>(all: readonly T[], groupOf: (each: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const each of all) groups.set(groupOf(each), [...(groups.get(groupOf(each)) ?? []), each]);
  return [...groups.values()];
}

const keyOf = (element: Either): string => ("first" in element ? element.first.key : element.second.of);
const timeOf = (element: Either): number => ("first" in element ? element.first.at : element.second.at);

function windowsOf(assigner: AnyWindowAssigner<Either>, element: Either): readonly TimeWindow[] {
  const now = { getCurrentProcessingTime: (): number => Number.NaN };
  const windows =
    assigner instanceof WindowAssigner
      ? assigner.assignWindows(element, timeOf(element), now)
      : assigner.assign(timeOf(element), element);
  return windows as readonly TimeWindow[];
}

interface Assigned {
  readonly window: TimeWindow;
  readonly elements: readonly Either[];
}

/** The elements of every window, after those that touch have been merged, if they are merged. */
function joinedWindows(assigner: AnyWindowAssigner<Either>, all: readonly Assigned[]): readonly (readonly Either[])[] {
  const merges = !(assigner instanceof WindowAssigner) && /session/i.test(assigner.kind);
  if (!merges) {
    return groupsOf(all, ({ window }) => String(window)).map((parts) => parts.flatMap(({ elements }) => elements));
  }
  return mergeSessionWindows(all.map(({ window }) => window)).map(({ merged }) =>
    all
      .filter(({ window }) => merged.start <= window.start && window.end <= merged.end)
      .flatMap((each) => each.elements),
  );
}

function textOf(first: readonly Left[], second: readonly Right[]): string {
  const ids = first.map(({ id }) => id).toSorted((a, b) => a - b);
  const cents = second.map((right) => right.cents).toSorted((a, b) => a - b);
  return `${ids} | ${cents}`;
}

const records = fc.array(fc.record({ key: fc.constantFrom("a", "b", "c"), at: fc.integer({ min: -300, max: 600 }) }), {
  maxLength: 25,
});

async function rowsOf<R>(
  parallelism: number,
  build: (env: StreamExecutionEnvironment) => SingleOutputStreamOperator<R>,
): Promise<readonly unknown[]> {
  const platform = createSimulatedPlatform({ seed: 4 });
  const env = StreamExecutionEnvironment.on(platform, Configuration.fromEntries([])).setParallelism(parallelism);
  const rows = new CommittedRows();
  build(env).uid("grouped").sinkTo(rows.sink());
  await platform.run(() => env.execute(), 3_600_000);
  return rows.rows.map((row) => JSON.parse(row) as unknown);
}

describe("S10: coGroup", () => {
  test.each(assigners.flatMap(([name, assigner]) => [1, 2, 3].map((p) => [name, p, assigner] as const)))(
    "S10: %s windows at parallelism %i bring all records of a key into one call, also where a side is empty",
    async (_name, parallelism, assigner) => {
      await fc.assert(
        fc.asyncProperty(records, records, fc.boolean(), async (some, others, isDeclared) => {
          const lefts = some.map(({ key, at }, id): Left => ({ key, id, at }));
          const rights = others.map(({ key, at }, cents): Right => ({ of: key, cents, at }));
          const found = await rowsOf(parallelism, (env) => {
            const first = isDeclared ? env.fromData(lefts, leftType) : env.fromData(lefts);
            const second = isDeclared ? env.fromData(rights, rightType) : env.fromData(rights);
            return first
              .assignTimestampsAndWatermarks(times)
              .coGroup(second.assignTimestampsAndWatermarks(times))
              .where((left) => left.key)
              .equalTo((right) => right.of)
              .window(assigner)
              .apply((mine, yours) => [textOf(mine, yours)]);
          });
          expect([...found].sort()).toEqual(groups(lefts, rights, assigner));
        }),
        { numRuns: 12 },
      );
    },
  );

  test("S10: the records of a side come in the order in which they arrived, at the timestamp of the window's end", () => {
    const harness = new OperatorHarness(specOf(TumblingEventTimeWindows.of(100)), { platform: simulated });
    harness.element({ first: { key: "a", id: 2, at: 20 } }, 20);
    harness.element({ second: { of: "a", cents: 1, at: 10 } }, 10);
    harness.element({ first: { key: "a", id: 1, at: 5 } }, 5);
    harness.chain.onGateWatermark(0, 99);
    expect(harness.output()).toEqual([{ value: [[2, 1], [1]], timestampMs: 99 }]);
  });

  test.each(assigners)("S10: %s windows are the same after a restore at any moment", (_name, assigner) => {
    const steps = fc.array(
      fc.record({ key: fc.constantFrom("a", "b"), ahead: fc.integer({ min: -20, max: 80 }), side: fc.boolean() }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const [once, restored] = [false, true].map((isRestored) => {
          let harness = new OperatorHarness(specOf(assigner), { platform: simulated });
          return all.flatMap(({ key, ahead, side }, index) => {
            const at = index * 15 + ahead;
            harness.element(side ? { first: { key, id: index, at } } : { second: { of: key, cents: index, at } }, at);
            harness.watermark(index * 15 - 20);
            const output = harness.output();
            const restore: HarnessSnapshot = harness.snapshot();
            if (isRestored) harness = new OperatorHarness(specOf(assigner), { platform: simulated, restore });
            return output;
          });
        });
        expect(restored).toEqual(once);
      }),
      { numRuns: 20 },
    );
  });

  test("S10: a record within the allowed lateness calls the function again, one after it is dropped", () => {
    const spec = specOf(TumblingEventTimeWindows.of(100), 50);
    const harness = new OperatorHarness(spec, { platform: simulated });
    harness.element({ first: { key: "a", id: 1, at: 10 } }, 10);
    harness.watermark(120);
    harness.element({ second: { of: "a", cents: 7, at: 20 } }, 20);
    harness.watermark(149);
    harness.element({ second: { of: "a", cents: 8, at: 30 } }, 30);
    expect(harness.output().map(({ value }) => value)).toEqual([
      [[1], []],
      [[1], [7]],
    ]);
  });

  test("S10: a function object has a lifecycle and an instance for every subtask", async () => {
    const found = await rowsOf(2, (env) => {
      const all = env
        .fromData(Array.from({ length: 20 }, (_, id): Left => ({ key: `k${id}`, id, at: id })))
        .assignTimestampsAndWatermarks(times);
      return all
        .coGroup(all)
        .where((left) => left.id)
        .equalTo((left) => left.id)
        .window(TumblingEventTimeWindows.of("1 s"))
        .apply(new Counting());
    });
    for (const subtask of [0, 1]) {
      const calls = (found as [number, number, number][]).filter((call) => call[0] === subtask);
      expect(calls.length).toBeGreaterThan(0);
      expect(calls.map(([, count]) => count).toSorted((a, b) => a - b)).toEqual(calls.map((_, index) => index + 1));
      expect(calls.every(([, , size]) => size === 2)).toBe(true);
    }
  });
});

/** Emits its subtask, how often it was called, and how many records it was called with. */
class Counting implements CoGroupFunction<Left, Left, [number, number, number]> {
  private subtask = -1;
  private count = 0;

  open(context: RuntimeContext): void {
    this.subtask = context.indexOfThisSubtask;
  }

  coGroup(first: readonly Left[], second: readonly Left[], out: Collector<[number, number, number]>): void {
    out.collect([this.subtask, ++this.count, first.length + second.length]);
  }
}

type AnyCoGrouped = CoGroupedWithWindow<Left, Right, AnyWindowAssigner<Either>>;

/** The steps of a co-group whose windows are told something, restored behind each of them. */
function stepsOf(
  tell: (windows: AnyCoGrouped) => AnyCoGrouped,
  steps: readonly ((harness: OperatorHarness) => void)[],
  assigner: AnyWindowAssigner<Either> = TumblingEventTimeWindows.of(100),
): readonly (readonly unknown[])[] {
  const make = (): ConstructorParameters<typeof OperatorHarness>[0] => specOf(assigner, 0, tell);
  let harness = new OperatorHarness(make(), { platform: simulated });
  return steps.map((step) => {
    step(harness);
    const output = harness.output().map(({ value }) => value);
    harness = new OperatorHarness(make(), { platform: simulated, restore: harness.snapshot() });
    return output;
  });
}

const fourRecords: readonly ((harness: OperatorHarness) => void)[] = [
  (harness) => harness.element({ first: { key: "a", id: 1, at: 10 } }, 10),
  (harness) => harness.element({ second: { of: "a", cents: 7, at: 20 } }, 20),
  (harness) => harness.element({ first: { key: "a", id: 2, at: 30 } }, 30),
  (harness) => harness.element({ second: { of: "a", cents: 8, at: 40 } }, 40),
];

describe("S10: triggers and evictors", () => {
  test("S10: a trigger says when both sides come into a call", () => {
    expect(stepsOf((windows) => windows.trigger(CountTrigger.of(2)), fourRecords)).toEqual([
      [],
      [[[1], [7]]],
      [],
      [
        [
          [1, 2],
          [7, 8],
        ],
      ],
    ]);
    const purging = stepsOf((windows) => windows.trigger(PurgingTrigger.of(CountTrigger.of(2))), fourRecords);
    expect(purging).toEqual([[], [[[1], [7]]], [], [[[2], [8]]]]);
  });

  test("S10: one window for everything emits when its trigger says so", () => {
    const told = stepsOf(
      (windows) => windows.trigger(PurgingTrigger.of(CountTrigger.of(3))),
      fourRecords,
      GlobalWindows.create(),
    );
    expect(told).toEqual([[], [], [[[1, 2], [7]]], []]);
  });

  test.each([1, 2, 3])("S10: one window for everything emits at the end of the input, at parallelism %i", async (p) => {
    const found = await rowsOf(p, (env) => {
      const all = env.fromData(Array.from({ length: 12 }, (_, id): Left => ({ key: `k${id % 3}`, id, at: id })));
      return all
        .join(all.filter(({ id }) => id < 6))
        .where((left) => left.key)
        .equalTo((left) => left.key)
        .window(GlobalWindows.createWithEndOfStreamTrigger())
        .apply((left, right) => `${left.id}-${right.id}`);
    });
    const ids = Array.from({ length: 12 }, (_, id) => id);
    const expected = ids.flatMap((left) => [0, 3].map((more) => `${left}-${(left % 3) + more}`));
    expect([...found].sort()).toEqual(expected.toSorted());
  });

  test("S10: an evictor removes records of both sides, in the order in which they came", () => {
    const steps = [...fourRecords, (harness: OperatorHarness): void => harness.chain.onGateWatermark(0, 99)];
    const found = stepsOf((windows) => windows.evictor(CountEvictor.of(3)), steps);
    expect(found).toEqual([[], [], [], [], [[[2], [7, 8]]]]);
  });

  test("S10: joins take both too", async () => {
    const found = await rowsOf(2, (env) => {
      const all = env
        .fromData([1, 2, 3, 4].map((id): Left => ({ key: "a", id, at: id })))
        .assignTimestampsAndWatermarks(times);
      return all
        .join(all)
        .where((left) => left.key)
        .equalTo((left) => left.key)
        .window(TumblingEventTimeWindows.of("1 s"))
        .trigger(PurgingTrigger.of(EventTimeTrigger.create()))
        .evictor({
          evictBefore: (elements) =>
            evictWhere(elements, ({ value }) => ("first" in value ? value.first.id > 2 : value.second.id < 4)),
          evictAfter: () => {},
        })
        .apply((left, right) => [left.id, right.id]);
    });
    expect(found).toEqual([
      [1, 4],
      [2, 4],
    ]);
  });
});

const simulated = createSimulatedPlatform({ seed: 1 });

/** The window operator of a co-group that emits the ids and the cents of its sides. */
function specOf(
  assigner: AnyWindowAssigner<Either>,
  latenessMs = 0,
  tell: (windows: AnyCoGrouped) => AnyCoGrouped = (windows) => windows,
): ConstructorParameters<typeof OperatorHarness>[0] {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  const windows = env
    .fromData<Left>([])
    .coGroup(env.fromData<Right>([]))
    .where((left) => left.key)
    .equalTo((right) => right.of)
    .window(assigner)
    .allowedLateness(latenessMs);
  tell(windows).apply((first, second) => [[first.map(({ id }) => id), second.map(({ cents }) => cents)]]);
  return env.getTransformations().at(-1)!.spec;
}

describe("S10: join", () => {
  test.each(assigners.flatMap(([name, assigner]) => [1, 2].map((p) => [name, p, assigner] as const)))(
    "S10: %s windows at parallelism %i make every pair of a key and window, and nothing else",
    async (_name, parallelism, assigner) => {
      await fc.assert(
        fc.asyncProperty(records, records, async (some, others) => {
          const lefts = some.map(({ key, at }, id): Left => ({ key, id, at }));
          const rights = others.map(({ key, at }, cents): Right => ({ of: key, cents, at }));
          const found = await rowsOf(parallelism, (env) =>
            env
              .fromData(lefts)
              .assignTimestampsAndWatermarks(times)
              .join(env.fromData(rights).assignTimestampsAndWatermarks(times))
              .where((left) => left.key)
              .equalTo((right) => right.of)
              .window(assigner)
              .apply((left, right) => `${left.id}-${right.cents}`),
          );
          const expected = groups(lefts, rights, assigner).flatMap((group) => {
            const [ids, cents] = group.split(" | ").map((side) => (side === "" ? [] : side.split(",")));
            return ids!.flatMap((id) => cents!.map((cent) => `${id}-${cent}`));
          });
          expect([...found].sort()).toEqual(expected.toSorted());
        }),
        { numRuns: 12 },
      );
    },
  );

  test("S10: a flat join makes any number of results of a pair", async () => {
    class Repeat implements FlatJoinFunction<Left, Left, string> {
      flatJoin(first: Left, second: Left, out: Collector<string>): void {
        for (let index = 0; index < first.id; index++) out.collect(`${second.key}${index}`);
      }
    }
    const found = await rowsOf(1, (env) => {
      const all = env
        .fromData<Left>([
          { key: "a", id: 2, at: 0 },
          { key: "b", id: 0, at: 0 },
        ])
        .assignTimestampsAndWatermarks(times);
      return all
        .join(all)
        .where((left) => left.key)
        .equalTo((left) => left.key)
        .window(TumblingEventTimeWindows.of("1 s"))
        .apply(new Repeat());
    });
    expect(found).toEqual(["a0", "a1"]);
  });

  test.each([1, 2])("S10: a restart in the middle loses no pair and repeats none, at parallelism %i", async (p) => {
    const platform = createSimulatedPlatform({ seed: 9 });
    const settings = {
      "execution.checkpointing.interval": "50 ms",
      "restart-strategy.type": "fixed-delay",
      "restart-strategy.fixed-delay.attempts": "3",
      "parallelism.default": String(p),
    };
    const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
    const env = StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
    const rows = new CommittedRows();
    let failures = 0;
    const streams = ["left", "right"].map((name) =>
      env
        .fromSource(
          DataGeneratorSource.of((i) => i, 200, { ratePerSecond: 200 }),
          { boundedOutOfOrderness: 0, timestamp: (n: number) => n * 10 },
          name,
        )
        .map((n) => {
          if (name === "left" && n === 120 && failures++ === 0) throw new Error("once");
          return n;
        }),
    );
    streams[0]!
      .join(streams[1]!)
      .where((n) => n % 5)
      .equalTo((n) => n % 5)
      .window(TumblingEventTimeWindows.of(100))
      .apply((left, right) => [left, right])
      .uid("pairs")
      .sinkTo(rows.sink())
      .uid("rows");
    await platform.run(() => env.execute(), 120_000);
    expect(failures).toBeGreaterThan(1);
    const expected = Array.from({ length: 200 }, (_, n) => n).flatMap((left) => {
      const start = Math.floor(left / 10) * 10;
      return [left % 10, (left + 5) % 10].map((digit) => JSON.stringify([left, start + digit]));
    });
    expect(rows.rows).toEqual(expected.toSorted());
  });
});

test("S10: a function that returns a Promise fails the job", async () => {
  const later = (): unknown => Promise.resolve(1);
  const run = rowsOf(1, (each) => {
    const all = each.fromData<Left>([{ key: "a", id: 1, at: 1 }]).assignTimestampsAndWatermarks(times);
    const windows = all.join(all).where(String).equalTo(String).window(TumblingEventTimeWindows.of(1));
    return windows.apply(later);
  });
  await expect(run).rejects.toThrow(/MR_ASYNC_NOT_ALLOWED.*join/);
});
