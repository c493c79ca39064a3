import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { differenceFromGolden, GOLDEN_EVENTS } from "./golden/golden-rows.ts";
import { runMillrace } from "./millrace-engine.ts";

const ADDON = `../../packages/state-rocksdb/build/${process.platform}-${process.arch}/millrace-rocksdb.node`;
const isRunnable =
  existsSync(fileURLToPath(new URL(ADDON, import.meta.url))) || process.env["MILLRACE_REQUIRE_ROCKSDB"] === "1";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rocksdb-engine-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

// The job of windows looks through all of its state; the sum reads keys as they come.
test.skipIf(!isRunnable).each(["ds-keyed-sum", "ds-session"] as const)(
  "the rows of %s are Flink's with state in RocksDB, a small cache and incremental checkpoints",
  async (job) => {
    const rowsFile = join(folder, `${job}.txt`);
    const report = await runMillrace({
      ...GOLDEN_EVENTS,
      job,
      warm: 0.3,
      parallelism: 1,
      target: "in-thread",
      backend: "rocksdb",
      settings: ["state.backend.rocksdb.object-cache.max-entries=1000"],
      checkpointIntervalMs: 100,
      rowsFile,
    });
    expect(report.backend).toBe("rocksdb");
    expect(report.checkpoints).toBeGreaterThan(0);
    const lines = (await readFile(rowsFile, "utf8")).trimEnd().split("\n");
    expect(differenceFromGolden(job, lines)).toBeUndefined();
  },
);
