import { Configuration, type JobExecutionResult, StreamExecutionEnvironment } from "millrace";
import { describe, expect, test } from "vitest";

async function environment(
  target: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<StreamExecutionEnvironment> {
  const entries = Object.entries({ "parallelism.default": "3", "execution.target": target, ...settings });
  return StreamExecutionEnvironment.ofJobModule(new URL("./testdata/accumulator-job.ts", import.meta.url), {
    configuration: Configuration.fromEntries(entries.map(([key, value]) => ({ key, value }))),
    args,
  });
}

function expectAll(result: JobExecutionResult): void {
  expect(result.getAccumulatorResult<number>("seen")).toBe(100 + 3 * 1000);
  const tens = result.getAccumulatorResult<number[]>("tens")!;
  expect(tens.toSorted((left, right) => left - right)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
  const largest = result.getAccumulatorResult<Map<number, number>>("largest")!;
  expect([...largest.keys()].sort()).toEqual([0, 1, 2]);
  expect(Math.max(...largest.values())).toBe(99);
}

describe.each(["threads", "in-thread"])("F31: accumulators (%s)", (target) => {
  test("are merged over the slots, those of the job's own classes too", async () => {
    const env = await environment(target, []);
    expectAll(await env.execute("accumulates"));
  });

  test("are the last attempt's after a restart", async () => {
    const env = await environment(target, ["--fail-at", "55"], {
      "restart-strategy.type": "fixed-delay",
      "restart-strategy.fixed-delay.attempts": "1",
      "restart-strategy.fixed-delay.delay": "10 ms",
    });
    const result = await env.execute("accumulates");
    expect(result.restartCount).toBe(1);
    expectAll(result);
  });

  test("can be asked for while the job runs, and after it was cancelled", async () => {
    const client = await (await environment(target, ["--forever"])).executeAsync("accumulates");
    const seen = async (): Promise<number> => ((await client.getAccumulators()).get("seen") ?? 0) as number;
    // The test's timeout is the only limit.
    while ((await seen()) < 100) await new Promise((resolve) => setTimeout(resolve, 20));
    await client.cancel();
    expect(await seen()).toBeGreaterThanOrEqual(3100);
  });

  test("are known to the job listener and the client of the job, which name the same job", async () => {
    const env = await environment(target, []);
    const told: (string | undefined)[] = [];
    env.registerJobListener({
      onJobSubmitted: (client) => void told.push(client?.getJobId()),
      onJobExecuted: (result) => void told.push(result?.getJobId(), String(result?.getAccumulatorResult("seen"))),
    });
    const result = await env.execute("accumulates");
    expect(told).toEqual([result.getJobId(), result.getJobId(), "3100"]);
    expect(result.getNetRuntime()).toBeGreaterThan(0);
  });

  test("of one name and two classes fail nothing but their result", async () => {
    const result = await (await environment(target, ["--conflict"])).execute("accumulates");
    expect(() => result.getAccumulatorResult("seen")).toThrow(/MR_ACCUMULATOR_CONFLICT.*IntCounter.*LongCounter/s);
    expect(result.getAccumulatorResult<number[]>("tens")).toHaveLength(10);
  });
});
