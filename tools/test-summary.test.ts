import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryTree } from "./temporary-tree.ts";

interface Counts {
  readonly passed?: number;
  readonly failed?: number;
  readonly skipped?: number;
  readonly unloadableFiles?: number;
}

function summary(counts: Counts | undefined, failedSteps: readonly string[] = []): string {
  const report = {
    numPassedTests: counts?.passed ?? 0,
    numFailedTests: counts?.failed ?? 0,
    numPendingTests: counts?.skipped ?? 0,
    numTodoTests: 0,
    testResults: Array.from({ length: counts?.unloadableFiles ?? 0 }, () => ({
      status: "failed",
      assertionResults: [],
    })),
  };
  const root = temporaryTree({ "report.json": counts === undefined ? "" : JSON.stringify(report) });
  const script = join(import.meta.dirname, "test-summary.mjs");
  const run = spawnSync(process.execPath, [script, join(root, "report.json"), ...failedSteps], { encoding: "utf8" });
  return `${run.stdout.trimEnd().split("\n").at(-1)} -> ${run.status}`;
}

test("the last line counts the tests", () => {
  expect(summary({ passed: 12 })).toBe("12 passed, 0 failed -> 0");
  expect(summary({ passed: 12, failed: 2, skipped: 1 }, ["test"])).toBe("12 passed, 2 failed, 1 skipped -> 1");
});

test("a red run never says 0 failed", () => {
  expect(summary({ passed: 12 }, ["lint", "types"])).toBe("12 passed, 2 failed -> 1");
  expect(summary({ passed: 12 }, ["test"])).toBe("12 passed, 1 failed -> 1");
  expect(summary({ passed: 12, unloadableFiles: 1 }, ["test"])).toBe("12 passed, 1 failed -> 1");
  expect(summary({ passed: 0 })).toBe("0 passed, 1 failed -> 1");
  expect(summary(undefined, ["test"])).toBe("0 passed, 1 failed -> 1");
});
