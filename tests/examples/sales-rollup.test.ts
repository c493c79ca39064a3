import { expect, test } from "vitest";
import salesRollup from "../../examples/sales-rollup/job.ts";
import { saleAt } from "../../examples/sales-rollup/sales.ts";
import type { Total } from "../../examples/sales-rollup/totals.ts";
import { executeExample, expectRows, killAndResume, runExample } from "../support/example-run.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const pathOf = temporaryDirectory();
const HOUR_MS = 3_600_000;
const units = [
  ["minute", 60_000, 0],
  ["hour", HOUR_MS, 0],
  ["day", 24 * HOUR_MS, -HOUR_MS],
] as const;

/** Every unit's totals, each straight from the sales. */
function totalsOf(sales: number, sizeMs: number, offsetMs: number): readonly Total[] {
  const totals = new Map<string, Total>();
  for (let index = 0; index < sales; index++) {
    const { shop, cents, at } = saleAt(index);
    const from = Math.floor((at - offsetMs) / sizeMs) * sizeMs + offsetMs;
    const id = `${shop} ${from}`;
    const total = totals.get(id) ?? { shop, from, to: from + sizeMs, sales: 0, cents: 0, largest: 0 };
    total.sales++;
    total.cents += cents;
    total.largest = Math.max(total.largest, cents);
    totals.set(id, total);
  }
  return [...totals.values()];
}

async function expectTotals(output: string, sales: number): Promise<void> {
  for (const [unit, sizeMs, offsetMs] of units) {
    await expectRows(output, unit, totalsOf(sales, sizeMs, offsetMs));
  }
}

test("S65: aggregates per minute, hour and day are those of a plain loop over all sales", async () => {
  const output = pathOf("run");
  const { code, text } = await runExample("sales-rollup", { output, parallelism: 2 });
  expect(code, text).toBe(0);
  expect(text).toContain("2023-02-28T23:00:00.000Z  Bern");
  await expectTotals(output, 60_000);
}, 180_000);

test("S65: the same aggregates per minute, hour and day come out of the module's default export", async () => {
  const output = pathOf("module");
  await executeExample(salesRollup, ["--output", output, "--sales", "5000"]);
  await expectTotals(output, 5_000);
});

test("S65: killed in the middle and resumed, the totals per minute, hour and day have every sale once", async () => {
  const output = pathOf("killed");
  const args = ["--sales", "30000", "--rate", "6000"];
  const { code, text } = await killAndResume("sales-rollup", {
    output,
    args,
    parallelism: 2,
    checkpointInterval: "200 ms",
  });
  expect(code, text).toBe(0);
  await expectTotals(output, 30_000);
}, 180_000);
