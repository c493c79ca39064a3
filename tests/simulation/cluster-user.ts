/**
 * Who has the plan's job run on a cluster: submits it, again when no answer comes, looks at it, does to it what the plan says,
 * and has it go on from the newest snapshot when it has ended too early. Knows only what the JobManager says.
 */
import { MillraceError } from "millrace";
import type { JobManager, JobManagerApi, SeededRandom } from "millrace/internal";
import { type ClusterMachines, codeOf } from "./cluster-machines.ts";
import type { UserFault } from "./fault-injector.ts";
import { checkAllSnapshots } from "./invariants.ts";
import { isOver, type Newest, newestSnapshot, settingsOf } from "./planned-job.ts";
import { LIVES_MAX } from "./run-outcome.ts";
import { snapshotIn } from "./visible-files.ts";
import type { World } from "./world.ts";

/** How often the user looks. */
const LOOK_MS = 5;

/** A submission without an answer is repeated after this time. */
const ANSWER_MS = 300;

/**
 * A job may fail of what was over when it was submitted for so long: nobody has to have noticed yet that a machine has lost its
 * power, or that a connection carries nothing any more.
 */
const AFTERMATH_MS = 2500;

type JobStatus = ReturnType<JobManagerApi["listJobs"]>[number]["status"];

const ENDED: ReadonlySet<JobStatus> = new Set(["FINISHED", "FAILED", "CANCELED"]);

interface SubmittedJob {
  readonly id: string;
  readonly path: string | undefined;
  readonly parallelism: number;
  readonly createdMs: number;
  askedMs: number;
  isAnswered: boolean;
  /** Whether the user wants it to end before its input does. */
  isEndAsked: boolean;
}

export class ClusterUser {
  readonly #world: World;
  readonly #machines: ClusterMachines;
  readonly #random: SeededRandom;
  readonly #isDisturbed: () => boolean;
  #parallelism: number;
  #job: SubmittedJob | undefined;
  #failure: string | undefined;
  lives = 0;
  isFinished = false;

  /** @param isDisturbed - Whether something is wrong that began before. */
  constructor(world: World, machines: ClusterMachines, random: SeededRandom, isDisturbed: () => boolean) {
    this.#world = world;
    this.#machines = machines;
    this.#random = random;
    this.#isDisturbed = isDisturbed;
    this.#parallelism = world.plan.parallelism;
    this.#lookLater();
  }

  get jobId(): string | undefined {
    return this.#job?.id;
  }

  /** What is said about the job when it does not come to its end. */
  describe(): string {
    const api = this.#machines.leader.jobManager;
    const job = this.#job;
    if (api === undefined) return "no JobManager leads";
    if (job === undefined) return "no job has been submitted";
    const overview = api.listJobs().find(({ jobId }) => jobId === job.id);
    const { taskManagers, slotsAvailable, slotsTotal } = api.overview();
    const slots = `${slotsAvailable} of ${slotsTotal} slots free in ${taskManagers} TaskManagers`;
    const tasks = Object.entries(overview?.tasks ?? {}).filter(([, count]) => count > 0);
    const states = tasks.map(([state, count]) => `${count} ${state}`).join(", ");
    const said = this.#machines.warnings.slice(-8).join("\n  ");
    return `the job is ${overview?.status ?? "unknown"} (${states}), ${slots}; ${this.#failure ?? ""}\n  ${said}`;
  }

  onUser(fault: UserFault): void {
    const api = this.#machines.leader.jobManager;
    const job = this.#job;
    if (api === undefined || job?.isAnswered !== true) return;
    if ("parallelism" in fault) {
      this.#parallelism = fault.parallelism;
      job.isEndAsked = true;
    }
    this.#carryOut(api, job.id, fault).catch((error: unknown) => {
      if (!(error instanceof MillraceError)) this.#world.violated("E", `${fault.kind} failed with ${String(error)}`);
    });
  }

  async #carryOut(api: JobManager, jobId: string, { kind }: UserFault): Promise<void> {
    const { savepointFormat } = this.#world.plan;
    const target = {
      directory: "/savepoints",
      ...(savepointFormat === undefined ? {} : { format: savepointFormat }),
    };
    switch (kind) {
      case "cancel":
        return api.cancelJob(jobId);
      case "stop":
      case "suspend":
        return this.#follow(api, jobId, await api.stopWithSavepoint(jobId, target));
      case "drain":
        return this.#follow(api, jobId, await api.stopWithSavepoint(jobId, { ...target, drain: true }));
      case "savepoint":
        return this.#follow(api, jobId, await api.triggerSavepoint(jobId, target));
      case "checkpoint":
        await api.triggerCheckpoint(jobId);
    }
  }

  /** What is said to be a savepoint is one. */
  #follow(api: JobManager, jobId: string, requestId: string): void {
    const { scheduler } = this.#machines.cluster;
    const look = (): void => {
      if (this.#machines.leader.jobManager !== api) return;
      const operation = api.operation(jobId, requestId);
      if (operation.status === "IN_PROGRESS") scheduler.schedule(LOOK_MS, "user asks for a savepoint", look);
      else if (operation.status === "COMPLETED") this.#checkSavepoint(operation.location);
    };
    look();
  }

  #checkSavepoint(location: string | undefined): void {
    const found = location === undefined ? undefined : snapshotIn(this.#machines.shared.disk, location);
    if (found === undefined) this.#world.violated("I3", `the savepoint ${location} is not there`);
  }

  #lookLater(): void {
    this.#machines.cluster.scheduler.schedule(LOOK_MS, "user looks", () => {
      if (this.isFinished) return;
      this.#look();
      this.#lookLater();
    });
  }

  #look(): void {
    const api = this.#machines.leader.jobManager;
    if (api === undefined) return;
    this.#job ??= this.#nextJob();
    const job = this.#job;
    if (job === undefined) return;
    if (!job.isAnswered) {
      if (this.#world.nowMs >= job.askedMs + ANSWER_MS) this.#submit(api, job);
      return;
    }
    const status = api.listJobs().find(({ jobId }) => jobId === job.id)?.status;
    if (status === undefined) {
      this.#world.violated("L1", `the JobManager does not know the job ${job.id}, whose submission it has answered`);
      this.isFinished = true;
    } else if (ENDED.has(status)) this.#onEnd(api, job, status);
  }

  #nextJob(): SubmittedJob | undefined {
    const world = this.#world;
    const { disk } = this.#machines.shared;
    checkAllSnapshots(world, disk);
    const restored = newestSnapshot(world, disk);
    if (this.lives === LIVES_MAX) {
      world.violated("I13", `started ${LIVES_MAX} times: ${this.#failure}`);
      this.isFinished = true;
      return undefined;
    }
    this.lives++;
    world.lastCheckpointId = restored?.checkpointId ?? 0;
    return {
      id: this.#random.uuid().replaceAll("-", ""),
      path: restored?.directory,
      parallelism: this.#parallelism,
      createdMs: world.nowMs,
      askedMs: Number.NEGATIVE_INFINITY,
      isAnswered: false,
      isEndAsked: false,
    };
  }

  #submit(api: JobManager, job: SubmittedJob): void {
    const world = this.#world;
    const { id, parallelism, path } = job;
    const isAnswerLost = this.#random.fraction() < (world.plan.cluster?.lostAnswers ?? 0);
    job.askedMs = world.nowMs;
    const configuration = Object.entries(settingsOf(world, parallelism, path)).map(([key, value]) => ({ key, value }));
    api.submitJob({ jobId: id, name: world.plan.shape, code: codeOf(world), args: [], configuration }).then(
      () => {
        if (!isAnswerLost) job.isAnswered = true;
      },
      (error: unknown) => {
        if (!(error instanceof MillraceError)) world.violated("E", `a submission failed with ${String(error)}`);
      },
    );
  }

  #onEnd(api: JobManager, job: SubmittedJob, status: JobStatus): void {
    const world = this.#world;
    const { disk } = this.#machines.shared;
    checkAllSnapshots(world, disk);
    if (status === "FINISHED" && (!job.isEndAsked || hasReadAll(world, job, newestSnapshot(world, disk)))) {
      this.isFinished = true;
      return;
    }
    this.#job = undefined;
    if (status !== "FAILED") return;
    const hasCause = this.#isDisturbed() || world.lastDisturbedMs > job.createdMs - AFTERMATH_MS;
    api.job(job.id).then(
      ({ failure }) => {
        this.#failure = failure?.message;
        if (!hasCause) world.violated("E", `the job failed without a fault: ${failure?.message}`);
      },
      (error: unknown) => world.violated("E", `a job that has failed is not known: ${String(error)}`),
    );
  }
}

/** Whether a job that somebody wanted to stop has come to the end of its input before that. */
function hasReadAll(world: World, { id }: SubmittedJob, newest: Newest | undefined): boolean {
  // What is stopped leaves a savepoint that is newer than its checkpoints; they are all about to be removed by who leads now.
  return isOver(world, newest) || newest?.directory.startsWith(`/checkpoints/${id}/`) === true;
}
