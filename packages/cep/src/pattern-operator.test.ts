import fc from "fast-check";
import { type DataStream, OutputTag, type SingleOutputStreamOperator, StreamExecutionEnvironment } from "millrace";
import { createSimulatedPlatform, OperatorHarness, type SimulatedPlatform } from "millrace/testing";
import { describe, expect, test } from "vitest";
import { AfterMatchSkipStrategy } from "./after-match-skip-strategy.ts";
import { CEP } from "./cep.ts";
import type { Match } from "./matcher.ts";
import { Pattern } from "./pattern.ts";
import { describeMatch, is, type Letter } from "./testing/match-events.ts";

interface Keyed extends Letter {
  readonly key: string;
}

function event(id: string, key: string = "k"): Keyed {
  return { id, name: id.replace(/\d+$/, ""), key };
}

/** What a stream of results tells about its operator. */
type Build = (stream: DataStream<Keyed>) => Pick<SingleOutputStreamOperator<unknown>, "transformation">;

type Restore = ReturnType<OperatorHarness["snapshot"]>;

/** Makes harnesses of the operator; each may continue from a snapshot of another. */
function operatorOf(
  build: Build,
  sideOutputs: readonly string[] = [],
  platform: SimulatedPlatform = createSimulatedPlatform({ seed: 1 }),
): (restore?: Restore) => OperatorHarness {
  const env = StreamExecutionEnvironment.on(platform);
  const { transformation } = build(env.fromData<Keyed>([]));
  return (restore) =>
    new OperatorHarness(transformation.spec, { platform, sideOutputs, ...(restore === undefined ? {} : { restore }) });
}

const pattern = Pattern.of<Keyed>();
const late = new OutputTag<Keyed>("late");
const timedOut = new OutputTag<string>("timed-out");

const aThenLoop = pattern
  .begin("a")
  .where(is("a"))
  .followedBy("b")
  .where(is("b"))
  .oneOrMore()
  .optional()
  .followedBy("c")
  .where(is("c"))
  .within(50);

const notAtEnd = pattern
  .begin("a", AfterMatchSkipStrategy.skipToNext())
  .where(is("a"))
  .followedByAny("b")
  .where(is("b"))
  .notFollowedBy("c")
  .where(is("c"))
  .within(40);

const selecting =
  (of: typeof aThenLoop | typeof notAtEnd): Build =>
  (stream) =>
    CEP.pattern(
      stream.keyBy((each) => each.key),
      of as typeof aThenLoop,
    )
      .sideOutputLateData(late)
      .select(
        timedOut,
        (match, timeoutMs) => `${describeMatch(match)} @${timeoutMs}`,
        (match) => describeMatch(match),
      );

const sides = ["late", "timed-out"];

function values(harness: OperatorHarness, tag?: string): readonly unknown[] {
  return harness.output(tag).map(({ value }) => value);
}

describe("F34: event time", () => {
  test("C1: events are matched in the order of their timestamps when the watermark reaches them", () => {
    const harness = operatorOf(selecting(aThenLoop))();
    harness.element(event("c"), 30);
    harness.element(event("b"), 20);
    harness.element(event("a"), 10);
    harness.watermark(29);
    expect(harness.output()).toEqual([]);
    harness.watermark(30);
    expect(harness.output()).toEqual([
      { value: "a b c", timestampMs: 30 },
      { value: "a c", timestampMs: 30 },
    ]);
  });

  test("C1: events with one timestamp keep the order of arrival, or that of the comparator", () => {
    const strict = pattern.begin("a").where(is("a")).next("b").where(is("b"));
    const build =
      (comparator?: (left: Keyed, right: Keyed) => number): Build =>
      (stream) =>
        CEP.pattern(stream, strict, comparator).select((match) => describeMatch(match));
    const feed = (harness: OperatorHarness): readonly unknown[] => {
      harness.element(event("b1"), 10);
      harness.element(event("a1"), 10);
      harness.watermark(10);
      return values(harness);
    };
    expect(feed(operatorOf(build())())).toEqual([]);
    expect(feed(operatorOf(build((left, right) => left.id.localeCompare(right.id)))())).toEqual(["a1 b1"]);
  });

  test("C1: an event at or below the watermark is late, and goes to its side output", () => {
    const harness = operatorOf(selecting(aThenLoop), sides)();
    harness.element(event("a"), 10);
    harness.watermark(20);
    harness.element(event("b"), 20);
    harness.element(event("c"), 21);
    harness.watermark(30);
    expect(values(harness)).toEqual(["a c"]);
    expect(harness.output("late")).toEqual([{ value: event("b"), timestampMs: 20 }]);
  });

  test("C3: an event at the end of within is too late, and the partial match has timed out then", () => {
    const harness = operatorOf(selecting(aThenLoop), sides)();
    harness.element(event("a"), 10);
    harness.element(event("b"), 30);
    harness.element(event("c"), 60);
    harness.watermark(1000);
    expect(values(harness)).toEqual([]);
    expect(harness.output("timed-out")).toEqual([
      { value: "a b @60", timestampMs: 60 },
      { value: "a @60", timestampMs: 60 },
    ]);
  });

  test("nothing follows until the end of within: the match has the time of that end", () => {
    const harness = operatorOf(selecting(notAtEnd), sides)();
    harness.element(event("a"), 10);
    harness.element(event("b1"), 20);
    harness.watermark(1000);
    expect(harness.output()).toEqual([{ value: "a b1", timestampMs: 50 }]);
    harness.element(event("a"), 1010);
    harness.element(event("b2"), 1020);
    harness.element(event("c"), 1030);
    harness.watermark(2000);
    expect(harness.output()).toEqual([]);
  });

  test("keys are matched apart, and a record without event time is refused with what to do", () => {
    const harness = operatorOf(selecting(aThenLoop))();
    harness.element(event("a", "x"), 10);
    harness.element(event("c", "y"), 20);
    harness.element(event("c", "x"), 30);
    harness.watermark(30);
    expect(values(harness)).toEqual(["a c"]);
    expect(() => harness.element(event("a"), Number.NaN)).toThrow(/MR_TIMESTAMP_MISSING/);
  });
});

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        name: fc.constantFrom("a", "b", "b", "c"),
        key: fc.constantFrom("k", "k", "l"),
        ahead: fc.integer({ min: -1, max: 30 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ advance: fc.integer({ min: 1, max: 40 }) }) },
  ),
  { maxLength: 25 },
);

describe("F34: state", () => {
  test.each([
    ["a loop", aThenLoop],
    ["what must not follow", notAtEnd],
  ])("a restore after any step changes nothing: %s", (_name, of) => {
    const make = operatorOf(selecting(of), sides);
    fc.assert(
      fc.property(steps, (all) => {
        const play = (restores: boolean): readonly unknown[] => {
          let harness = make();
          let now = 0;
          const seen: unknown[] = [];
          all.forEach((step, index) => {
            if ("advance" in step) {
              now += step.advance;
              harness.watermark(now);
            } else harness.element(event(`${step.name}${index}`, step.key), now + step.ahead);
            seen.push(harness.output(), ...sides.map((side) => harness.output(side)));
            if (!restores) return;
            harness = make(harness.snapshot());
            if (now > 0) harness.watermark(now);
          });
          harness.watermark(10_000);
          return [...seen, harness.output(), ...sides.map((side) => harness.output(side))];
        };
        expect(play(true)).toEqual(play(false));
      }),
      { numRuns: 30 },
    );
  });

  test("C2: results do not depend on where watermarks fall", () => {
    for (const of of [aThenLoop, notAtEnd]) {
      const make = operatorOf(selecting(of), sides);
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.integer({ min: 1, max: 30 }))), (all) => {
          const play = (watermarks: boolean): readonly unknown[] => {
            const harness = make();
            let now = 0;
            const outputs: unknown[][] = [[], []];
            all.forEach(([name, gap], index) => {
              now += gap;
              harness.element(event(`${name}${index}`), now);
              if (watermarks) harness.watermark(now);
            });
            harness.watermark(10_000);
            outputs[0]!.push(...harness.output());
            outputs[1]!.push(...harness.output("timed-out"));
            return outputs;
          };
          expect(play(true)).toEqual(play(false));
        }),
        { numRuns: 40 },
      );
    }
  });

  test("C4: keys whose matches are over leave nothing in a snapshot", () => {
    const make = operatorOf(selecting(aThenLoop));
    const empty = make().snapshot().keyedBlobs[0]!.length;
    const harness = make();
    for (let index = 0; index < 50; index++)
      harness.element(event(index % 2 === 0 ? "a" : "b", `k${index % 5}`), 10 + index);
    expect(harness.snapshot().keyedBlobs[0]!.length).toBeGreaterThan(empty + 500);
    harness.watermark(10_000);
    expect(harness.snapshot().keyedBlobs[0]!.length).toBe(empty);
  });

  test("after a rescale every key finds its partial match in exactly one subtask", () => {
    const make = operatorOf(selecting(aThenLoop));
    const keys = Array.from({ length: 40 }, (_, index) => `key${index}`);
    const harness = make();
    for (const key of keys) harness.element(event(`a`, key), 10);
    harness.watermark(10);
    const snapshot = harness.snapshot();
    const found = [
      { ...snapshot, keyGroupEnd: 64 },
      { ...snapshot, keyGroupStart: 64 },
    ].map((half) => {
      const restored = make(half);
      for (const key of keys) restored.element(event("c", key), 20);
      restored.watermark(20);
      return restored.output().length;
    });
    expect(found[0]! + found[1]!).toBe(40);
    expect(Math.min(...found)).toBeGreaterThan(5);
  });

  test("partial matches of another pattern are refused by name", () => {
    const harness = operatorOf(selecting(aThenLoop))();
    harness.element(event("a"), 10);
    harness.watermark(10);
    const other = pattern.begin("start").where(is("a")).next("end").where(is("b"));
    const make = operatorOf((stream) =>
      CEP.pattern(
        stream.keyBy((each) => each.key),
        other,
      ).select(() => 1),
    );
    expect(() => make(harness.snapshot())).toThrow(/MR_PATTERN_STATE_INCOMPATIBLE/);
  });
});

describe("F34: processing time", () => {
  test("events are matched as they come, time is over by the wall clock, results have no event time", async () => {
    const platform = createSimulatedPlatform({ seed: 1 });
    const build: Build = (stream) =>
      CEP.pattern(
        stream.keyBy((each) => each.key),
        aThenLoop,
      )
        .inProcessingTime()
        .select(
          timedOut,
          (match) => describeMatch(match),
          (match) => describeMatch(match),
        );
    const harness = operatorOf(build, sides, platform)();
    harness.element(event("a1"), 500);
    harness.element(event("c1"), 100);
    expect(values(harness)).toEqual(["a1 c1"]);
    await platform.run(() => new Promise<void>((resolve) => platform.clock.after(60, resolve)), 1000);
    harness.element(event("c2"), 100);
    expect(values(harness)).toEqual([]);
    expect(values(harness, "timed-out")).toEqual(["a1"]);
  });
});

describe("F34: pattern functions", () => {
  test("a process function with a time-out handler sees matches, timed-out partial matches and the time", () => {
    const build: Build = (stream) =>
      CEP.pattern(
        stream.keyBy((each) => each.key),
        aThenLoop,
      ).process<string>({
        processMatch: (match, context, out) => {
          out.collect(`${match.a[0].id}-${match.b.length}-${match.c[0].id} @${context.timestamp}`);
        },
        processTimedOutMatch: (match, context) => {
          context.output(timedOut, `${match.a[0]?.id} ${match.c.length} @${context.timestamp}`);
        },
      });
    const harness = operatorOf(build, sides)();
    harness.element(event("a1"), 10);
    harness.element(event("c1"), 20);
    harness.watermark(100);
    expect(values(harness)).toEqual(["a1-0-c1 @20"]);
    expect(values(harness, "timed-out")).toEqual(["a1 0 @60"]);
  });

  test("flatSelect emits any number of results for matches and time-outs", () => {
    const build: Build = (stream) =>
      CEP.pattern(
        stream.keyBy((each) => each.key),
        aThenLoop,
      ).flatSelect(
        timedOut,
        {
          timeout: (match, timeoutMs, out) => {
            for (const n of [1, 2]) out.collect(`${describeMatch(match)} ${timeoutMs} ${n}`);
          },
        },
        function* (match) {
          yield match.a[0].id;
          yield match.c[0].id;
        },
      );
    const harness = operatorOf(build, sides)();
    harness.element(event("a1"), 10);
    harness.element(event("c1"), 20);
    harness.watermark(100);
    expect(values(harness)).toEqual(["a1", "c1"]);
    expect(values(harness, "timed-out")).toEqual(["a1 60 1", "a1 60 2"]);
  });

  test("conditions with a lifecycle are opened and closed, one copy a subtask", async () => {
    const log: string[] = [];
    class Once {
      seen = 0;
      open(): void {
        log.push("open");
      }
      filter(each: Keyed): boolean {
        return each.name === "a" && this.seen++ === 0;
      }
      close(): void {
        log.push("close");
      }
    }
    const make = operatorOf((stream) =>
      CEP.pattern(stream, pattern.begin("a").where(new Once())).select((match: Match) => describeMatch(match)),
    );
    for (const harness of [make(), make()]) {
      harness.element(event("a1"), 10);
      harness.element(event("a2"), 20);
      harness.watermark(20);
      expect(values(harness)).toEqual(["a1"]);
      await harness.chain.close();
    }
    expect(log).toEqual(["open", "open", "close", "close"]);
  });
});
