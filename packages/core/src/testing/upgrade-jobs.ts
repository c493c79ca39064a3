/** Jobs that are stopped with a savepoint and go on as other jobs, in a simulation: what tests of restores run. */
import type { DataStream } from "../api/data-stream.ts";
import type { JobClient } from "../api/job-client.ts";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "./committed-rows.ts";

/** How many numbers there are, and how many keys. */
export const RECORDS = 200;
export const KEYS = 4;

export type Settings = Readonly<Record<string, string>>;
export type BuildJob = (env: StreamExecutionEnvironment, rows: CommittedRows) => void;

export const checkpointed: Settings = {
  "execution.checkpointing.interval": "100 ms",
  "execution.checkpointing.dir": "/checkpoints",
  "restart-strategy.type": "none",
};
export const at = (parallelism: number): Settings => ({ "parallelism.default": String(parallelism) });
export const from = (path: string): Settings => ({ "execution.state-recovery.path": path });

export function environmentOn(platform: SimulatedPlatform, settings: Settings): StreamExecutionEnvironment {
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
}

/** The numbers from 0 on, 200 a second, which are also their times in hundredths of a second. */
export function numbers(env: StreamExecutionEnvironment, name: string = "numbers"): DataStream<number> {
  return env.fromSource(
    DataGeneratorSource.of((i) => i, RECORDS, { ratePerSecond: 200 }),
    { boundedOutOfOrderness: 0, timestamp: (n) => n * 10 },
    name,
  );
}

/** The running count of each key, as rows `label key count`. Kept under the uid, or under a generated one. */
export function counted(stream: DataStream<number>, label: string, uid: string | undefined): DataStream<string> {
  const counts = stream
    .map((n) => ({ key: n % KEYS, count: 1 }))
    .keyBy((value) => value.key)
    .reduce((left, right) => ({ key: left.key, count: left.count + right.count }));
  if (uid !== undefined) counts.uid(uid);
  return counts.map(({ key, count }) => `${label} ${key} ${count}`);
}

/** The rows of {@link counted} when each of the numbers from `first` on counts once. */
export function countRows(label: string, first: number = 0): readonly string[] {
  return Array.from({ length: KEYS }, (_, key) => {
    const count = Array.from({ length: RECORDS - first }, (_, index) => first + index).filter(
      (n) => n % KEYS === key,
    ).length;
    return Array.from({ length: count }, (_, index) => JSON.stringify(`${label} ${key} ${index + 1}`));
  })
    .flat()
    .sort();
}

export const after = (platform: SimulatedPlatform, ms: number): Promise<void> =>
  new Promise((resolve) => void platform.clock.after(ms, resolve));

/** Starts a job and lets it read about half of the numbers. */
export async function halfway(
  platform: SimulatedPlatform,
  settings: Settings,
  build: (env: StreamExecutionEnvironment) => void,
): Promise<JobClient> {
  const env = environmentOn(platform, settings);
  build(env);
  const client = await env.executeAsync("upgraded");
  await after(platform, 500);
  return client;
}

/** Runs `first` to a savepoint, then `second` from there to its end; returns the rows of both. */
export async function rowsOfUpgrade(
  first: BuildJob,
  second: BuildJob,
  settings: { readonly first?: Settings; readonly second?: Settings } = {},
): Promise<readonly string[]> {
  const platform = createSimulatedPlatform({ seed: 21 });
  const rows = new CommittedRows();
  await platform.run(async () => {
    const client = await halfway(platform, { ...checkpointed, ...settings.first }, (env) => first(env, rows));
    const path = await client.stopWithSavepoint(false, "/savepoints");
    const env = environmentOn(platform, { ...checkpointed, ...settings.second, ...from(path) });
    second(env, rows);
    await env.execute("upgraded");
  }, 600_000);
  return rows.rows;
}
