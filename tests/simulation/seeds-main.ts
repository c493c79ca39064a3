/**
 * Runs seeds in this process and writes a line of JSON for each: `node seeds.mjs '<SeedsOrder>'`. It is bundled before, so that
 * many short runs need not read a thousand files each, and so that a mutant can be put into it.
 */
import { readFileSync } from "node:fs";
import { countEffects, crashPoints, runWithCrash, SCENARIOS } from "./crash-points.ts";
import { drawPlan, type PlanWishes } from "./draw-plan.ts";
import type { KeptPlan, SimulationPlan } from "./plan.ts";
import type { RunOutcome } from "./run-outcome.ts";
import { runPlan } from "./run-plan.ts";
import { reportOf } from "./seed-report.ts";
import { shrinkPlan } from "./shrink.ts";

export interface SeedsOrder {
  readonly seeds: readonly number[];
  readonly wishes: PlanWishes;
  /** Plans to run before the seeds'. */
  readonly planFiles?: readonly string[] | undefined;
  /** Ends with the first seed that has a violation. */
  readonly stopsAtViolation?: boolean | undefined;
  /** Writes the plan and every event, too. */
  readonly isTraced?: boolean | undefined;
  /** Runs scenarios, by their places in the list, with every crash, and writes a {@link CrashReport} for each. */
  readonly scenarios?: readonly number[] | undefined;
  /** Writes, instead of reports, the smallest plan that still fails. */
  readonly shrinks?: boolean | undefined;
}

export interface CrashReport {
  readonly scenario: string;
  readonly effects: number;
  readonly runs: number;
  /** What went wrong, a text for each run. */
  readonly failures: readonly string[];
}

const order = JSON.parse(process.argv[2] ?? "{}") as SeedsOrder;
const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** A plan as it is, or in the seed book, with what it found beside it. */
function readPlan(file: string): SimulationPlan {
  const read = JSON.parse(readFileSync(file, "utf8")) as SimulationPlan | KeptPlan;
  return "plan" in read ? read.plan : read;
}

function* plans(): Generator<SimulationPlan> {
  for (const file of order.planFiles ?? []) yield readPlan(file);
  for (const seed of order.seeds) yield drawPlan(seed, order.wishes);
}

/** Errors that nobody waits for: each of them ends the process of a job that is not simulated. */
const stray: unknown[] = [];
process.on("unhandledRejection", (error) => stray.push(error));

/** Adds to what a run has found the errors that nobody has heard of. */
async function watched(run: Promise<RunOutcome>): Promise<RunOutcome> {
  const outcome = await run;
  // Node calls them unhandled at the end of the turn.
  await new Promise((resolve) => setImmediate(resolve));
  const unheard = stray.splice(0).map((error) => ({
    invariant: "E" as const,
    text: `nobody waits for an error that ends the process: ${String(error)}`,
    atMs: outcome.simulatedMs,
  }));
  return { ...outcome, violations: [...outcome.violations, ...unheard] };
}

async function crashEverywhere(scenario: (typeof SCENARIOS)[number]): Promise<CrashReport> {
  const effects = await countEffects(scenario);
  const points = crashPoints(effects, 1);
  const failures: string[] = [];
  for (const point of points) {
    const { violations } = await watched(runWithCrash(scenario, point));
    if (violations.length > 0) failures.push(`${JSON.stringify(point)}: ${JSON.stringify(violations[0])}`);
  }
  return { scenario: scenario.name, effects, runs: points.length, failures };
}

for (const index of order.scenarios ?? []) say(await crashEverywhere(SCENARIOS[index]!));

for (const plan of plans()) {
  if (order.shrinks === true) {
    say(await shrinkPlan(plan, async (candidate) => (await watched(runPlan(candidate))).violations.at(0)?.invariant));
    continue;
  }
  if (order.isTraced === true) say(JSON.stringify(plan, undefined, 2));
  const outcome = await watched(runPlan(plan, { onTrace: order.isTraced === true ? say : undefined }));
  say(reportOf(plan, outcome));
  if (order.stopsAtViolation === true && outcome.violations.length > 0) break;
}
