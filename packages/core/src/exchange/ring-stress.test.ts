/**
 * Slots on threads of their own that send to each other through rings and doorbells: testdata/stress-slot.ts checks that
 * every record and event is the next one of its channel. Counts decide; a lost wake-up is a test that never ends.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNodePlatform } from "../platform/node-platform.ts";
import type { WorkerHandle } from "../platform/platform.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { createDoorbellMemory } from "./doorbell.ts";
import { createRingMemory, revokeRing } from "./ring.ts";
import { main, type StressOrder, type StressResult } from "./testdata/stress-slot.ts";

const WORKER_URL = new URL("./testdata/stress-slot.ts", import.meta.url).href;

interface Stress {
  readonly slots: number;
  readonly segments: number;
  readonly recordsPerChannel: number;
  readonly flushesAlways?: boolean;
  /** Records a slot sends or takes in one go at most. Default 300. */
  readonly burst?: number;
  readonly seed: string;
}

/** Lets every slot send to every other one. */
async function runStress(workers: readonly WorkerHandle[], stress: Stress): Promise<readonly StressResult[]> {
  const { slots, segments, recordsPerChannel, flushesAlways = false, burst = 300, seed } = stress;
  const generation = 5;
  const rings = Array.from({ length: slots }, (_, from) =>
    Array.from({ length: slots }, (_unused, to) => (from === to ? undefined : createRingMemory(generation, segments))),
  );
  const doorbells = createDoorbellMemory(slots);
  const results = workers.slice(0, slots).map((worker, slot) => {
    const result = new Promise<StressResult>((resolve, reject) => {
      // The worker sends nothing else.
      worker.onMessage((message) => resolve(message as StressResult));
      worker.onExit((exitCode, failure) => reject(failure ?? new Error(`slot ${slot} exited with ${exitCode}`)));
    });
    const order: StressOrder = { slot, generation, seed, rings, doorbells, recordsPerChannel, flushesAlways, burst };
    worker.postMessage(order);
    return result;
  });
  const all = await Promise.all(results);
  for (const ring of rings.flat()) if (ring !== undefined) revokeRing(ring);
  for (const { received } of all) expect(received).toEqual(Array.from({ length: slots - 1 }, () => recordsPerChannel));
  return all;
}

const totalOf = (results: readonly StressResult[], count: "parks" | "wakes"): number =>
  results.reduce((sum, result) => sum + result[count], 0);

describe("on real threads no record is lost, doubled or out of order, and all slots come to their end:", () => {
  let workers: readonly WorkerHandle[] = [];
  let parks = 0;
  let wakes = 0;
  beforeAll(() => {
    const platform = createNodePlatform();
    workers = Array.from({ length: 4 }, (_, slot) =>
      platform.workers.spawn(WORKER_URL, undefined, { name: `slot ${slot}` }),
    );
  });
  afterAll(() => Promise.all(workers.map((worker) => worker.terminate())));

  test.each<Stress>([
    { slots: 2, segments: 1, recordsPerChannel: 40_000, seed: "tiny" },
    { slots: 2, segments: 8, recordsPerChannel: 60_000, seed: "normal" },
    { slots: 2, segments: 1, recordsPerChannel: 5_000, seed: "one by one", flushesAlways: true, burst: 2 },
    { slots: 4, segments: 1, recordsPerChannel: 8_000, seed: "all to all" },
  ])("$slots slots, rings of $segments segments, $recordsPerChannel records a channel, $seed", async (stress) => {
    const results = await runStress(workers, stress);
    parks += totalOf(results, "parks");
    wakes += totalOf(results, "wakes");
  });

  test("and they did park and wake, or else the doorbells were not tried", () => {
    expect(parks).toBeGreaterThan(0);
    expect(wakes).toBeGreaterThan(0);
  });
});

test("on simulated threads too, in many seeded orders", async () => {
  let parks = 0;
  for (let seed = 0; seed < 12; seed++) {
    const platform = createSimulatedPlatform({ seed });
    platform.workers.register(WORKER_URL, main);
    const slots = 2 + (seed % 3);
    const workers = Array.from({ length: slots }, () => platform.workers.spawn(WORKER_URL, undefined));
    const stress = {
      slots,
      segments: 1,
      recordsPerChannel: 300,
      seed: `${seed}`,
      flushesAlways: seed % 4 === 0,
      burst: 40,
    };
    parks += totalOf(await platform.run(() => runStress(workers, stress)), "parks");
  }
  expect(parks).toBeGreaterThan(0);
});
