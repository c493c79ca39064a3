import { expect, test } from "vitest";
import type { LatencyReport } from "../engine-options.ts";
import type { SuiteResults } from "./suite-results.ts";
import { type Check, geometricMean, renderTargets, targetRows, verdictOf } from "./targets.ts";

const latency: LatencyReport = {
  query: "ds-keyed-sum",
  engine: "millrace",
  target: "threads",
  p: 2,
  ratePerSecond: 100_000,
  checkpointMs: 1000,
  checkpoints: 20,
  seconds: 20,
  rows: 1_840_000,
  p50Ms: 0.8,
  p90Ms: 1.5,
  p99Ms: 9.94,
  p999Ms: 21,
  maxMs: 30,
  processCpuSeconds: 2,
  gcMs: 100,
};

const results: SuiteResults = {
  against: ["hand", "flink"],
  single: [
    { job: "ds-passthrough", cpuNanos: { millrace: 100, hand: 80, flink: 79 } },
    { job: "ds-keyed-sum", cpuNanos: { millrace: 200, hand: 140, flink: 400 } },
    { job: "ds-sliding", cpuNanos: { millrace: 300, hand: 190, flink: 1350 } },
  ],
  parallel: [
    { job: "ds-keyed-sum", cpuNanos: { millrace: 250, flink: 450 } },
    { job: "ds-sliding", cpuNanos: { millrace: 400, flink: 850 } },
  ],
  checkpoints: [
    { job: "ds-keyed-sum", withoutNanos: 200, withNanos: 210 },
    { job: "ds-tumbling", withoutNanos: 200, withNanos: 198 },
  ],
  latencies: [
    { parallelism: 2, checkpointIntervalMs: 0, report: latency },
    { parallelism: 2, checkpointIntervalMs: 1000, report: latency },
  ],
  startUp: { builtMs: 400, sourcesMs: 900, flinkMs: 2100 },
};

test("every figure stands beside its target and says whether it holds", () => {
  expect(renderTargets(targetRows(results)).split("\n")).toEqual([
    "| CPU time an event                                           |            Millrace |     hand |     Flink | Millrace / hand | Flink / Millrace |                        target |        |",
    "|-------------------------------------------------------------|--------------------:|---------:|----------:|----------------:|-----------------:|------------------------------:|-------:|",
    "| ds-passthrough, p = 1                                       |            100.0 ns |  80.0 ns |   79.0 ns |          1.25 x |           0.79 x | <= 1.5 x hand, >= 0.8 x Flink | missed |",
    "| ds-keyed-sum, p = 1                                         |            200.0 ns | 140.0 ns |  400.0 ns |          1.43 x |           2.00 x | <= 1.5 x hand, >= 1.6 x Flink |     ok |",
    "| ds-sliding, p = 1                                           |            300.0 ns | 190.0 ns | 1350.0 ns |          1.58 x |           4.50 x | <= 1.5 x hand, >= 1.6 x Flink | missed |",
    "| keyed jobs, geometric mean, p = 1                           |                     |          |           |          1.50 x |           3.00 x |                  >= 3 x Flink |     ok |",
    "| ds-keyed-sum, p = 2                                         |            250.0 ns |          |  450.0 ns |                 |           1.80 x |                               |        |",
    "| ds-sliding, p = 2                                           |            400.0 ns |          |  850.0 ns |                 |           2.13 x |                               |        |",
    "| keyed jobs, geometric mean, p = 2                           |                     |          |           |                 |           1.96 x |                  >= 2 x Flink | missed |",
    "| ds-keyed-sum, a checkpoint every second                     |    210.0 ns, +5.0 % |          |           |                 |                  |                    < 5 % more | missed |",
    "| ds-tumbling, a checkpoint every second                      |    198.0 ns, -1.0 % |          |           |                 |                  |                    < 5 % more |     ok |",
    "| latency p50 / p99 / p99.9, p = 2, no checkpoints            | 0.8 / 9.9 / 21.0 ms |          |           |                 |                  |                               |        |",
    "| latency p50 / p99 / p99.9, p = 2, a checkpoint every second | 0.8 / 9.9 / 21.0 ms |          |           |                 |                  |                   < 10 ms p99 |     ok |",
    "| a job of one record, built, wall time                       |              400 ms |          |   2100 ms |                 |           5.25 x |                 >= 5 x sooner |     ok |",
    "| a job of one record, from sources, wall time                |              900 ms |          |   2100 ms |                 |           2.33 x |                               |        |",
  ]);
});

test("a bound holds up to its limit; below is less than the limit", () => {
  const verdict = (bound: Check["bound"], value: number | undefined): string =>
    verdictOf([{ value, bound, limit: 5, unit: "x" }]);
  expect([4.9, 5, 5.1].map((value) => verdict("at least", value))).toEqual(["missed", "ok", "ok"]);
  expect([4.9, 5, 5.1].map((value) => verdict("at most", value))).toEqual(["ok", "ok", "missed"]);
  expect([4.9, 5, 5.1].map((value) => verdict("below", value))).toEqual(["ok", "missed", "missed"]);
  expect(verdict("below", undefined)).toBe("missing");
});

test("of several bounds a missed one counts before one that is missing", () => {
  const ok: Check = { value: 1, bound: "at most", limit: 2, unit: "x hand" };
  const missed: Check = { ...ok, value: 3 };
  const missing: Check = { ...ok, value: undefined };
  expect(verdictOf([ok, ok])).toBe("ok");
  expect(verdictOf([ok, missing])).toBe("missing");
  expect(verdictOf([missing, missed])).toBe("missed");
  expect(verdictOf([])).toBe("");
});

test("a job that an engine lacks is missing, and so is the mean over the jobs", () => {
  const rows = targetRows({
    against: ["hand", "flink"],
    single: [
      { job: "ds-keyed-sum", cpuNanos: { millrace: 100, hand: 90, flink: 400 } },
      { job: "ds-interval-join", cpuNanos: { hand: 300, flink: 2000 } },
    ],
  });
  expect(rows.map(({ what, checks }) => [what, verdictOf(checks)])).toEqual([
    ["ds-keyed-sum, p = 1", "ok"],
    ["ds-interval-join, p = 1", "missing"],
    ["keyed jobs, geometric mean, p = 1", "missing"],
  ]);
  expect(renderTargets(rows)).toContain("300.0 ns");
});

test("an engine that was not asked for is not missing", () => {
  const rows = targetRows({
    against: ["hand"],
    single: [{ job: "ds-keyed-sum", cpuNanos: { millrace: 100, hand: 90 } }],
    startUp: { builtMs: 400, sourcesMs: 900, flinkMs: undefined },
  });
  expect(rows.map(({ checks }) => verdictOf(checks))).toEqual(["ok", "", ""]);
});

test("the geometric mean is that of ratios, and there is none of nothing or with a gap", () => {
  expect(geometricMean([2, 8])).toBeCloseTo(4, 12);
  expect(geometricMean([])).toBeUndefined();
  expect(geometricMean([2, undefined])).toBeUndefined();
});
