import fc from "fast-check";
import { expect, test } from "vitest";
import { LatencyHistogram } from "./latency-histogram.ts";

function histogramOf(durationsMs: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const duration of durationsMs) histogram.record(duration);
  return histogram;
}

test("a quantile is never below the exact one and at most 1/128 above, to the microsecond", () => {
  const durations = fc.array(fc.double({ min: 0, max: 2_000_000, noNaN: true }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (durationsMs, q) => {
      const sorted = durationsMs.toSorted((left, right) => left - right);
      const exact = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
      const found = histogramOf(durationsMs).quantileMs(q);
      expect(found).toBeGreaterThanOrEqual(exact - 1e-9);
      expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 128) + 0.002);
    }),
  );
});

test("percentiles of one to a thousand milliseconds", () => {
  const histogram = histogramOf(Array.from({ length: 1000 }, (_, index) => index + 1));
  expect(histogram.quantileMs(0.5)).toBeCloseTo(500, -1);
  expect(histogram.quantileMs(0.99)).toBeCloseTo(990, -1);
  expect(histogram.quantileMs(1)).toBeCloseTo(1000, -1);
});

test("counts of several threads add up", () => {
  const sum = histogramOf([1, 1, 1]);
  sum.add(histogramOf([5]).counts);
  expect(sum.total).toBe(4);
  expect([sum.quantileMs(0.75), sum.quantileMs(1)].map(Math.round)).toEqual([1, 5]);
});

test("an empty histogram has no quantile, and what is too long or negative counts as the limit", () => {
  expect(new LatencyHistogram().quantileMs(0.5)).toBeNaN();
  expect(histogramOf([-3]).quantileMs(1)).toBe(0);
  expect(histogramOf([1e12]).quantileMs(1)).toBe(2_147_483.647);
});
