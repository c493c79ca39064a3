/** A few kills of real processes; `npm run kills` is the long run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runKills } from "./run-kills.ts";

const COUNT = 12_000;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-kills-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

test("S54, S56, S58: processes of a cluster that are killed and hang cost no row, and none is written twice", async () => {
  const report = await runKills({
    job: "keyed",
    kills: 6,
    seed: "b",
    directory: join(directory, "keyed"),
    input: "",
    keyedSize: { count: COUNT, keys: 100, ratePerSecond: 4000, ballast: 100 },
    taskManagers: 2,
    namespaces: undefined,
    print: () => {},
  });
  expect(report.rows).toBe(COUNT);
  expect(Object.values(report.kills).reduce((sum, count) => sum + count, 0)).toBe(6);
  expect(report.restarts).toBeGreaterThan(0);
}, 240_000);
