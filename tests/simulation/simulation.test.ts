import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { drawPlan, SHAPES } from "./draw-plan.ts";
import type { KeptPlan, SimulationPlan } from "./plan.ts";
import { runPlan } from "./run-plan.ts";
import { Totals } from "./seed-report.ts";
import { expectedRows } from "./shapes.ts";
import { shrinkPlan } from "./shrink.ts";

const BOOK = new URL("./seed-book/", import.meta.url);

test.each(SHAPES)("an undisturbed job writes what its input says: %s", async (shape) => {
  const plan: SimulationPlan = { ...drawPlan(5, { shapes: [shape], hosts: "in-thread" }), faults: [] };
  const { violations, lives, snapshots } = await runPlan(plan);
  expect(violations).toEqual([]);
  expect(lives).toBe(1);
  expect(snapshots).toBeGreaterThan(0);
  expect(expectedRows(shape, plan).length).toBeGreaterThan(5);
});

test.each(["counts", "files"] as const)(
  "S54: an undisturbed job on a cluster writes what its input says, with one submission: %s",
  async (shape) => {
    const plan: SimulationPlan = { ...drawPlan(6, { shapes: [shape], hosts: "cluster" }), faults: [] };
    const { violations, lives, snapshots } = await runPlan(plan);
    expect(violations).toEqual([]);
    expect(lives).toBe(1);
    expect(snapshots).toBeGreaterThan(0);
  },
);

test("a few seeds keep all invariants, and faults of many kinds strike", async () => {
  const totals = new Totals();
  for (let seed = 1; seed <= 12; seed++) {
    const outcome = await runPlan(drawPlan(seed));
    expect(outcome.violations, `seed ${seed}`).toEqual([]);
    for (const [kind, count] of outcome.faults) totals.faults.set(kind, (totals.faults.get(kind) ?? 0) + count);
  }
  expect(totals.faults.size).toBeGreaterThan(8);
}, 300_000);

test.each(["in-thread", "threads", "cluster"] as const)(
  "the same plan is the same run, and another seed is another: %s",
  async (hosts) => {
    const plan = drawPlan(3, { hosts });
    const [first, second] = [await runPlan(plan), await runPlan(JSON.parse(JSON.stringify(plan)) as SimulationPlan)];
    expect(second.digest).toBe(first.digest);
    expect(second.simulatedMs).toBe(first.simulatedMs);
    expect((await runPlan({ ...plan, seed: "another" })).digest).not.toBe(first.digest);
  },
);

test.each(readdirSync(BOOK).toSorted())("a plan that once failed does not any more: %s", async (name) => {
  const { plan } = JSON.parse(readFileSync(new URL(name, BOOK), "utf8")) as KeptPlan;
  expect((await runPlan(plan)).violations).toEqual([]);
});

test("shrinking leaves the faults that it takes, and the smallest job", async () => {
  const plan = drawPlan(9);
  const faults = Array.from({ length: 12 }, (_, index) =>
    index === 4
      ? ({ kind: "powerOff", at: { ms: index }, downMs: 2000 } as const)
      : ({ kind: "savepoint", at: { ms: index } } as const),
  );
  const full: SimulationPlan = {
    ...plan,
    parallelism: 3,
    faults: [...faults, { kind: "pause", at: { ms: 40 }, durationMs: 400 }],
  };
  const {
    plan: small,
    violates,
    runs,
  } = await shrinkPlan(full, async ({ faults: left, splits }) => {
    const hasBoth = left.some(({ kind }) => kind === "powerOff") && left.some(({ kind }) => kind === "pause");
    return hasBoth && splits >= 2 ? "I2" : undefined;
  });
  expect(violates).toBe("I2");
  expect(small.faults).toEqual([
    { kind: "powerOff", at: { ms: 4 }, downMs: 0 },
    { kind: "pause", at: { ms: 40 }, durationMs: 0 },
  ]);
  expect(small.parallelism).toBe(1);
  expect(small.splits).toBeGreaterThanOrEqual(2);
  expect(small.splits).toBeLessThan(4);
  expect(small.keys).toBe(1);
  expect(runs).toBeLessThan(100);
});

test("a plan that violates nothing stays as it is", async () => {
  const plan = drawPlan(9);
  expect(await shrinkPlan(plan, async () => undefined)).toEqual({ plan, violates: undefined, runs: 1 });
});
