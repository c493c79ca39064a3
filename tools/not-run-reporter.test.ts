import { expect, test } from "vitest";
import type { TestModule } from "vitest/node";
import { NotRunReporter } from "./not-run-reporter.ts";

/** As much of a module as the reporter reads. */
function moduleOf(moduleId: string, skippedCount: number): TestModule {
  return { moduleId, children: { allTests: () => new Array(skippedCount).fill({}) } } as unknown as TestModule;
}

function linesOf(hasAddon: boolean, ...modules: readonly TestModule[]): readonly string[] {
  const lines: string[] = [];
  const reporter = new NotRunReporter(
    () => hasAddon,
    (line) => lines.push(line),
  );
  reporter.onTestRunEnd(modules);
  return lines;
}

test("a run without RocksDB ends with how many tests did not run and what makes them run", () => {
  const path = "/repo/packages/state-rocksdb/src";
  expect(linesOf(false, moduleOf(`${path}/a.test.ts`, 21), moduleOf(`${path}/b.test.ts`, 6))).toEqual([
    "27 tests of packages/state-rocksdb/ did not run. To run them: apt-get install librocksdb-dev g++ && npm run build:native",
  ]);
});

test("tests that the command line left out lack nothing", () => {
  expect(linesOf(true, moduleOf("/repo/packages/state-rocksdb/src/a.test.ts", 21))).toEqual([]);
});

test("a run in which all ran ends as it did", () => {
  expect(
    linesOf(false, moduleOf("/repo/packages/state-rocksdb/src/a.test.ts", 0), moduleOf("/repo/tools/b.test.ts", 3)),
  ).toEqual([]);
});
