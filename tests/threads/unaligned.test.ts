import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Configuration, type JobClient, StreamExecutionEnvironment } from "millrace";
import { decodeMetadata } from "millrace/internal";
import { afterEach, beforeEach, expect, test } from "vitest";

const COUNT = 15_000;
const KEYS = 31;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-unaligned-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** @param pauseMs - Of the task behind the exchange, after every record. */
async function start(parallelism: number, pauseMs: number, path: string | undefined): Promise<JobClient> {
  const settings = {
    "execution.target": "threads",
    "parallelism.default": String(parallelism),
    "execution.checkpointing.interval": "50 ms",
    "execution.checkpointing.unaligned.enabled": "true",
    "taskmanager.network.memory.buffers-per-channel": "1",
    "execution.checkpointing.dir": join(directory, "checkpoints"),
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    ...(path === undefined ? {} : { "execution.state-recovery.path": path }),
  };
  const env = await StreamExecutionEnvironment.ofJobModule(new URL("./testdata/unaligned-job.ts", import.meta.url), {
    configuration: Configuration.fromEntries(Object.entries(settings).map(([key, value]) => ({ key, value }))),
    args: ["--out", join(directory, "counts"), "--count", String(COUNT), "--pause", String(pauseMs)],
  });
  return env.executeAsync("unaligned");
}

/** Ends the job without warning; its newest checkpoint. */
async function cancelBehindCheckpoints(client: JobClient, count: number): Promise<string> {
  while (client.getProgress().checkpoints.completed < count) await new Promise((resolve) => setTimeout(resolve, 5));
  await client.cancel();
  return client.getProgress().checkpoints.lastPath!;
}

async function subtasksWithRecordsInFlight(path: string): Promise<number> {
  const { operators } = decodeMetadata(await readFile(join(path, "_metadata")), path);
  return operators.flatMap(({ subtasks }) => subtasks.filter(({ channels }) => channels !== undefined)).length;
}

async function rows(): Promise<readonly string[]> {
  const out = join(directory, "counts");
  const names = (await readdir(out)).filter((name) => !name.startsWith("."));
  const texts = await Promise.all(names.map((name) => readFile(join(out, name), "utf8")));
  return texts.flatMap((text) => text.trim().split("\n")).filter((line) => line !== "");
}

test("S39, F12: records on their way between threads, from 3 to 2 and from 2 to 3: each counts once", async () => {
  const first = await cancelBehindCheckpoints(await start(3, 0.3, undefined), 2);
  expect(await subtasksWithRecordsInFlight(first)).toBeGreaterThan(1);
  const second = await cancelBehindCheckpoints(await start(2, 0.3, first), 2);
  expect(await subtasksWithRecordsInFlight(second)).toBeGreaterThan(1);
  await (await start(3, 0, second)).getJobExecutionResult();
  const expected = Array.from({ length: COUNT }, (_, n) =>
    JSON.stringify({ key: n % KEYS, count: Math.floor(n / KEYS) + 1 }),
  );
  expect((await rows()).toSorted()).toEqual(expected.toSorted());
}, 180_000);
