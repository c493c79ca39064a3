import fc from "fast-check";
import { checkJob } from "millrace/testing";
import { expect, test } from "vitest";
import type { Fraud, Suspicion } from "../../examples/card-fraud/alerts.ts";
import cardFraud from "../../examples/card-fraud/job.ts";
import { type Payment, paymentAt } from "../../examples/card-fraud/payments.ts";
import { executeExample, expectRows, runExample } from "../support/example-run.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const pathOf = temporaryDirectory();
const WITHIN_MS = 300_000;
const payments: readonly Payment[] = Array.from({ length: 30_000 }, (_, index) => paymentAt(index));

/** Looks at every three payments in a row of every card, and then for the next large one. */
function expectedAlerts(): { readonly frauds: readonly Fraud[]; readonly suspicions: readonly Suspicion[] } {
  const frauds: Fraud[] = [];
  const suspicions: Suspicion[] = [];
  for (const card of new Set(payments.map((payment) => payment.card))) {
    const own = payments.filter((payment) => payment.card === card).toSorted((a, b) => a.at - b.at);
    for (let first = 0; first + 2 < own.length; first++) {
      const firstTrial = own[first]!.at;
      const trials = own.slice(first, first + 3);
      const until = firstTrial + WITHIN_MS;
      if (!trials.every(({ cents, at }) => cents < 100 && at < until)) continue;
      const large = own.findIndex(({ cents }, index) => index > first + 2 && cents >= 50_000);
      if (large >= 0 && own[large]!.at < until) {
        frauds.push({ card, firstTrial, at: own[large]!.at, cents: own[large]!.cents });
        // Trials of an alert begin no other one.
        first = large;
      } else suspicions.push({ card, firstTrial, until });
    }
  }
  return { frauds, suspicions };
}

async function expectResults(output: string): Promise<void> {
  const { frauds, suspicions } = expectedAlerts();
  expect(frauds.length).toBeGreaterThan(50);
  expect(suspicions.length).toBeGreaterThan(50);
  await expectRows(output, "frauds", frauds);
  await expectRows(output, "suspicions", suspicions);
}

test("S65: pattern detection finds what a search card by card finds, and what has timed out on the way there", async () => {
  const output = pathOf("run");
  const { code, text } = await runExample("card-fraud", { output, parallelism: 2 });
  expect(code, text).toBe(0);
  expect(text).toMatch(/2023-07-01T\S+ card \d+: 8\d\d\.\d\d/);
  await expectResults(output);
}, 180_000);

test("S65: the same patterns are detected by the module's default export", async () => {
  const output = pathOf("module");
  await executeExample(cardFraud, ["--output", output]);
  await expectResults(output);
});

test("S65: detected patterns do not depend on the order of payments, on restarts or on the parallelism", async () => {
  const stolen = payments.slice(0, 6_000).filter(({ card }) => (card * 7) % 13 === 0);
  await checkJob(fc, cardFraud, { inputs: { payments: stolen }, numRuns: 10, seed: 1 });
});
