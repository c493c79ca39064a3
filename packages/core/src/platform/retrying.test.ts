import { expect, test } from "vitest";
import { retrying } from "./retrying.ts";
import { createSimulatedPlatform } from "./simulated-platform.ts";

test("what passes is tried again after growing pauses of random length, so often and no oftener", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  const triedMs: number[] = [];
  const failed = platform.run(() =>
    retrying(
      platform,
      { attemptsMax: 6, pauseMsFirst: 100, pauseMsMax: 500 },
      (number) => {
        triedMs.push(platform.clock.monoMs());
        return Promise.reject(new Error(`try ${number}`));
      },
      () => true,
    ),
  );
  await expect(failed).rejects.toThrow("try 6");
  const pausesMs = triedMs.slice(1).map((ms, index) => ms - triedMs[index]!);
  expect(pausesMs).toHaveLength(5);
  for (const [index, boundMs] of [100, 200, 400, 500, 500].entries()) {
    expect(pausesMs[index]).toBeGreaterThanOrEqual(boundMs / 2);
    expect(pausesMs[index]).toBeLessThan(boundMs + 20);
  }
});

test("what does not pass is not tried again, and a success ends it", async () => {
  const platform = createSimulatedPlatform({ seed: 2 });
  const tries = (outcomes: readonly string[]) => {
    let count = 0;
    return platform.run(() =>
      retrying(
        platform,
        { attemptsMax: 10 },
        (number) => {
          count = number;
          const outcome = outcomes[number - 1]!;
          return outcome === "done" ? Promise.resolve(count) : Promise.reject(new Error(outcome));
        },
        (error) => (error as Error).message === "busy",
      ),
    );
  };
  await expect(tries(["busy", "busy", "done"])).resolves.toBe(3);
  await expect(tries(["busy", "gone", "done"])).rejects.toThrow("gone");
});
