import fc from "fast-check";
import { expect, test } from "vitest";
import type { TimedStrategyConfig } from "../../config/restart-strategy.ts";
import { type RestartDecision, RestartStrategy } from "./restart-strategy.ts";

/** The middle of the random numbers: no jitter. */
const MIDDLE = 0xffff_ffff / 2;

/** Failures at the given times; what is decided on each. */
function decisionsAt(
  timesMs: readonly number[],
  config: TimedStrategyConfig,
  randoms: readonly number[] = [],
): readonly RestartDecision[] {
  let nowMs = 0;
  let draws = 0;
  const strategy = new RestartStrategy(config, {
    clock: { monoMs: () => nowMs },
    random: { u32: () => randoms[draws++] ?? MIDDLE },
  });
  return timesMs.map((atMs) => {
    nowMs = atMs;
    return strategy.onFailure();
  });
}

const restart = (delayMs: number): RestartDecision => ({ kind: "restart", delayMs });
const fail: RestartDecision = { kind: "fail" };

const exponential = {
  kind: "exponential-delay",
  initialDelayMs: 1000,
  delayMaxMs: 5000,
  multiplier: 2,
  resetAfterMs: 60_000,
  jitter: 0,
  attemptsMax: Number.POSITIVE_INFINITY,
} as const;

test("S52: none fails the job on the first failure", () => {
  expect(new RestartStrategy({ kind: "none" }).onFailure()).toEqual(fail);
});

test("S52: fixed-delay restarts the given number of times, each after the delay", () => {
  const strategy = new RestartStrategy({ kind: "fixed-delay", attemptsMax: 2, delayMs: 700 });
  expect([1, 2, 3, 4].map(() => strategy.onFailure())).toEqual([restart(700), restart(700), fail, fail]);
  expect(new RestartStrategy({ kind: "fixed-delay", attemptsMax: 0, delayMs: 1 }).onFailure()).toEqual(fail);
});

test("S52: with a failure rate the job fails on one failure more than the interval allows; old ones are forgotten", () => {
  const config = { kind: "failure-rate", failuresMax: 2, intervalMs: 1000, delayMs: 50 } as const;
  expect(decisionsAt([0, 500, 999], config)).toEqual([restart(50), restart(50), fail]);
  expect(decisionsAt([0, 500, 1000, 1500, 1999], config)).toEqual([...Array(4).fill(restart(50)), fail]);
});

test("S52: exponential-delay doubles up to the longest delay, and starts again after a healthy time", () => {
  expect(decisionsAt([0, 6000, 12_000, 18_000, 24_000], exponential)).toEqual(
    [1000, 2000, 4000, 5000, 5000].map(restart),
  );
  // The healthy time counts from the restart, 1000 ms behind the failure.
  expect(decisionsAt([0, 60_999], exponential)).toEqual([restart(1000), restart(2000)]);
  expect(decisionsAt([0, 61_000], exponential)).toEqual([restart(1000), restart(1000)]);
});

test("S52: Z3: what fails while exponential-delay waits restarts with it, and counts as one failure with it", () => {
  expect(decisionsAt([0, 400, 999, 1000], exponential)).toEqual([1000, 600, 1, 2000].map(restart));
  expect(decisionsAt([0, 400, 6000], { ...exponential, attemptsMax: 1 })).toEqual([restart(1000), restart(600), fail]);
});

test("S52: exponential-delay gives up after its attempts, which a healthy time gives back", () => {
  const config = { ...exponential, attemptsMax: 2 };
  expect(decisionsAt([0, 6000, 12_000], config)).toEqual([restart(1000), restart(2000), fail]);
  expect(decisionsAt([0, 6000, 80_000, 86_000, 92_000], config)).toEqual([
    restart(1000),
    restart(2000),
    restart(1000),
    restart(2000),
    fail,
  ]);
});

test("the jitter lengthens or shortens a delay by at most its share, and does not pass on to the next", () => {
  const config = { ...exponential, jitter: 0.1 };
  expect(decisionsAt([0, 6000, 12_000], config, [0, 0xffff_ffff, MIDDLE])).toEqual([900, 2200, 4000].map(restart));
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 0xffff_ffff }), { minLength: 8, maxLength: 8 }), (randoms) => {
      const times = randoms.map((_, index) => index * 6000);
      const plain = decisionsAt(times, exponential);
      decisionsAt(times, config, randoms).forEach((decision, index) => {
        const without = plain[index]!;
        if (decision.kind === "fail" || without.kind === "fail") throw new Error("expected restarts");
        expect(decision.delayMs).toBeGreaterThanOrEqual(without.delayMs * 0.9 - 1e-6);
        expect(decision.delayMs).toBeLessThanOrEqual(Math.min(without.delayMs * 1.1 + 1e-6, config.delayMaxMs));
      });
    }),
  );
});
