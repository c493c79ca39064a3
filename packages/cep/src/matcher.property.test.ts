import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { letters, MatchRun, MS_PER_EVENT, matchesIn } from "./testing/match-events.ts";
import { type Contiguity, type NaiveStage, naiveMatches, patternOf } from "./testing/naive-matches.ts";

const stage: fc.Arbitrary<NaiveStage> = fc.record({
  letters: fc.constantFrom(["a"], ["b"], ["c"], ["a", "b"], ["b", "c"]),
  after: fc.constantFrom<Contiguity>("next", "followedBy", "followedByAny"),
  from: fc.constantFrom(1, 1, 2),
  to: fc.constantFrom(2, 3, undefined),
  inner: fc.constantFrom("relaxed" as const, "consecutive" as const, "combinations" as const),
  isOptional: fc.boolean(),
  notBefore: fc.constantFrom(undefined, undefined, "x"),
});

const single = stage.map((each): NaiveStage => ({ ...each, from: 1, to: 1 }));

const patterns = fc
  .array(fc.oneof({ weight: 2, arbitrary: single }, { weight: 1, arbitrary: stage }), { minLength: 1, maxLength: 4 })
  .map((stages) =>
    stages.map((each, index): NaiveStage => {
      const before = stages[index - 1];
      if (each.notBefore === undefined || before === undefined || before.isOptional) {
        return { ...each, notBefore: undefined };
      }
      return { ...each, isOptional: false };
    }),
  );

const texts = fc
  .array(fc.constantFrom("a", "b", "b", "c", "x"), { maxLength: 9 })
  .map((names) => names.map((name, index) => `${name}${index}`).join(" "));

const windows = fc.constantFrom(undefined, undefined, 25, 40);

describe("F34: the automaton finds what the definition says", () => {
  test("every pattern finds exactly the choices of events that fit it", () => {
    fc.assert(
      fc.property(patterns, texts, windows, (stages, text, withinMs) => {
        const found = [...matchesIn(text, patternOf(stages, withinMs))].sort();
        expect(found).toEqual(naiveMatches(stages, letters(text), withinMs));
      }),
      { numRuns: 300 },
    );
  });

  test("N2: nothing is kept of runs that are over", () => {
    fc.assert(
      fc.property(patterns, texts, (stages, text) => {
        const run = new MatchRun(patternOf(stages, 30));
        const events = letters(text);
        events.forEach((event, index) => {
          run.event(event, index * MS_PER_EVENT);
          const oldest = Math.min(...[...run.runs.partial].map(({ startMs }) => startMs));
          expect(oldest).toBeGreaterThan(index * MS_PER_EVENT - 30);
        });
        run.advanceTime(Number.POSITIVE_INFINITY);
        expect([run.runs.partial.size, run.runs.completed.size]).toEqual([1, 0]);
      }),
    );
  });
});
