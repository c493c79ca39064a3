import { describe, expect, test } from "vitest";
import { Pattern } from "./pattern.ts";
import { is, type Letter, matchesIn } from "./testing/match-events.ts";

const pattern = Pattern.of<Letter>();
const a = pattern.begin("a").where(is("a"));

describe("F34: contiguity", () => {
  test("next takes the very next event or none", () => {
    expect(matchesIn("a c b1 b2", a.next("b").where(is("b")))).toEqual([]);
    expect(matchesIn("a b1 b2", a.next("b").where(is("b")))).toEqual(["a b1"]);
  });

  test("followedBy takes the next event that fits", () => {
    expect(matchesIn("a c b1 b2", a.followedBy("b").where(is("b")))).toEqual(["a b1"]);
  });

  test("followedByAny takes each later event that fits", () => {
    expect(matchesIn("a c b1 b2", a.followedByAny("b").where(is("b")))).toEqual(["a b1", "a b2"]);
  });

  test("a stage without a condition takes any event", () => {
    expect(matchesIn("a c b1", a.next("any"))).toEqual(["a c"]);
    expect(matchesIn("a c b1", a.followedByAny("any"))).toEqual(["a c", "a b1"]);
  });

  test("every event may begin a match", () => {
    expect(matchesIn("a1 a2 b", a.followedBy("b").where(is("b")))).toEqual(["a1 b", "a2 b"]);
  });
});

describe("F34: loops", () => {
  const text = "a b1 d1 b2 d2 b3 c";
  const end = is("c");

  test("a relaxed loop takes the events that fit and ends after each of them", () => {
    expect(sorted(matchesIn(text, a.followedByAny("b").oneOrMore().where(is("b")).followedBy("c").where(end)))).toEqual(
      ["a b1 b2 b3 c", "a b1 b2 c", "a b1 c", "a b2 b3 c", "a b2 c", "a b3 c"],
    );
  });

  test("a consecutive loop ends at the first other event", () => {
    const loop = a.followedByAny("b").oneOrMore().consecutive().where(is("b"));
    expect(sorted(matchesIn(text, loop.followedBy("c").where(end)))).toEqual(["a b1 c", "a b2 c", "a b3 c"]);
  });

  test("a loop with combinations may leave out events that fit", () => {
    const loop = a.followedByAny("b").oneOrMore().allowCombinations().where(is("b"));
    expect(sorted(matchesIn(text, loop.followedBy("c").where(end)))).toEqual([
      "a b1 b2 b3 c",
      "a b1 b2 c",
      "a b1 b3 c",
      "a b1 c",
      "a b2 b3 c",
      "a b2 c",
      "a b3 c",
    ]);
  });

  test("within one loop: consecutive, relaxed and with combinations", () => {
    const input = "c d a1 a2 a3 d a4 b";
    const loop = pattern.begin("c").where(is("c")).followedBy("a").where(is("a")).oneOrMore();
    const ended = (looped: typeof loop): readonly string[] =>
      sorted(matchesIn(input, looped.followedBy("b").where(is("b"))));
    expect(ended(loop.consecutive())).toEqual(["c a1 a2 a3 b", "c a1 a2 b", "c a1 b"]);
    expect(ended(loop)).toEqual(["c a1 a2 a3 a4 b", "c a1 a2 a3 b", "c a1 a2 b", "c a1 b"]);
    expect(ended(loop.allowCombinations())).toEqual([
      "c a1 a2 a3 a4 b",
      "c a1 a2 a3 b",
      "c a1 a2 a4 b",
      "c a1 a2 b",
      "c a1 a3 a4 b",
      "c a1 a3 b",
      "c a1 a4 b",
      "c a1 b",
    ]);
  });

  test("a loop at the end matches after each of its events", () => {
    expect(matchesIn("a b1 b2 b3", a.followedBy("b").oneOrMore().where(is("b")))).toEqual([
      "a b1",
      "a b1 b2",
      "a b1 b2 b3",
    ]);
  });

  test("times counts exactly, within a range, or from a number on", () => {
    const b = a.followedBy("b").where(is("b"));
    expect(matchesIn("a b1 b2 b3 b4", b.times(2))).toEqual(["a b1 b2"]);
    expect(matchesIn("a b1 b2 b3 b4", b.times(2, 3))).toEqual(["a b1 b2", "a b1 b2 b3"]);
    expect(matchesIn("a b1 b2 b3 b4", b.timesOrMore(3))).toEqual(["a b1 b2 b3", "a b1 b2 b3 b4"]);
    expect(matchesIn("a b1 c b2", b.times(2).consecutive())).toEqual([]);
    expect(sorted(matchesIn("a b1 b2 b3", b.times(2).allowCombinations()))).toEqual(["a b1 b2", "a b1 b3"]);
  });

  test("a loop whose events must follow each other in time ends where they do not", () => {
    const b = a.followedBy("b").where(is("b"));
    // 10 ms an event.
    expect(matchesIn("a b1 d b2 d d b3", b.oneOrMore("25 ms"))).toEqual(["a b1", "a b1 b2"]);
    expect(matchesIn("a d d d b1 d b2", b.times(2, "25 ms"))).toEqual(["a b1 b2"]);
    expect(matchesIn("a b1 d d b2 b3", b.times(2, "25 ms"))).toEqual([]);
  });
});

describe("F34: optional and greedy", () => {
  const c = is("c");

  test("an optional stage may be left out", () => {
    const optional = a.followedBy("b").where(is("b")).optional().followedBy("c").where(c);
    expect(sorted(matchesIn("a b c", optional))).toEqual(["a b c", "a c"]);
    expect(matchesIn("a c", optional)).toEqual(["a c"]);
  });

  test("an optional stage at the end gives both matches", () => {
    expect(sorted(matchesIn("a b", a.followedBy("b").where(is("b")).optional()))).toEqual(["a", "a b"]);
  });

  test("an optional loop may have no event", () => {
    const any = a.followedBy("b").where(is("b")).oneOrMore().optional().followedBy("c").where(c);
    expect(sorted(matchesIn("a b1 b2 c", any))).toEqual(["a b1 b2 c", "a b1 c", "a c"]);
  });

  test("times from 0 is optional", () => {
    const some = a.followedBy("b").where(is("b")).times(0, 2).followedBy("c").where(c);
    expect(sorted(matchesIn("a b1 b2 b3 c", some))).toEqual(["a b1 b2 c", "a b1 c", "a c"]);
  });

  test("a greedy loop keeps the events that the next stage could take", () => {
    const digits = a.followedBy("b").where(is("b", "c")).oneOrMore();
    const end = is("c", "d");
    expect(sorted(matchesIn("a b1 c1 d", digits.followedBy("end").where(end)))).toEqual(["a b1 c1", "a b1 c1 d"]);
    expect(matchesIn("a b1 c1 d", digits.greedy().followedBy("end").where(end))).toEqual(["a b1 c1 d"]);
  });

  test("a greedy range takes as many as it may", () => {
    const range = a.followedBy("b").where(is("b")).times(1, 3).greedy().followedBy("c").where(is("b", "c"));
    expect(matchesIn("a b1 b2 c", range)).toEqual(["a b1 b2 c"]);
  });
});

function sorted(values: readonly string[]): readonly string[] {
  return [...values].sort();
}
