/** What is done to a cluster, and when; all of it follows from the seed. */
import { Seeded } from "../soak/seeded.ts";

/**
 * `pause` stands still for less than the heartbeat timeout, `hang` for longer; a `zombie` is a JobManager that stands still
 * until another one has taken its directory over.
 */
export type FaultKind =
  | "TaskManager killed"
  | "TaskManager paused"
  | "TaskManager hung"
  | "worker killed"
  | "JobManager killed"
  | "JobManager paused"
  | "JobManager a zombie"
  | "network cut";

export interface Fault {
  readonly kind: FaultKind;
  /** Picks the process, and what in it, among those that there are. */
  readonly pick: number;
  /** After what came before. */
  readonly delayMs: number;
  /** Whether the job has to have completed a checkpoint since the last fault. */
  readonly waitsForCheckpoint: boolean;
  /** How long a process stands still, or the network is cut. */
  readonly pauseMs: number;
}

/** What of ten faults is of each kind. */
const MIX: readonly FaultKind[] = [
  "TaskManager killed",
  "TaskManager killed",
  "TaskManager killed",
  "TaskManager paused",
  "TaskManager hung",
  "worker killed",
  "worker killed",
  "JobManager killed",
  "JobManager killed",
  "JobManager paused",
];

export interface PlanOptions {
  readonly seed: string;
  readonly heartbeatTimeoutMs: number;
  readonly hasNetwork: boolean;
}

/** The faults of a run, without an end: as many as asked for are taken. */
export function* killPlan({ seed, heartbeatTimeoutMs, hasNetwork }: PlanOptions): Generator<Fault, never> {
  const seeded = new Seeded(seed);
  for (let number = 0; ; number++) {
    // The rare ones are never left out of a short run by chance.
    const rare: FaultKind = hasNetwork && number % 20 === 7 ? "network cut" : "JobManager a zombie";
    const kind = number % 10 === 7 ? rare : seeded.pick(MIX);
    const isLong = kind === "TaskManager hung" || kind === "network cut" || kind === "JobManager a zombie";
    yield {
      kind,
      pick: seeded.between(0, 1_000_000),
      delayMs: seeded.between(0, 1200),
      waitsForCheckpoint: seeded.chance(0.7),
      pauseMs: isLong
        ? heartbeatTimeoutMs + seeded.between(500, 2000)
        : seeded.between(50, Math.floor(heartbeatTimeoutMs / 2)),
    };
  }
}
