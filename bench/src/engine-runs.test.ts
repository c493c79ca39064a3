import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { EngineOptions } from "./engine-options.ts";
import { runEngine } from "./engine-runs.ts";
import { differenceFromGolden, GOLDEN_EVENTS } from "./golden/golden-rows.ts";
import type { JobName } from "./job-names.ts";

const RUN: EngineOptions = {
  ...GOLDEN_EVENTS,
  job: "ds-tumbling",
  warm: 0.3,
  parallelism: 1,
  backend: "hashmap",
  target: "in-thread",
  checkpointIntervalMs: 0,
};
const NO_PEER = { peerDir: "", cacheDir: "", heap: "1g", env: {} };

test("an engine's process reports what it measured and writes its rows sorted", async () => {
  const folder = await mkdtemp(join(tmpdir(), "engine-runs-test-"));
  try {
    const rowsFile = join(folder, "rows.txt");
    const report = await runEngine("hand", { ...RUN, rowsFile }, NO_PEER);
    expect(report).toMatchObject({
      query: "ds-tumbling",
      engine: "hand",
      events: 100_000,
      measuredEvents: 70_000,
      p: 1,
      outPlus: 6724,
      outMinus: 0,
      rows: 6724,
    });
    expect(report.processCpuSeconds).toBeGreaterThan(0);
    expect(report.jobCpuSeconds).toBeGreaterThanOrEqual(report.processCpuSeconds);
    const lines = (await readFile(rowsFile, "utf8")).trimEnd().split("\n");
    expect(differenceFromGolden("ds-tumbling", lines)).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a rows file that cannot be written is MR_BENCH_ROWS_UNWRITABLE before anything runs", async () => {
  const run = runEngine("hand", { ...RUN, rowsFile: "/no/such/folder/rows.txt" }, NO_PEER);
  await expect(run).rejects.toMatchObject({ code: "MR_BENCH_ROWS_UNWRITABLE", found: "ENOENT" });
});

test("an engine whose process fails is MR_BENCH_ENGINE_FAILED", async () => {
  // Commander refuses such a job, so only the process itself can find out.
  const run = runEngine("hand", { ...RUN, job: "ds-unknown" as JobName }, NO_PEER);
  await expect(run).rejects.toMatchObject({ code: "MR_BENCH_ENGINE_FAILED", found: "exit code 1" });
});
