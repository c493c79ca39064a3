/** Runs one plan to its end and says what was wrong. */
import type { SimulationPlan } from "./plan.ts";
import { runCluster } from "./run-cluster.ts";
import type { RunOptions, RunOutcome } from "./run-outcome.ts";
import { runProcess } from "./run-process.ts";

export function runPlan(plan: SimulationPlan, options: RunOptions = {}): Promise<RunOutcome> {
  return plan.hosts === "cluster" ? runCluster(plan, options) : runProcess(plan, options);
}
