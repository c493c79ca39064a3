/**
 * Kills: `npm run kills -- --kills 200 [--seed TEXT] [--job main|keyed] [--namespaces]`, half of them for each job when none
 * is named. Run `npm run build` before.
 *
 * What is done, to which process and when follows from the seed, which is printed; how the processes take turns does not. Ends
 * with exit code 1 when a result was not that of an undisturbed run, or anything hung.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeFlightsBefore } from "../support/flights.ts";
import type { JobName } from "./kill-jobs.ts";
import { Namespaces } from "./namespaces.ts";
import { type KillsReport, runKills } from "./run-kills.ts";

const TASK_MANAGERS = 3;

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    seed: { type: "string" },
    job: { type: "string" },
    namespaces: { type: "boolean", default: false },
  },
});
const kills = Number(values.kills);
if (!Number.isInteger(kills) || kills < 1)
  throw new Error(`--kills must be a whole number above 0, not ${values.kills}`);
if (values.job !== undefined && values.job !== "main" && values.job !== "keyed")
  throw new Error(`--job must be main or keyed, not ${values.job}`);
const jobs: readonly JobName[] = values.job === undefined ? ["main", "keyed"] : [values.job];
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 32));
const print = (line: string): void => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`);

const namespaces = values.namespaces ? await Namespaces.make(TASK_MANAGERS) : undefined;
if (typeof namespaces === "string") {
  print(`kills: SKIPPED: no network namespaces on this machine: ${namespaces}`);
  process.exit(0);
}
const directory = await mkdtemp(join(tmpdir(), "millrace-kills-"));
print(`kills: ${kills}, seed ${seed}, ${values.namespaces ? "each process in a network namespace" : "one loopback"}`);
try {
  const input = join(directory, "flights.parquet");
  if (jobs.includes("main")) await writeFlightsBefore("2001-02-01", input);
  const reports: KillsReport[] = [];
  for (const [index, job] of jobs.entries()) {
    const share = Math.floor(kills / jobs.length) + (index < kills % jobs.length ? 1 : 0);
    reports.push(
      await runKills({
        job,
        kills: share,
        seed: `${seed} ${job}`,
        directory: join(directory, job),
        input,
        keyedSize: { count: 120_000, keys: 500, ratePerSecond: 4000, ballast: 500 },
        taskManagers: TASK_MANAGERS,
        namespaces,
        print,
      }),
    );
  }
  console.table(reports.map(({ kills: _, ...report }) => report));
  console.table(Object.fromEntries(reports.map((report) => [report.job, report.kills])));
  print(`kills: all right: ${kills} kills, every result equal`);
} catch (error) {
  print(`kills: FAILED: ${error instanceof Error ? error.message : String(error)}`);
  print(
    `kills: repeat with: npm run kills -- --kills ${kills} --seed ${seed}${values.namespaces ? " --namespaces" : ""}`,
  );
  print(`kills: what was written is kept in ${directory}`);
  process.exitCode = 1;
} finally {
  namespaces?.close();
  if (process.exitCode !== 1) await rm(directory, { recursive: true, force: true });
}
