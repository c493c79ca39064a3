/** A plan's job as whoever operates it has it: its code, its settings, where it goes on. */
import { Configuration } from "millrace";
import {
  type BuiltPipeline,
  PipelineEnvironment,
  type Platform,
  runSlotThread,
  type SimulatedDisk,
  type SimulatedPlatform,
  type WorkerHandle,
} from "millrace/internal";
import { buildJob } from "./shapes.ts";
import { snapshotDirectories, snapshotIn } from "./visible-files.ts";
import type { World } from "./world.ts";

/** What a slot's thread runs. */
export const THREAD_URL = "simulation:slot-thread";

/** What no fault of a plan may lead to. */
const BROKEN =
  /invariant|TypeError|RangeError|ReferenceError|MR_STATE_FILE_CORRUPT|MR_CHECKPOINT_CORRUPT|MR_DATA_CORRUPT|MR_JOB_STORE_CORRUPT/i;

/** Of what fails: inside an attempt it is a warning when the job goes on, otherwise the job's failure. */
export function checkFailure(world: World, text: string): void {
  if (BROKEN.test(text)) world.violated("E", text);
}

/** @param platform - Where the job is built: user functions have its clock. */
export function buildPlanned(world: World, configuration: Configuration, platform: Platform): BuiltPipeline {
  const env = new PipelineEnvironment({
    configuration,
    executor: { executeAsync: () => Promise.reject(new Error("simulated jobs are started by their supervisor")) },
  });
  buildJob(env, world, platform);
  return { transformations: env.getTransformations(), configuration };
}

/** Slots' threads of this platform, and of those that follow it, run the plan's job. */
export function registerThreads(world: World, platform: SimulatedPlatform): void {
  platform.workers.register(THREAD_URL, (scope) =>
    runSlotThread(scope, async (_module, given) => buildPlanned(world, given, scope.platform)),
  );
}

/** The platform, with the threads that are started noted down, for as long as they live. */
export function watched(platform: SimulatedPlatform, threads: WorkerHandle[]): Platform {
  const { clock, random, fs, workers, bells, proc, transport, packages, stores } = platform;
  const spawn: typeof workers.spawn = (...spawned) => {
    const worker = workers.spawn(...spawned);
    threads.push(worker);
    worker.onExit(() => {
      threads.splice(threads.indexOf(worker), 1);
    });
    return worker;
  };
  return { clock, random, fs, workers: { spawn }, bells, proc, transport, packages, stores };
}

/** @param path - The snapshot that the job starts from. */
export function settingsOf(
  world: World,
  parallelism: number,
  path: string | undefined,
): Readonly<Record<string, string>> {
  return {
    "parallelism.default": String(parallelism),
    "pipeline.max-parallelism": "16",
    "execution.checkpointing.dir": "/checkpoints",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    ...world.plan.settings,
    ...(path === undefined ? {} : { "execution.state-recovery.path": path }),
  };
}

export function configurationOf(settings: Readonly<Record<string, string>>): Configuration {
  return Configuration.fromEntries(Object.entries(settings).map(([key, value]) => ({ key, value })));
}

export interface Newest {
  readonly directory: string;
  readonly checkpointId: number;
}

/** Where the job goes on; undefined at the beginning. */
export function newestSnapshot(world: World, disk: SimulatedDisk): Newest | undefined {
  let newest: Newest | undefined;
  for (const directory of snapshotDirectories(disk)) {
    // What cannot be read is a violation already, and nobody would choose it.
    const checkpointId = readId(world, disk, directory);
    if (checkpointId !== undefined && checkpointId > (newest?.checkpointId ?? 0)) newest = { directory, checkpointId };
  }
  return newest;
}

/**
 * A job removes its newest checkpoint only when it is over, so a checkpoint that was there to stay, and is gone, says that the
 * end came before anybody could be told.
 */
export function isOver(world: World, newest: Newest | undefined): boolean {
  return world.newestDurableId > (newest?.checkpointId ?? 0);
}

function readId(world: World, disk: SimulatedDisk, directory: string): number | undefined {
  try {
    return snapshotIn(disk, directory)?.metadata.checkpointId;
  } catch (error) {
    world.violated("I3", `${directory} is not readable: ${String(error)}`);
    return undefined;
  }
}
