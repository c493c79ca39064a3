import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { committedFiles, newestCheckpoint, runAirportJob } from "../support/airport-run.ts";

const KILLS = 20;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-kill-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

test("killed with SIGKILL at 20 random moments and resumed each time, the job leaves the files of an undisturbed run", async () => {
  const started = performance.now();
  const undisturbed = join(directory, "undisturbed");
  expect((await runAirportJob({ output: undisturbed })).code).toBe(0);
  const wholeMs = performance.now() - started;
  const expected = await committedFiles(undisturbed);

  let kills = 0;
  let resumed = 0;
  // A run may finish before its share of kills, when the machine has become faster: then another one begins.
  for (let round = 0; kills < KILLS; round++) {
    const output = join(directory, `killed-${round}`);
    for (let isDone = false; !isDone; ) {
      const restoreFrom = await newestCheckpoint(output);
      if (restoreFrom !== undefined) resumed++;
      // Anywhere between the start of the process and an eighth of the job, start included.
      const killAfterMs = 500 + Math.random() * (wholeMs / 8);
      const exit = await runAirportJob({
        output,
        restoreFrom,
        checkpointInterval: "150 ms",
        ...(kills < KILLS ? { killAfterMs } : {}),
      });
      if (exit.signal === "SIGKILL") kills++;
      else {
        expect(exit.code, exit.text).toBe(0);
        isDone = true;
      }
    }
    expect(await committedFiles(output)).toEqual(expected);
  }
  expect(kills).toBe(KILLS);
  expect(resumed).toBeGreaterThan(KILLS / 4);
}, 400_000);
