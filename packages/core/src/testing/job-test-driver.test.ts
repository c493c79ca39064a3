import { describe, expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import { DiscardingSink } from "../connectors/discarding-sink.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import { NumberSequenceSource } from "../connectors/sequence-source.ts";
import type { Collector, KeyedProcessContext, OnTimerContext } from "../operators/functions.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { JobTestDriver } from "./job-test-driver.ts";

interface Click {
  readonly user: string;
  readonly at: number;
}

/** As a job's module would export it: its source is one that no test could wait for. */
function job(env: StreamExecutionEnvironment): void {
  const clicks = env.fromSource(
    DataGeneratorSource.of((i): Click => ({ user: `user ${i}`, at: i }), Number.MAX_SAFE_INTEGER, { ratePerSecond: 1 }),
    { boundedOutOfOrderness: "1 s", timestamp: (click) => click.at },
    "clicks",
  );
  clicks
    .keyBy((click) => click.user)
    .window(TumblingEventTimeWindows.of("1 min"))
    .aggregate(
      { createAccumulator: () => 0, add: (_click, count) => count + 1, getResult: (count) => count },
      (user, window, count) => `${user} ${window.start} ${count}`,
    )
    .uid("counts")
    .sinkTo(DiscardingSink.of())
    .name("counts");
  clicks
    .keyBy((click) => click.user)
    .process({
      processElement: (_click: Click, context: KeyedProcessContext<string>) =>
        context.timerService.registerProcessingTimeTimer(context.currentProcessingTime() + 30_000),
      onTimer: (timeMs: number, context: OnTimerContext<string>, out: Collector<string>) =>
        out.collect(`${context.currentKey} at ${timeMs}`),
    })
    .uid("reminders")
    .sinkTo(DiscardingSink.of())
    .name("reminders");
}

describe("C03: job test driver", () => {
  test.each([1, 3])(
    "U15: a job's records, time and results are the test's, within each call, at parallelism %i",
    async (p) => {
      const configuration = Configuration.fromEntries([{ key: "parallelism.default", value: String(p) }]);
      const driver = await JobTestDriver.of(job, { configuration });
      const clicks = driver.input<Click>("clicks");
      const counts = driver.output<string>("counts");
      clicks.pipeAll([
        { user: "ada", at: 1_000 },
        { user: "bob", at: 2_000 },
        { user: "ada", at: 59_999 },
      ]);
      expect(counts.isEmpty).toBe(true);
      clicks.pipe({ user: "eve", at: 61_000 });
      expect(counts.readRecords().toSorted((a, b) => (a.value < b.value ? -1 : 1))).toEqual([
        { value: "ada 0 2", timestamp: 59_999 },
        { value: "bob 0 1", timestamp: 59_999 },
      ]);
      const reminders = driver.output<string>("reminders");
      driver.advanceProcessingTime("29 s");
      expect(reminders.readValues()).toEqual([]);
      driver.advanceProcessingTime("1 h");
      expect([...reminders.readValues()].sort()).toEqual(["ada at 30000", "bob at 30000", "eve at 30000"]);
      driver.endAllInputs();
      expect(counts.readValues()).toEqual(["eve 60000 1"]);
      await driver.close();
    },
  );

  test("an error of a function is thrown by the call that fed the record, with its place", async () => {
    const driver = await JobTestDriver.of((env) => {
      env
        .fromData([0])
        .map((n): number => {
          if (n === 2) throw new Error("two");
          return n;
        })
        .sinkTo(DiscardingSink.of());
    });
    const input = driver.input<number>("Collection Source");
    input.pipe(1);
    expect(() => input.pipe(2)).toThrow(/MR_USER_FUNCTION_FAILED.*two/);
    await driver.close();
  });

  test("asynchronous functions are waited for when the test says so", async () => {
    const driver = await JobTestDriver.of((env) => {
      env
        .fromData([0])
        .mapAsync(async (n) => n + 1, { capacity: 2, timeout: "1 s" })
        .sinkTo(DiscardingSink.of())
        .name("out");
    });
    driver.input<number>("Collection Source").pipe(1);
    await driver.settle();
    expect(driver.output("out").readValues()).toEqual([2]);
    await driver.close();
  });

  test("sources that are aligned take what the test pipes, however far one is ahead", async () => {
    const driver = await JobTestDriver.of((env) => {
      const alignment = { group: "both", maxDrift: 10 };
      const strategy = { boundedOutOfOrderness: 0, timestamp: (n: number) => n, alignment };
      const far = env.fromSource(NumberSequenceSource.of(0, 1), strategy, "far");
      far
        .union(env.fromSource(NumberSequenceSource.of(0, 1), strategy, "near"))
        .sinkTo(DiscardingSink.of())
        .name("out");
    });
    driver.input<number>("far").pipeAll([1, 1000, 5000]);
    expect(driver.output("out").readValues()).toEqual([1, 1000, 5000]);
    await driver.close();
  });

  test("misuse says what to do", async () => {
    const driver = await JobTestDriver.of(job);
    expect(() => driver.input("click")).toThrow(/MR_TEST_KIT_MISUSED.*"clicks"/);
    expect(() => driver.output("count")).toThrow(/"counts", "reminders"/);
    driver.input("clicks").end();
    expect(() => driver.input<Click>("clicks").pipe({ user: "a", at: 1 })).toThrow("has ended");
    await driver.close();
    await expect(
      JobTestDriver.of(async (env) => {
        env.fromData([1]).print();
        await env.execute();
      }),
    ).rejects.toThrow(/MR_TEST_KIT_MISUSED/);
    await expect(
      JobTestDriver.of((env) => {
        env.fromData([1]).print();
        env.fromData([1]).print();
      }),
    ).rejects.toThrow(/Two sources have the same name/);
  });
});
