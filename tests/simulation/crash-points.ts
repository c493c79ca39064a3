/**
 * Short scenarios that are run once for every durable effect they have on the disk, with a crash before it or after it: no luck
 * is needed to meet the one that matters.
 */
import type { DiskEffect } from "millrace/internal";
import { isDurableEffect } from "./fault-injector.ts";
import type { Fault, ShapeName, SimulationPlan } from "./plan.ts";
import type { RunOutcome } from "./run-outcome.ts";
import { runPlan } from "./run-plan.ts";

export interface Scenario {
  readonly name: string;
  readonly plan: SimulationPlan;
}

export interface CrashPoint {
  /** Among the durable effects of the undisturbed scenario, from 0. */
  readonly effect: number;
  readonly phase: DiskEffect["phase"];
  readonly kind: "kill" | "powerOff";
}

type Changes = Partial<Omit<SimulationPlan, "settings">> & { readonly settings?: Readonly<Record<string, string>> };

/** A job of some 60 ms with a checkpoint about every 15. */
function scenario(name: string, shape: ShapeName, changes: Changes = {}): Scenario {
  const { settings, ...others } = changes;
  return {
    name,
    plan: {
      seed: `crash points of ${name}`,
      shape,
      hosts: "in-thread",
      parallelism: 2,
      splits: 2,
      recordsPerSplit: 10,
      keys: 3,
      batchRecords: 2,
      pauseMs: 12,
      faults: [],
      ...others,
      settings: {
        "execution.checkpointing.interval": "15 ms",
        "execution.checkpointing.data-inline-threshold": "200 b",
        "execution.checkpointing.num-retained": "2",
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "1000",
        "restart-strategy.fixed-delay.delay": "1 ms",
        ...settings,
      },
    },
  };
}

const at = (ms: number): Fault["at"] => ({ ms });
const files = { "execution.checkpointing.data-inline-threshold": "0 b" };
const stored = { "state.backend.type": "rocksdb", "execution.checkpointing.incremental": "true", ...files };
const unaligned = { "execution.checkpointing.unaligned.enabled": "true" };

export const SCENARIOS: readonly Scenario[] = [
  scenario("checkpoints with inline state", "counts", {
    settings: { "execution.checkpointing.data-inline-threshold": "20 kb" },
  }),
  scenario("checkpoints with state in files", "counts", { settings: files }),
  scenario("one checkpoint is kept", "timers", { settings: { "execution.checkpointing.num-retained": "1" } }),
  scenario("several checkpoints under way", "counts", {
    settings: {
      "execution.checkpointing.interval": "10 ms",
      "execution.checkpointing.max-concurrent-checkpoints": "3",
    },
  }),
  scenario("unaligned checkpoints", "counts", { settings: { ...unaligned, ...files } }),
  scenario("unaligned checkpoints after a timeout", "windows", {
    settings: { ...unaligned, "execution.checkpointing.aligned-checkpoint-timeout": "1 ms" },
  }),
  scenario("a savepoint of a running job", "counts", { faults: [{ kind: "savepoint", at: at(25) }] }),
  scenario("stop with a savepoint", "counts", { faults: [{ kind: "suspend", at: at(25), parallelism: 2 }] }),
  scenario("stop with a checkpoint", "windows", { faults: [{ kind: "stop", at: at(25), parallelism: 2 }] }),
  scenario("rescale up from a savepoint", "timers", {
    parallelism: 1,
    faults: [{ kind: "suspend", at: at(25), parallelism: 3 }],
  }),
  scenario("rescale down from a savepoint", "windows", {
    parallelism: 3,
    faults: [{ kind: "suspend", at: at(25), parallelism: 1 }],
  }),
  scenario("rescale from an unaligned checkpoint", "counts", {
    settings: unaligned,
    faults: [{ kind: "cancel", at: at(40), parallelism: 3 }],
  }),
  scenario("cancel and start again", "broadcast", { faults: [{ kind: "cancel", at: at(35), parallelism: 2 }] }),
  scenario("restart inside the job", "intervalJoin", { faults: [{ kind: "throw", at: at(30) }] }),
  scenario("restart while transactions are open", "counts", {
    faults: [{ kind: "storeDown", at: at(20), durationMs: 15 }],
  }),
  scenario("union state", "unionState", { faults: [{ kind: "suspend", at: at(25), parallelism: 3 }] }),
  scenario("requests under way", "async", { faults: [{ kind: "throw", at: at(30) }] }),
  scenario("files that are committed", "files"),
  scenario("files that are committed, rescaled", "files", {
    faults: [{ kind: "suspend", at: at(25), parallelism: 1 }],
  }),
  scenario("incremental checkpoints", "counts", { settings: stored }),
  scenario("incremental checkpoints, one is kept", "windows", {
    settings: { ...stored, "execution.checkpointing.num-retained": "1" },
  }),
  scenario("incremental checkpoints, restart inside the job", "counts", {
    settings: stored,
    faults: [{ kind: "throw", at: at(40) }],
  }),
  scenario("rescale from a native savepoint", "counts", {
    settings: stored,
    savepointFormat: "NATIVE",
    faults: [{ kind: "suspend", at: at(35), parallelism: 3 }],
  }),
  scenario("claim an incremental checkpoint", "timers", {
    settings: { ...stored, "execution.state-recovery.claim-mode": "CLAIM" },
    faults: [{ kind: "cancel", at: at(40), parallelism: 1 }],
  }),
  scenario("slots in threads", "counts", { hosts: "threads" }),
  scenario("a slot's thread dies", "counts", {
    hosts: "threads",
    faults: [{ kind: "killWorker", at: at(140), slot: 1 }],
  }),
];

/** How many durable effects the undisturbed scenario has. @throws when that is not well */
export async function countEffects({ name, plan }: Scenario): Promise<number> {
  let count = 0;
  const { violations } = await runPlan(plan, {
    onEffect: (effect) => {
      if (effect.phase === "before" && isDurableEffect(effect)) count++;
      return undefined;
    },
  });
  if (violations.length > 0) throw new Error(`${name}, undisturbed: ${JSON.stringify(violations[0])}`);
  return count;
}

export function runWithCrash({ plan }: Scenario, { effect, phase, kind }: CrashPoint): Promise<RunOutcome> {
  let seen = -1;
  let hasCrashed = false;
  return runPlan(plan, {
    onEffect: (each) => {
      if (!isDurableEffect(each)) return undefined;
      if (each.phase === "before") seen++;
      if (hasCrashed || seen !== effect || each.phase !== phase) return undefined;
      hasCrashed = true;
      return { kind };
    },
  });
}

/** All crash points of a scenario; with a `stride`, only one in so many, each in another way than the one before. */
export function crashPoints(effectCount: number, stride: number): readonly CrashPoint[] {
  const all = Array.from({ length: effectCount }, (_, effect) =>
    (["before", "after"] as const).flatMap((phase) =>
      (["kill", "powerOff"] as const).map((kind): CrashPoint => ({ effect, phase, kind })),
    ),
  ).flat();
  return all.filter((_, index) => index % stride === 0);
}
