import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AirportRun, committedFiles, committedRows, runAirportJob } from "../support/airport-run.ts";
import { newestCheckpoint } from "../support/example-run.ts";
import { writeFlightsBefore } from "../support/flights.ts";

/** A kill costs some seconds; for more of them: `MILLRACE_KILLS=20 npx vitest run tests/airport-delays/kill.test.ts`. */
const KILLS = Number(process.env["MILLRACE_KILLS"] ?? 8);

let directory: string;
let january: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-kill-"));
  january = join(directory, "january.parquet");
  await writeFlightsBefore("2001-02-01", january);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

interface Killing {
  readonly name: string;
  readonly run: Pick<AirportRun, "input" | "parallelism" | "target">;
  readonly kills: number;
  /** Share of an undisturbed run within which a run is killed. */
  readonly killedWithin: number;
  /** What the sinks hold, in a form that two runs can be compared in. */
  readonly resultOf: (output: string) => Promise<unknown>;
}

/** Kills runs at random moments and resumes them; their results have to be those of an undisturbed run. */
async function killAndResume({ name, run, kills, killedWithin, resultOf }: Killing): Promise<void> {
  const started = performance.now();
  const undisturbed = join(directory, `${name}-undisturbed`);
  const exit = await runAirportJob({ ...run, output: undisturbed });
  expect(exit.code, exit.text).toBe(0);
  const wholeMs = performance.now() - started;
  const expected = await resultOf(undisturbed);

  let killed = 0;
  let resumed = 0;
  // A run may finish before its share of kills, when the machine has become faster: then another one begins.
  for (let round = 0; killed < kills; round++) {
    const output = join(directory, `${name}-${round}`);
    for (let isDone = false; !isDone; ) {
      const restoreFrom = await newestCheckpoint(output);
      if (restoreFrom !== undefined) resumed++;
      // Anywhere from the start of the process on; every second time with something to resume from, however slow the start.
      const killFrom = killed % 2 === 0 ? "start" : "checkpoint";
      const killAfterMs = (killFrom === "start" ? 500 : 0) + Math.random() * wholeMs * killedWithin;
      const { code, signal, text } = await runAirportJob({
        ...run,
        output,
        restoreFrom,
        checkpointInterval: "150 ms",
        ...(killed < kills ? { killAfterMs, killFrom } : {}),
      });
      if (signal === "SIGKILL") killed++;
      else {
        expect(code, text).toBe(0);
        isDone = true;
      }
    }
    expect(await resultOf(output)).toEqual(expected);
  }
  expect(killed).toBe(kills);
  expect(resumed).toBeGreaterThan(0);
}

test(
  "S43: killed with SIGKILL at random moments and resumed each time, the job leaves the files of an undisturbed run",
  () =>
    killAndResume({
      name: "whole",
      run: { parallelism: 1 },
      kills: KILLS,
      killedWithin: 0.2,
      resultOf: committedFiles,
    }),
  500_000,
);

// At a higher parallelism rows of different keys may change places, so the rows are compared.
test.each([
  ["threads", 4],
  ["in-thread", 2],
] as const)(
  "killed and resumed with the target %s at parallelism %i it leaves the same rows",
  (target, parallelism) =>
    killAndResume({
      name: `${target}-${parallelism}`,
      run: { input: january, target, parallelism },
      kills: Math.ceil(KILLS / 4),
      killedWithin: 0.8,
      resultOf: committedRows,
    }),
  300_000,
);
