import fc from "fast-check";
import { checkJob } from "millrace/testing";
import { expect, test } from "vitest";
import { HEARTBEATS, type Heartbeat, heartbeatAt } from "../../examples/live-viewers/heartbeats.ts";
import liveViewers, { type Audience } from "../../examples/live-viewers/job.ts";
import { executeExample, expectRows, runExample } from "../support/example-run.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const pathOf = temporaryDirectory();
const MINUTE_MS = 60_000;
const heartbeats: readonly Heartbeat[] = Array.from({ length: HEARTBEATS }, (_, index) => heartbeatAt(index)).filter(
  (heartbeat) => heartbeat !== undefined,
);

/** For every channel and every minute with heartbeats in the five before: who was there. */
function expectedAudiences(): readonly Audience[] {
  const viewers = new Map<string, Set<number>>();
  for (const { channel, viewer, at } of heartbeats) {
    const minute = Math.floor(at / MINUTE_MS) * MINUTE_MS;
    for (let to = minute + MINUTE_MS; to <= minute + 5 * MINUTE_MS; to += MINUTE_MS) {
      const id = `${channel} ${to}`;
      viewers.set(id, (viewers.get(id) ?? new Set()).add(viewer));
    }
  }
  return [...viewers].map(([id, { size }]) => {
    const [channel = "", to] = id.split(" ");
    return { channel, to: Number(to), viewers: size };
  });
}

test("S65: live viewers of the last 5 minutes count once each, as in a plain loop over all heartbeats", async () => {
  const output = pathOf("run");
  const { code, text } = await runExample("live-viewers", { output, parallelism: 2 });
  expect(code, text).toBe(0);
  expect(text).toMatch(/20:05 news \d+/);
  await expectRows(output, "audiences", expectedAudiences());
}, 180_000);

test("S65: the same live viewers come out of the module's default export", async () => {
  const output = pathOf("module");
  await executeExample(liveViewers, ["--output", output], 2);
  await expectRows(output, "audiences", expectedAudiences());
});

test("S65: live viewers do not depend on the order of heartbeats, on restarts or on the parallelism", async () => {
  const few = heartbeats.filter(({ viewer }) => viewer % 40 === 0);
  await checkJob(fc, liveViewers, { inputs: { heartbeats: few }, numRuns: 10, seed: 1 });
});
