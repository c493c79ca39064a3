/**
 * Makes a failing plan smaller, as long as it violates the same invariant: fewer faults first (delta debugging), then shorter
 * ones, then fewer records and a lower parallelism.
 */
import type { Fault, SimulationPlan } from "./plan.ts";

/** What a plan violates; undefined when all is well. */
export type Verdict = (plan: SimulationPlan) => Promise<string | undefined>;

export interface Shrunk {
  readonly plan: SimulationPlan;
  readonly violates: string | undefined;
  readonly runs: number;
}

/** Runs at most; what is left then is small enough or does not want to be smaller. */
const RUNS_MAX = 400;

export async function shrinkPlan(plan: SimulationPlan, verdict: Verdict): Promise<Shrunk> {
  const violates = await verdict(plan);
  if (violates === undefined) return { plan, violates, runs: 1 };
  const shrinker = new Shrinker(plan, violates, verdict);
  await shrinker.shrinkFaults();
  await shrinker.shorten();
  await shrinker.shrinkJob();
  // With a smaller job fewer faults may do.
  await shrinker.shrinkFaults();
  return { plan: shrinker.plan, violates, runs: shrinker.runs };
}

class Shrinker {
  plan: SimulationPlan;
  runs = 1;
  readonly #violates: string;
  readonly #verdict: Verdict;

  constructor(plan: SimulationPlan, violates: string, verdict: Verdict) {
    this.plan = plan;
    this.#violates = violates;
    this.#verdict = verdict;
  }

  /** ddmin: leaves out ever smaller parts of the list. */
  async shrinkFaults(): Promise<void> {
    for (let parts = 2; this.plan.faults.length > 0; ) {
      const { faults } = this.plan;
      const size = Math.ceil(faults.length / parts);
      let hasShrunk = false;
      for (let start = 0; start < faults.length && !hasShrunk; start += size) {
        hasShrunk = await this.#try({ faults: [...faults.slice(0, start), ...faults.slice(start + size)] });
      }
      if (hasShrunk) parts = Math.max(2, parts - 1);
      else if (size === 1) return;
      else parts = Math.min(faults.length, parts * 2);
    }
  }

  async shorten(): Promise<void> {
    for (let index = 0; index < this.plan.faults.length; index++) {
      for (;;) {
        const faults = this.plan.faults.with(index, halved(this.plan.faults[index]!));
        if (!(await this.#try({ faults }))) break;
      }
    }
  }

  async shrinkJob(): Promise<void> {
    const { plan } = this;
    for (const parallelism of [1, 2]) {
      if (parallelism < plan.parallelism && (await this.#try({ parallelism }))) break;
    }
    if (this.plan.hosts === "threads") await this.#try({ hosts: "in-thread" });
    await this.#try({ recordBytes: undefined });
    for (const field of ["splits", "recordsPerSplit", "keys"] as const) {
      while (this.plan[field] > 1 && (await this.#try({ [field]: Math.floor(this.plan[field] / 2) }))) {}
    }
  }

  async #try(change: Partial<SimulationPlan>): Promise<boolean> {
    const candidate = { ...this.plan, ...change };
    if (this.runs >= RUNS_MAX || JSON.stringify(candidate) === JSON.stringify(this.plan)) return false;
    this.runs++;
    if ((await this.#verdict(candidate)) !== this.#violates) return false;
    this.plan = candidate;
    return true;
  }
}

function halved(fault: Fault): Fault {
  if ("durationMs" in fault) return { ...fault, durationMs: Math.floor(fault.durationMs / 2) };
  if ("downMs" in fault) return { ...fault, downMs: Math.floor(fault.downMs / 2) };
  return fault;
}
