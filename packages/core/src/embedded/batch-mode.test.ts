import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import type { RuntimeExecutionMode } from "../config/execution-options.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type {
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
  OnTimerContext,
  RuntimeContext,
} from "../operators/functions.ts";
import { OutputTag } from "../operators/output-tag.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import type { ValueState } from "../state/keyed-state.ts";
import { valueState } from "../state/state-descriptors.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import { SlidingEventTimeWindows } from "../time/sliding-windows.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";

interface Click {
  readonly user: string;
  readonly at: number;
}

type Settings = Readonly<Record<string, string>>;

function environment(
  platform: ReturnType<typeof createSimulatedPlatform>,
  settings: Settings,
): StreamExecutionEnvironment {
  const entries = Object.entries({ "execution.runtime-mode": "BATCH", ...settings }).map(([key, value]) => ({
    key,
    value,
  }));
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
}

/** The rows of one sink, in the order of their commit. */
async function rowsOf(
  build: (env: StreamExecutionEnvironment, rows: CommittedRows) => void,
  settings: Settings = {},
): Promise<readonly unknown[]> {
  const platform = createSimulatedPlatform({ seed: 7 });
  const env = environment(platform, settings);
  const rows = new CommittedRows();
  build(env, rows);
  await platform.run(() => env.execute());
  return rows.inOrder.map((row) => JSON.parse(row) as unknown);
}

const at = (parallelism: number): Settings => ({ "parallelism.default": String(parallelism) });
const sorted = (rows: readonly unknown[]): readonly string[] => rows.map((row) => JSON.stringify(row)).sort();

function clicksOf(env: StreamExecutionEnvironment, clicks: readonly Click[]) {
  return env
    .fromData(clicks)
    .assignTimestampsAndWatermarks({ boundedOutOfOrderness: 0, timestamp: (click) => click.at });
}

const clicks = fc.array(fc.record({ user: fc.constantFrom("c", "a", "b"), at: fc.nat(100) }), { maxLength: 30 });
const count = {
  createAccumulator: () => 0,
  add: (_click: Click, n: number) => n + 1,
  getResult: (n: number) => n,
  merge: (left: number, right: number) => left + right,
};

/** Emits when its key has been idle for 10 ms of event time, and what it saw of watermarks. */
class Gaps implements KeyedProcessFunction<string, Click, string> {
  private last!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.last = context.getState(valueState<number>("last"));
  }

  processElement(click: Click, context: KeyedProcessContext<string>, out: Collector<string>): void {
    if (context.currentWatermark() !== Number.MIN_SAFE_INTEGER) out.collect("a watermark");
    const last = this.last.value();
    if (last !== undefined && last > click.at) out.collect("out of order");
    this.last.update(click.at);
    context.timerService.registerEventTimeTimer(click.at + 10);
  }

  onTimer(timeMs: number, context: OnTimerContext<string>, out: Collector<string>): void {
    out.collect(`${context.currentKey} ${timeMs}`);
    context.timerService.registerEventTimeTimer(timeMs + 1000);
  }
}

describe("S46: BATCH", () => {
  test.each([1, 3])("windows have the results of a stream in which nothing is late, at parallelism %i", async (p) => {
    const assigners = [
      TumblingEventTimeWindows.of(10),
      SlidingEventTimeWindows.of(20, 10),
      EventTimeSessionWindows.withGap(5),
    ];
    await fc.assert(
      fc.asyncProperty(clicks, async (all) => {
        for (const assigner of assigners) {
          const build =
            (given: readonly Click[]) =>
            (env: StreamExecutionEnvironment, rows: CommittedRows): void => {
              clicksOf(env, given)
                .keyBy((click) => click.user)
                .window(assigner as TumblingEventTimeWindows)
                .aggregate(count, (user, window, n) => [user, window.start, window.end, n])
                .uid("counts")
                .sinkTo(rows.sink())
                .uid("rows");
            };
          const inOrder = all.toSorted((left, right) => left.at - right.at);
          const streamed = await rowsOf(build(inOrder), { ...at(p), "execution.runtime-mode": "STREAMING" });
          expect(sorted(await rowsOf(build(all), at(p)))).toEqual(sorted(streamed));
        }
      }),
      { numRuns: 8 },
    );
  });

  test.each([1, 2])(
    "the last result of a rolling sum has its event time, so that windows behind it take it, at parallelism %i",
    async (p) => {
      const given = [
        { user: "b", at: 50 },
        { user: "a", at: 30 },
        { user: "b", at: 20 },
        { user: "a", at: 70 },
      ];
      const rows = await rowsOf((env, target) => {
        clicksOf(env, given)
          .keyBy((click) => click.user)
          .sum("at")
          .uid("sums")
          .keyBy((click) => click.user)
          .window(TumblingEventTimeWindows.of(25))
          .aggregate(count, (user, window, n) => [user, window.start, n])
          .uid("counts")
          .sinkTo(target.sink())
          .uid("rows");
      }, at(p));
      expect(sorted(rows)).toEqual(
        sorted([
          ["a", 50, 1],
          ["b", 50, 1],
        ]),
      );
    },
  );

  test("keys come one after the other in their order, records in the order of their time; timers fire at the end of the key", async () => {
    const given = [
      { user: "b", at: 50 },
      { user: "a", at: 30 },
      { user: "b", at: 20 },
      { user: "a", at: 10 },
    ];
    const rows = await rowsOf((env, target) => {
      clicksOf(env, given)
        .keyBy((click) => click.user)
        .process(new Gaps())
        .uid("gaps")
        .sinkTo(target.sink());
    });
    // What a timer registers at the end of its key is not kept.
    expect(rows).toEqual(["a 20", "a 40", "b 30", "b 60"]);
  });

  test.each([1, 2])("a rolling aggregate emits the last result of each key, at parallelism %i", async (p) => {
    const rows = await rowsOf((env, target) => {
      env
        .fromData([
          { user: "b", n: 1 },
          { user: "a", n: 2 },
          { user: "b", n: 3 },
        ])
        .keyBy((each) => each.user)
        .sum("n")
        .uid("sums")
        .sinkTo(target.sink());
    }, at(p));
    expect(sorted(rows)).toEqual(
      sorted([
        { user: "a", n: 2 },
        { user: "b", n: 4 },
      ]),
    );
  });

  test("both inputs of a keyed operator are sorted together", async () => {
    const rows = await rowsOf((env, target) => {
      const left = clicksOf(env, [
        { user: "b", at: 3 },
        { user: "a", at: 2 },
      ]);
      const right = clicksOf(env, [
        { user: "a", at: 1 },
        { user: "b", at: 4 },
        { user: "a", at: 3 },
      ]);
      left
        .keyBy((click) => click.user)
        .connect(right.keyBy((click) => click.user))
        .process({
          processElement1: (click: Click, _context: unknown, out: Collector<string>) =>
            out.collect(`left ${click.user} ${click.at}`),
          processElement2: (click: Click, _context: unknown, out: Collector<string>) =>
            out.collect(`right ${click.user} ${click.at}`),
        })
        .uid("both")
        .sinkTo(target.sink());
    });
    expect(rows).toEqual(["right a 1", "left a 2", "right a 3", "left b 3", "right b 4"]);
  });

  test("an interval join has all pairs, and nothing is late", async () => {
    const late = new OutputTag<Click>("late");
    const rows = await rowsOf((env, target) => {
      const left = clicksOf(env, [
        { user: "a", at: 100 },
        { user: "a", at: 5 },
      ]);
      const right = clicksOf(env, [
        { user: "a", at: 105 },
        { user: "a", at: 7 },
      ]);
      const joined = left
        .keyBy((click) => click.user)
        .intervalJoin(right.keyBy((click) => click.user))
        .between(0, 10)
        .sideOutputLeftLateData(late)
        .process({
          processElement: (one: Click, other: Click, _context: unknown, out: Collector<readonly number[]>) =>
            out.collect([one.at, other.at]),
        })
        .uid("joined");
      joined.sinkTo(target.sink());
      joined.getSideOutput(late).sinkTo(target.sink());
    });
    expect(sorted(rows)).toEqual(
      sorted([
        [5, 7],
        [100, 105],
      ]),
    );
  });

  test("no checkpoint is taken, and a restart begins again: each result is committed once", async () => {
    class FailsOnce {
      private attempt = 0;
      open(context: RuntimeContext): void {
        this.attempt = context.attemptNumber;
      }
      map(n: number): number {
        if (n === 900 && this.attempt === 0) throw new Error("once");
        return n;
      }
    }
    const platform = createSimulatedPlatform({ seed: 7 });
    const env = environment(platform, {
      "execution.checkpointing.interval": "10 ms",
      "restart-strategy.type": "fixed-delay",
    });
    const rows = new CommittedRows();
    env
      .fromSequence(1, 1000)
      .map(new FailsOnce())
      .keyBy((n) => n % 2)
      .reduce((sum, n) => sum + n)
      .uid("sums")
      .sinkTo(rows.sink())
      .uid("rows");
    const result = await platform.run(() => env.execute());
    expect(result).toMatchObject({ restartCount: 1, checkpointsCompleted: 0 });
    expect(rows.inOrder.map(Number)).toEqual([250_500, 250_000]);
  });

  test("AUTOMATIC is BATCH when all sources are bounded, and STREAMING otherwise", async () => {
    const modes: RuntimeExecutionMode[] = ["AUTOMATIC", "STREAMING", "BATCH"];
    const sums = await Promise.all(
      modes.map((mode) =>
        rowsOf((env, rows) => {
          env.setRuntimeMode(mode);
          env
            .fromData([1, 2, 3])
            .keyBy(() => 0)
            .reduce((sum, n) => sum + n)
            .uid("sums")
            .sinkTo(rows.sink());
        }),
      ),
    );
    expect(sums).toEqual([[6], [1, 3, 6], [6]]);
  });

  test("a source without an end is refused, before anything has started", async () => {
    const source = DataGeneratorSource.of((i) => i, 10);
    Object.defineProperty(source, "boundedness", { value: "continuous-unbounded" });
    const build = (env: StreamExecutionEnvironment, rows: CommittedRows): void => {
      env.fromSource(source, { boundedOutOfOrderness: 0, timestamp: (i) => i }, "numbers").sinkTo(rows.sink());
    };
    await expect(rowsOf(build)).rejects.toThrow(/MR_BATCH_UNBOUNDED.*Source: numbers/);
    expect(await rowsOf(build, { "execution.runtime-mode": "AUTOMATIC" })).toHaveLength(10);
  });

  test("an iteration is refused, and makes AUTOMATIC a stream", async () => {
    const build = (env: StreamExecutionEnvironment, rows: CommittedRows): void => {
      const loop = env.fromData([3]).iterate("1 s");
      const less = loop.map((n) => n - 1);
      loop.closeWith(less.filter((n) => n > 0));
      less.sinkTo(rows.sink());
    };
    await expect(rowsOf(build)).rejects.toThrow(/MR_BATCH_ITERATION/);
    expect(await rowsOf(build, { "execution.runtime-mode": "AUTOMATIC" })).toEqual([2, 1, 0]);
  });

  test("it starts from no checkpoint and cannot be stopped with one", async () => {
    const platform = createSimulatedPlatform({ seed: 7 });
    const env = environment(platform, {});
    env.fromSequence(1, 1_000_000).sinkTo(new CommittedRows().sink());
    const stopped = platform.run(async () => {
      const client = await env.executeAsync();
      try {
        await client.stop();
      } finally {
        await client.cancel();
      }
    });
    await expect(stopped).rejects.toThrow(/MR_BATCH_NO_CHECKPOINTS/);
  });
});
