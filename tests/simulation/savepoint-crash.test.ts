/**
 * Savepoints of a job with exactly-once files on a simulated machine: power is cut before and after every durable effect
 * while one is taken, while the job is suspended or drained with one, and while a claimed one is replaced and removed. Whoever
 * goes on does so from what is left, and what is committed in the end is what an undisturbed run commits.
 */
import { FileSink, jsonLines } from "@millrace/connector-files";
import { Configuration, DataGeneratorSource, type JobClient, StreamExecutionEnvironment, t } from "millrace";
import { createSimulatedPlatform, type SimulatedPlatform } from "millrace/internal";
import { describe, expect, test } from "vitest";

const COUNT = 120;
const Total = t.object({ key: t.int32, count: t.int32 });

type Settings = Readonly<Record<string, string>>;

async function start(platform: SimulatedPlatform, settings: Settings): Promise<JobClient> {
  const entries = Object.entries({
    "execution.checkpointing.interval": "40 ms",
    "execution.checkpointing.dir": "/checkpoints",
    "execution.checkpointing.data-inline-threshold": "100 b",
    "restart-strategy.type": "none",
    ...settings,
  });
  const configuration = Configuration.fromEntries(entries.map(([key, value]) => ({ key, value })));
  const env = StreamExecutionEnvironment.on(platform, configuration);
  env
    .fromSource(
      DataGeneratorSource.of((n) => n, COUNT, { ratePerSecond: 1000 }),
      { boundedOutOfOrderness: 0, timestamp: (n) => n },
      "numbers",
    )
    .map((n) => ({ key: n % 3, count: 1 }))
    .keyBy((value) => value.key)
    .reduce((left, right) => ({ key: left.key, count: left.count + right.count }))
    .uid("counts")
    .sinkTo(FileSink.to("/out", jsonLines(Total)))
    .uid("files");
  return env.executeAsync("counted");
}

const after = (platform: SimulatedPlatform, ms: number): Promise<void> =>
  new Promise((resolve) => void platform.clock.after(ms, resolve));

/** Completed snapshots below a directory, with their numbers. */
async function snapshotsIn(platform: SimulatedPlatform, directory: string): Promise<{ id: number; path: string }[]> {
  const { fs } = platform;
  const found: { id: number; path: string }[] = [];
  if ((await fs.stat(directory)) === undefined) return found;
  for (const name of await fs.list(directory)) {
    const path = `${directory}/${name}`;
    if ((await fs.stat(path))?.kind !== "directory") continue;
    if ((await fs.stat(`${path}/_metadata`)) === undefined) found.push(...(await snapshotsIn(platform, path)));
    else found.push({ id: await idOf(platform, path), path });
  }
  return found;
}

async function idOf(platform: SimulatedPlatform, path: string): Promise<number> {
  const file = await platform.fs.open(`${path}/_metadata`, "read");
  const bytes = new Uint8Array(await file.sizeBytes());
  await file.read(bytes, 0);
  await file.close();
  return Number(/"checkpointId":(\d+)/.exec(new TextDecoder().decode(bytes))![1]);
}

/** The rows that are visible, sorted. */
async function committed(platform: SimulatedPlatform): Promise<readonly string[]> {
  const { fs } = platform;
  if ((await fs.stat("/out")) === undefined) return [];
  const lines: string[] = [];
  for (const name of await fs.list("/out")) {
    if (name.startsWith(".")) continue;
    const file = await fs.open(`/out/${name}`, "read");
    const bytes = new Uint8Array(await file.sizeBytes());
    await file.read(bytes, 0);
    await file.close();
    lines.push(...new TextDecoder().decode(bytes).trim().split("\n"));
  }
  return lines.sort();
}

const expected = Array.from({ length: COUNT }, (_, n) =>
  JSON.stringify({ key: n % 3, count: Math.floor(n / 3) + 1 }),
).sort();

/** What is done with the job; nothing is left undone when it settles. */
type Scenario = (platform: SimulatedPlatform) => Promise<void>;

async function runToEnd(platform: SimulatedPlatform, scenario: Scenario): Promise<boolean> {
  let outcome: "done" | undefined;
  let failure: unknown;
  scenario(platform).then(
    () => {
      outcome = "done";
    },
    (error: unknown) => {
      failure = error;
    },
  );
  await platform.scheduler.runUntil(() => outcome !== undefined || failure !== undefined || platform.isDead, 600_000);
  if (failure !== undefined) throw failure;
  return outcome === "done";
}

/** Goes on from the newest snapshot there is, wherever it lies, to the end of the numbers. */
const goOn: Scenario = async (platform) => {
  const all = [...(await snapshotsIn(platform, "/checkpoints")), ...(await snapshotsIn(platform, "/savepoints"))];
  const newest = all.sort((left, right) => left.id - right.id).at(-1);
  const client = await start(platform, newest === undefined ? {} : { "execution.state-recovery.path": newest.path });
  await client.getJobExecutionResult();
};

const scenarios: Readonly<Record<string, Scenario>> = {
  "a savepoint of the running job": async (platform) => {
    const client = await start(platform, {});
    await after(platform, 50);
    await client.triggerSavepoint("/savepoints");
    await client.getJobExecutionResult();
  },
  "suspend and go on": async (platform) => {
    const client = await start(platform, {});
    await after(platform, 50);
    const path = await client.stopWithSavepoint(false, "/savepoints");
    await (await start(platform, { "execution.state-recovery.path": path })).getJobExecutionResult();
  },
  drain: async (platform) => {
    const client = await start(platform, {});
    await after(platform, 50);
    const path = await client.stopWithSavepoint(true, "/savepoints");
    // Without windows nothing is late, so even a drained job may go on.
    await (await start(platform, { "execution.state-recovery.path": path })).getJobExecutionResult();
  },
  "claim a savepoint and replace it": async (platform) => {
    const client = await start(platform, {});
    await after(platform, 40);
    const path = await client.stopWithSavepoint(false, "/savepoints");
    const settings = { "execution.state-recovery.path": path, "execution.state-recovery.claim-mode": "CLAIM" };
    await (await start(platform, settings)).getJobExecutionResult();
  },
};

describe.each(Object.entries(scenarios))("F17: %s", (_name, scenario) => {
  test("a power cut before or after any durable effect loses and doubles nothing", async () => {
    const undisturbed = createSimulatedPlatform({ seed: 51 });
    expect(await runToEnd(undisturbed, scenario)).toBe(true);
    expect(await undisturbed.run(() => committed(undisturbed))).toEqual(expected);
    const effects = undisturbed.storage.effectCount;
    expect(effects).toBeGreaterThan(100);
    let crashes = 0;
    for (let index = 0; index < effects; index++) {
      const phase = index % 2 === 0 ? "before" : "after";
      const platform = createSimulatedPlatform({ seed: 51 });
      platform.storage.onEffect = (effect) =>
        effect.index === index && effect.phase === phase ? { kind: "powerOff" } : undefined;
      if (await runToEnd(platform, scenario)) continue;
      crashes++;
      const restarted = platform.restart();
      restarted.storage.onEffect = undefined;
      expect(await runToEnd(restarted, goOn), `effect ${index}`).toBe(true);
      expect(await restarted.run(() => committed(restarted)), `power cut ${phase} effect ${index}`).toEqual(expected);
    }
    expect(crashes).toBeGreaterThan(effects / 2);
  }, 240_000);
});
