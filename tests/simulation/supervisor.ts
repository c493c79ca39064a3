/** Starts a plan's job, again and again, as whoever operates it would: from the newest snapshot on the disk. */
import { MillraceError } from "millrace";
import { EmbeddedJob, InvariantViolation, type SimulatedPlatform, type WorkerHandle } from "millrace/internal";
import type { UserFault } from "./fault-injector.ts";
import { checkAllSnapshots } from "./invariants.ts";
import {
  buildPlanned,
  checkFailure,
  configurationOf,
  isOver,
  newestSnapshot,
  registerThreads,
  settingsOf,
  THREAD_URL,
  watched,
} from "./planned-job.ts";
import type { World } from "./world.ts";

export type LifeEnd = "finished" | "again" | "failed";

/** One start of the job, until it ends or its process dies. */
export class Life {
  readonly #world: World;
  readonly #platform: SimulatedPlatform;
  readonly #parallelism: number;
  readonly #workers: WorkerHandle[] = [];
  /** Of the next life. */
  nextParallelism: number;
  job: EmbeddedJob | undefined;
  end: LifeEnd | undefined;
  failure: unknown;
  #isEndAsked = false;

  constructor(world: World, platform: SimulatedPlatform, parallelism: number) {
    this.#world = world;
    this.#platform = platform;
    this.#parallelism = parallelism;
    this.nextParallelism = parallelism;
    checkAllSnapshots(world, platform.storage.disk);
    this.#run().catch((error: unknown) => this.#failed(error));
  }

  get workers(): readonly WorkerHandle[] {
    return this.#workers;
  }

  onUser(fault: UserFault): void {
    const { job } = this;
    if (job === undefined || this.end !== undefined || this.#platform.isDead) return;
    if ("parallelism" in fault) {
      this.nextParallelism = fault.parallelism;
      this.#isEndAsked = true;
    }
    this.#carryOut(job, fault).catch((error: unknown) => {
      if (!(error instanceof MillraceError)) this.#world.violated("E", `${fault.kind} failed with ${String(error)}`);
    });
  }

  async #carryOut(job: EmbeddedJob, { kind }: UserFault): Promise<void> {
    const format = this.#world.plan.savepointFormat ?? "CANONICAL";
    switch (kind) {
      case "cancel":
        await job.cancel();
        return;
      case "stop":
        await job.stop();
        return;
      case "suspend":
      case "drain":
        await job.stopWithSavepoint(kind === "drain", "/savepoints", format);
        return;
      case "savepoint":
        await job.triggerSavepoint("/savepoints", format);
        return;
      case "checkpoint":
        throw new Error("only a JobManager takes a checkpoint when it is asked to");
    }
  }

  async #run(): Promise<void> {
    const world = this.#world;
    const { disk } = this.#platform.storage;
    const restored = newestSnapshot(world, disk);
    if (isOver(world, restored)) {
      this.end = "finished";
      return;
    }
    world.lastCheckpointId = restored?.checkpointId ?? 0;
    const configuration = configurationOf(settingsOf(world, this.#parallelism, restored?.directory));
    const { transformations } = buildPlanned(world, configuration, this.#platform);
    registerThreads(world, this.#platform);
    const isThreaded = world.plan.hosts === "threads";
    this.job = await EmbeddedJob.start({
      name: world.plan.shape,
      transformations,
      configuration,
      platform: watched(this.#platform, this.#workers),
      onWarning: (text) => checkFailure(world, text),
      threads: isThreaded
        ? { module: { url: THREAD_URL, args: [] }, mainUrl: THREAD_URL, isSelfContained: true, given: configuration }
        : undefined,
    });
    const { status, cause } = await this.job.result;
    checkAllSnapshots(world, disk);
    if (status === "FAILED") this.#failed(cause);
    else if (status === "CANCELED") this.end = "again";
    else this.end = this.#isEndAsked && !isOver(world, newestSnapshot(world, disk)) ? "again" : "finished";
  }

  #failed(error: unknown): void {
    this.failure = error;
    this.end = "failed";
    if (error instanceof InvariantViolation) this.#world.violated("E", `an invariant of the engine: ${error.message}`);
    else checkFailure(this.#world, String(error));
  }
}
