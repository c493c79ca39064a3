import { expect, test } from "vitest";
import { SAMPLES_MIN, trendOf } from "./memory.ts";

const allowance = { share: 0.1, mib: 5 };

test("memory that grows by more than the allowance is not flat", () => {
  const growing = Array.from({ length: 60 }, (_, index) => 100 + index);
  expect(trendOf(growing, allowance)!.isFlat).toBe(false);
});

test("noise, single peaks and the warm-up do not count", () => {
  const noisy = Array.from({ length: 60 }, (_, index) =>
    index < 3 ? 20 : 100 + (index % 7) + (index % 20 === 19 ? 400 : 0),
  );
  expect(trendOf(noisy, allowance)!.isFlat).toBe(true);
});

test("of too few samples nothing is said", () => {
  expect(trendOf(new Array<number>(SAMPLES_MIN - 1).fill(1), allowance)).toBeUndefined();
  expect(trendOf(new Array<number>(SAMPLES_MIN).fill(1), allowance)!.isFlat).toBe(true);
});
