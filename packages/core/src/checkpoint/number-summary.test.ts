import fc from "fast-check";
import { expect, test } from "vitest";
import { RunningSummary, summarize } from "./number-summary.ts";

test("percentiles lie between the numbers around their position", () => {
  const { quantiles, ...rest } = summarize([30, 10, 20, 40]);
  expect(rest).toEqual({ count: 4, min: 10, max: 40, sum: 100 });
  expect(quantiles.p50).toBe(25);
  expect(quantiles.p25).toBe(12.5);
  expect(quantiles.p99).toBe(40);
});

test("no numbers have no percentiles, and 0 for the rest", () => {
  const { quantiles, ...rest } = new RunningSummary(3).summary;
  expect(rest).toEqual({ count: 0, min: 0, max: 0, sum: 0 });
  expect(new Set(Object.values(quantiles))).toEqual(new Set([Number.NaN]));
});

test("percentiles rise, from the least number to the greatest; of a running summary they are those of the last numbers", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer(), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 40 }),
      (all, recent) => {
        const running = new RunningSummary(recent);
        for (const number of all) running.add(number);
        const whole = summarize(all);
        const { quantiles, ...rest } = running.summary;
        expect(rest).toEqual({ count: all.length, min: whole.min, max: whole.max, sum: whole.sum });
        expect(quantiles).toEqual(summarize(all.slice(-recent)).quantiles);
        const { p25, p50, p75, p90, p95, p99, p999 } = whole.quantiles;
        const rising = [whole.min, p25, p50, p75, p90, p95, p99, p999, whole.max];
        expect(rising).toEqual(rising.toSorted((left, right) => left - right));
      },
    ),
  );
});
