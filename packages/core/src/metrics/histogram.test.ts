import fc from "fast-check";
import { expect, test } from "vitest";
import { InvariantViolation } from "../base/errors.ts";
import { Histogram } from "./histogram.ts";

function histogramOf(values: readonly number[], size?: number): Histogram {
  const histogram = new Histogram(size);
  for (const value of values) histogram.update(value);
  return histogram;
}

const numbers = fc.double({ noNaN: true, min: -1e9, max: 1e9 }).map((value) => value + 0);

test("statistics are those of the latest values, however many there were", () => {
  fc.assert(
    fc.property(fc.array(numbers, { minLength: 1, maxLength: 50 }), fc.integer({ min: 1, max: 20 }), (values, size) => {
      const histogram = histogramOf(values, size);
      const latest = values.slice(-size);
      const statistics = histogram.getStatistics();
      expect(histogram.getCount()).toBe(values.length);
      expect(statistics.size).toBe(latest.length);
      expect(statistics.min).toBe(Math.min(...latest));
      expect(statistics.max).toBe(Math.max(...latest));
      expect(statistics.mean).toBeCloseTo(latest.reduce((sum, value) => sum + value, 0) / latest.length, 3);
    }),
  );
});

test("a quantile is a kept value that the share of the values do not exceed, and the smallest such", () => {
  fc.assert(
    fc.property(
      fc.array(numbers, { minLength: 1, maxLength: 50 }),
      fc.double({ noNaN: true, min: 0, max: 1 }),
      (values, q) => {
        const quantile = histogramOf(values).getStatistics().quantile(q);
        const share = (limit: number): number => values.filter((value) => value <= limit).length;
        expect(values).toContain(quantile);
        expect(share(quantile)).toBeGreaterThanOrEqual(q * values.length);
        for (const smaller of values.filter((value) => value < quantile)) {
          expect(share(smaller)).toBeLessThan(q * values.length);
        }
      },
    ),
  );
});

test("the deviation of 2, 4, 4, 4, 5, 5, 7, 9 is that of a sample", () => {
  expect(histogramOf([2, 4, 4, 4, 5, 5, 7, 9]).getStatistics().stddev).toBeCloseTo(Math.sqrt(32 / 7));
  expect(histogramOf([3]).getStatistics().stddev).toBe(0);
});

test("without values there are no figures", () => {
  const { size, min, max, mean, stddev, quantile } = new Histogram().getStatistics();
  expect([size, min, max, mean, stddev, quantile(0.5)]).toEqual([0, NaN, NaN, NaN, NaN, NaN]);
});

test("statistics do not change with later updates", () => {
  const histogram = histogramOf([1, 2, 3]);
  const before = histogram.getStatistics();
  histogram.update(99);
  expect(before.max).toBe(3);
  expect(before.quantile(1)).toBe(3);
});

test("a histogram keeps at least one value", () => {
  expect(() => new Histogram(0)).toThrow(InvariantViolation);
});
