import {
  Configuration,
  DataGeneratorSource,
  type DataStream,
  StreamExecutionEnvironment,
  WatermarkStrategy,
} from "millrace";
import { buildJobGraph, graphOptionsOf } from "millrace/internal";
import { describe, expect, test } from "vitest";
import { CEP } from "./cep.ts";

const monotonous = WatermarkStrategy.forMonotonousTimestamps<number>();

type Build = (numbers: DataStream<number>) => unknown;

function codes(build: Build, strategy: WatermarkStrategy<number> = monotonous): readonly string[] {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  // Without end, as the sources that are watched for patterns.
  const source = DataGeneratorSource.of((index: number) => index, 10);
  Object.defineProperty(source, "boundedness", { value: "continuous-unbounded" });
  build(env.fromSource(source, strategy, "numbers"));
  return buildJobGraph(env.getTransformations(), graphOptionsOf(new Configuration(), "test"))
    .warnings.map((warning) => warning.code)
    .filter((code) => code !== "MR_LINT_UID_MISSING");
}

const random = (n: number): boolean => n > Math.random();
const now = (n: number): boolean => n > Date.now();

/** By where the function is: all that a job gives to a pattern. */
const places: readonly (readonly [string, (fn: (n: number) => boolean) => Build])[] = [
  ["where", (fn) => (numbers) => CEP.pattern(numbers, (p) => p.begin("a").where(fn)).select(() => 1)],
  [
    "or",
    (fn) => (numbers) =>
      CEP.pattern(numbers, (p) =>
        p
          .begin("a")
          .where((n) => n > 1)
          .or(fn),
      ).select(() => 1),
  ],
  ["until", (fn) => (numbers) => CEP.pattern(numbers, (p) => p.begin("a").oneOrMore().until(fn)).select(() => 1)],
  [
    "a condition that is an object",
    (fn) => (numbers) => CEP.pattern(numbers, (p) => p.begin("a").where({ filter: fn })).select(() => 1),
  ],
  ["select", (fn) => (numbers) => CEP.pattern(numbers, (p) => p.begin("a")).select(fn as never)],
  ["flatSelect", (fn) => (numbers) => CEP.pattern(numbers, (p) => p.begin("a")).flatSelect(fn as never)],
  ["process", (fn) => (numbers) => CEP.pattern(numbers, (p) => p.begin("a")).process({ processMatch: fn } as never)],
];

describe("U18: lint of patterns", () => {
  test.each(places)("MR_LINT_NOT_REPEATABLE is given for Date.now and Math.random in %s", (_place, build) => {
    expect(codes(build(random))).toEqual(["MR_LINT_NOT_REPEATABLE"]);
    expect(codes(build(now))).toEqual(["MR_LINT_NOT_REPEATABLE"]);
    expect(codes(build((n) => n > 2))).toEqual([]);
  });

  test("MR_LINT_WATERMARKS_MISSING is given without watermarks, unless the pattern goes by processing time", () => {
    const found = (numbers: DataStream<number>) => CEP.pattern(numbers, (p) => p.begin("a"));
    expect(codes((numbers) => found(numbers).select(() => 1), WatermarkStrategy.noWatermarks())).toEqual([
      "MR_LINT_WATERMARKS_MISSING",
    ]);
    expect(
      codes(
        (numbers) =>
          found(numbers)
            .inProcessingTime()
            .select(() => 1),
        WatermarkStrategy.noWatermarks(),
      ),
    ).toEqual([]);
  });
});
