import { neighbourRuns, oneInput, type SubtaskEvent } from "millrace/testing";
import { describe, expect, test } from "vitest";
import { AfterMatchSkipStrategy } from "./after-match-skip-strategy.ts";
import { CEP } from "./cep.ts";

interface Reading {
  readonly sensor: string;
  readonly celsius: number;
}

/** Readings of three sensors, out of order by up to 6 ms, with watermarks between. */
const events: readonly SubtaskEvent[] = [
  ...Array.from({ length: 60 }, (_, n): readonly SubtaskEvent[] => {
    const value: Reading = { sensor: `sensor ${(n * 7) % 3}`, celsius: (n * 11) % 13 };
    const record: SubtaskEvent = { kind: "record", input: 0, value, timestampMs: 3 * n - ((n * 5) % 7) };
    return n % 4 === 3 ? [record, { kind: "watermark", timestampMs: 3 * n - 7 }] : [record];
  }).flat(),
  { kind: "end" },
];

const operators = [
  oneInput<Reading>("CEP by key", (readings) =>
    CEP.pattern(
      readings.keyBy(({ sensor }) => sensor),
      (pattern) =>
        pattern
          .begin("cold")
          .where(({ celsius }) => celsius < 7)
          .followedByAny("warmer")
          .where(({ celsius }, context) => celsius > (context.getEventsForPattern("cold")[0]?.celsius ?? 0))
          .oneOrMore()
          .within(40),
    ).select(({ cold, warmer }) => [cold[0].celsius, ...warmer.map(({ celsius }) => celsius)]),
  ),
  oneInput<Reading>("CEP of all, with a pattern that must not come", (readings) =>
    CEP.pattern(readings, (pattern) =>
      pattern
        .begin("hot", AfterMatchSkipStrategy.skipPastLastEvent())
        .where(({ celsius }) => celsius > 9)
        .notFollowedBy("cold")
        .where(({ celsius }) => celsius < 3)
        .within(12),
    ).select(({ hot }) => hot[0].celsius),
  ),
];

describe("F44: patterns, whatever their neighbours do", () => {
  test.each(operators)(
    "$name: one by one, all at once, refused every second time, restored after every step from a snapshot",
    async (operator) => {
      const { expected, found } = await neighbourRuns(operator, events);
      expect(expected.length).toBeGreaterThan(0);
      for (const [neighbours, records] of Object.entries(found)) expect(records, neighbours).toEqual(expected);
    },
  );
});
