/**
 * The lives of a job and of its regions as tables. The job's status follows from those of its regions until it comes to its
 * end; what is not in the tables does not happen.
 */
import { invariant } from "../../base/errors.ts";

/** Flink's names. */
export type JobStatus =
  | "CREATED"
  | "INITIALIZING"
  | "RUNNING"
  | "FAILING"
  | "RESTARTING"
  | "CANCELLING"
  | "FINISHED"
  | "FAILED"
  | "CANCELED";

/**
 * A region that has failed is CANCELING until nothing of it can write any more, and RESTARTING until the wait of the restart
 * strategy is over. CANCELED is the end of it, whatever the job ends as.
 */
export type RegionStatus =
  | "CREATED"
  | "DEPLOYING"
  | "INITIALIZING"
  | "RUNNING"
  | "CANCELING"
  | "RESTARTING"
  | "CANCELED";

const JOB_TRANSITIONS: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  CREATED: ["INITIALIZING", "CANCELLING"],
  INITIALIZING: ["RUNNING", "FAILING", "CANCELLING"],
  RUNNING: ["FAILING", "CANCELLING", "FINISHED", "FAILED"],
  // Of several regions one may fail while others wait for their restarts, or begin again.
  FAILING: ["RESTARTING", "CANCELLING", "FAILED"],
  RESTARTING: ["INITIALIZING", "FAILING", "CANCELLING"],
  CANCELLING: ["CANCELED"],
  FINISHED: [],
  FAILED: [],
  CANCELED: [],
};

const REGION_TRANSITIONS: Readonly<Record<RegionStatus, readonly RegionStatus[]>> = {
  CREATED: ["DEPLOYING", "CANCELING"],
  DEPLOYING: ["INITIALIZING", "CANCELING"],
  INITIALIZING: ["RUNNING", "CANCELING"],
  RUNNING: ["CANCELING"],
  CANCELING: ["RESTARTING", "CANCELED"],
  // A failure of the whole job takes regions that wait with it.
  RESTARTING: ["DEPLOYING", "CANCELING"],
  CANCELED: [],
};

export function checkJobTransition(from: JobStatus, to: JobStatus): void {
  invariant(JOB_TRANSITIONS[from].includes(to), `a job goes from ${from} to ${to}`);
}

export function checkRegionTransition(from: RegionStatus, to: RegionStatus): void {
  invariant(REGION_TRANSITIONS[from].includes(to), `a region goes from ${from} to ${to}`);
}

/** M4. */
export function isTerminal(status: JobStatus): boolean {
  return JOB_TRANSITIONS[status].length === 0;
}

/** What a job is while it has not come to its end. */
export function jobStatusOf(regions: readonly RegionStatus[]): JobStatus {
  if (regions.some((status) => status === "CANCELING" || status === "CANCELED")) return "FAILING";
  if (regions.includes("RESTARTING")) return "RESTARTING";
  if (regions.every((status) => status === "CREATED")) return "CREATED";
  return regions.every((status) => status === "RUNNING") ? "RUNNING" : "INITIALIZING";
}
