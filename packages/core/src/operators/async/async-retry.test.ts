import { describe, expect, test } from "vitest";
import { AsyncRetryStrategies } from "./async-retry.ts";

describe("F02: retry strategies", () => {
  test("a fixed delay is the same before each of the retries", () => {
    const retry = AsyncRetryStrategies.fixedDelay(2, "50 ms");
    expect([1, 2, 3].map((attempts) => retry.canRetry(attempts))).toEqual([true, true, false]);
    expect([1, 2].map((attempts) => retry.getBackoffTimeMillis(attempts))).toEqual([50, 50]);
  });

  test("an exponential delay grows by its factor up to its maximum, for every record anew", () => {
    const retry = AsyncRetryStrategies.exponentialBackoff(5, "100 ms", "1 s", 3);
    expect([1, 2, 3, 4, 1].map((attempts) => retry.getBackoffTimeMillis(attempts))).toEqual([100, 300, 900, 1000, 100]);
  });

  test("without conditions every failure is retried and no result; with one of them only what it says", () => {
    const always = AsyncRetryStrategies.fixedDelay(1, 0);
    expect(always.exceptionPredicate?.(new Error("x"))).toBe(true);
    expect(always.resultPredicate).toBeUndefined();
    const onEmpty = AsyncRetryStrategies.fixedDelay<readonly number[]>(1, 0, { ifResult: (all) => all.length === 0 });
    expect(onEmpty.exceptionPredicate).toBeUndefined();
    expect(onEmpty.resultPredicate?.([])).toBe(true);
  });

  test.each([
    () => AsyncRetryStrategies.fixedDelay(0, "1 s"),
    () => AsyncRetryStrategies.fixedDelay(1.5, "1 s"),
    () => AsyncRetryStrategies.fixedDelay(1, -1),
    () => AsyncRetryStrategies.exponentialBackoff(1, "1 s", "8 d", 2),
    () => AsyncRetryStrategies.exponentialBackoff(1, "1 s", "1 min", 0.5),
  ])("MR_ASYNC_RETRY_INVALID: arguments out of range are refused (%#)", (make) => {
    expect(make).toThrow("MR_ASYNC_RETRY_INVALID");
  });
});
