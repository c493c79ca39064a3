import { expect, test } from "vitest";
import type { EngineName, EngineReport } from "./engine-options.ts";
import { compareRuns } from "./ratios.ts";

function report(engine: EngineName, processCpuSeconds: number): EngineReport {
  return {
    query: "ds-sliding",
    engine,
    events: 2_000_000,
    measuredEvents: 1_000_000,
    wallSeconds: 1,
    eventsPerSecond: 1_000_000,
    processCpuSeconds,
    eventsPerCpuSecond: 1_000_000 / processCpuSeconds,
    p: 1,
    backend: "hashmap",
    checkpointMs: 0,
    outPlus: 0,
    outMinus: 0,
    rows: 0,
    jobSeconds: 1,
    jobCpuSeconds: 1,
    msToFirstRecord: 1,
    msToFinish: 1,
    gcMs: 0,
    heapMb: 1,
  };
}

test("the first engine is compared with the others in CPU time per event", () => {
  expect(compareRuns([report("millrace", 0.3), report("hand", 0.2), report("flink", 0.9)])).toEqual({
    query: "ds-sliding",
    unit: "CPU-seconds per event",
    runs: 1,
    cpuNanosPerEvent: { millrace: 300, hand: 200, flink: 900 },
    ratios: { "millrace/hand": 1.5, "millrace/flink": 0.333 },
  });
});

test("of several runs the median counts, of an even number the middle of the two middle ones", () => {
  const three = [report("millrace", 0.9), report("millrace", 0.2), report("millrace", 0.3), report("hand", 0.3)];
  expect(compareRuns(three)).toMatchObject({ runs: 3, ratios: { "millrace/hand": 1 } });
  const two = [report("millrace", 0.2), report("millrace", 0.4), report("hand", 0.3)];
  expect(compareRuns(two)).toMatchObject({ runs: 2, ratios: { "millrace/hand": 1 } });
});

test("one engine alone has nothing to be compared with", () => {
  expect(compareRuns([report("hand", 0.3)])?.ratios).toEqual({});
  expect(compareRuns([])).toBeUndefined();
});
