/**
 * Records in and out of every operator of a chain. Generated code counts only where a record may disappear or
 * multiply; everywhere else what goes out is what came in.
 */
import type { ChainPlan } from "../operators/chain-plan.ts";
import type { TaskStatistics } from "./task-statistics.ts";

/** Operators that emit exactly one record for every record. */
const ONE_TO_ONE: ReadonlySet<string> = new Set(["map", "keyedReduce", "timestamps"]);

/** Records that came into operator `index`. What comes from a side output within the chain is not counted. */
export function recordsInOf(plan: ChainPlan, index: number, statistics: TaskStatistics): number {
  const { inputs } = plan.operators[index]!;
  let count = 0;
  for (const input of inputs) {
    if (input.kind === "gate") count += statistics.gateCounts[input.gate]!;
    else if (input.sideOutput === undefined) count += recordsOutOf(plan, input.from, statistics);
  }
  return count;
}

/** Records that left operator `index` on its main output. */
export function recordsOutOf(plan: ChainPlan, index: number, statistics: TaskStatistics): number {
  if (ONE_TO_ONE.has(plan.operators[index]!.spec.kind)) return recordsInOf(plan, index, statistics);
  return statistics.counts[index]!;
}
