import { expect, test, vi } from "vitest";
import { type MicroBenchmark, type MicroResult, measure } from "./micro-benchmark.ts";
import { microCommand, parseMicroOptions, renderResults } from "./micro-command.ts";
import { microGroups, selectBenchmarks } from "./micro-groups.ts";

const all = Object.entries(microGroups).flatMap(([group, benchmarks]) =>
  benchmarks.map((benchmark) => ({ group, name: benchmark.name, benchmark })),
);

test.each(all)("$name does its operations, and does more of them when asked for more", ({ group, name, benchmark }) => {
  expect(name.startsWith(`${group}/`)).toBe(true);
  const few = benchmark.prepare()(100);
  const many = benchmark.prepare()(3000);
  expect(few).toBeGreaterThan(0);
  expect(many).toBeGreaterThan(few);
});

test("the median of the rounds counts, each after a garbage collection, without the unmeasured ones", () => {
  // Ten operations a round; the first round is a warm-up. In milliseconds.
  const tookMs = [100, 3, 1, 2];
  let [now, round, collections] = [0, 0, 0];
  const benchmark: MicroBenchmark = {
    name: "x/y",
    prepare: () => (count) => {
      now += tookMs[round++]!;
      return count;
    },
  };
  const host = { cpuMs: () => now, collectGarbage: () => void collections++ };
  expect(measure(benchmark, { rounds: 3, roundMs: 50, operations: 10 }, host)).toEqual({
    name: "x/y",
    nsPerOperation: 200_000,
    minNs: 100_000,
    maxNs: 300_000,
    rounds: 3,
    operations: 10,
  });
  expect(collections).toBe(4);
});

test("a round has as many operations as fill its time", () => {
  let now = 0;
  const benchmark: MicroBenchmark = {
    name: "x/y",
    prepare: () => (count) => {
      now += count / 1000;
      return count;
    },
  };
  const host = { cpuMs: () => now, collectGarbage: () => {} };
  expect(measure(benchmark, { rounds: 1, roundMs: 50 }, host)).toMatchObject({
    operations: 50_000,
    nsPerOperation: 1000,
  });
});

test("a benchmark that gives no number did not do what it measures", () => {
  const benchmark: MicroBenchmark = { name: "x/y", prepare: () => () => Number.NaN };
  const host = { cpuMs: () => 0, collectGarbage: () => {} };
  expect(() => measure(benchmark, { rounds: 1, roundMs: 1, operations: 1 }, host)).toThrow("checksum is NaN");
});

test("names select by what a word begins with", () => {
  expect(selectBenchmarks("codec", ["int64/w", "bytes/read"]).map(({ name }) => name)).toEqual([
    "codec/int64/write",
    "codec/bytes/read",
  ]);
  expect(selectBenchmarks("codec", ["utf8 80/w"]).map(({ name }) => name)).toEqual(["codec/string utf8 80/write"]);
  // Not the strings.
  expect(selectBenchmarks("codec", ["ring"])).toEqual([]);
  expect(selectBenchmarks("ring", [])).toBe(microGroups["ring"]);
});

test("options of bench micro", () => {
  const parse = (...words: string[]): object => parseMicroOptions(["node", "bench micro", ...words]);
  expect(parse()).toEqual({ texts: [], rounds: 9, roundMs: 50 });
  expect(parse("codec", "ring", "--rounds", "3", "--operations", "1K")).toEqual({
    texts: ["codec", "ring"],
    rounds: 3,
    roundMs: 50,
    operations: 1000,
  });
});

test("results are a table", () => {
  const result = { name: "ring/a", nsPerOperation: 12.3, minNs: 1, maxNs: 20, rounds: 1, operations: 1 };
  expect(renderResults([result])).toBe(
    [
      "| benchmark | CPU ns an operation | least | most |",
      "|-----------|--------------------:|------:|-----:|",
      "| ring/a    |                12.3 |     1 |   20 |",
    ].join("\n"),
  );
});

test("bench micro measures in the process of the group and prints a line for each benchmark", async () => {
  const written: string[] = [];
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
  const stderr = vi.spyOn(process.stderr, "write").mockImplementation(() => true);
  try {
    const words = ["local-channel", "--rounds", "2", "--operations", "50"];
    expect(await microCommand(["node", "bench micro", ...words])).toBe(0);
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
  const results = written.map((line) => JSON.parse(line) as MicroResult);
  expect(results).toMatchObject([
    { name: "local-channel/record, batches of 1", rounds: 2, operations: 50 },
    { name: "local-channel/record, batches of 100", rounds: 2, operations: 50 },
  ]);
  expect(results.every(({ nsPerOperation }) => nsPerOperation > 0)).toBe(true);
});
