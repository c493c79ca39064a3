import { describe, expect, test } from "vitest";
import type { JobClient } from "../api/job-client.ts";
import { MillraceError } from "../base/errors.ts";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type { Sink } from "../connectors/sink.ts";
import type {
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
  MapFunction,
  OnTimerContext,
  ProcessContext,
  RuntimeContext,
} from "../operators/functions.ts";
import { OutputTag } from "../operators/output-tag.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { ValueState } from "../state/keyed-state.ts";
import { valueState } from "../state/state-descriptors.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";

function environment(
  platform: SimulatedPlatform,
  settings: Readonly<Record<string, string>> = {},
): StreamExecutionEnvironment {
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
}

/** Runs what `build` makes and returns the rows it wrote, at the parallelism. */
async function rowsOf(
  build: (env: StreamExecutionEnvironment, rows: CommittedRows) => void,
  settings: Readonly<Record<string, string>> = {},
): Promise<readonly unknown[]> {
  const platform = createSimulatedPlatform({ seed: 11 });
  const env = environment(platform, settings);
  const rows = new CommittedRows();
  build(env, rows);
  await platform.run(() => env.execute(), 3_600_000);
  return rows.rows.map((row) => JSON.parse(row) as unknown);
}

const at = (parallelism: number): Record<string, string> => ({ "parallelism.default": String(parallelism) });
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const sorted = (values: readonly unknown[]): readonly number[] => (values as number[]).toSorted((a, b) => a - b);

describe("graphs", () => {
  test.each([1, 2, 3])("S09: a stream united with itself has every record twice, at parallelism %i", async (p) => {
    const rows = await rowsOf((env, target) => {
      const stream = env.fromSequence(1, 50).map((n) => n);
      stream.union(stream).sinkTo(target.sink());
    }, at(p));
    expect(sorted(rows)).toEqual(sorted([...numbers(50), ...numbers(50)]));
  });

  test.each([1, 2])("S12: a stream connected with itself reaches both sides, at parallelism %i", async (p) => {
    const rows = await rowsOf((env, target) => {
      const stream = env.fromSequence(1, 20);
      stream
        .connect(stream)
        .map({ map1: (n: number) => n, map2: (n: number) => -n })
        .sinkTo(target.sink());
    }, at(p));
    expect(sorted(rows)).toEqual(sorted(numbers(20).flatMap((n) => [n, -n])));
  });

  test.each([1, 3])(
    "S02, F01: one stream feeds many consumers, side outputs feed their own, at parallelism %i",
    async (p) => {
      const odd = new OutputTag<number>("odd");
      const big = new OutputTag<number>("big");
      const rows = await rowsOf((env, target) => {
        const split = env.fromSequence(1, 30).process({
          processElement: (n: number, context: ProcessContext, out: Collector<number>) => {
            if (n % 2 === 1) context.output(odd, n);
            else out.collect(n);
          },
        });
        split.map((n) => `even ${n}`).sinkTo(target.sink());
        split
          .filter((n) => n > 28)
          .map((n) => `last ${n}`)
          .sinkTo(target.sink());
        const odds = split.getSideOutput(odd).process({
          processElement: (n: number, context: ProcessContext) => {
            if (n > 25) context.output(big, n);
          },
        });
        odds
          .getSideOutput(big)
          .map((n) => `big ${n}`)
          .sinkTo(target.sink());
      }, at(p));
      const evens = numbers(30).filter((n) => n % 2 === 0);
      expect([...rows].sort()).toEqual([...evens.map((n) => `even ${n}`), "last 30", "big 27", "big 29"].sort());
    },
  );

  test("S15: every partitioning delivers every record: once, or once to each subtask", async () => {
    for (const kind of ["rebalance", "shuffle", "rescale", "global", "broadcast"] as const) {
      const rows = await rowsOf((env, target) => {
        const spread = env.fromSequence(1, 40).setParallelism(2)[kind]();
        spread
          .map((n) => n)
          .setParallelism(4)
          .sinkTo(target.sink());
      }, at(1));
      const copies = kind === "broadcast" ? 4 : 1;
      expect(sorted(rows), kind).toEqual(sorted(numbers(40).flatMap((n) => Array.from({ length: copies }, () => n))));
    }
  });

  test("S09, S19: a union of a slow and a fast source waits for the slow one's event time", async () => {
    const rows = await rowsOf((env, target) => {
      const times = { boundedOutOfOrderness: 0, timestamp: (n: number) => n * 100 } as const;
      const fast = env.fromSource(
        DataGeneratorSource.of((i) => i, 100),
        times,
        "fast",
      );
      const slow = env.fromSource(
        DataGeneratorSource.of((i) => i, 100, { ratePerSecond: 200 }),
        times,
        "slow",
      );
      fast
        .union(slow)
        .keyBy(() => "all")
        .window(TumblingEventTimeWindows.of("1 s"))
        .aggregate({ createAccumulator: () => 0, add: (_n, count) => count + 1, getResult: (count) => count })
        .uid("counts")
        .sinkTo(target.sink());
    });
    expect(rows).toEqual(Array.from({ length: 10 }, () => 20));
  });

  test.each([1, 3])(
    "S18: timestamps assigned in the middle of a pipeline drive its windows, at parallelism %i",
    async (p) => {
      const rows = await rowsOf((env, target) => {
        env
          .fromSequence(0, 99)
          .map((n) => ({ n }))
          .assignTimestampsAndWatermarks({ boundedOutOfOrderness: "10 s", timestamp: (value) => value.n * 100 })
          .keyBy((value) => value.n % 2)
          .window(TumblingEventTimeWindows.of("1 s"))
          .aggregate(
            { createAccumulator: () => 0, add: (_value, count) => count + 1, getResult: (count) => count },
            (key, window, count) => [key, window.start, count],
          )
          .uid("counts")
          .sinkTo(target.sink());
      }, at(p));
      expect(rows.length).toBe(20);
      expect(rows.every((row) => (row as number[])[2] === 5)).toBe(true);
    },
  );
});

/** Emits the count of a key two seconds of wall time after its first record. */
class Reminder implements KeyedProcessFunction<number, number, [number, number]> {
  private count!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.count = context.getState(valueState<number>("count"));
  }

  processElement(_value: number, context: KeyedProcessContext<number>): void {
    const count = this.count.value();
    if (count === undefined) {
      context.timerService.registerProcessingTimeTimer(context.currentProcessingTime() + 2000);
    }
    this.count.update((count ?? 0) + 1);
  }

  onTimer(_timeMs: number, context: OnTimerContext<number>, out: Collector<[number, number]>): void {
    out.collect([context.currentKey, this.count.value()!]);
    this.count.clear();
  }
}

describe("processing time", () => {
  test("S18, S28: processing-time timers fire by the wall clock while the source waits, and survive a stop and a restore", async () => {
    const platform = createSimulatedPlatform({ seed: 3 });
    const rows = new CommittedRows();
    const settings = { "execution.checkpointing.interval": "1 h", "execution.checkpointing.dir": "/checkpoints" };
    const build = (env: StreamExecutionEnvironment): void => {
      env
        .fromSource(
          DataGeneratorSource.of((i) => i, 50, { ratePerSecond: 10 }),
          { boundedOutOfOrderness: 0, timestamp: (i) => i },
          "slow",
        )
        .keyBy(() => 1)
        .process(new Reminder())
        .uid("reminder")
        .sinkTo(rows.sink())
        .uid("rows");
    };
    const path = await platform.run(async () => {
      const env = environment(platform, settings);
      build(env);
      const client = await env.executeAsync();
      await new Promise<void>((resolve) => platform.clock.after(1500, resolve));
      return client.stop();
    });
    expect(rows.rows).toEqual([]);
    await platform.run(async () => {
      const env = environment(platform, { ...settings, "execution.state-recovery.path": path! });
      build(env);
      await env.execute();
    }, 60_000);
    const counts = rows.rows.map((row) => (JSON.parse(row) as number[])[1]!);
    expect(counts.length).toBeGreaterThanOrEqual(2);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(50);
    expect(counts[0]).toBeGreaterThan(10);
  });
});

describe("ends at awkward moments", () => {
  const restarting = {
    "execution.checkpointing.interval": "100 ms",
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "1000",
    "restart-strategy.fixed-delay.delay": "1 s",
  };

  function endless(
    env: StreamExecutionEnvironment,
    rows: CommittedRows,
    map: ((n: number) => number) | MapFunction<number, number>,
  ): void {
    env
      .fromSource(
        DataGeneratorSource.of((i) => i, 1e9, { ratePerSecond: 100 }),
        { boundedOutOfOrderness: 0, timestamp: (i) => i },
        "endless",
      )
      .map(map)
      .sinkTo(rows.sink());
  }

  test("a job that is cancelled while it waits to restart ends at once and stays ended", async () => {
    const platform = createSimulatedPlatform({ seed: 5 });
    const env = environment(platform, restarting);
    endless(env, new CommittedRows(), () => {
      throw new Error("always");
    });
    await platform.run(async () => {
      const client = await env.executeAsync();
      while ((await client.getJobStatus()) !== "RESTARTING")
        await new Promise<void>((resolve) => platform.clock.after(20, resolve));
      await client.cancel();
      expect(await client.getJobStatus()).toBe("CANCELED");
      await new Promise<void>((resolve) => platform.clock.after(5000, resolve));
      expect(await client.getJobStatus()).toBe("CANCELED");
    }, 60_000);
  });

  test("a job that is stopped while it waits to restart ends after the restart, with a checkpoint", async () => {
    const platform = createSimulatedPlatform({ seed: 6 });
    const env = environment(platform, { ...restarting, "execution.checkpointing.dir": "/checkpoints" });
    let failures = 0;
    endless(env, new CommittedRows(), (n) => {
      if (n === 50 && failures++ === 0) throw new Error("once");
      return n;
    });
    await platform.run(async () => {
      const client = await env.executeAsync();
      while ((await client.getJobStatus()) !== "RESTARTING")
        await new Promise<void>((resolve) => platform.clock.after(20, resolve));
      expect(await client.stop()).toMatch(/chk-\d+$/);
      expect(await client.getJobStatus()).toBe("FINISHED");
    }, 60_000);
  });

  test("a job whose restarts all fail ends when it is stopped, and keeps its newest checkpoint", async () => {
    const platform = createSimulatedPlatform({ seed: 16 });
    const env = environment(platform, {
      "execution.checkpointing.interval": "100 ms",
      "execution.checkpointing.dir": "/checkpoints",
    });
    const map = (n: number): number => {
      if (n === 50) throw new Error("at 50");
      return n;
    };
    const open = ({ attemptNumber }: RuntimeContext): void => {
      if (attemptNumber > 0) throw new Error("never again");
    };
    endless(env, new CommittedRows(), { map, open });
    await platform.run(async () => {
      const client = await env.executeAsync();
      while (client.getProgress().restarts < 3) await new Promise<void>((resolve) => platform.clock.after(20, resolve));
      expect(await client.stop()).toMatch(/chk-\d+$/);
      expect(await client.getJobStatus()).toBe("FAILED");
      expect(client.getProgress().restarts).toBeLessThan(6);
      await expect(client.getJobExecutionResult()).rejects.toThrow("never again");
      expect(await platform.fs.list("/checkpoints")).toHaveLength(1);
    }, 60_000);
  });

  test("output that is lost ends the job at once: no restart can find it again", async () => {
    const platform = createSimulatedPlatform({ seed: 17 });
    const env = environment(platform, { "execution.checkpointing.interval": "100 ms" });
    endless(env, new CommittedRows(), (n) => {
      if (n === 50) throw new MillraceError("MR_SINK_DATA_LOST", { what: "A part is gone", todo: "Put it back" });
      return n;
    });
    await platform.run(async () => {
      const client = await env.executeAsync();
      await expect(client.getJobExecutionResult()).rejects.toThrow("MR_SINK_DATA_LOST");
      expect(client.getProgress().restarts).toBe(0);
    }, 60_000);
  });

  /** A job that is running, of a map with the given `close`. */
  async function running(
    platform: SimulatedPlatform,
    close: () => void | Promise<void>,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<JobClient> {
    const env = environment(platform, settings);
    env
      .fromSource(
        DataGeneratorSource.of((i) => i, 1e9, { ratePerSecond: 100 }),
        { boundedOutOfOrderness: 0, timestamp: (i) => i },
        "endless",
      )
      .sinkTo(new CommittedRows().sink<number>())
      .uid("rows");
    env
      .fromSource(
        DataGeneratorSource.of((i) => i, 1e9, { ratePerSecond: 100 }),
        { boundedOutOfOrderness: 0, timestamp: (i) => i },
        "other",
      )
      .sinkTo(closingSink(close));
    const client = await env.executeAsync();
    await new Promise<void>((resolve) => platform.clock.after(500, resolve));
    return client;
  }

  function closingSink(close: () => void | Promise<void>): Sink<number, never, never> {
    return {
      description: { kind: "closing", options: {} },
      createWriter: () => ({
        write: () => {},
        isAvailable: () => true,
        whenAvailable: async () => {},
        prepareCommit: () => [],
        flush: async () => {},
        close: async () => close(),
      }),
    };
  }

  test("M5: a job whose functions fail to close is cancelled all the same", async () => {
    const platform = createSimulatedPlatform({ seed: 12 });
    await platform.run(async () => {
      const client = await running(platform, () => {
        throw new Error("close fails");
      });
      await client.cancel();
      expect(await client.getJobStatus()).toBe("CANCELED");
      await expect(client.getJobExecutionResult()).rejects.toThrow("MR_JOB_CANCELED");
    }, 60_000);
  });

  test("M5: whoever cancels a job a second time waits for the first", async () => {
    const platform = createSimulatedPlatform({ seed: 13 });
    await platform.run(async () => {
      let isClosed = false;
      const client = await running(platform, async () => {
        await new Promise<void>((resolve) => platform.clock.after(1000, resolve));
        isClosed = true;
      });
      const first = client.cancel();
      await client.cancel();
      expect(isClosed).toBe(true);
      await first;
    }, 60_000);
  });

  test("what never closes is left behind after task.cancellation.timeout, with a warning that names the task", async () => {
    const platform = createSimulatedPlatform({ seed: 14 });
    await platform.run(async () => {
      const client = await running(platform, () => new Promise<void>(() => {}), { "task.cancellation.timeout": "7 s" });
      const startMs = platform.clock.monoMs();
      await client.cancel();
      expect(platform.clock.monoMs() - startMs).toBeGreaterThanOrEqual(7000);
      expect(await client.getJobStatus()).toBe("CANCELED");
    }, 60_000);
    expect(platform.proc.errorOutput()).toMatch(/MR_CLOSE_TIMEOUT.*Source: other -> Sink: closing \(1\/1\)/s);
  });

  test("a function that throws nothing at all fails the job by name", async () => {
    const platform = createSimulatedPlatform({ seed: 15 });
    const env = environment(platform);
    env
      .fromSequence(1, 3)
      .map((n) => {
        // biome-ignore lint/style/useThrowOnlyError: that is what this is about
        if (n === 2) throw undefined;
        return n;
      })
      .print();
    await expect(platform.run(() => env.execute())).rejects.toThrow(/MR_USER_FUNCTION_FAILED.*undefined was thrown/);
  });

  test("S26: a function whose open fails ends the job as the strategy says, with the cause", async () => {
    const platform = createSimulatedPlatform({ seed: 7 });
    const env = environment(platform);
    env
      .fromSequence(1, 3)
      .map({
        open: () => {
          throw new Error("no database");
        },
        map: (n: number) => n,
      })
      .print();
    await expect(platform.run(() => env.execute())).rejects.toThrow(/MR_USER_FUNCTION_FAILED.*no database/);
  });

  test.each([1, 2])(
    "F10: an input that had ended before the checkpoint holds no window back after a restart or a restore, at parallelism %i",
    async (p) => {
      for (const way of ["restart", "stop and restore"] as const) {
        const platform = createSimulatedPlatform({ seed: 8 });
        const settings = { ...restarting, ...at(p), "execution.checkpointing.dir": "/checkpoints" };
        const rows = new CommittedRows();
        let failures = 0;
        const build = (env: StreamExecutionEnvironment): void => {
          const times = { boundedOutOfOrderness: 0, timestamp: (n: number) => n * 100 } as const;
          const short = env.fromSource(
            DataGeneratorSource.of((i) => i, 30),
            times,
            "short",
          );
          const long = env
            .fromSource(
              DataGeneratorSource.of((i) => i, 200, { ratePerSecond: 100 }),
              times,
              "long",
            )
            .map((n: number) => {
              if (way === "restart" && n === 120 && failures++ === 0) throw new Error("once");
              return n;
            });
          short
            .union(long)
            .keyBy(() => "all")
            .window(TumblingEventTimeWindows.of("1 s"))
            .aggregate({ createAccumulator: () => 0, add: (_n, count) => count + 1, getResult: (count) => count })
            .uid("counts")
            .sinkTo(rows.sink())
            .uid("rows");
        };
        await platform.run(async () => {
          const env = environment(platform, settings);
          build(env);
          if (way === "restart") return void (await env.execute());
          const client = await env.executeAsync();
          await new Promise<void>((resolve) => platform.clock.after(1000, resolve));
          const path = await client.stop();
          const resumed = environment(platform, { ...settings, "execution.state-recovery.path": path! });
          build(resumed);
          await resumed.execute();
        }, 120_000);
        const counts = [20, 20, 20, ...Array.from({ length: 17 }, () => 10)];
        expect(sorted(rows.rows.map((row) => JSON.parse(row) as unknown)), way).toEqual(sorted(counts));
        expect(failures, way).toBe(way === "restart" ? 2 : 0);
      }
    },
  );

  test("an empty source finishes with nothing, with and without checkpoints", async () => {
    expect(await rowsOf((env, target) => void env.fromData<number>([]).sinkTo(target.sink()))).toEqual([]);
    const settings = { "execution.checkpointing.interval": "50 ms", ...at(3) };
    expect(
      await rowsOf(
        (env, target) =>
          void env
            .fromSequence(1, 0)
            .map((n) => n)
            .sinkTo(target.sink()),
        settings,
      ),
    ).toEqual([]);
  });
});

describe("keys", () => {
  test.each([1, 2])("S04: 0 and -0 are one key, texts and numbers are different ones, at parallelism %i", async (p) => {
    const rows = await rowsOf((env, target) => {
      env
        .fromData<{ k: string | number }>([{ k: 0 }, { k: -0 }, { k: "0" }, { k: 1 }, { k: "1" }, { k: 1 }])
        .keyBy((value) => value.k)
        .map((value) => ({ k: value.k, n: 1 }))
        .keyBy((value) => value.k)
        .reduce((left, right) => ({ k: left.k, n: left.n + right.n }))
        .uid("counts")
        .map((value) => `${typeof value.k} ${value.k} ${value.n}`)
        .sinkTo(target.sink());
    }, at(p));
    expect([...rows].sort()).toEqual([
      "number 0 1",
      "number 0 2",
      "number 1 1",
      "number 1 2",
      "string 0 1",
      "string 1 1",
    ]);
  });

  test.each([
    [Number.NaN, 1],
    [Number.NaN, 2],
    [undefined, 1],
    [null, 2],
  ])("S04: %s is no key, at parallelism %i", async (key, p) => {
    const run = rowsOf((env, target) => {
      env
        .fromData([1])
        .keyBy(() => key as unknown as number)
        .reduce((left) => left)
        .uid("never")
        .sinkTo(target.sink());
    }, at(p));
    await expect(run).rejects.toThrow("MR_KEY_INVALID");
  });
});
