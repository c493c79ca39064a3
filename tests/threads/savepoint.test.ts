import { mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Configuration, type JobClient, StreamExecutionEnvironment } from "millrace";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const COUNT = 3000;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-savepoint-"));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** @param rate - Records a second: a slow job cannot be at its end before it is stopped. */
async function start(target: string, rate: number, settings: Readonly<Record<string, string>>): Promise<JobClient> {
  const entries = Object.entries({ "execution.target": target, ...settings });
  const env = await StreamExecutionEnvironment.ofJobModule(
    new URL("./testdata/counted-files-job.ts", import.meta.url),
    {
      configuration: Configuration.fromEntries(entries.map(([key, value]) => ({ key, value }))),
      args: ["--out", directory, "--count", String(COUNT), "--rate", String(rate)],
    },
  );
  return env.executeAsync("counted");
}

/** The committed rows of a sink. */
async function rows<T>(sink: string): Promise<readonly T[]> {
  const names = (await readdir(join(directory, sink))).filter((name) => !name.startsWith("."));
  const texts = await Promise.all(names.map((name) => readFile(join(directory, sink, name), "utf8")));
  return texts
    .flatMap((text) => text.trim().split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}

async function read(client: JobClient, records: number): Promise<void> {
  while (client.getProgress().recordsRead < records) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe.each(["threads", "in-thread"])("F17: the end with a savepoint (%s)", (target) => {
  test("suspend, at another parallelism from a directory that was moved: every record counts once", async () => {
    const client = await start(target, 100, {
      "parallelism.default": "2",
      "execution.checkpointing.interval": "100 ms",
    });
    await read(client, 100);
    await client.triggerSavepoint(join(directory, "savepoints"));
    const path = await client.stopWithSavepoint(false, join(directory, "savepoints"));
    expect(await client.getJobStatus()).toBe("FINISHED");
    expect(client.getProgress().recordsRead).toBeLessThan(COUNT);
    await rename(path, join(directory, "moved"));
    const next = await start(target, 20_000, {
      "parallelism.default": "3",
      "execution.state-recovery.path": join(directory, "moved"),
    });
    await next.getJobExecutionResult();
    const counts = await rows<{ key: number; count: number }>("counts");
    expect(counts).toHaveLength(COUNT);
    expect(new Set(counts.map(({ key, count }) => `${key} ${count}`)).size).toBe(COUNT);
    const windows = await rows<{ from: number; count: number }>("windows");
    expect(windows.toSorted((left, right) => left.from - right.from)).toEqual(
      [0, 1000, 2000].map((from) => ({ from, count: 1000 })),
    );
  }, 180_000);

  test("drain: the window that is open fires, and all of it is committed", async () => {
    const client = await start(target, 100, { "parallelism.default": "2" });
    await read(client, 100);
    await client.stopWithSavepoint(true, join(directory, "savepoints"));
    const { recordsRead } = client.getProgress();
    expect(recordsRead).toBeLessThan(COUNT);
    expect(await rows("counts")).toHaveLength(recordsRead);
    const windows = await rows<{ count: number }>("windows");
    expect(windows.reduce((sum, { count }) => sum + count, 0)).toBe(recordsRead);
  }, 180_000);
});
