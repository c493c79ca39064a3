import type { JobProgress, TaskProgress } from "millrace";
import { expect, test } from "vitest";
import { accumulatorLines, failedLines, progressLine, resultLines, startedLine, stoppedLines } from "./progress.ts";

const progress: JobProgress = {
  status: "RUNNING",
  recordsRead: 1_234_567,
  recordsWritten: 10,
  watermarkMs: Date.UTC(2001, 0, 2, 3, 4, 5),
  checkpoints: { completed: 3, failed: 0, lastId: 3, lastPath: "/c/chk-3", lastCompletedMs: 100_000 },
  restarts: 0,
  tasks: [],
};

test("the line shows records, rate, event time and the last checkpoint", () => {
  expect(progressLine({ progress, recordsPerSecond: 98_765.4, wallMs: 101_500 }, 200)).toBe(
    "RUNNING  1,234,567 records  98,765/s  watermark 2001-01-02 03:04:05  checkpoint 3 1.5 s ago",
  );
});

test("what went wrong is in it too", () => {
  const worse = { ...progress, restarts: 1, checkpoints: { ...progress.checkpoints, failed: 2 } };
  expect(progressLine({ progress: worse, recordsPerSecond: 0, wallMs: 100_000 }, 200)).toMatch(
    /2 checkpoints failed {2}1 restart$/,
  );
});

test("the line never wraps", () => {
  expect(progressLine({ progress, recordsPerSecond: 1, wallMs: 100_000 }, 30)).toHaveLength(29);
});

test("the first line names the job and its id, where it runs, and how to end it", () => {
  expect(startedLine({ name: "flights", jobId: "00ab", parallelism: 4, isInThread: false })).toBe(
    'Job "flights" has started with JobID 00ab, parallelism 4, in threads of this process; Ctrl-C ends it after a last checkpoint.\n',
  );
});

test("the summary names the job, its records and its checkpoints", () => {
  const result = {
    jobName: "flights",
    netRuntimeMs: 2000,
    recordsRead: 3000,
    recordsWritten: 5,
    checkpointsCompleted: 1,
    restartCount: 2,
  };
  expect(resultLines(result)).toBe(
    'Job "flights" FINISHED: 3,000 records read, 5 written in 2.0 s (1,500/s), 1 checkpoint, 2 restarts\n',
  );
});

test("F31: the results of accumulators are a line each; lists are counted, long values are cut", () => {
  expect(accumulatorLines(new Map())).toBe("");
  const results = new Map<string, unknown>([
    ["bad lines", 1234],
    ["lengths", new Map([[1, 2]])],
    ["lines", ["a", "b"]],
    ["long", { text: "x".repeat(1000) }],
  ]);
  const lines = accumulatorLines(results).split("\n");
  expect(lines.slice(0, 4)).toEqual([
    "Accumulator results:",
    "  bad lines: 1,234",
    "  lengths: Map(1) { 1 => 2 }",
    "  lines: 2 elements",
  ]);
  expect(lines[4]).toHaveLength("  long: ".length + 400);
});

test("a failed job whose checkpoint is kept says how to go on", () => {
  expect(failedLines("/c/chk-3", "job.ts")).toContain("millrace run -s /c/chk-3 job.ts");
});

test("a stopped job says how to go on", () => {
  expect(stoppedLines("/c/chk-3", "job.ts")).toContain("millrace run -s /c/chk-3 job.ts");
  expect(stoppedLines(undefined, "job.ts")).toContain("starts afresh");
});

const task = (name: string, busy: number, backPressured: number): TaskProgress => ({
  name,
  parallelism: 1,
  busyMsPerSecond: busy,
  backPressuredMsPerSecond: backPressured,
  backPressure: backPressured <= 100 ? "OK" : backPressured <= 500 ? "LOW" : "HIGH",
  isBackPressured: backPressured > 0,
});

test.each([
  ["a task that holds others up", [task("source", 300, 700), task("window", 990, 0)], "bottleneck window 99 % busy"],
  [
    "the busiest task when nothing is held up",
    [task("source", 950, 0), task("sink", 200, 0)],
    "busiest source 95 % busy",
  ],
])("the line names %s", (_, tasks, text) => {
  expect(progressLine({ progress: { ...progress, tasks }, recordsPerSecond: 0, wallMs: 100_000 }, 300)).toContain(text);
});

test("a job that waits for its input has no bottleneck", () => {
  const tasks = [task("source", 20, 0), task("sink", 10, 0)];
  expect(progressLine({ progress: { ...progress, tasks }, recordsPerSecond: 0, wallMs: 100_000 }, 300)).not.toMatch(
    /bottleneck|busiest/,
  );
});
