import { CommanderError } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type BenchOptions, parseOptions } from "./options.ts";

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

function parse(line: string): BenchOptions {
  return parseOptions(["node", "bench", ...line.split(" ").filter((word) => word !== "")], {});
}

test("a job alone is run by Millrace on four million events at parallelism 1", () => {
  expect(parse("ds-keyed-sum")).toMatchObject({
    engines: ["millrace"],
    repeat: 1,
    run: {
      job: "ds-keyed-sum",
      events: 4_000_000,
      seed: 1,
      eventsPerSecond: 10_000,
      warm: 0.3,
      parallelism: 1,
      backend: "hashmap",
      target: "threads",
      checkpointIntervalMs: 0,
    },
  });
});

test("--latency measures twenty seconds of the keyed sum at 100,000 events a second, unless told otherwise", () => {
  expect(parse("--latency").run).toMatchObject({ job: "ds-keyed-sum", events: 2_000_000, ratePerSecond: 100_000 });
  expect(parse("ds-keyed-sum --latency --rate 5K --events 20K").run).toMatchObject({
    events: 20_000,
    ratePerSecond: 5000,
  });
  expect(parse("ds-keyed-sum").run.ratePerSecond).toBeUndefined();
});

test("every option reaches the run", () => {
  const line =
    "ds-session --events 20M --parallelism 2 --backend rocksdb --set a.b=1 --set c==d --target in-thread --checkpoint-interval 1000 --against flink,hand --rows out.txt --warm 0.6 " +
    "--seed -7 --eps 1K --repeat 3 --flink peer --flink-build built --flink-heap 800m";
  expect(parse(line)).toMatchObject({
    engines: ["millrace", "flink", "hand"],
    repeat: 3,
    run: {
      events: 20_000_000,
      parallelism: 2,
      backend: "rocksdb",
      settings: ["a.b=1", "c==d"],
      target: "in-thread",
      checkpointIntervalMs: 1000,
      rowsFile: "out.txt",
      warm: 0.6,
      seed: -7,
      eventsPerSecond: 1000,
    },
    flink: { peerDir: "peer", buildDir: "built", heap: "800m" },
  });
});

test("--only leaves Millrace out", () => {
  expect(parse("ds-session --only hand").engines).toEqual(["hand"]);
});

test.each([
  ["200K", 200_000],
  ["1.3M", 1_300_000],
  ["1_000_000", 1_000_000],
  ["1m", 1_000_000],
])("--events %s is %i events", (text, events) => {
  expect(parse(`ds-session --events ${text}`).run.events).toBe(events);
});

test.each([
  ["", "missing required argument 'job'"],
  ["q5", "Allowed choices are ds-passthrough, ds-keyed-sum"],
  ["ds-session --events 0", "Expected a whole number from 1"],
  ["ds-session --events 1.5", "Expected a whole number from 1"],
  ["ds-session --events lots", "Expected a whole number from 1"],
  ["ds-session --parallelism 129", "Expected a whole number from 1 to 128"],
  ["ds-session --target moon", "Allowed choices are threads, in-thread"],
  ["ds-session --latency", "--latency measures ds-keyed-sum only"],
  ["--latency --against hand", "--latency measures Millrace alone"],
  ["--latency --rate 0", "Expected a whole number from 1"],
  ["ds-session --backend paper", "Allowed choices are hashmap, rocksdb"],
  ["ds-session --set taskmanager.numberOfTaskSlots", "Expected a setting as key=value"],
  ["ds-session --keys 1M", "--keys is for ds-keyed-sum only"],
  ["ds-keyed-sum --keys 1M --against heap,flink", "--keys is for millrace and heap"],
  ["ds-session --checkpoint-interval -1", "Expected a whole number from 0"],
  ["ds-session --against spark", 'There is no engine "spark". Expected a list of millrace, heap, hand, flink.'],
  ["ds-session --warm 1", "Expected a share from 0 up to but not including 1"],
  ["ds-session --warm x", "Expected a share"],
  ["ds-session --eps 1", "Expected a whole number from 2"],
  ["ds-session --flink-heap big", "Expected a size such as 3g"],
  ["ds-session --colour red", "unknown option '--colour'"],
  ["ds-session ds-sliding", "too many arguments"],
])("bench %s is refused with what was expected", (line, message) => {
  expect(() => parse(line)).toThrow(CommanderError);
  expect(written.join("")).toContain(message);
});
