/** Iterations as users write them. */
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import { buildJobGraph } from "../graph/build-job-graph.ts";
import { renderPlan } from "../graph/explain.ts";
import type {
  Collector,
  KeyedCoProcessFunction,
  KeyedProcessContext,
  ProcessContext,
  RuntimeContext,
} from "../operators/functions.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { ValueState } from "../state/keyed-state.ts";
import { valueState } from "../state/state-descriptors.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { MAX_WATERMARK } from "../time/timestamps.ts";
import { t } from "../types/declared-types.ts";
import type { ConnectedIterativeStreams } from "./connected-streams.ts";
import type { DataStream, IterativeStream } from "./data-stream.ts";

function environment(
  platform: SimulatedPlatform,
  settings: Readonly<Record<string, string>> = {},
): StreamExecutionEnvironment {
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
}

async function rowsOf(
  parallelism: number,
  build: (env: StreamExecutionEnvironment, rows: CommittedRows) => void,
  settings: Readonly<Record<string, string>> = {},
): Promise<readonly unknown[]> {
  const platform = createSimulatedPlatform({ seed: 12 });
  const env = environment(platform, settings).setParallelism(parallelism);
  const rows = new CommittedRows();
  build(env, rows);
  await platform.run(() => env.execute(), 3_600_000);
  return rows.rows.map((row) => JSON.parse(row) as unknown);
}

/** How often a number goes through the loop until it is 1, as in Collatz's conjecture. */
function steps(n: number): number {
  let count = 0;
  for (let left = n; left !== 1; count++) left = left % 2 === 0 ? left / 2 : 3 * left + 1;
  return count;
}

interface Walk {
  readonly from: number;
  readonly now: number;
  readonly count: number;
}

function collatz(start: DataStream<Walk>, maxWait?: "1 s"): DataStream<Walk> {
  const loop = start.iterate(maxWait);
  const moved = loop
    .filter(({ now }) => now !== 1)
    .rebalance()
    .map(({ from, now, count }) => ({ from, now: now % 2 === 0 ? now / 2 : 3 * now + 1, count: count + 1 }));
  loop.closeWith(moved);
  return loop.filter(({ now }) => now === 1);
}

/** Emits a number less one, half a second later. */
class Later {
  processElement(value: number, context: KeyedProcessContext<number>): void {
    context.timerService.registerProcessingTimeTimer(context.currentProcessingTime() + 500 + value);
  }

  onTimer(_timeMs: number, context: { readonly currentKey: number }, out: Collector<number>): void {
    out.collect(context.currentKey - 1);
  }
}

interface Turn {
  readonly of: number;
  readonly left: number;
}

interface Counted {
  readonly turns: number;
  readonly timestamp: number;
}

/** Counts the turns of a key, which begin with three left. */
class Turns implements KeyedCoProcessFunction<number, number, Turn, Turn & Counted> {
  private turns!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.turns = context.getState(valueState("turns", t.int32));
  }

  processElement1(n: number, context: KeyedProcessContext<number>, out: Collector<Turn & Counted>): void {
    this.turn({ of: n, left: 3 }, context, out);
  }

  processElement2(last: Turn, context: KeyedProcessContext<number>, out: Collector<Turn & Counted>): void {
    this.turn({ of: last.of, left: last.left - 1 }, context, out);
  }

  private turn(turn: Turn, { timestamp }: KeyedProcessContext<number>, out: Collector<Turn & Counted>): void {
    const turns = (this.turns.value() ?? 0) + 1;
    this.turns.update(turns);
    out.collect({ ...turn, turns, timestamp });
  }
}

describe("S13: iterate", () => {
  test.each([1, 2, 3])(
    "S13: every record goes around until it leaves the loop, then the job ends, at parallelism %i",
    async (p) => {
      for (const maxWait of [undefined, "1 s"] as const) {
        await fc.assert(
          fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 20 }), async (numbers) => {
            const rows = await rowsOf(p, (env, target) => {
              const walks = env.fromData(numbers.map((n): Walk => ({ from: n, now: n, count: 0 })));
              collatz(
                walks.rebalance().map((walk) => walk),
                maxWait,
              )
                .map(({ from, count }) => [from, count])
                .sinkTo(target.sink());
            });
            const expected = numbers.map((n) => JSON.stringify([n, steps(n)])).toSorted();
            expect(rows.map((row) => JSON.stringify(row)).toSorted()).toEqual(expected);
          }),
          { numRuns: 8 },
        );
      }
    },
  );

  test.each([1, 2])("S13: state in the loop is keyed as anywhere, at parallelism %i", async (p) => {
    const rows = await rowsOf(p, (env, target) => {
      const loop = env
        .fromSequence(1, 20)
        .map((n) => ({ key: n % 4, left: 3 }))
        .iterate();
      const counted = loop
        .keyBy(({ key }) => key)
        .reduce((sum, next) => ({ key: sum.key, left: next.left }))
        .process({
          processElement: (value: { key: number; left: number }, _: ProcessContext, out: Collector<typeof value>) =>
            out.collect({ key: value.key, left: value.left - 1 }),
        });
      loop.closeWith(counted.filter(({ left }) => left > 0));
      counted.map(({ key }) => key).sinkTo(target.sink());
    });
    expect(rows).toHaveLength(60);
  });

  test("S13: thousands of records in a loop neither block it nor overflow it", async () => {
    const rows = await rowsOf(2, (env, target) => {
      const loop = env
        .fromSequence(1, 20_000)
        .map((n) => ({ n, left: 5 }))
        .iterate();
      const next = loop.rebalance().map(({ n, left }) => ({ n, left: left - 1 }));
      loop.closeWith(next.filter(({ left }) => left > 0));
      next
        .filter(({ left }) => left === 0)
        .map(({ n }) => n)
        .sinkTo(target.sink());
    });
    expect(rows).toHaveLength(20_000);
    expect(new Set(rows).size).toBe(20_000);
  });

  test("S13: several streams can be fed back", async () => {
    const rows = await rowsOf(1, (env, target) => {
      const loop = env.fromData(7).iterate();
      const lowered = loop.map((n) => n - 1);
      expect(loop.closeWith(lowered.filter((n) => n > 0 && n % 2 === 0))).toBeDefined();
      loop.closeWith(lowered.filter((n) => n > 0 && n % 2 === 1));
      lowered.sinkTo(target.sink());
    });
    expect(rows).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test("S13: the watermark in a loop is that of its input, and the end of input comes when the loop is empty", async () => {
    const rows = await rowsOf(1, (env, target) => {
      const loop = env
        .fromData<[number, number]>([
          [50, 3],
          [90, 0],
        ])
        .assignTimestampsAndWatermarks({ boundedOutOfOrderness: 0, timestamp: ([at]) => at })
        .iterate();
      const seen = loop.process({
        processElement: (
          [at, left]: [number, number],
          context: ProcessContext,
          out: Collector<[number, number, boolean]>,
        ) => out.collect([context.timestamp, left, context.currentWatermark() < MAX_WATERMARK && at > 0]),
      });
      loop.closeWith(seen.filter(([, left]) => left > 0).map(([at, left]): [number, number] => [at, left - 1]));
      seen.sinkTo(target.sink());
    });
    expect(rows).toEqual([
      [50, 0, true],
      [50, 1, true],
      [50, 2, true],
      [50, 3, true],
      [90, 0, true],
    ]);
  });

  test("S13: with a wait time the loop waits that long for feedback of timers, without one it does not", async () => {
    for (const [maxWait, expected] of [
      ["2 s", [0, 1, 2]],
      ["200 ms", []],
    ] as const) {
      const rows = await rowsOf(1, (env, target) => {
        const loop = env.fromData(3).iterate(maxWait);
        const later = loop
          .keyBy((n) => n)
          .process<number>(new Later())
          .uid("later");
        loop.closeWith(later.filter((n) => n > 0));
        later.sinkTo(target.sink());
      });
      expect(rows).toEqual(expected);
    }
  });

  test.each([1, 2, 3])(
    "S13: feedback of a type of its own comes to the second input of an operator, at parallelism %i",
    async (p) => {
      for (const maxWait of [undefined, "1 s"] as const) {
        await fc.assert(
          fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 20 }), async (numbers) => {
            const rows = await rowsOf(p, (env, target) => {
              const loop = env
                .fromData(numbers)
                .rebalance()
                .map((n) => n)
                .iterate(maxWait)
                .withFeedbackType<string>();
              const texts = loop.map({ map1: (n) => `${n}${"x".repeat(n)}`, map2: (text) => text.slice(0, -1) });
              loop.closeWith(texts.filter((text) => text.endsWith("x")).rebalance());
              texts.sinkTo(target.sink());
            });
            const expected = numbers.flatMap((n) =>
              Array.from({ length: n + 1 }, (_, left) => `${n}${"x".repeat(left)}`),
            );
            expect([...rows].sort()).toEqual(expected.toSorted());
          }),
          { numRuns: 8 },
        );
      }
    },
  );

  test.each([1, 2])("S13: both inputs of such a loop may be keyed and share state, at parallelism %i", async (p) => {
    const rows = await rowsOf(p, (env, target) => {
      const loop = env
        .fromSequence(1, 12)
        .assignTimestampsAndWatermarks({ boundedOutOfOrderness: "1 s", timestamp: (n) => n })
        .iterate()
        .withFeedbackType(t.object({ of: t.int32, left: t.int32 }));
      const turns = loop
        .keyBy(
          (n) => n,
          ({ of }) => of,
        )
        .process(new Turns())
        .uid("turns");
      loop.closeWith(turns.filter(({ left }) => left > 0).map(({ of, left }) => ({ of, left })));
      turns.filter(({ left }) => left === 0).sinkTo(target.sink());
    });
    const at = (n: number) => ({ of: n, left: 0, turns: 4, timestamp: n });
    expect([...rows].map((row) => JSON.stringify(row)).sort()).toEqual(
      Array.from({ length: 12 }, (_, index) => JSON.stringify(at(index + 1))).sort(),
    );
  });

  test("S13: a loop has one type of feedback", () => {
    const numbers = StreamExecutionEnvironment.getExecutionEnvironment().fromData([1]);
    const refused = expect.objectContaining({ code: "MR_ARGUMENT_INVALID" });
    const plain = numbers.iterate();
    plain.closeWith(plain.map((n) => n - 1));
    expect(() => plain.withFeedbackType<string>()).toThrow(refused);
    const typed = numbers.iterate();
    const loop = typed.withFeedbackType<string>();
    expectTypeOf(loop).toEqualTypeOf<ConnectedIterativeStreams<number, string>>();
    expect(() => typed.withFeedbackType<string>()).toThrow(refused);
    expect(() => typed.closeWith(typed.map((n) => n - 1))).toThrow(refused);
    expect(() => numbers.iterate().withFeedbackType("string" as never)).toThrow(refused);
    const texts = loop.map({ map1: String, map2: (text) => text });
    expect(() => loop.closeWith(numbers.map(String))).toThrow(refused);
    // @ts-expect-error the feedback has another type
    loop.closeWith(texts.map((text) => text.length));
    expect(loop.closeWith(texts)).toBe(texts);
  });

  test("S13: what is fed back to a second input must be closed too", async () => {
    const env = environment(createSimulatedPlatform({ seed: 2 }));
    const loop = env.fromData(1).iterate().withFeedbackType<string>();
    loop.map({ map1: String, map2: (text) => text }).print();
    await expect(env.execute()).rejects.toMatchObject({ code: "MR_ITERATION_NOT_CLOSED" });
  });

  test("S13: a loop of a job that is cancelled ends with it", async () => {
    const platform = createSimulatedPlatform({ seed: 2 });
    const env = environment(platform);
    const loop = env.fromData(1).iterate("1 h");
    loop.closeWith(
      loop
        .keyBy((n) => n)
        .process<number>(new Later())
        .map((n) => n + 1),
    );
    await platform.run(async () => {
      const client = await env.executeAsync();
      await new Promise<void>((resolve) => platform.clock.after(500, resolve));
      expect(await client.getJobStatus()).toBe("RUNNING");
      await client.cancel();
      expect(await client.getJobStatus()).toBe("CANCELED");
    }, 60_000);
  });
});

describe("S13: checkpoints", () => {
  function walking(env: StreamExecutionEnvironment, rows: CommittedRows, fails: () => boolean): void {
    const source = DataGeneratorSource.of((i) => i + 1, 100, { ratePerSecond: 200 });
    const numbers = env.fromSource(source, { boundedOutOfOrderness: 0, timestamp: (n) => n }, "numbers");
    const walks = numbers.map((n): Walk => {
      if (n === 70 && fails()) throw new Error("once");
      return { from: n, now: n, count: 0 };
    });
    collatz(walks)
      .map(({ from }) => from)
      .sinkTo(rows.sink())
      .uid("rows");
  }

  test("S13: a job with an iteration that takes checkpoints is refused unless that is forced", async () => {
    const platform = createSimulatedPlatform({ seed: 3 });
    const env = environment(platform).enableCheckpointing("50 ms");
    walking(env, new CommittedRows(), () => false);
    await expect(platform.run(() => env.execute())).rejects.toThrow(
      /MR_ITERATION_CHECKPOINTS.*iteration\.test\.ts.*true/,
    );
    const forced = environment(platform).enableCheckpointing("50 ms", "EXACTLY_ONCE", true);
    expect(forced.getCheckpointConfig().isForceCheckpointing()).toBe(true);
    const rows = new CommittedRows();
    walking(forced, rows, () => false);
    const result = await platform.run(() => forced.execute(), 60_000);
    expect(result.checkpointsCompleted).toBeGreaterThan(2);
    expect(rows.rows).toHaveLength(100);
  });

  test.each([1, 2])(
    "S13: a restart from a forced checkpoint goes on, and repeats nothing, at parallelism %i",
    async (p) => {
      const platform = createSimulatedPlatform({ seed: 3 });
      const settings = {
        "parallelism.default": String(p),
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "3",
      };
      const env = environment(platform, settings).enableCheckpointing("50 ms", "EXACTLY_ONCE", true);
      const rows = new CommittedRows();
      let failures = 0;
      walking(env, rows, () => failures++ === 0);
      await platform.run(() => env.execute(), 60_000);
      expect(failures).toBe(2);
      const found = rows.rows.map(Number);
      expect(new Set(found).size).toBe(found.length);
      expect(found.length).toBeGreaterThan(90);
    },
  );
});

const env = StreamExecutionEnvironment.getExecutionEnvironment();
/** What a program without type checks passes. */
const untyped = (value: unknown): never => value as never;

test("S13: the types of loops are inferred, and what is fed back has the loop's type", () => {
  const loop = env.fromData(1).iterate("1 s");
  expectTypeOf(loop).toEqualTypeOf<IterativeStream<number>>();
  expectTypeOf(loop.closeWith(loop.map((n) => n + 1))).toEqualTypeOf<DataStream<number>>();
  // @ts-expect-error the loop has numbers
  expect(() => loop.closeWith(loop.map(String))).not.toThrow();
});

test("S13: both ends have the parallelism and the plan of one loop", () => {
  const own = StreamExecutionEnvironment.getExecutionEnvironment().setParallelism(4);
  const loop = own.fromSequence(1, 2).setParallelism(2).iterate("3 s");
  loop.closeWith(loop.map((n) => n));
  const options = {
    name: "loop",
    parallelism: 4,
    maxParallelism: undefined,
    isChainingEnabled: true,
    copiesRecords: false,
    autoGenerateUids: true,
  };
  const vertices = (): readonly (readonly [string, number])[] =>
    buildJobGraph(own.getTransformations(), options).vertices.map(({ name, parallelism }) => [name, parallelism]);
  expect(vertices()).toEqual([
    ["Source: Sequence Source -> Iteration", 2],
    ["Map", 4],
    ["Iteration Feedback", 2],
  ]);
  loop.setParallelism(4);
  expect(vertices()).toEqual([
    ["Source: Sequence Source", 2],
    ["Iteration -> Map -> Iteration Feedback", 4],
  ]);
  const plan = renderPlan(buildJobGraph(own.getTransformations(), options));
  expect(plan).toContain('operator="iterate"  maxWaitMs=3000');
  expect(plan).toContain('operator="feedback"  to="Iteration"');
});

const other = env.fromData(1);
const refused: readonly (readonly [what: string, build: () => unknown, code: string, message: string])[] = [
  ["a wait time of nothing", () => other.iterate(0), "MR_ARGUMENT_INVALID", "above 0"],
  ["a wait time that is none", () => other.iterate(untyped("soon")), "MR_DURATION_INVALID", "soon"],
  ["feedback from elsewhere", () => other.iterate().closeWith(other), "MR_ARGUMENT_INVALID", "come from the loop"],
  ["feedback that is none", () => other.iterate().closeWith(untyped(7)), "MR_ARGUMENT_INVALID", "a stream"],
];

test.each(refused)("S13: %s is refused while the pipeline is built", (_what, build, code, message) => {
  expect(build).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
});

test("S13: a loop that is not closed, or whose end could not be found, is refused before the job starts", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  const open = environment(platform);
  open.fromData(1).iterate().print();
  await expect(platform.run(() => open.execute())).rejects.toThrow(
    /MR_ITERATION_NOT_CLOSED.*iteration\.test\.ts.*closeWith/,
  );
  const timed = environment(platform);
  const loop = timed.fromData(1).iterate();
  loop.closeWith(loop.assignTimestampsAndWatermarks({ boundedOutOfOrderness: 0, timestamp: (n) => n }));
  await expect(platform.run(() => timed.execute())).rejects.toThrow(/MR_ITERATION_ENDLESS.*Timestamps.*wait time/);
});

describe("S13: an iteration in another one", () => {
  interface Turns {
    readonly inner: number;
    readonly outer: number;
  }

  function nested(env: StreamExecutionEnvironment, outerWait?: "1 s", innerWait?: "1 s"): DataStream<Turns> {
    const outer = env
      .fromSequence(1, 20)
      .map((): Turns => ({ inner: 0, outer: 0 }))
      .iterate(outerWait);
    const inner = outer.iterate(innerWait);
    const turned = inner.map((turns) => ({ ...turns, inner: turns.inner + 1 }));
    inner.closeWith(turned.filter((turns) => turns.inner < 3));
    const through = turned
      .filter((turns) => turns.inner >= 3)
      .map((turns): Turns => ({ inner: 0, outer: turns.outer + 1 }));
    outer.closeWith(through.filter((turns) => turns.outer < 4));
    return through.filter((turns) => turns.outer >= 4);
  }

  test.each([
    [undefined, undefined],
    ["1 s", undefined],
    [undefined, "1 s"],
  ] as const)("S13: is refused without a wait time for both (%s, %s)", async (outerWait, innerWait) => {
    const platform = createSimulatedPlatform({ seed: 3 });
    const env = environment(platform);
    nested(env, outerWait, innerWait).sinkTo(new CommittedRows().sink());
    await expect(platform.run(() => env.execute())).rejects.toThrow(
      /MR_ITERATION_ENDLESS.*iteration\.test\.ts.*wait time/,
    );
  });

  test.each([1, 2])("S13: lets all records out when both have one, at parallelism %i", async (p) => {
    const rows = await rowsOf(p, (env, target) => void nested(env, "1 s", "1 s").sinkTo(target.sink()));
    expect(rows).toHaveLength(20);
  });

  test("S13: two iterations one after the other need none", async () => {
    const rows = await rowsOf(2, (env, target) => {
      const first = collatz(env.fromSequence(1, 9).map((n): Walk => ({ from: n, now: n, count: 0 })));
      collatz(first.map(({ from, count }): Walk => ({ from, now: from, count })))
        .map(({ from, count }) => [from, count])
        .sinkTo(target.sink());
    });
    const wanted = Array.from({ length: 9 }, (_, index) => [index + 1, 2 * steps(index + 1)]);
    expect(rows.map((row) => JSON.stringify(row)).sort()).toEqual(wanted.map((row) => JSON.stringify(row)).sort());
  });
});
