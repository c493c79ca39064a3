import { expect, test } from "vitest";
import { breakdown, type CpuProfile, renderBreakdown } from "./profile.ts";

const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: { functionName: "event", url: "file:///x/bench/src/nexmark/generator.ts" } },
    { id: 2, callFrame: { functionName: "source0", url: "millrace-chain-0-0-0.js" } },
    { id: 3, callFrame: { functionName: "(idle)", url: "" } },
    { id: 4, callFrame: { functionName: "(garbage collector)", url: "" } },
    { id: 6, callFrame: { functionName: "", url: "file:///x/bench/src/jobs/job-module.ts" } },
    { id: 5, callFrame: { functionName: "select", url: "file:///x/packages/core/src/state/keyed-state-table.ts" } },
  ],
  samples: [1, 2, 3, 4, 5, 6],
  timeDeltas: [100, 50, 1000, 20, 10, 100],
};

test("self time is counted by where the code is, without idle time", () => {
  expect(breakdown(profile, 1000)).toEqual({
    generator: 200,
    "generated chain": 50,
    "garbage collection": 20,
    "keyed state": 10,
  });
});

test("the table shows what the engine spends more than the loop", () => {
  const text = renderBreakdown({ generator: 100, "generated chain": 40 }, { generator: 90, "job's functions": 5 });
  expect(text).toMatch(/generator +100\.0 +90\.0 +10\.0/);
  expect(text).toMatch(/all +140\.0 +95\.0 +45\.0/);
});
