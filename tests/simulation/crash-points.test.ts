/** A sample of the crash points of every scenario; `npm run sim -- --crash-points` runs all of them. */
import { expect, test } from "vitest";
import { countEffects, crashPoints, runWithCrash, SCENARIOS } from "./crash-points.ts";

/** Of one scenario. */
const RUNS = 9;

test("there are at least 15 scenarios, each with effects to crash at", () => {
  expect(SCENARIOS.length).toBeGreaterThanOrEqual(15);
  expect(crashPoints(3, 1).length).toBe(12);
});

test.each(SCENARIOS)("a crash before or after any durable effect costs nothing: $name", async (scenario) => {
  const count = await countEffects(scenario);
  expect(count).toBeGreaterThan(20);
  // Odd, so that all four ways come in turn.
  const stride = Math.max(1, Math.floor((count * 4) / RUNS)) | 1;
  for (const point of crashPoints(count, stride)) {
    const { violations } = await runWithCrash(scenario, point);
    expect(violations, JSON.stringify(point)).toEqual([]);
  }
});
