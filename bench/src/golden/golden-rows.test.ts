import { expect, test } from "vitest";
import { handLoopOf } from "../hand/hand-jobs.ts";
import { processEvents } from "../hand-engine.ts";
import { JOB_COLUMNS, JOB_NAMES, type JobName } from "../job-names.ts";
import { NexmarkGenerator } from "../nexmark/generator.ts";
import { LineSink } from "../result-rows.ts";
import { differenceFromDigest, differenceFromGolden, digestRows, GOLDEN_EVENTS } from "./golden-rows.ts";

function handRows(job: JobName): string[] {
  const sink = new LineSink(JOB_COLUMNS[job]);
  const loop = handLoopOf(job, new NexmarkGenerator(GOLDEN_EVENTS), sink);
  processEvents(loop, 0, GOLDEN_EVENTS.events);
  loop.finish();
  return sink.sorted();
}

test.each(JOB_NAMES)("the hand-written loop of %s gives the rows that Flink gives", (job) => {
  expect(differenceFromGolden(job, handRows(job))).toBeUndefined();
});

test("a row that differs is shown beside Flink's", () => {
  const rows = handRows("ds-session");
  const changed = rows.with(7, '["no such row"]');
  expect(differenceFromGolden("ds-session", changed)).toBe(
    `ds-session: 2876 rows, Flink has 2876; row 7 is ["no such row"], Flink has ${rows[7]}`,
  );
  expect(differenceFromGolden("ds-session", rows.slice(0, -1))).toContain("2875 rows, Flink has 2876; row 2875 is");
  expect(differenceFromGolden("ds-session", [...rows, "[1]"])).toContain("row 2876 is [1], Flink has undefined");
});

test("a digest tells the block of the first difference, and whether rows are missing at the end", () => {
  const rows = Array.from({ length: 2500 }, (_, index) => `[${index}]`);
  const golden = digestRows(rows);
  expect(differenceFromDigest(golden, rows)).toBeUndefined();
  expect(differenceFromDigest(golden, rows.with(1500, "[-1]"))).toBe(
    "2500 rows, Flink has 2500; the first difference is in the block from row 1000 on, [1000], Flink's starts with [1000]",
  );
  expect(differenceFromDigest(golden, rows.slice(0, 2000))).toContain("from row 2000 on, undefined");
  expect(differenceFromDigest(golden, [...rows, "[9]"])).toContain("2501 rows, Flink has 2500");
});
