import { describe, expect, test } from "vitest";
import type { JobClient } from "../api/job-client.ts";
import type { JobExecutionResult } from "../api/job-execution-result.ts";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type { Accumulator } from "../operators/accumulators/accumulator.ts";
import { AverageAccumulator } from "../operators/accumulators/average-accumulator.ts";
import type { DoubleCounter, IntCounter, LongCounter } from "../operators/accumulators/counters.ts";
import { IntMaximum } from "../operators/accumulators/extremes.ts";
import type { HistogramAccumulator } from "../operators/accumulators/histogram-accumulator.ts";
import { ListAccumulator } from "../operators/accumulators/list-accumulator.ts";
import type { MapFunction, RuntimeContext } from "../operators/functions.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";

function environment(
  platform: SimulatedPlatform,
  settings: Readonly<Record<string, string>> = {},
): StreamExecutionEnvironment {
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
}

const at = (parallelism: number): Record<string, string> => ({ "parallelism.default": String(parallelism) });

/** Counts what passes, in every way there is. */
class Counting implements MapFunction<number, number> {
  private readonly failAt: ReadonlySet<number>;
  private ints!: IntCounter;
  private longs!: LongCounter;
  private doubles!: DoubleCounter;
  private lastDigits!: HistogramAccumulator;
  private readonly largest = new IntMaximum();
  private readonly sevens = new ListAccumulator<number>();
  private average: Accumulator<number, number> | undefined;
  private attempt = 0;

  constructor(failAt: ReadonlySet<number> = new Set()) {
    this.failAt = failAt;
  }

  open(context: RuntimeContext): void {
    this.attempt = context.attemptNumber;
    this.ints = context.getIntCounter("ints");
    this.longs = context.getLongCounter("longs");
    this.doubles = context.getDoubleCounter("doubles");
    this.lastDigits = context.getHistogram("last digits");
    context.addAccumulator("largest", this.largest);
    context.addAccumulator("sevens", this.sevens);
    context.addAccumulator("average", new AverageAccumulator());
    this.average = context.getAccumulator<number, number>("average");
  }

  map(n: number): number {
    this.ints.add(1);
    this.longs.add(n);
    this.doubles.add(n / 2);
    this.lastDigits.add(n % 10);
    this.largest.add(n);
    this.average!.add(n);
    if (n % 7 === 0) this.sevens.add(n);
    if (this.attempt === 0 && this.failAt.has(n)) throw new Error(`failed at ${n}`);
    return n;
  }

  close(): void {
    this.ints.add(1000);
  }
}

function expectAll(result: JobExecutionResult, count: number, parallelism: number): void {
  const all = Array.from({ length: count }, (_, index) => index + 1);
  const total = all.reduce((sum, n) => sum + n, 0);
  expect(result.getAccumulatorResult<number>("ints")).toBe(count + 1000 * parallelism);
  expect(result.getAccumulatorResult<number>("longs")).toBe(total);
  expect(result.getAccumulatorResult<number>("doubles")).toBe(total / 2);
  expect(result.getAccumulatorResult<number>("largest")).toBe(count);
  expect(result.getAccumulatorResult<number>("average")).toBe(total / count);
  expect(result.getAccumulatorResult<number[]>("sevens")!.toSorted((a, b) => a - b)).toEqual(
    all.filter((n) => n % 7 === 0),
  );
  const lastDigits = result.getAccumulatorResult<Map<number, number>>("last digits")!;
  expect([...lastDigits]).toEqual(Array.from({ length: 10 }, (_, digit) => [digit, count / 10]));
  expect([...result.getAllAccumulatorResults().keys()].sort()).toEqual(
    ["average", "doubles", "ints", "largest", "last digits", "longs", "sevens"].sort(),
  );
}

describe("F31: accumulators of a job", () => {
  test.each([1, 3])("are merged over its subtasks, with what close() adds, at parallelism %i", async (parallelism) => {
    const platform = createSimulatedPlatform({ seed: 21 });
    const env = environment(platform, at(parallelism));
    env.fromSequence(1, 200).map(new Counting()).sinkTo(new CommittedRows().sink());
    expectAll(await platform.run(() => env.execute(), 3_600_000), 200, parallelism);
  });

  test.each([1, 3])(
    "begin afresh with a restart: the result is the last attempt's, at parallelism %i",
    async (parallelism) => {
      const platform = createSimulatedPlatform({ seed: 22 });
      const env = environment(platform, {
        ...at(parallelism),
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "3",
      });
      // Without checkpoints the second attempt reads everything again.
      env
        .fromSequence(1, 200)
        .map(new Counting(new Set([150])))
        .sinkTo(new CommittedRows().sink());
      const result = await platform.run(() => env.execute(), 3_600_000);
      expect(result.restartCount).toBe(1);
      expectAll(result, 200, parallelism);
    },
  );

  test("after a restart from a checkpoint count what the last attempt has seen", async () => {
    const platform = createSimulatedPlatform({ seed: 23 });
    const env = environment(platform, {
      "execution.checkpointing.interval": "100 ms",
      "restart-strategy.type": "fixed-delay",
      "restart-strategy.fixed-delay.attempts": "3",
    });
    const rows = new CommittedRows();
    env
      .fromSource(
        DataGeneratorSource.of((i) => i + 1, 200, { ratePerSecond: 100 }),
        { boundedOutOfOrderness: 0, timestamp: (n) => n },
        "slow",
      )
      .map(new Counting(new Set([150])))
      .sinkTo(rows.sink());
    const result = await platform.run(() => env.execute(), 3_600_000);
    expect(rows.rows).toHaveLength(200);
    const seen = result.getAccumulatorResult<number>("ints")! - 1000;
    expect(seen).toBeGreaterThanOrEqual(200 - 150 + 1);
    expect(seen).toBeLessThan(150);
    expect(result.getAccumulatorResult("largest")).toBe(200);
  });

  test("can be seen while it runs and when it was cancelled", async () => {
    const platform = createSimulatedPlatform({ seed: 24 });
    const env = environment(platform, at(2));
    env
      .fromSource(
        DataGeneratorSource.of((i) => i, 1e9, { ratePerSecond: 100 }),
        { boundedOutOfOrderness: 0, timestamp: (i) => i },
        "endless",
      )
      .map(new Counting())
      .sinkTo(new CommittedRows().sink());
    await platform.run(async () => {
      const client = await env.executeAsync();
      const longs = async (): Promise<number> => ((await client.getAccumulators()).get("ints") ?? 0) as number;
      expect(await longs()).toBe(0);
      await new Promise<void>((resolve) => platform.clock.after(1000, resolve));
      const early = await longs();
      await new Promise<void>((resolve) => platform.clock.after(1000, resolve));
      expect(early).toBeGreaterThan(50);
      expect(await longs()).toBeGreaterThan(early + 50);
      await client.cancel();
      expect(await longs()).toBeGreaterThan(2000);
    }, 60_000);
  });

  test("of one name are one, in whichever operators, unless their classes differ", async () => {
    const counting = (name: string, isLong: boolean): MapFunction<number, number> => ({
      open(context: RuntimeContext): void {
        Object.assign(this, { counter: isLong ? context.getLongCounter(name) : context.getIntCounter(name) });
      },
      map(n: number): number {
        (this as unknown as { counter: IntCounter }).counter.add(1);
        return n;
      },
    });
    const run = (isLong: boolean, isChained: boolean): Promise<JobExecutionResult> => {
      const platform = createSimulatedPlatform({ seed: 25 });
      const env = environment(platform, at(2));
      const first = env.fromSequence(1, 50).map(counting("seen", false));
      const second = (isChained ? first : first.rebalance()).map(counting("seen", isLong));
      second.sinkTo(new CommittedRows().sink());
      return platform.run(() => env.execute(), 3_600_000);
    };
    expect((await run(false, true)).getAccumulatorResult("seen")).toBe(100);
    expect((await run(false, false)).getAccumulatorResult("seen")).toBe(100);
    // In one task it is seen at once; between tasks when they are merged, and the job has finished all the same.
    await expect(run(true, true)).rejects.toThrow("MR_ACCUMULATOR_CONFLICT");
    const result = await run(true, false);
    expect(() => result.getAccumulatorResult("seen")).toThrow(/MR_ACCUMULATOR_CONFLICT.*cannot be merged/s);
    expect(result.getAccumulatorResult("never added")).toBeUndefined();
  });

  test("that are no accumulators, or are there already, fail the function that adds them", async () => {
    const run = (open: (context: RuntimeContext) => void): Promise<unknown> => {
      const platform = createSimulatedPlatform({ seed: 26 });
      const env = environment(platform);
      env
        .fromSequence(1, 3)
        .map({ open, map: (n: number) => n })
        .name("adds")
        .sinkTo(new CommittedRows().sink());
      return platform.run(() => env.execute(), 3_600_000);
    };
    await expect(run((context) => context.addAccumulator("n", {} as never))).rejects.toThrow(
      /MR_ACCUMULATOR_INVALID.*operator adds/s,
    );
    await expect(
      run((context) => {
        context.getIntCounter("n");
        context.addAccumulator("n", new IntMaximum());
      }),
    ).rejects.toThrow(/MR_ACCUMULATOR_EXISTS.*operator adds/s);
  });
});

describe("F31: the job client", () => {
  function endless(platform: SimulatedPlatform, settings: Readonly<Record<string, string>> = {}): Promise<JobClient> {
    const env = environment(platform, settings);
    env
      .fromSource(
        DataGeneratorSource.of((i) => i, 1e9, { ratePerSecond: 100 }),
        { boundedOutOfOrderness: 0, timestamp: (i) => i },
        "endless",
      )
      .sinkTo(new CommittedRows().sink<number>());
    return env.executeAsync("endless");
  }

  test("knows the job's id and status while it runs and when it has ended", async () => {
    const platform = createSimulatedPlatform({ seed: 31 });
    await platform.run(async () => {
      const client = await endless(platform);
      expect(client.getJobId()).toMatch(/^[0-9a-f]{32}$/);
      expect(client.getJobId()).toBe(client.jobId);
      await new Promise<void>((resolve) => platform.clock.after(500, resolve));
      expect(await client.getJobStatus()).toBe("RUNNING");
      await client.cancel();
      expect(await client.getJobStatus()).toBe("CANCELED");
      await expect(client.getJobExecutionResult()).rejects.toThrow("MR_JOB_CANCELED");
      // What has ended stays as it is.
      await client.cancel();
      expect(await client.getJobStatus()).toBe("CANCELED");
    }, 60_000);
  });

  test("takes savepoints and ends the job with one; the result has what was accumulated", async () => {
    const platform = createSimulatedPlatform({ seed: 33 });
    await platform.run(async () => {
      const env = environment(platform, at(2));
      env
        .fromSource(
          DataGeneratorSource.of((i) => i, 1e9, { ratePerSecond: 100 }),
          { boundedOutOfOrderness: 0, timestamp: (i) => i },
          "endless",
        )
        .map(new Counting())
        .sinkTo(new CommittedRows().sink())
        .uid("rows");
      const client = await env.executeAsync();
      await new Promise<void>((resolve) => platform.clock.after(500, resolve));
      const first = await client.triggerSavepoint("/savepoints");
      expect(await client.getJobStatus()).toBe("RUNNING");
      const second = await client.stopWithSavepoint(false, "/savepoints");
      expect(second).not.toBe(first);
      expect(await client.getJobStatus()).toBe("FINISHED");
      const result = await client.getJobExecutionResult();
      expect(result.getAccumulatorResult("ints")).toBe(result.recordsRead + 2000);
      expect(await client.getAccumulators()).toEqual(result.getAllAccumulatorResults());
    }, 60_000);
  });

  test("has the result of the job, as often as it is asked: id, name, net runtime, counts", async () => {
    const platform = createSimulatedPlatform({ seed: 32 });
    await platform.run(async () => {
      const env = environment(platform);
      env
        .fromSource(
          DataGeneratorSource.of((i) => i, 100, { ratePerSecond: 50 }),
          { boundedOutOfOrderness: 0, timestamp: (i) => i },
          "slow",
        )
        .sinkTo(new CommittedRows().sink<number>());
      const client = await env.executeAsync("slow numbers");
      const result = await client.getJobExecutionResult();
      expect(result.getJobId()).toBe(client.getJobId());
      expect([result.jobName, result.recordsRead, result.recordsWritten]).toEqual(["slow numbers", 100, 100]);
      expect(result.getNetRuntime()).toBe(result.netRuntimeMs);
      expect(result.getNetRuntime()).toBeGreaterThanOrEqual(1900);
      expect(result.getAllAccumulatorResults().size).toBe(0);
      expect((await client.getJobExecutionResult()).getNetRuntime()).toBe(result.getNetRuntime());
      expect(await client.getJobStatus()).toBe("FINISHED");
    }, 60_000);
  });
});

describe("F31: executeAndCollect on a whole job", () => {
  /** Collects from an endless job; calls `onRecord` for every record that it reads. */
  function collecting(platform: SimulatedPlatform, onRecord: (n: number) => void): AsyncIterable<number> {
    const env = environment(platform, at(2));
    return env
      .fromSource(
        DataGeneratorSource.of((i) => i, 1e9, { ratePerSecond: 1000 }),
        { boundedOutOfOrderness: 0, timestamp: (i) => i },
        "endless",
      )
      .map((n) => {
        onRecord(n);
        return n;
      })
      .executeAndCollect("collecting");
  }

  test("leaving the loop cancels the job, which reads no further", async () => {
    const platform = createSimulatedPlatform({ seed: 41 });
    await platform.run(async () => {
      let read = 0;
      for await (const n of collecting(platform, () => void read++)) {
        if (n >= 100) break;
      }
      const readBefore = read;
      expect(readBefore).toBeGreaterThan(100);
      await new Promise<void>((resolve) => platform.clock.after(2000, resolve));
      expect(read).toBe(readBefore);
    }, 60_000);
  });

  test("a failure of the job is thrown by the loop, after the records before it", async () => {
    const platform = createSimulatedPlatform({ seed: 42 });
    const seen: number[] = [];
    const loop = async (): Promise<void> => {
      const failing = (n: number): void => {
        if (n === 50) throw new Error(`failed at ${n}`);
      };
      for await (const n of collecting(platform, failing)) seen.push(n);
    };
    await platform.run(() => expect(loop()).rejects.toThrow(/MR_USER_FUNCTION_FAILED.*failed at 50/s), 60_000);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).not.toContain(50);
  });

  test("a limit gives the first records, and cancels a job that has more", async () => {
    const platform = createSimulatedPlatform({ seed: 43 });
    const env = environment(platform);
    const first = await platform.run(() => env.fromSequence(1, 1_000_000).executeAndCollect("first", 3), 60_000);
    expect(first).toEqual([1, 2, 3]);
  });
});
