/** What one run comes to, on whatever hosts. */
import type { DiskEffect, EffectVerdict } from "millrace/internal";
import type { FaultKind } from "./plan.ts";
import type { Violation } from "./world.ts";

/** How long a fault that waits for an effect waits after the last of the plan. */
export const PATIENCE_MS = 2000;

export const LIVES_MAX = 100;

export interface RunOutcome {
  readonly violations: readonly Violation[];
  readonly digest: string;
  readonly simulatedMs: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** Starts of the job. */
  readonly lives: number;
  readonly snapshots: number;
  /** Durable effects and others on the disk. */
  readonly effects: number;
}

export interface RunOptions {
  /** Looks at every effect on the disk first, and may answer for the injector. */
  readonly onEffect?: ((effect: DiskEffect) => EffectVerdict | undefined) | undefined;
  /** Hears every event. */
  readonly onTrace?: ((line: string) => void) | undefined;
}
