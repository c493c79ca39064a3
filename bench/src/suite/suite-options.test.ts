import { CommanderError } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseSuiteOptions, type SuiteOptions } from "./suite-options.ts";

const written: string[] = [];

beforeEach(() => {
  written.length = 0;
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

function parse(line: string): SuiteOptions {
  return parseSuiteOptions(["node", "bench all", ...line.split(" ").filter((word) => word !== "")], {});
}

test("without options everything runs long enough for Flink, three times", () => {
  expect(parse("")).toMatchObject({
    parts: ["single", "parallel", "checkpoints", "latency", "start-up"],
    against: ["hand", "flink"],
    events: 20_000_000,
    warm: 0.6,
    repeat: 3,
    target: "threads",
    ratePerSecond: 100_000,
    latencySeconds: 20,
  });
});

test("--quick shortens what is not said otherwise", () => {
  expect(parse("--quick")).toMatchObject({ events: 1_000_000, warm: 0.3, repeat: 1, latencySeconds: 3 });
  expect(parse("--quick --events 2M --repeat 2")).toMatchObject({ events: 2_000_000, warm: 0.3, repeat: 2 });
});

test("every option reaches the suite", () => {
  const line =
    "--against millrace,hand --parts start-up,single --events 5M --warm 0 --repeat 5 --seed 3 --eps 1K --target in-thread " +
    "--rate 10K --latency-seconds 7 --flink peer --flink-build built --flink-heap 800m";
  expect(parse(line)).toMatchObject({
    against: ["hand"],
    parts: ["single", "start-up"],
    events: 5_000_000,
    warm: 0,
    repeat: 5,
    seed: 3,
    eventsPerSecond: 1000,
    target: "in-thread",
    ratePerSecond: 10_000,
    latencySeconds: 7,
    flink: { peerDir: "peer", buildDir: "built", heap: "800m" },
  });
});

test.each([
  ["--parts joins", 'There is no part "joins". Expected a list of single, parallel'],
  ["--against spark", 'There is no engine "spark"'],
  ["--rate 0", "Expected a whole number from 1"],
  ["--warm 1", "Expected a share from 0"],
  ["ds-session", "too many arguments"],
])("bench all %s is refused with what was expected", (line, message) => {
  expect(() => parse(line)).toThrow(CommanderError);
  expect(written.join("")).toContain(message);
});
