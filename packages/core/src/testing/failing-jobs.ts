/** Jobs that fail, and jobs that are stopped and go on, in a simulation: what tests of state in whole jobs run. */
import type { DataStream } from "../api/data-stream.ts";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "./committed-rows.ts";

const restarting = {
  "execution.checkpointing.interval": "100 ms",
  "execution.checkpointing.dir": "/checkpoints",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "1000",
  "restart-strategy.fixed-delay.delay": "1 s",
};
/** How many numbers there are. */
export const RECORDS = 200;

function environment(
  platform: SimulatedPlatform,
  parallelism: number,
  settings: Readonly<Record<string, string>> = {},
): StreamExecutionEnvironment {
  const all = { ...restarting, "parallelism.default": String(parallelism), ...settings };
  const entries = Object.entries(all).map(([key, value]) => ({ key, value }));
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
}

/** The numbers from 0 on, 200 a second, which are also their times. */
export function numbers(env: StreamExecutionEnvironment, count: number = RECORDS): DataStream<number> {
  const times = { boundedOutOfOrderness: 0, timestamp: (n: number) => n } as const;
  return env.fromSource(
    DataGeneratorSource.of((i) => i, count, { ratePerSecond: 200 }),
    times,
    "numbers",
  );
}

/** Runs a job whose map before the functions under test fails twice, and returns the rows it committed. */
export async function rowsOfFailingJob(
  parallelism: number,
  build: (env: StreamExecutionEnvironment, fails: (n: number) => number, rows: CommittedRows) => void,
): Promise<readonly unknown[]> {
  const platform = createSimulatedPlatform({ seed: 21 });
  const rows = new CommittedRows();
  const failed = new Set<number>();
  const fails = (n: number): number => {
    if ((n === 70 || n === 140) && !failed.has(n)) {
      failed.add(n);
      throw new Error(`once, at ${n}`);
    }
    return n;
  };
  const env = environment(platform, parallelism);
  build(env, fails, rows);
  await platform.run(() => env.execute(), 600_000);
  if (failed.size !== 2) throw new Error(`the job failed at ${[...failed].join(", ")}, and not at 70 and 140`);
  return rows.rows.map((row) => JSON.parse(row) as unknown);
}

/** Runs the job for half a second, stops it, restores it at another parallelism and lets it end. */
export async function rowsOfStoppedJob(
  [before, after]: readonly [number, number],
  build: (env: StreamExecutionEnvironment, rows: CommittedRows) => void,
  pauseMs = 0,
): Promise<readonly unknown[]> {
  const platform = createSimulatedPlatform({ seed: 22 });
  const rows = new CommittedRows();
  await platform.run(async () => {
    const env = environment(platform, before);
    build(env, rows);
    const client = await env.executeAsync();
    const pause = (ms: number): Promise<void> => new Promise((resolve) => platform.clock.after(ms, () => resolve()));
    await pause(500);
    const path = await client.stop();
    await pause(pauseMs);
    const resumed = environment(platform, after, { "execution.state-recovery.path": path! });
    build(resumed, rows);
    await resumed.execute();
  }, 7_200_000);
  return rows.rows.map((row) => JSON.parse(row) as unknown);
}

/** Any order, as long as it is the same for all. */
export const byText = (left: unknown, right: unknown): number =>
  JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;
export const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** What counting gives: each number's key, and how many numbers of the key there have been. */
export function counted(count: number, keys: number): [number, number][] {
  return range(count).map((n) => [n % keys, Math.floor(n / keys) + 1]);
}
