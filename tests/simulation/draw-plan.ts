/**
 * Draws a plan from a seed. Every part has random numbers of its own, so that a change in how one is drawn leaves the others
 * of the same seed as they were.
 */
import { SeededRandom } from "millrace/internal";
import {
  CLUSTER_FAULT_KINDS,
  drawBulk,
  drawCluster,
  drawClusterFault,
  drawRestartStrategy,
  hangFaults,
  hurryFaults,
  TASK_MANAGERS_MAX,
} from "./draw-cluster.ts";
import { placeFaults } from "./draw-places.ts";
import { drawState, type StateWish } from "./draw-state.ts";
import type { Fault, FaultKind, Moment, ShapeName, SimulationPlan } from "./plan.ts";
import { pick, shuffled } from "./random-picks.ts";

export const SHAPES: readonly ShapeName[] = [
  "counts",
  "windows",
  "timers",
  "intervalJoin",
  "unionState",
  "broadcast",
  "async",
  "partitioner",
  "files",
  "pipelines",
  "apart",
];

const FAULT_KINDS: readonly FaultKind[] = [
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
  "stop",
  "suspend",
  "savepoint",
];

const FAULTS_MAX = 12;

/** In one cluster in so many. */
const STORMS_ONE_IN = 8;
const STORM_FAULTS_MAX = 40;

/** Shapes whose rows are the same when event time comes to its end in the middle. */
const DRAINED: ReadonlySet<ShapeName> = new Set(["counts", "unionState", "broadcast", "async", "partitioner", "files"]);
const PARALLELISM_MAX = 3;

/** What of a plan is given, not drawn. */
export interface PlanWishes {
  readonly shapes?: readonly ShapeName[] | undefined;
  readonly hosts?: SimulationPlan["hosts"] | undefined;
  readonly state?: StateWish | undefined;
}

export function drawPlan(seed: string | number, wishes: PlanWishes = {}): SimulationPlan {
  const random = new SeededRandom(`plan ${seed}`);
  const shape = pick(random.fork("shape"), wishes.shapes ?? SHAPES);
  const hosts = wishes.hosts ?? pick(random.fork("hosts"), ["threads", "cluster", "in-thread"]);
  const size = random.fork("size");
  const parallelism = 1 + size.below(PARALLELISM_MAX);
  const splits = 2 + size.below(6);
  const recordsPerSplit = 10 + size.below(40);
  const batchRecords = 1 + size.below(8);
  const keys = 1 + size.below(9);
  // So that the undisturbed job runs for some hundred ms, whatever else is drawn.
  const durationMs = 100 + size.below(500);
  const batches = Math.ceil((splits * recordsPerSplit) / batchRecords);
  const pauseMs = Math.max(0.25, Math.round((durationMs * parallelism * 4) / batches) / 4);
  const isCluster = hosts === "cluster";
  const drawn = drawFaults(random.fork("faults"), { hosts, shape }, durationMs);
  const placed = placeFaults(random.fork("places"), { hosts, shape }, drawn);
  const hangs = isCluster && shape === "files" ? hangFaults(random.fork("hangs"), durationMs) : [];
  const all = [...placed, ...hangs].sort((left, right) => left.at.ms - right.at.ms);
  const faults = isCluster ? hurryFaults(random.fork("hurry"), all) : all;
  const bulk = isCluster ? drawBulk(random.fork("bulk")) : undefined;
  const settings = drawSettings(random.fork("settings"), shape);
  const state = drawState(random.fork("state"), shape, settings, wishes.state);
  return {
    seed: String(seed),
    shape,
    hosts,
    ...(isCluster ? { cluster: drawCluster(random.fork("cluster"), PARALLELISM_MAX) } : {}),
    parallelism,
    splits,
    recordsPerSplit,
    keys: keys * state.keysFactor,
    ...(bulk === undefined ? {} : { recordBytes: bulk.recordBytes }),
    batchRecords,
    pauseMs,
    settings: {
      ...settings,
      ...bulk?.settings,
      ...(isCluster ? drawRestartStrategy(random.fork("restarts"), faults.length) : {}),
      ...state.settings,
    },
    ...(state.savepointFormat === undefined ? {} : { savepointFormat: state.savepointFormat }),
    faults,
  };
}

function drawSettings(random: SeededRandom, shape: ShapeName): Readonly<Record<string, string>> {
  const minPauseMs = pick(random, [0, 0, 5, 40]);
  const isHasty = random.below(4) === 0;
  // Where a record goes with a custom partitioner, the engine does not know after a rescale.
  const isUnaligned = random.below(3) === 0 && shape !== "partitioner";
  return {
    "execution.checkpointing.interval": `${10 + random.below(70)} ms`,
    "execution.checkpointing.min-pause": `${minPauseMs} ms`,
    "execution.checkpointing.max-concurrent-checkpoints": String(
      minPauseMs > 0 || isUnaligned ? 1 : pick(random, [1, 1, 2, 3]),
    ),
    // A timeout that a healthy disk may miss must not be what the job fails of.
    "execution.checkpointing.timeout": isHasty ? pick(random, ["30 ms", "150 ms"]) : "10 s",
    "execution.checkpointing.tolerable-failed-checkpoints": isHasty ? "1000000" : String(pick(random, [0, 0, 2, 1000])),
    "execution.checkpointing.num-retained": String(1 + random.below(3)),
    "execution.checkpointing.data-inline-threshold": `${pick(random, [0, 200, 20_000])} b`,
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": String(pick(random, [0, 1, 3, 1000, 1000])),
    "restart-strategy.fixed-delay.delay": `${pick(random, [1, 20, 200])} ms`,
    ...(isUnaligned ? unaligned(random) : {}),
  };
}

function unaligned(random: SeededRandom): Readonly<Record<string, string>> {
  return {
    "execution.checkpointing.unaligned.enabled": "true",
    "execution.checkpointing.aligned-checkpoint-timeout": pick(random, ["0 ms", "0 ms", "1 ms", "5 ms"]),
  };
}

// Some seeds have one kind of fault only, some all of them; some have a single fault, some many.
function drawFaults(
  random: SeededRandom,
  { hosts, shape }: Pick<SimulationPlan, "hosts" | "shape">,
  durationMs: number,
): readonly Fault[] {
  const isCluster = hosts === "cluster";
  const possible = isCluster
    ? CLUSTER_FAULT_KINDS.filter((kind) => kind !== "drain" || DRAINED.has(shape))
    : FAULT_KINDS.filter((kind) => kind !== "killWorker" || hosts === "threads");
  const kindCount = 1 + random.below(possible.length);
  const kinds = shuffled(random, possible).slice(0, kindCount);
  const isStorm = isCluster && random.below(STORMS_ONE_IN) === 0;
  const count = random.below((isStorm ? STORM_FAULTS_MAX : FAULTS_MAX) + 1);
  // Restarts make the job longer than it would be.
  const spanMs = durationMs * (1 + random.fraction());
  const faults = Array.from({ length: count }, () => {
    const fault = drawFault(random, pick(random, kinds), spanMs);
    return isCluster ? onMachine(random, fault) : fault;
  });
  return faults.sort((left, right) => left.at.ms - right.at.ms);
}

/** One fault in five of those that may strike all machines, or what they share, does. */
function onMachine(random: SeededRandom, fault: Fault): Fault {
  switch (fault.kind) {
    case "kill":
    case "powerOff":
    case "slowDisk":
    case "stalledDisk":
    case "fullDisk":
    case "failingDisk":
      return random.below(5) === 0 ? fault : { ...fault, machine: random.below(TASK_MANAGERS_MAX + 1) };
    case "killWorker":
    case "pause":
      return { ...fault, machine: random.below(TASK_MANAGERS_MAX + 1) };
    default:
      return fault;
  }
}

function drawFault(random: SeededRandom, kind: FaultKind, spanMs: number): Fault {
  const ms = Math.round(random.fraction() * spanMs * 4) / 4;
  const at: Moment =
    random.below(3) === 0
      ? { ms }
      : { ms, effect: { number: 1 + random.below(40), phase: random.below(2) === 0 ? "before" : "after" } };
  switch (kind) {
    case "kill":
    case "powerOff":
      return { kind, at, downMs: pick(random, [0, 1, 30, 2000]) };
    case "killWorker":
      return { kind, at, slot: random.below(PARALLELISM_MAX) };
    case "pause":
      return { kind, at, durationMs: pick(random, [5, 50, 400, 3000]) };
    case "slowDisk":
    case "stalledDisk":
    case "fullDisk":
    case "failingDisk":
    case "storeDown":
      return { kind, at: { ms }, durationMs: pick(random, [5, 50, 300]) };
    case "cancel":
    case "stop":
    case "suspend":
      return { kind, at, parallelism: 1 + random.below(PARALLELISM_MAX) };
    case "ioError":
      return { kind, at: { ms, effect: at.effect ?? { number: 1, phase: "before" } } };
    case "throw":
    case "savepoint":
      return { kind, at };
    default:
      return drawClusterFault(random, kind, at, PARALLELISM_MAX);
  }
}
