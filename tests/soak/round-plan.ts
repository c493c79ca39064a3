/** What one round of the soak does; all of it follows from the seed. */

import type { TextSizes } from "./parcels.ts";
import { Seeded } from "./seeded.ts";

export const PARALLELISM = 4;

/** After about `everyRecords` records a pause of up to `msMax` ms; one in a hundred pauses takes ten times as long. */
export interface Pauses {
  readonly everyRecords: number;
  readonly msMax: number;
}

export type FaultKind = "throw" | "throw-outside" | "exit";

export interface RoundPlan {
  readonly seed: string;
  /** The source ends after this many records; undefined: after `ms`. */
  readonly count: number | undefined;
  /** From the start of a subtask: after it sources end and nobody pauses any more. */
  readonly ms: number | undefined;
  readonly keys: number;
  readonly texts: TextSizes;
  /** The source's bursts and idle phases. */
  readonly bursts: Pauses;
  /** How slow sinks are, each by its own share of this. */
  readonly sinks: Pauses;
  /** How long functions hold up their thread. */
  readonly stalls: Pauses;
  /** What goes wrong in the first attempts, one fault each. */
  readonly faults: readonly FaultKind[];
  readonly settings: Readonly<Record<string, string>>;
}

/** How a round ends: at a time, or, where faults are part of it, after a number of records. */
export type RoundKind = "steady" | "faults";

export interface RoundOptions {
  readonly seed: string;
  readonly kind: RoundKind;
  /** How long the round is to take. */
  readonly ms: number;
}

/** About what the source sends in a round that ends after a number of records. */
const FAULTS_RECORDS_PER_SECOND = 3000;

export function planRound({ seed, kind, ms }: RoundOptions): RoundPlan {
  const random = new Seeded(seed);
  const hasFaults = kind === "faults";
  const faults = Array.from({ length: hasFaults ? random.between(1, 3) : 0 }, () =>
    random.pick<FaultKind>(["throw", "throw", "throw-outside", "exit"]),
  );
  return {
    seed,
    count: hasFaults ? Math.ceil((ms / 1000) * FAULTS_RECORDS_PER_SECOND) : undefined,
    ms: hasFaults ? undefined : ms,
    keys: random.pick([7, 199, 2003]),
    texts: random.pick<TextSizes>(["short", "mixed", "long", "long"]),
    bursts: { everyRecords: random.pick([200, 2000, 20_000]), msMax: random.pick([4, 30, 100]) },
    sinks: { everyRecords: random.pick([100, 1000, 5000]), msMax: random.pick([2, 15, 60]) },
    stalls: { everyRecords: random.pick([2000, 10_000, 50_000]), msMax: random.pick([2, 10, 40]) },
    faults,
    settings: {
      "parallelism.default": String(PARALLELISM),
      "execution.target": "threads",
      "taskmanager.network.memory.buffers-per-channel": random.pick(["1", "1", "2", "8"]),
      "taskmanager.memory.task.heap.size": "256 mb",
      "execution.buffer-timeout.interval": random.pick(["0 ms", "1 ms", "20 ms", "100 ms"]),
      "pipeline.operator-chaining.enabled": random.pick(["true", "true", "true", "false"]),
      ...checkpointSettings(faults.length, random),
    },
  };
}

function checkpointSettings(faultCount: number, random: Seeded): Readonly<Record<string, string>> {
  const interval = random.pick(["50 ms", "200 ms", "1 s"]);
  const checkpoints = { "execution.checkpointing.interval": interval };
  // No more restarts than faults: a restart must not hide what the soak is there to find.
  const none = { "restart-strategy.type": "none" };
  if (faultCount === 0) return random.chance(0.5) ? { ...checkpoints, ...none } : none;
  return {
    ...checkpoints,
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": String(faultCount),
    "restart-strategy.fixed-delay.delay": "10 ms",
  };
}
