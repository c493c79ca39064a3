/** Starts a plan's job, again and again, as whoever operates it would: from the newest snapshot on the disk. */
import { Configuration, MillraceError } from "millrace";
import {
  type BuiltPipeline,
  EmbeddedJob,
  InvariantViolation,
  PipelineEnvironment,
  type Platform,
  runSlotThread,
  type SimulatedPlatform,
  type WorkerHandle,
} from "millrace/internal";
import type { UserFault } from "./fault-injector.ts";
import { checkAllSnapshots } from "./invariants.ts";
import { buildJob } from "./shapes.ts";
import { snapshotDirectories, snapshotIn } from "./visible-files.ts";
import type { World } from "./world.ts";

/** What a slot's thread runs. */
const THREAD_URL = "simulation:slot-thread";

/** What no fault of a plan may lead to. */
const BROKEN =
  /invariant|TypeError|RangeError|ReferenceError|MR_STATE_FILE_CORRUPT|MR_CHECKPOINT_CORRUPT|MR_DATA_CORRUPT/i;

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
    world.platform = platform;
    checkAllSnapshots(world, platform.storage.disk);
    this.#run().catch((error: unknown) => this.#failed(error));
  }

  get workers(): readonly WorkerHandle[] {
    return this.#workers;
  }

  onUser(fault: UserFault): void {
    const { job } = this;
    if (job === undefined || this.end !== undefined || this.#platform.isDead) return;
    if (fault.kind !== "savepoint") {
      this.nextParallelism = fault.parallelism;
      this.#isEndAsked = true;
    }
    this.#carryOut(job, fault).catch((error: unknown) => {
      if (!(error instanceof MillraceError)) this.#world.violated("E", `${fault.kind} failed with ${String(error)}`);
    });
  }

  async #carryOut(job: EmbeddedJob, { kind }: UserFault): Promise<void> {
    switch (kind) {
      case "cancel":
        await job.cancel();
        return;
      case "stop":
        await job.stop();
        return;
      case "suspend":
        await job.stopWithSavepoint(false, "/savepoints", "CANONICAL");
        return;
      case "savepoint":
        await job.triggerSavepoint("/savepoints", "CANONICAL");
    }
  }

  async #run(): Promise<void> {
    const world = this.#world;
    const { disk } = this.#platform.storage;
    const restored = newestSnapshot(world, this.#platform);
    if (restored === "over") {
      this.end = "finished";
      return;
    }
    world.lastCheckpointId = restored?.checkpointId ?? 0;
    const configuration = configurationOf(world, this.#parallelism, restored?.directory);
    const { transformations } = build(world, configuration);
    this.#platform.workers.register(THREAD_URL, (scope) =>
      runSlotThread(scope, async (_module, given) => build(world, given)),
    );
    const isThreaded = world.plan.hosts === "threads";
    this.job = await EmbeddedJob.start({
      name: world.plan.shape,
      transformations,
      configuration,
      platform: this.#watched(),
      onWarning: (text) => this.#checkWarning(text),
      threads: isThreaded
        ? { module: { url: THREAD_URL, args: [] }, mainUrl: THREAD_URL, isSelfContained: true, given: configuration }
        : undefined,
    });
    const { status, cause } = await this.job.result;
    checkAllSnapshots(world, disk);
    if (status === "FAILED") this.#failed(cause);
    else if (status === "CANCELED") this.end = "again";
    else this.end = this.#isEndAsked && newestSnapshot(world, this.#platform) !== "over" ? "again" : "finished";
  }

  #failed(error: unknown): void {
    this.failure = error;
    this.end = "failed";
    if (error instanceof InvariantViolation) this.#world.violated("E", `an invariant of the engine: ${error.message}`);
  }

  // What fails inside an attempt is a warning when the job goes on. A file that cannot be read for now is not damaged.
  #checkWarning(text: string): void {
    if (BROKEN.test(text) && !text.includes("EIO")) this.#world.violated("E", text);
  }

  /** The platform, with the threads that are started noted down. */
  #watched(): Platform {
    const { clock, random, fs, workers, bells, proc, transport } = this.#platform;
    const spawn: typeof workers.spawn = (...spawned) => {
      const worker = workers.spawn(...spawned);
      this.#workers.push(worker);
      worker.onExit(() => {
        this.#workers.splice(this.#workers.indexOf(worker), 1);
      });
      return worker;
    };
    return { clock, random, fs, workers: { spawn }, bells, proc, transport };
  }
}

function build(world: World, configuration: Configuration): BuiltPipeline {
  const env = new PipelineEnvironment({
    configuration,
    executor: { executeAsync: () => Promise.reject(new Error("simulated jobs are started by their supervisor")) },
  });
  buildJob(env, world);
  return { transformations: env.getTransformations(), configuration };
}

function configurationOf(world: World, parallelism: number, path: string | undefined): Configuration {
  const settings: Readonly<Record<string, string>> = {
    "parallelism.default": String(parallelism),
    "pipeline.max-parallelism": "16",
    "execution.checkpointing.dir": "/checkpoints",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    ...world.plan.settings,
    ...(path === undefined ? {} : { "execution.state-recovery.path": path }),
  };
  return Configuration.fromEntries(Object.entries(settings).map(([key, value]) => ({ key, value })));
}

/**
 * Where the job goes on: undefined at the beginning. A job removes its newest checkpoint only when it is over, so a checkpoint
 * that was there to stay, and is gone, says that the end came before anybody could be told.
 */
function newestSnapshot(
  world: World,
  { storage }: SimulatedPlatform,
): { readonly directory: string; readonly checkpointId: number } | "over" | undefined {
  let newest: { directory: string; checkpointId: number } | undefined;
  for (const directory of snapshotDirectories(storage.disk)) {
    // What cannot be read is a violation already, and nobody would choose it.
    const checkpointId = readId(world, storage.disk, directory);
    if (checkpointId !== undefined && checkpointId > (newest?.checkpointId ?? 0)) newest = { directory, checkpointId };
  }
  return world.newestDurableId > (newest?.checkpointId ?? 0) ? "over" : newest;
}

function readId(world: World, disk: SimulatedPlatform["storage"]["disk"], directory: string): number | undefined {
  try {
    return snapshotIn(disk, directory)?.metadata.checkpointId;
  } catch (error) {
    world.violated("I3", `${directory} is not readable: ${String(error)}`);
    return undefined;
  }
}
