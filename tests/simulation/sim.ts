/**
 * Runs whole jobs on simulated machines, a seed each: `npm run sim -- --seeds N`. What goes wrong in a run is decided by its
 * seed, and found again with `npm run sim -- --seed S --trace`. See docs/internals/simulation.md.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { bundleSeeds } from "./bundle-seeds.ts";
import { SCENARIOS } from "./crash-points.ts";
import { type PlanWishes, SHAPES } from "./draw-plan.ts";
import type { ShapeName } from "./plan.ts";
import { type SeedReport, Totals } from "./seed-report.ts";
import type { CrashReport } from "./seeds-main.ts";
import { runSeeds } from "./seeds-process.ts";
import type { Shrunk } from "./shrink.ts";

const USAGE = `npm run sim -- [options]

  --seeds N       run N seeds (default 200)
  --first N       the first of them (default 1)
  --seed N        run one seed and say all about it
  --plan FILE     run a plan that was kept
  --trace         print every event of --seed or --plan
  --shrink FILE   make the plan of --seed or --plan smaller while it fails, and keep it
  --jobs A,B      only these shapes: ${SHAPES.join(", ")}
  --hosts KIND    only in-thread, threads, or cluster
  --state KIND    keyed state only on the heap (hashmap), or in stores (rocksdb)
  --crash-points  run every scenario with a crash at every durable effect, instead of seeds
  --processes N   run in so many processes (default: processor cores, at most 8)
`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    first: { type: "string", default: "1" },
    seed: { type: "string" },
    plan: { type: "string" },
    trace: { type: "boolean", default: false },
    shrink: { type: "string" },
    jobs: { type: "string" },
    hosts: { type: "string" },
    state: { type: "string" },
    "crash-points": { type: "boolean", default: false },
    processes: { type: "string", default: String(Math.min(8, availableParallelism())) },
    help: { type: "boolean", default: false },
  },
});

/** One seed in so many is run again in another process. */
const REPEATED_ONE_IN = 100;

/** Of a scenario. */
const FAILURES_SHOWN_MAX = 5;

const wishes = wishesOf();
const directory = await mkdtemp(join(tmpdir(), "millrace-sim-"));
const bundle = join(directory, "seeds.mjs");
try {
  if (values.help) process.stdout.write(USAGE);
  else {
    await bundleSeeds(bundle);
    process.exitCode = (await run()) ? 0 : 1;
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

function run(): Promise<boolean> {
  if (values["crash-points"]) return runCrashPoints();
  return values.seed === undefined && values.plan === undefined ? runMany() : runOne();
}

async function runCrashPoints(): Promise<boolean> {
  let [runs, failed] = [0, 0];
  const waiting = SCENARIOS.map((_, index) => index);
  const next = async (): Promise<void> => {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
      await runSeeds(bundle, { seeds: [], wishes, scenarios: [index] }, (line) => {
        const report = line as CrashReport;
        runs += report.runs;
        failed += report.failures.length;
        print(
          `${report.scenario}: ${report.effects} durable effects, ${report.runs} runs, ${report.failures.length} failed`,
        );
        for (const failure of report.failures.slice(0, FAILURES_SHOWN_MAX)) print(`  ${failure}`);
      });
    }
  };
  await Promise.all(Array.from({ length: wholeNumber("processes") }, next));
  print(`${SCENARIOS.length} scenarios, ${runs} runs with a crash, ${failed} failed`);
  return failed === 0;
}

async function runMany(): Promise<boolean> {
  const [first, count] = [wholeNumber("first"), wholeNumber("seeds")];
  const seeds = Array.from({ length: count }, (_, index) => first + index);
  const started = performance.now();
  const totals = new Totals();
  const digests = new Map<string, string>();
  const failing: string[] = [];
  const onDied = (seed: number, error: unknown): void => {
    failing.push(String(seed));
    print(`${failureOf(seed)}\n  its process has died: ${String(error)}`);
  };
  await inProcesses(
    seeds,
    (report) => {
      totals.add(report);
      digests.set(report.seed, report.digest);
      if (report.violations.length === 0) return;
      failing.push(report.seed);
      print(describeViolations(report));
    },
    onDied,
  );
  const repeated = seeds.filter((_, index) => index % REPEATED_ONE_IN === 0);
  let different = 0;
  await inProcesses(
    repeated.filter((seed) => digests.has(String(seed))),
    ({ seed, digest }) => {
      if (digests.get(seed) === digest) return;
      different++;
      print(`seed ${seed}: digest ${digests.get(seed)} in one process, ${digest} in another`);
    },
    onDied,
  );
  print(totals.describe());
  print(`${repeated.length} seeds run again in another process, ${different} with another digest`);
  print(`${failing.length} seeds with violations${failing.length === 0 ? "" : `: ${failing.join(", ")}`}`);
  const seconds = (performance.now() - started) / 1000;
  const rate = totals.simulatedMs / 1000 / seconds;
  print(`digest ${totals.digest()}, ${seconds.toFixed(1)} s, ${rate.toFixed(0)} simulated s per second`);
  return failing.length === 0 && different === 0;
}

async function runOne(): Promise<boolean> {
  const order = {
    seeds: values.seed === undefined ? [] : [wholeNumber("seed")],
    wishes,
    planFiles: values.plan === undefined ? [] : [resolve(values.plan)],
  };
  if (values.shrink !== undefined) return shrink(values.shrink, order);
  let isGood = true;
  await runSeeds(bundle, { ...order, isTraced: values.trace }, (line) => {
    if (typeof line === "string") {
      print(line);
      return;
    }
    const report = line as SeedReport;
    isGood = report.violations.length === 0;
    print(JSON.stringify(report, undefined, 2));
  });
  return isGood;
}

async function shrink(file: string, order: Parameters<typeof runSeeds>[1]): Promise<boolean> {
  let shrunk: Shrunk | undefined;
  await runSeeds(bundle, { ...order, shrinks: true }, (line) => {
    shrunk = line as Shrunk;
  });
  if (shrunk?.violates === undefined) {
    print("nothing is violated");
    return true;
  }
  await writeFile(file, `${JSON.stringify(shrunk.plan, undefined, 2)}\n`);
  print(`violates ${shrunk.violates} with ${shrunk.plan.faults.length} faults, found in ${shrunk.runs} runs`);
  print(`npm run sim -- --plan ${file} --trace`);
  return false;
}

/** Deals the seeds out to processes. `onDied` hears of a seed whose process did not outlive it; the others go on. */
async function inProcesses(
  seeds: readonly number[],
  onReport: (report: SeedReport) => void,
  onDied: (seed: number, error: unknown) => void,
): Promise<void> {
  const count = Math.min(wholeNumber("processes"), seeds.length);
  const parts = Array.from({ length: count }, (_, part) => seeds.filter((_seed, index) => index % count === part));
  await Promise.all(
    parts.map(async (part) => {
      for (let done = 0; done < part.length; done++) {
        try {
          await runSeeds(bundle, { seeds: part.slice(done), wishes }, (line) => {
            done++;
            onReport(line as SeedReport);
          });
          return;
        } catch (error) {
          // Reports come in the order of the seeds.
          const seed = part[done];
          if (seed === undefined) throw error;
          onDied(seed, error);
        }
      }
    }),
  );
}

function describeViolations({ seed, violations }: SeedReport): string {
  const lines = violations.map(({ invariant, atMs, text }) => `  ${invariant} at ${atMs.toFixed(1)} ms: ${text}`);
  return [failureOf(seed), ...lines].join("\n");
}

function failureOf(seed: string | number): string {
  const jobs = values.jobs === undefined ? "" : ` --jobs ${values.jobs}`;
  const hosts = values.hosts === undefined ? "" : ` --hosts ${values.hosts}`;
  const state = values.state === undefined ? "" : ` --state ${values.state}`;
  return `seed ${seed} FAILED: npm run sim -- --seed ${seed}${jobs}${hosts}${state} --trace`;
}

function wishesOf(): PlanWishes {
  const { jobs, hosts, state } = values;
  const shapes = jobs?.split(",") as readonly ShapeName[] | undefined;
  const unknown = shapes?.find((shape) => !SHAPES.includes(shape));
  if (unknown !== undefined) throw new Error(`--jobs: there is no "${unknown}"; there are ${SHAPES.join(", ")}`);
  if (hosts !== undefined && hosts !== "in-thread" && hosts !== "threads" && hosts !== "cluster") {
    throw new Error(`--hosts: "${hosts}" is neither in-thread nor threads nor cluster`);
  }
  if (state !== undefined && state !== "hashmap" && state !== "rocksdb") {
    throw new Error(`--state: "${state}" is neither hashmap nor rocksdb`);
  }
  return { shapes, hosts, state };
}

function wholeNumber(name: "seeds" | "first" | "seed" | "processes"): number {
  const number = Number(values[name]);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name}: "${values[name]}" is no whole number`);
  return number;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
