/**
 * Puts every mutant into the engine and looks whether the simulation notices: `npm run sim:mutants`. A mutant that lives says
 * that something is not checked.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundleSeeds } from "./bundle-seeds.ts";
import type { Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";
import type { SeedReport } from "./seed-report.ts";
import { runSeeds } from "./seeds-process.ts";

const USAGE = `npm run sim:mutants -- [options]

  --seeds N       try so many seeds before a mutant counts as alive (default 600)
  --only A,B      only mutants whose name has one of the texts in it
  --processes N   so many mutants at a time (default 2)
`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "600" },
    only: { type: "string", default: "" },
    processes: { type: "string", default: "2" },
    help: { type: "boolean", default: false },
  },
});

interface Death {
  readonly seed: string;
  readonly seedsTried: number;
  readonly why: string;
}

/** Plans that found something once are tried first. */
const SEED_BOOK = fileURLToPath(new URL("./seed-book/", import.meta.url));

const directory = await mkdtemp(join(tmpdir(), "millrace-mutants-"));
try {
  if (values.help) process.stdout.write(USAGE);
  else await runAll();
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function runAll(): Promise<void> {
  const waiting = MUTANTS.filter(({ name }) => values.only.split(",").some((text) => name.includes(text)));
  const count = waiting.length;
  const alive: string[] = [];
  const next = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const death = await kill(mutant);
      if (death === undefined) alive.push(mutant.name);
      const outcome =
        death === undefined ? "ALIVE" : `killed by seed ${death.seed}, in run ${death.seedsTried}: ${death.why}`;
      process.stdout.write(`${mutant.name}: ${outcome}\n`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.processes) }, next));
  process.stdout.write(`${count - alive.length} of ${count} mutants killed\n`);
  for (const name of alive) process.stdout.write(`alive: ${name}\n`);
  process.exitCode = alive.length === 0 ? 0 : 1;
}

async function kill(mutant: Mutant): Promise<Death | undefined> {
  const bundle = join(directory, `${mutant.name.replaceAll(/\W+/g, "-")}.mjs`);
  await bundleSeeds(bundle, mutant);
  const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => index + 1);
  const wishes = { shapes: mutant.shapes, hosts: mutant.hosts };
  let seedsTried = 0;
  let death: Death | undefined;
  const planFiles = (await readdir(SEED_BOOK)).toSorted().map((name) => join(SEED_BOOK, name));
  try {
    await runSeeds(bundle, { planFiles, seeds, wishes, stopsAtViolation: true }, (line) => {
      const { seed, violations } = line as SeedReport;
      seedsTried++;
      const violation = violations[0];
      if (violation === undefined) return;
      death = { seed, seedsTried, why: `${violation.invariant} ${violation.text.slice(0, 100).replaceAll("\n", " ")}` };
    });
  } catch (error) {
    // An error that nobody waits for any more ends the process.
    death ??= { seed: "of the last run", seedsTried: seedsTried + 1, why: String(error) };
  }
  return death;
}
