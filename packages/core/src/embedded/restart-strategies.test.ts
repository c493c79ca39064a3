import { describe, expect, test } from "vitest";
import { RestartStrategies, type RestartStrategyConfiguration } from "../api/restart-strategies.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { environmentOn, numbers, type Settings } from "../testing/upgrade-jobs.ts";

/** A job that fails with its first record, always: how long it takes to fail for good, and after how many restarts. */
async function failing(
  strategy: RestartStrategyConfiguration | undefined,
  settings: Settings = {},
  limitMs = 3_600_000,
): Promise<{ readonly restarts: number; readonly seconds: number; readonly failure: string | undefined }> {
  const platform = createSimulatedPlatform({ seed: 41 });
  return platform.run(async () => {
    const env = environmentOn(platform, settings);
    if (strategy !== undefined) env.setRestartStrategy(strategy);
    numbers(env)
      .map((): number => {
        throw new Error("always");
      })
      .sinkTo(new CommittedRows().sink());
    const client = await env.executeAsync();
    const startMs = platform.clock.monoMs();
    const cancel = platform.clock.after(limitMs, () => void client.cancel());
    const failure = await client.getJobExecutionResult().then(
      () => undefined,
      (error: unknown) => String(error),
    );
    cancel();
    return {
      restarts: client.getProgress().restarts,
      seconds: Math.floor((platform.clock.monoMs() - startMs) / 1000),
      failure,
    };
  }, 10 * 3_600_000);
}

describe("S52: restart strategies of whole jobs", () => {
  test("fixed delay restarts so many times, each after the delay, and fails with the user's own error", async () => {
    const { restarts, seconds, failure } = await failing(RestartStrategies.fixedDelayRestart(3, "10 s"));
    expect([restarts, seconds]).toEqual([3, 30]);
    expect(failure).toMatch(/MR_USER_FUNCTION_FAILED.*always/s);
  });

  test("failure rate restarts until there are too many failures within the interval", async () => {
    expect(await failing(RestartStrategies.failureRateRestart(3, "1 min", "10 s"))).toMatchObject({
      restarts: 3,
      seconds: 30,
    });
    // Four failures never come within half a minute.
    const slow = await failing(RestartStrategies.failureRateRestart(3, "30 s", "15 s"), {}, 600_000);
    expect(slow.failure).toMatch("MR_JOB_CANCELED");
    expect(slow.restarts).toBeGreaterThan(35);
  });

  test("exponential delay waits longer each time, up to the longest, without end", async () => {
    const settings = { "restart-strategy.exponential-delay.attempts-before-reset-backoff": "6" };
    const strategy = RestartStrategies.exponentialDelayRestart("1 s", "20 s", 2, "1 h", 0);
    expect(await failing(strategy, settings)).toMatchObject({ restarts: 6, seconds: 1 + 2 + 4 + 8 + 16 + 20 });
    expect((await failing(strategy, {}, 600_000)).failure).toMatch("MR_JOB_CANCELED");
  });

  test("none fails with the first failure", async () => {
    expect(await failing(RestartStrategies.noRestart())).toMatchObject({ restarts: 0, seconds: 0 });
  });

  test("the fallback is what the configuration says; with checkpoints and nothing said, exponential delays", async () => {
    const two = { "restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "2" };
    expect(await failing(RestartStrategies.fallBackRestart(), two)).toMatchObject({ restarts: 2, seconds: 2 });
    const unset = await failing(undefined, { "execution.checkpointing.interval": "1 s" }, 60_000);
    expect(unset.failure).toMatch("MR_JOB_CANCELED");
    // 1 + 1.5 + 2.25 + ... up to a minute, each 10 % longer or shorter.
    expect(unset.restarts).toBeGreaterThanOrEqual(8);
    expect(unset.restarts).toBeLessThanOrEqual(10);
  });
});

test("S51: a job without checkpoints is not restarted", async () => {
  expect(await failing(undefined)).toMatchObject({ restarts: 0, seconds: 0 });
});
