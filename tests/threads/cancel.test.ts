import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Configuration, type JobClient, StreamExecutionEnvironment } from "millrace";
import { afterAll, beforeAll, expect, test } from "vitest";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-cancel-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

async function start(close: string, settings: Readonly<Record<string, string>> = {}): Promise<JobClient> {
  const configuration = Configuration.fromEntries(
    Object.entries({ "parallelism.default": "2", ...settings }).map(([key, value]) => ({ key, value })),
  );
  const env = await StreamExecutionEnvironment.ofJobModule(new URL("./testdata/closing-job.ts", import.meta.url), {
    configuration,
    args: ["--close", close, "--file", join(directory, close)],
  });
  return env.executeAsync(close);
}

async function running(client: JobClient): Promise<JobClient> {
  while (client.getProgress().recordsRead === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  return client;
}

/** Threads of this process, as far as Node tells: each has a port. */
function portCount(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
}

test("a job whose functions fail to close is cancelled all the same, and its threads end", async () => {
  const before = portCount();
  const client = await running(await start("throws"));
  await client.cancel();
  expect(await client.getJobStatus()).toBe("CANCELED");
  await expect(client.getJobExecutionResult()).rejects.toThrow("MR_JOB_CANCELED");
  expect(portCount()).toBe(before);
});

test("whoever cancels a job a second time waits for the first: sinks are closed, not cut off", async () => {
  const client = await running(await start("late"));
  const first = client.cancel();
  await client.cancel();
  expect([0, 1].map((subtask) => existsSync(join(directory, `late.${subtask}`)))).toEqual([true, true]);
  await first;
});

test("a thread in which something never closes is ended after task.cancellation.timeout", async () => {
  const before = portCount();
  const client = await running(await start("never", { "task.cancellation.timeout": "500 ms" }));
  await client.cancel();
  expect(await client.getJobStatus()).toBe("CANCELED");
  await expect(client.getJobExecutionResult()).rejects.toThrow("MR_JOB_CANCELED");
  expect(portCount()).toBe(before);
});

test("a job that is cancelled while it reads a checkpoint leaves no thread behind", async () => {
  const checkpoints = {
    "execution.checkpointing.dir": join(directory, "checkpoints"),
    "execution.checkpointing.interval": "50 ms",
  };
  const path = await (await running(await start("well", checkpoints))).stop();
  const before = portCount();
  for (const delayMs of [undefined, 0, 1, 2, 5, 20, 100, 400]) {
    const client = await start("well", { ...checkpoints, "execution.state-recovery.path": path! });
    if (delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, delayMs));
    await client.cancel();
    await expect(client.getJobExecutionResult()).rejects.toThrow("MR_JOB_CANCELED");
    expect(await client.getJobStatus()).toBe("CANCELED");
    // What was on its way when the job ended has come to its end, too.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(portCount(), `cancelled after ${delayMs} ms`).toBe(before);
  }
});
