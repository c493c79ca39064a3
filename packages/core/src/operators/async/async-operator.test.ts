import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSimulatedPlatform } from "../../platform/simulated-platform.ts";
import { type HarnessSnapshot, OperatorHarness } from "../../testing/operator-harness.ts";
import type { AsyncSettings } from "./async-operator.ts";
import { asyncSpec } from "./async-spec.ts";

/** Requests that are answered by hand. */
class Backend {
  readonly asked: { readonly value: number; answer(): void; readonly signal: AbortSignal }[] = [];
  readonly call = (value: unknown, { signal }: { readonly signal: AbortSignal }): Promise<string> =>
    new Promise((resolve) => {
      this.asked.push({ value: value as number, signal, answer: () => resolve(`r${value as number}`) });
    });
}

function harness(backend: Backend, settings: Partial<AsyncSettings> = {}, restore?: HarnessSnapshot): OperatorHarness {
  const spec = asyncSpec({
    fn: backend.call,
    method: "mapAsync",
    capacity: 3,
    timeoutMs: Number.POSITIVE_INFINITY,
    isOrdered: true,
    retry: undefined,
    onTimeout: undefined,
    callSite: "test",
    ...settings,
  });
  const platform = createSimulatedPlatform({ seed: 1 });
  return new OperatorHarness(spec, { platform, ...(restore === undefined ? {} : { restore }) });
}

/** What a turn of the loop does after promises have settled. */
async function turn(on: OperatorHarness): Promise<readonly unknown[]> {
  await Promise.resolve().then(() => {});
  await new Promise<void>((resolve) => setImmediate(resolve));
  if (on.chain.nextProcessingTimeMs() <= 0) on.chain.onProcessingTime(0);
  return on.output().map((emitted) => emitted.value);
}

describe("F02: AsyncOperator", () => {
  test("A6: no more than capacity records are asked for; the others wait and follow in order", async () => {
    const backend = new Backend();
    const on = harness(backend);
    for (const value of [0, 1, 2, 3, 4]) on.element(value, value);
    expect(backend.asked.map((each) => each.value)).toEqual([0, 1, 2]);
    expect(on.chain.whenAvailable()).toBeDefined();
    backend.asked[0]!.answer();
    expect(await turn(on)).toEqual(["r0"]);
    expect(backend.asked.map((each) => each.value)).toEqual([0, 1, 2, 3]);
    expect(on.chain.whenAvailable()).toBeDefined();
    for (const each of backend.asked) each.answer();
    expect(await turn(on)).toEqual(["r1", "r2", "r3"]);
    expect(on.chain.whenAvailable()).toBeUndefined();
  });

  test("A6: who waits for room is told when there is some", async () => {
    const backend = new Backend();
    const on = harness(backend, { capacity: 1 });
    on.element(0, 0);
    let isTold = false;
    void on.chain.whenAvailable()!.then(() => {
      isTold = true;
    });
    await turn(on);
    expect(isTold).toBe(false);
    backend.asked[0]!.answer();
    await turn(on);
    await turn(on);
    expect(isTold).toBe(true);
  });

  test("a watermark stays until what came before it has left", async () => {
    const backend = new Backend();
    const on = harness(backend, { isOrdered: false });
    on.element(0, 5);
    on.watermark(5);
    on.element(1, 6);
    backend.asked[1]!.answer();
    expect(await turn(on)).toEqual([]);
    expect(on.chain.outputWatermarkMs()).toBeLessThan(5);
    backend.asked[0]!.answer();
    expect(await turn(on)).toEqual(["r0", "r1"]);
    expect(on.chain.outputWatermarkMs()).toBe(5);
  });

  test("closing aborts the signals of what is in flight, and no other", async () => {
    const backend = new Backend();
    const on = harness(backend);
    on.element(0, 0);
    on.element(1, 1);
    backend.asked[0]!.answer();
    await turn(on);
    await on.chain.close();
    expect(backend.asked.map((each) => each.signal.aborted)).toEqual([false, true]);
    backend.asked[1]!.answer();
    expect(await turn(on)).toEqual([]);
  });

  test.each([true, false])(
    "A5: with a snapshot and a restore after every step each record has its result once; ordered: %s",
    async (isOrdered) => {
      const step = fc.oneof(
        { arbitrary: fc.record({ kind: fc.constant("element" as const) }), weight: 3 },
        { arbitrary: fc.record({ kind: fc.constant("answer" as const), pick: fc.nat(100) }), weight: 2 },
        fc.record({ kind: fc.constant("watermark" as const) }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 4 }), async (steps, capacity) => {
          let backend = new Backend();
          let on = harness(backend, { isOrdered, capacity });
          const results: unknown[] = [];
          let next = 0;
          for (const each of steps) {
            if (each.kind === "element") on.element(next, next++);
            else if (each.kind === "watermark") on.watermark(next);
            else backend.asked[each.pick % Math.max(backend.asked.length, 1)]?.answer();
            results.push(...(await turn(on)));
            const snapshot = on.snapshot();
            await on.chain.close();
            backend = new Backend();
            on = harness(backend, { isOrdered, capacity }, snapshot);
          }
          while (on.chain.hasPending()) {
            for (const asked of backend.asked) asked.answer();
            results.push(...(await turn(on)));
          }
          const all = Array.from({ length: next }, (_, value) => `r${value}`);
          if (isOrdered) expect(results).toEqual(all);
          else expect(results.toSorted()).toEqual(all.toSorted());
        }),
        { numRuns: 60 },
      );
    },
  );
});
