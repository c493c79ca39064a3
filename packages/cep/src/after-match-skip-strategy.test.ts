import { describe, expect, test } from "vitest";
import { AfterMatchSkipStrategy } from "./after-match-skip-strategy.ts";
import { Pattern } from "./pattern.ts";
import { is, type Letter, matchesIn } from "./testing/match-events.ts";

const pattern = Pattern.of<Letter>();
const { noSkip, skipToNext, skipPastLastEvent, skipToFirst, skipToLast } = AfterMatchSkipStrategy;

describe("F34: after-match skip strategies", () => {
  const run = (skip: AfterMatchSkipStrategy): readonly string[] =>
    matchesIn("b1 b2 b3 c", pattern.begin("b", skip).where(is("b")).oneOrMore().consecutive().next("c").where(is("c")));

  test("noSkip emits every match", () => {
    expect(run(noSkip())).toEqual(["b1 b2 b3 c", "b2 b3 c", "b3 c"]);
  });

  test("skipToNext gives up those that begin with the same event", () => {
    expect(run(skipToNext())).toEqual(["b1 b2 b3 c", "b2 b3 c", "b3 c"]);
    const loop = pattern.begin("a", skipToNext()).where(is("a")).followedBy("b").where(is("b")).oneOrMore();
    expect(matchesIn("a b1 b2 b3", loop)).toEqual(["a b1"]);
  });

  test("skipPastLastEvent emits matches that share no event", () => {
    expect(run(skipPastLastEvent())).toEqual(["b1 b2 b3 c"]);
  });

  test("skipToFirst gives up those that begin before the first event of the stage", () => {
    expect(run(skipToFirst("b"))).toEqual(["b1 b2 b3 c", "b2 b3 c", "b3 c"]);
  });

  test("skipToLast gives up those that begin before the last event of the stage", () => {
    expect(run(skipToLast("b"))).toEqual(["b1 b2 b3 c", "b3 c"]);
  });

  test("skipToFirst of a stage inside the match", () => {
    const overlapping = (skip: AfterMatchSkipStrategy): readonly string[] =>
      matchesIn(
        "a b c1 c2 c3 d",
        pattern
          .begin("one", skip)
          .where(is("a", "b", "c"))
          .next("two")
          .where(is("b", "c"))
          .next("c")
          .where(is("c"))
          .oneOrMore()
          .consecutive()
          .greedy()
          .next("d")
          .where(is("d")),
      );
    expect(overlapping(noSkip())).toEqual(["a b c1 c2 c3 d", "b c1 c2 c3 d", "c1 c2 c3 d"]);
    expect(overlapping(skipToFirst("c"))).toEqual(["a b c1 c2 c3 d", "c1 c2 c3 d"]);
  });
});

describe("F34: skipping to what is not there", () => {
  const optional = (skip: AfterMatchSkipStrategy): Parameters<typeof matchesIn>[1] =>
    pattern.begin("a", skip).where(is("a")).followedBy("b").where(is("b")).optional().next("c").where(is("c"));

  test("nothing is given up", () => {
    expect(matchesIn("a c", optional(skipToFirst("b")))).toEqual(["a c"]);
  });

  test("throwExceptionOnMiss fails, also when the stage is the first event of the match", () => {
    expect(() => matchesIn("a c", optional(skipToFirst("b").throwExceptionOnMiss()))).toThrow(/MR_PATTERN_SKIP_MISSED/);
    expect(() => matchesIn("a c", optional(skipToLast("a").throwExceptionOnMiss()))).toThrow(/MR_PATTERN_SKIP_MISSED/);
    expect(matchesIn("a b c", optional(skipToLast("c").throwExceptionOnMiss()))).toEqual(["a b c"]);
  });
});
