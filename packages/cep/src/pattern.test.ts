import { OutputTag, StreamExecutionEnvironment } from "millrace";
import { createSimulatedPlatform } from "millrace/testing";
import { describe, expect, expectTypeOf, test } from "vitest";
import { AfterMatchSkipStrategy } from "./after-match-skip-strategy.ts";
import { CEP } from "./cep.ts";
import { type MatchOf, Pattern, type PatternKind, WithinType } from "./pattern.ts";
import { is, type Letter, matchesIn } from "./testing/match-events.ts";

interface Deposit {
  readonly kind: "deposit";
  readonly amount: number;
}
interface Transfer {
  readonly kind: "transfer";
  readonly to: string;
}
type Booking = Deposit | Transfer;

const env = StreamExecutionEnvironment.on(createSimulatedPlatform({ seed: 1 }));
const bookings = env.fromData<Booking>([]);
const pattern = Pattern.of<Letter>();
const a = pattern.begin("a").where(is("a"));

describe("F34: the types of patterns", () => {
  test("names and events of the stages are inferred, in conditions and in matches", () => {
    const stream = CEP.pattern(bookings, (start) =>
      start
        .begin("deposit")
        .where((booking): booking is Deposit => booking.kind === "deposit")
        .followedBy("transfers")
        .where((booking): booking is Transfer => booking.kind === "transfer")
        .oneOrMore()
        .followedBy("maybe")
        .where((booking, context) => {
          expectTypeOf(booking).toEqualTypeOf<Booking>();
          expectTypeOf(context.getEventsForPattern("deposit")).toEqualTypeOf<readonly Deposit[]>();
          // @ts-expect-error: there is no such stage.
          return context.getEventsForPattern("deposits").length > 0;
        })
        .optional(),
    );
    const results = stream.select((match) => {
      expectTypeOf(match.deposit).toEqualTypeOf<readonly [Deposit, ...Deposit[]]>();
      expectTypeOf(match.deposit[0].amount).toEqualTypeOf<number>();
      expectTypeOf(match.transfers).toEqualTypeOf<readonly [Transfer, ...Transfer[]]>();
      expectTypeOf(match.maybe).toEqualTypeOf<readonly Booking[]>();
      // @ts-expect-error: there is no such stage.
      return match.nothing as string;
    });
    expectTypeOf(results.type).toEqualTypeOf<typeof results.type>();
  });

  test("partial matches may lack any stage", () => {
    const stream = CEP.pattern(bookings, (start) => start.begin("one").next("two").within("1 min"));
    const tag = new OutputTag<number>("timed-out");
    stream.select(
      tag,
      (match) => {
        expectTypeOf(match.one).toEqualTypeOf<readonly Booking[]>();
        return match.one.length;
      },
      (match) => match.two[0],
    );
  });

  test("a stage that must not come is no part of a match, and the stages of a group are", () => {
    const whole = a
      .notFollowedBy("x")
      .where(is("x"))
      .followedBy(pattern.begin("b").where(is("b")).next("c").where(is("c")))
      .times(2)
      .optional();
    type Match = MatchOf<typeof whole>;
    expectTypeOf<keyof Match>().toEqualTypeOf<"a" | "b" | "c">();
    expectTypeOf<Match["b"]>().toEqualTypeOf<readonly Letter[]>();
  });

  test("what makes no sense does not compile", () => {
    // @ts-expect-error: what must not occur has no number of times.
    expect(() => a.notNext("x").oneOrMore()).toThrow(/MR_PATTERN_INVALID/);
    const group = pattern.begin(pattern.begin("b").where(is("b")));
    // @ts-expect-error: a group has no conditions of its own; those of its stages are asked.
    void (() => group.where(is("b")));
    // @ts-expect-error: a group cannot be greedy.
    expect(() => group.oneOrMore().greedy()).toThrow(/MR_PATTERN_INVALID/);
    // @ts-expect-error: a condition is synchronous.
    expect(() => a.where(async () => true)).toThrow(/MR_ASYNC_NOT_ALLOWED/);
  });

  test("names that are not known when it is compiled give matches by any name", () => {
    const names: readonly string[] = ["x", "y"];
    const any = Pattern.begin<Letter>(names[0]!).next(names[1]!);
    expectTypeOf<MatchOf<typeof any>[string]>().toEqualTypeOf<readonly Letter[]>();
  });
});

describe("F34: patterns that mean nothing are refused", () => {
  const refused = (make: () => unknown): void => {
    expect(make).toThrow(/MR_PATTERN_INVALID/);
  };
  const stream = env.fromData<Letter>([]);

  test("quantifiers where they mean nothing", () => {
    refused(() => a.optional().optional());
    refused(() => a.times(2).oneOrMore());
    refused(() => a.consecutive());
    refused(() => a.allowCombinations());
    refused(() => a.oneOrMore().consecutive().allowCombinations());
    refused(() => a.greedy());
    refused(() => a.oneOrMore().allowCombinations().greedy());
    refused(() => a.until(is("b")));
    refused(() => a.oneOrMore().until(is("b")).until(is("c")));
    refused(() => a.oneOrMore().greedy().followedBy("b").optional());
    refused(() => a.optional().notFollowedBy("b"));
  });

  test("arguments that are none", () => {
    expect(() => a.times(0)).toThrow(/MR_ARGUMENT_INVALID/);
    expect(() => a.times(3, 2)).toThrow(/MR_ARGUMENT_INVALID/);
    expect(() => a.within(0)).toThrow(/MR_ARGUMENT_INVALID/);
    expect(() => a.next("")).toThrow(/MR_ARGUMENT_INVALID/);
    // @ts-expect-error: no pattern.
    expect(() => CEP.pattern(stream, "a")).toThrow(/MR_ARGUMENT_INVALID/);
  });

  test("whole patterns", () => {
    const of = (whole: Parameters<typeof CEP.pattern<Letter, Letter, unknown, unknown, PatternKind>>[1]) => () =>
      CEP.pattern(stream, whole);
    const group = pattern.begin("b").where(is("b")).optional().next("c").optional();
    refused(of(a.next("a")));
    refused(of(a.notFollowedBy("b")));
    refused(of(a.next("b").within("2 s", WithinType.PREVIOUS_AND_CURRENT).within("1 s")));
    refused(of(a.next(group) as never));
    refused(of(pattern.begin("a", AfterMatchSkipStrategy.skipToFirst("b"))));
    refused(of(pattern.begin("a").times(20_000)));
  });
});

describe("F34: conditions", () => {
  test("all of several where have to hold, or any of those before an or", () => {
    const two = pattern
      .begin("a")
      .where(is("a", "b"))
      .where((event) => event.id.endsWith("1"));
    expect(matchesIn("a1 a2 b1 b2 c1", two)).toEqual(["a1", "b1"]);
    expect(matchesIn("a1 a2 b1 b2 c1", two.or(is("c")))).toEqual(["a1", "b1", "c1"]);
  });

  test("an iterative condition sees what the partial match has accepted, the event at hand not included", () => {
    const rising = pattern
      .begin("first")
      .followedByAny("rest")
      .where((event, context) => {
        const last = context.getEventsForPattern("rest").at(-1) ?? context.getEventsForPattern("first")[0];
        return last !== undefined && event.id > last.id;
      })
      .times(2)
      .allowCombinations();
    expect([...matchesIn("b a c d", rising)].sort()).toEqual(["a c d", "b c d"]);
  });

  test("until ends a loop with an event that is not taken, nor are those after it", () => {
    const loop = a.followedBy("b").where(is("b")).oneOrMore().until(is("x"));
    expect(matchesIn("a b1 b2 x b3", loop)).toEqual(["a b1", "a b1 b2"]);
    // A loop that has not begun is not ended.
    expect(matchesIn("a x b1 b2 x b3", loop)).toEqual(["a b1", "a b1 b2"]);
    const ended = loop.followedBy("c").where(is("c"));
    expect(matchesIn("a b1 x b2 c", ended)).toEqual(["a b1 c"]);
  });
});

describe("F34: what must not come", () => {
  test("notNext refuses the very next event only", () => {
    const not = a.notNext("x").where(is("x")).followedBy("c").where(is("c"));
    expect(matchesIn("a x c", not)).toEqual([]);
    expect(matchesIn("a b x c", not)).toEqual(["a b x c"].map(() => "a c"));
    expect(matchesIn("a b", a.notNext("x").where(is("x")))).toEqual(["a"]);
    expect(matchesIn("a x", a.notNext("x").where(is("x")))).toEqual([]);
  });

  test("notFollowedBy refuses an event until the next stage", () => {
    const not = a.notFollowedBy("x").where(is("x")).followedByAny("c").where(is("c"));
    expect(matchesIn("a b x c", not)).toEqual([]);
    expect(matchesIn("a c1 x c2", not)).toEqual(["a c1"]);
  });

  test("an optional stage that took its event is behind what must not come before it", () => {
    const not = a
      .notFollowedBy("x")
      .where(is("x"))
      .followedByAny("c")
      .where(is("c"))
      .optional()
      .followedByAny("d")
      .where(is("d"));
    expect(matchesIn("a c x d", not)).toEqual(["a c d"]);
    expect(matchesIn("a x d", not)).toEqual([]);
    expect([...matchesIn("a c d", not)].sort()).toEqual(["a c d", "a d"]);
  });

  test("notFollowedBy at the end matches when the time is over", () => {
    const not = a.notFollowedBy("x").where(is("x")).within(30);
    expect(matchesIn("a b x", not)).toEqual([]);
    expect(matchesIn("a b c x", not)).toEqual(["a"]);
  });
});

describe("F34: groups", () => {
  const bc = pattern.begin("b").where(is("b")).followedBy("c").where(is("c"));

  test("a group is matched as one stage", () => {
    expect(matchesIn("a x b y c", a.followedBy(bc))).toEqual(["a b c"]);
    expect(matchesIn("a x b y c", a.next(bc))).toEqual([]);
    expect(matchesIn("a b1 c1 b2 c2 d", a.followedBy(bc).times(2).followedBy("d").where(is("d")))).toEqual([
      "a b1 b2 c1 c2 d",
    ]);
  });

  test("an optional group may be left out, one that repeats comes any number of times", () => {
    const d = is("d");
    expect([...matchesIn("a b c d", a.followedBy(bc).optional().followedBy("d").where(d))].sort()).toEqual([
      "a b c d",
      "a d",
    ]);
    const loop = a.followedBy(bc).oneOrMore().followedBy("d").where(d);
    expect([...matchesIn("a b1 c1 b2 c2 d", loop)].sort()).toEqual(["a b1 b2 c1 c2 d", "a b1 c1 d"]);
  });

  test("a pattern may begin with a group, and groups may hold groups", () => {
    const nested = pattern.begin(pattern.begin(bc).times(2).next("e").where(is("e"))).oneOrMore();
    expect(matchesIn("b1 c1 b2 c2 e", nested)).toEqual(["b1 b2 c1 c2 e"]);
  });
});

describe("F34: time between events", () => {
  test("within from the previous event limits one stage", () => {
    const near = a
      .followedBy("b")
      .where(is("b"))
      .within(25, WithinType.PREVIOUS_AND_CURRENT)
      .followedBy("c")
      .where(is("c"));
    expect(matchesIn("a x b x x x c", near)).toEqual(["a b c"]);
    expect(matchesIn("a x x b c", near)).toEqual([]);
  });
});
