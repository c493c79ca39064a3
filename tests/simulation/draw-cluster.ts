/** Draws the cluster of a plan, and what happens to its machines and its network. */
import type { SeededRandom } from "millrace/internal";
import type { ClusterFault, ClusterPlan, Fault, FaultKind, Moment } from "./plan.ts";
import { pick } from "./random-picks.ts";

export const TASK_MANAGERS_MAX = 4;

const FAULTS_WITHOUT_RESTART_MAX = 3;

/** Kinds of faults in clusters; some are drawn more often than others. */
export const CLUSTER_FAULT_KINDS: readonly FaultKind[] = [
  "kill",
  "powerOff",
  "killWorker",
  "pause",
  "slowDisk",
  "stalledDisk",
  "fullDisk",
  "failingDisk",
  "ioError",
  "storeDown",
  "throw",
  "cancel",
  "suspend",
  "savepoint",
  "partition",
  "reset",
  "halfOpen",
  "slowNetwork",
  "unreliableNetwork",
  "clockJump",
  "replaceLeader",
  "drain",
  "checkpoint",
];

/** @param slotsMin - As many as the job may ever need. */
export function drawCluster(random: SeededRandom, slotsMin: number): ClusterPlan {
  const taskManagers = 1 + random.below(TASK_MANAGERS_MAX);
  const slots = Math.ceil(slotsMin / taskManagers) + random.below(2);
  const [interval, timeout] = pick(random, [
    ["50 ms", "200 ms"],
    ["100 ms", "500 ms"],
    ["100 ms", "500 ms"],
    ["300 ms", "1 s"],
  ]);
  return {
    taskManagers,
    slots,
    lostAnswers: pick(random, [0, 0.5]),
    settings: {
      "heartbeat.interval": interval,
      "heartbeat.timeout": timeout,
      "slot.request.timeout": pick(random, ["500 ms", "5 min"]),
    },
    dataPort: pick(random, [0, 6121]),
  };
}

/** A strategy that gives up early is for plans with few faults: who has the job would only start it again and again. */
export function drawRestartStrategy(random: SeededRandom, faultCount: number): Readonly<Record<string, string>> {
  const delay = `${pick(random, [1, 20, 200])} ms`;
  const kind = pick(random, ["fixed-delay", "fixed-delay", "failure-rate", "exponential-delay", "none"]);
  switch (kind) {
    case "none":
      return { "restart-strategy.type": faultCount > FAULTS_WITHOUT_RESTART_MAX ? "fixed-delay" : "none" };
    case "fixed-delay":
      return {};
    case "failure-rate":
      return {
        "restart-strategy.type": kind,
        "restart-strategy.failure-rate.max-failures-per-interval": String(pick(random, [1, 3, 1000])),
        "restart-strategy.failure-rate.failure-rate-interval": `${pick(random, [50, 500])} ms`,
        "restart-strategy.failure-rate.delay": delay,
      };
    case "exponential-delay":
      return {
        "restart-strategy.type": kind,
        "restart-strategy.exponential-delay.initial-backoff": delay,
        "restart-strategy.exponential-delay.max-backoff": "400 ms",
        "restart-strategy.exponential-delay.backoff-multiplier": "2",
        "restart-strategy.exponential-delay.reset-backoff-threshold": "1 s",
        "restart-strategy.exponential-delay.jitter-factor": String(pick(random, [0, 0.1])),
      };
  }
}

/** In one cluster in so many, records are large and channels small: who sends has to wait for who receives. */
const BULK_ONE_IN = 6;

export function drawBulk(
  random: SeededRandom,
): { readonly recordBytes: number; readonly settings: Readonly<Record<string, string>> } | undefined {
  if (random.below(BULK_ONE_IN) > 0) return undefined;
  return {
    recordBytes: pick(random, [500, 2000, 8000]),
    settings: { "taskmanager.network.memory.buffers-per-channel": String(pick(random, [1, 2])) },
  };
}

/** In one cluster in so many, everything happens while the job is submitted and deployed. */
const HURRIED_ONE_IN = 8;
const HURRIED_MS = 40;

export function hurryFaults(random: SeededRandom, faults: readonly Fault[]): readonly Fault[] {
  if (random.below(HURRIED_ONE_IN) > 0) return faults;
  const lastMs = Math.max(HURRIED_MS, ...faults.map(({ at }) => at.ms));
  return faults.map((fault) => ({ ...fault, at: { ...fault.at, ms: (fault.at.ms * HURRIED_MS) / lastMs } }));
}

/** In one cluster in so many that writes files, a TaskManager hangs in the middle of a write, and goes on beside its successor. */
const HANGS_ONE_IN = 3;

export function hangFaults(random: SeededRandom, durationMs: number): readonly Fault[] {
  if (random.below(HANGS_ONE_IN) > 0) return [];
  const ms = Math.round(random.fraction() * durationMs * 4) / 4;
  const machine = 1 + random.below(TASK_MANAGERS_MAX);
  return [
    // So that more than one write waits for the disk.
    { kind: "slowDisk", at: { ms }, durationMs: 300 },
    {
      kind: "pause",
      at: { ms: ms + 50, effect: { number: 1, phase: "before", of: ["write ", "/out"] } },
      machine,
      durationMs: pick(random, [400, 700, 1500, 3000]),
    },
  ];
}

export function drawClusterFault(
  random: SeededRandom,
  kind: ClusterFault["kind"],
  at: Moment,
  parallelismMax: number,
): Fault {
  const { ms } = at;
  const durationMs = pick(random, [5, 50, 300, 1000, 3000]);
  const [from, to] = pair(random);
  switch (kind) {
    case "partition":
      return {
        kind,
        at: { ms },
        durationMs,
        from,
        to,
        isOneWay: random.below(2) === 0,
        endsInReset: random.below(3) === 0,
      };
    case "reset":
    case "halfOpen":
      return { kind, at, from, to };
    case "slowNetwork":
    case "unreliableNetwork":
      return { kind, at: { ms }, durationMs: Math.min(1000, durationMs) };
    case "clockJump":
      return {
        kind,
        at: { ms },
        machine: random.below(TASK_MANAGERS_MAX + 1),
        deltaMs: pick(random, [-300_000, -1000, 1000, 300_000]),
      };
    case "replaceLeader":
      return { kind, at, durationMs };
    case "drain":
      return { kind, at, parallelism: 1 + random.below(parallelismMax) };
    case "checkpoint":
      return { kind, at };
  }
}

/** Two machines, as often as not the JobManager's and another. */
function pair(random: SeededRandom): readonly [number, number] {
  const first = random.below(2) === 0 ? 0 : random.below(TASK_MANAGERS_MAX + 1);
  const second = (first + 1 + random.below(TASK_MANAGERS_MAX)) % (TASK_MANAGERS_MAX + 1);
  return random.below(2) === 0 ? [first, second] : [second, first];
}
