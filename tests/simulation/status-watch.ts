/**
 * L4: a process is registered once, whoever of its predecessors has not been missed yet. I14: what has ended stays as it ended, whoever leads; a job is started again only as often and as soon as its restart
 * strategy says. Looks every simulated ms, so it may miss a restart, but never sees one that was not.
 */
import type { JobManager, JobManagerApi } from "millrace/internal";
import type { World } from "./world.ts";

type JobStatus = ReturnType<JobManagerApi["listJobs"]>[number]["status"];

const LOOK_MS = 1;

interface Followed {
  status: JobStatus;
  restarts: number;
  /** The last look before it was seen to restart; of a job with several regions, before the first of them had failed. */
  notRestartingMs: number;
}

export class StatusWatch {
  readonly #world: World;
  readonly #delayMs: number;
  readonly #restartsMax: number;
  /** A region may wait for its restart while the job is FAILING, because another one is still being closed. */
  readonly #hasRegions: boolean;
  readonly #ended: Map<string, JobStatus> = new Map();
  #followed: Map<string, Followed> = new Map();
  #leader: JobManager | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(world: World) {
    this.#world = world;
    const { settings, shape } = world.plan;
    this.#hasRegions = shape === "pipelines" || shape === "apart";
    const type = settings["restart-strategy.type"] ?? "";
    const jitter = Number(settings["restart-strategy.exponential-delay.jitter-factor"] ?? 0);
    const initial = settings["restart-strategy.exponential-delay.initial-backoff"];
    const isExponential = type === "exponential-delay";
    this.#delayMs = isExponential ? msOf(initial) * (1 - jitter) : msOf(settings[`restart-strategy.${type}.delay`]);
    const attempts = settings["restart-strategy.fixed-delay.attempts"];
    this.#restartsMax = type === "none" ? 0 : type === "fixed-delay" ? Number(attempts ?? 1) : Number.POSITIVE_INFINITY;
  }

  /** Called after every event. */
  look(leader: JobManager | undefined): void {
    const { nowMs } = this.#world;
    if (leader === undefined || nowMs < this.#lastMs + LOOK_MS) return;
    // A new leader counts from the beginning.
    if (leader !== this.#leader) this.#followed = new Map();
    this.#leader = leader;
    for (const { jobId, status } of leader.listJobs()) this.#see(jobId, status);
    const addresses = leader.taskManagers().map(({ dataAddress }) => dataAddress);
    const twice = addresses.find((address, index) => addresses.indexOf(address) < index);
    if (twice !== undefined) this.#world.violated("L4", `the TaskManager at ${twice} is registered twice`);
    this.#lastMs = nowMs;
  }

  #see(jobId: string, status: JobStatus): void {
    const ended = this.#ended.get(jobId);
    if (ended !== undefined && ended !== status) this.#world.violated("I14", `a job was ${ended} and is ${status}`);
    if (status === "FINISHED" || status === "FAILED" || status === "CANCELED") this.#ended.set(jobId, status);
    const followed = this.#followed.get(jobId) ?? { status, restarts: 0, notRestartingMs: this.#lastMs };
    this.#followed.set(jobId, followed);
    if (status === followed.status) return;
    const wasDown = followed.status === "FAILING" || followed.status === "RESTARTING";
    if (this.#hasRegions ? !wasDown : status === "RESTARTING") followed.notRestartingMs = this.#lastMs;
    if (status === "RESTARTING") {
      followed.restarts++;
      if (followed.restarts > this.#restartsMax)
        this.#world.violated("I14", `${followed.restarts} restarts, allowed are ${this.#restartsMax}`);
    } else if (followed.status === "RESTARTING" && status === "INITIALIZING") {
      const waitedMs = this.#world.nowMs - followed.notRestartingMs;
      if (waitedMs < this.#delayMs)
        this.#world.violated("I14", `started again after at most ${waitedMs} ms, not ${this.#delayMs}`);
    }
    followed.status = status;
  }
}

/** Of "20 ms". */
function msOf(duration: string | undefined): number {
  return duration === undefined ? 0 : Number.parseFloat(duration);
}
