/**
 * Puts every mutant into the engine and looks whether the simulation notices: `npm run sim:mutants`. A mutant that lives says
 * that something is not checked.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundleSeeds } from "./bundle-seeds.ts";
import type { Mutant } from "./mutant.ts";
import { type Death, describeDeaths } from "./mutant-table.ts";
import { MUTANTS } from "./mutants.ts";
import type { KeptPlan } from "./plan.ts";
import type { SeedReport } from "./seed-report.ts";
import { runSeeds } from "./seeds-process.ts";

const USAGE = `npm run sim:mutants -- [options]

  --seeds N       try so many seeds before a mutant counts as alive (default 600)
  --only A,B      only mutants whose name has one of the texts in it
  --plans A,B     try these plans first, instead of the seed book's
  --book          only the mutants of the seed book: each plan has to kill the one that it is kept for
  --processes N   so many mutants at a time (default 2)
`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "600" },
    only: { type: "string", default: "" },
    plans: { type: "string" },
    book: { type: "boolean", default: false },
    processes: { type: "string", default: "2" },
    help: { type: "boolean", default: false },
  },
});

/** One mutant, and what is tried on it. */
interface Trial {
  readonly mutant: Mutant;
  readonly planFiles: readonly string[];
  readonly seeds: readonly number[];
}

/** Plans that found something once are tried first. */
const SEED_BOOK = fileURLToPath(new URL("./seed-book/", import.meta.url));

const directory = await mkdtemp(join(tmpdir(), "millrace-mutants-"));
try {
  if (values.help) process.stdout.write(USAGE);
  else await runAll(values.book ? await trialsOfBook() : await trialsOfAll());
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function trialsOfAll(): Promise<Trial[]> {
  const planFiles = values.plans?.split(",").map((file) => resolve(file)) ?? (await plansOfBook());
  const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => index + 1);
  const wanted = MUTANTS.filter(({ name }) => values.only.split(",").some((text) => name.includes(text)));
  return wanted.map((mutant) => ({ mutant, planFiles, seeds }));
}

async function trialsOfBook(): Promise<Trial[]> {
  const trials = (await plansOfBook()).map(async (file) => {
    const { kills } = JSON.parse(await readFile(file, "utf8")) as KeptPlan;
    const mutant = MUTANTS.find(({ name }) => name === kills);
    if (mutant === undefined) throw new Error(`${file}: there is no mutant "${kills}"`);
    return { mutant, planFiles: [file], seeds: [] };
  });
  return Promise.all(trials);
}

async function plansOfBook(): Promise<string[]> {
  return (await readdir(SEED_BOOK)).toSorted().map((name) => join(SEED_BOOK, name));
}

async function runAll(trials: readonly Trial[]): Promise<void> {
  const waiting = trials.map((trial, index) => ({ trial, index }));
  const deaths: (Death | undefined)[] = trials.map(() => undefined);
  const next = async (): Promise<void> => {
    for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) {
      const death = await kill(each.trial, join(directory, `${each.index}.mjs`));
      deaths[each.index] = death;
      process.stdout.write(`${each.trial.mutant.name}: ${death === undefined ? "ALIVE" : "killed"}\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.processes) }, next));
  process.stdout.write(`\n${describeDeaths(trials.map(({ mutant }, index) => [mutant.name, deaths[index]]))}`);
  process.exitCode = deaths.every((death) => death !== undefined) ? 0 : 1;
}

async function kill({ mutant, planFiles, seeds }: Trial, bundle: string): Promise<Death | undefined> {
  await bundleSeeds(bundle, mutant);
  const wishes = { shapes: mutant.shapes, hosts: mutant.hosts, state: mutant.state };
  let runs = 0;
  let death: Death | undefined;
  try {
    await runSeeds(bundle, { planFiles, seeds, wishes, stopsAtViolation: true }, (line) => {
      const { seed, violations } = line as SeedReport;
      runs++;
      const violation = violations[0];
      if (violation !== undefined) death = { seed, runs, why: `${violation.invariant} ${violation.text}` };
    });
  } catch (error) {
    // An error that nobody waits for any more ends the process.
    death ??= { seed: "of the last run", runs: runs + 1, why: String(error) };
  }
  return death;
}
