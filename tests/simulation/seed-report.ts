/** One line about one seed, from the processes that run seeds to the one that was started. Plain JSON. */
import { u32Hex } from "millrace/internal";
import type { FaultKind, SimulationPlan } from "./plan.ts";
import type { RunOutcome } from "./run-outcome.ts";
import type { Violation } from "./world.ts";

export interface SeedReport {
  readonly seed: string;
  readonly digest: string;
  readonly simulatedMs: number;
  readonly lives: number;
  readonly snapshots: number;
  readonly effects: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly violations: readonly Violation[];
}

export function reportOf(plan: SimulationPlan, outcome: RunOutcome): SeedReport {
  const { digest, simulatedMs, lives, snapshots, effects, violations } = outcome;
  const faults = Object.fromEntries(outcome.faults);
  return { seed: plan.seed, digest, simulatedMs, lives, snapshots, effects, faults, violations };
}

/** What many seeds come to. */
export class Totals {
  seeds = 0;
  simulatedMs = 0;
  lives = 0;
  snapshots = 0;
  effects = 0;
  readonly faults: Map<string, number> = new Map();
  readonly #digests: Map<string, string> = new Map();

  add(report: SeedReport): void {
    this.seeds++;
    this.simulatedMs += report.simulatedMs;
    this.lives += report.lives;
    this.snapshots += report.snapshots;
    this.effects += report.effects;
    for (const [kind, count] of Object.entries(report.faults))
      this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
    this.#digests.set(report.seed, report.digest);
  }

  /** Of all seeds, whatever the order in which they came. */
  digest(): string {
    let [low, high] = [0x811c9dc5 | 0, 0x050c5d1f | 0];
    for (const [seed, digest] of [...this.#digests].sort(([left], [right]) => (left < right ? -1 : 1))) {
      for (const character of `${seed} ${digest}`) {
        low = Math.imul(low ^ character.charCodeAt(0), 0x01000193);
        high = Math.imul(((high << 5) | (high >>> 27)) ^ character.charCodeAt(0), 0x9e3779b1);
      }
    }
    return u32Hex(high) + u32Hex(low);
  }

  describe(): string {
    const kinds = [...this.faults].sort(([left], [right]) => (left < right ? -1 : 1));
    const faultCount = kinds.reduce((sum, [, count]) => sum + count, 0);
    return [
      `${this.seeds} seeds, ${(this.simulatedMs / 1000).toFixed(1)} simulated s`,
      `${this.lives} starts of jobs, ${this.snapshots} snapshots completed, ${this.effects} effects on disks`,
      `${faultCount} faults: ${kinds.map(([kind, count]) => `${kind} ${count}`).join(", ")}`,
    ].join("\n");
  }
}
