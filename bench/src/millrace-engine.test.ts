import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { differenceFromGolden, GOLDEN_EVENTS } from "./golden/golden-rows.ts";
import { JOB_NAMES } from "./job-names.ts";
import { runMillrace } from "./millrace-engine.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-engine-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

// Running sums show the order of arrival, which only parallelism 1 fixes.
const runs = JOB_NAMES.flatMap((job) =>
  (job === "ds-keyed-sum" ? [1] : [1, 2, 3]).flatMap((parallelism) =>
    [0, 10].map((checkpointIntervalMs) => ({ job, parallelism, checkpointIntervalMs })),
  ),
);

test.each(runs)(
  "the rows of $job are Flink's at parallelism $parallelism, checkpoints every $checkpointIntervalMs ms",
  async (run) => {
    const rowsFile = join(folder, `${run.job}-${run.parallelism}-${run.checkpointIntervalMs}.txt`);
    const { checkpoints } = await runMillrace({ ...GOLDEN_EVENTS, ...run, warm: 0.3, backend: "hashmap", rowsFile });
    // A job with checkpoints ends with one, however short it is.
    expect(checkpoints! > 0).toBe(run.checkpointIntervalMs > 0);
    const lines = (await readFile(rowsFile, "utf8")).trimEnd().split("\n");
    expect(differenceFromGolden(run.job, lines)).toBeUndefined();
  },
);
