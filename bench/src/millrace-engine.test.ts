import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { differenceFromGolden, GOLDEN_EVENTS } from "./golden/golden-rows.ts";
import { JOB_NAMES } from "./job-names.ts";
import { runLatency, runMillrace } from "./millrace-engine.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-engine-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

// Running sums show the order of arrival, which only parallelism 1 fixes.
const inThread = JOB_NAMES.flatMap((job) =>
  (job === "ds-keyed-sum" ? [1] : [1, 2, 3]).flatMap((parallelism) =>
    [0, 10].map((checkpointIntervalMs) => ({ job, parallelism, checkpointIntervalMs, target: "in-thread" as const })),
  ),
);
const threads = (["ds-tumbling", "ds-interval-join"] as const).map((job) => ({
  job,
  parallelism: 2,
  checkpointIntervalMs: 10,
  target: "threads" as const,
}));

test.each([...inThread, ...threads])(
  "the rows of $job are Flink's at parallelism $parallelism, $target, checkpoints every $checkpointIntervalMs ms",
  async (run) => {
    const rowsFile = join(folder, `${run.job}-${run.target}-${run.parallelism}-${run.checkpointIntervalMs}.txt`);
    const report = await runMillrace({ ...GOLDEN_EVENTS, ...run, warm: 0.3, backend: "hashmap", rowsFile });
    // A job with checkpoints ends with one, however short it is.
    expect(report.checkpoints! > 0).toBe(run.checkpointIntervalMs > 0);
    expect(report.measuredEvents).toBe(70_000);
    const lines = (await readFile(rowsFile, "utf8")).trimEnd().split("\n");
    expect(report.outPlus).toBe(lines.length);
    expect(differenceFromGolden(run.job, lines)).toBeUndefined();
  },
);

test.each([
  { target: "in-thread" as const, parallelism: 1 },
  { target: "threads" as const, parallelism: 2 },
])("latencies are measured for every bid after the warm share, $target, parallelism $parallelism", async (run) => {
  const options = { ...GOLDEN_EVENTS, ...run, job: "ds-keyed-sum" as const, events: 10_000, warm: 0.5 };
  const report = await runLatency({ ...options, backend: "hashmap", checkpointIntervalMs: 50 }, 50_000);
  // 46 of 50 events are bids; half of them are measured.
  expect(report).toMatchObject({ ...{ p: run.parallelism }, ratePerSecond: 50_000, rows: 4600 });
  expect(report.checkpoints).toBeGreaterThan(0);
  expect(report.p50Ms).toBeGreaterThan(0);
  expect(report.p99Ms).toBeGreaterThanOrEqual(report.p50Ms);
  expect(report.maxMs).toBeGreaterThanOrEqual(report.p999Ms);
});
