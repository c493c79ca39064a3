import type { Packages, Platform, WorkerMain } from "./platform.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SimulatedBells, type SimulatedWait } from "./simulated-bells.ts";
import { SimulatedClock, type SimulatedClockOptions } from "./simulated-clock.ts";
import type { UnsyncedFate } from "./simulated-file.ts";
import { SimulatedFs } from "./simulated-fs.ts";
import { losePowerOf, type SimulatedMount } from "./simulated-mount.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { SimulatedProc } from "./simulated-proc.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { SimulatedScheduler } from "./simulated-scheduler.ts";
import { SimulatedStorage, type SimulatedStorageOptions } from "./simulated-storage.ts";
import { SimulatedStores } from "./simulated-stores.ts";
import { SimulatedTransport } from "./simulated-transport.ts";
import { SimulatedWall } from "./simulated-wall.ts";
import { SimulatedWorkers } from "./simulated-workers.ts";

/** The process id of the first incarnation. */
const PROCESS_ID_FIRST = 1000;

const HOST_DEFAULT = "simulated-host";

/** What a simulated platform starts with. @internal */
export interface SimulatedPlatformOptions extends SimulatedClockOptions {
  /** The same seed and the same program give the same trace. */
  readonly seed: string | number;
  /** Tells the processes of one simulation apart, in traces and in their random numbers. Default "p0". */
  readonly name?: string;
  /** Share one to run several processes on one time. Default: a new one from the seed. */
  readonly scheduler?: SimulatedScheduler;
  readonly disk?: SimulatedStorageOptions;
  /** Share one to let several processes work on one disk; `disk` is then ignored. */
  readonly storage?: SimulatedStorage;
  /** What of other machines' disks the process sees. */
  readonly mounts?: readonly SimulatedMount[];
  /** The name of the machine, by which others dial it. Default "simulated-host". */
  readonly host?: string;
  /** Share one to let several processes talk to each other. Default: a new one from the seed. */
  readonly network?: SimulatedNetwork;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What is installed: the exports of packages, by name. Default: nothing. */
  readonly packages?: Readonly<Record<string, unknown>>;
}

/** A platform that exists in memory only, with the handles by which a test drives and breaks it. @internal */
export interface SimulatedPlatform extends Platform {
  readonly clock: SimulatedClock;
  readonly random: SeededRandom;
  readonly fs: SimulatedFs;
  readonly workers: SimulatedWorkers;
  readonly proc: SimulatedProc;
  readonly transport: SimulatedTransport;
  /** The network with its faults. */
  readonly network: SimulatedNetwork;
  /** Runs the simulation: nothing happens unless one of its methods is awaited. */
  readonly scheduler: SimulatedScheduler;
  /** The disk with its faults, crash points and fill level. */
  readonly storage: SimulatedStorage;
  readonly isDead: boolean;
  /** SIGKILL: no pending operation ever settles; what was written stays. */
  kill(): void;
  /** SIGSTOP: nothing runs until `resume`; files, ports and connections stay as they are. */
  pause(): void;
  /** SIGCONT: what came due meanwhile runs now, in the order it came due. */
  resume(): void;
  /** Kills every process on the same disk, which loses what was not synced. Default fate: as the seed decides. */
  powerOff(unsynced?: UnsyncedFate): void;
  /** The next incarnation of a dead process: same disk, same workers, other random numbers, a new process id. */
  restart(): SimulatedPlatform;
  /** Drives the simulation until `action` settles; short for `scheduler.runUntilSettled`. */
  run<T>(action: () => Promise<T>, limitMs?: number): Promise<T>;
}

/**
 * A whole machine on simulated time: clock, randomness, disk and threads, all decided by one seed.
 *
 * @example
 * const platform = createSimulatedPlatform({ seed: 7 });
 * await platform.run(async () => {
 *   const file = await platform.fs.open("/state", "create");
 *   await file.write(new Uint8Array([1, 2, 3]), 0);
 * });
 * platform.powerOff("lost");
 * const next = platform.restart();
 * await next.run(() => next.fs.stat("/state")); // undefined: neither bytes nor name were synced
 * @internal
 */
export function createSimulatedPlatform(options: SimulatedPlatformOptions): SimulatedPlatform {
  const name = options.name ?? "p0";
  const root = new SeededRandom(options.seed);
  return incarnate({
    options,
    name,
    incarnation: 0,
    random: root.fork(`process ${name}`),
    scheduler: options.scheduler ?? new SimulatedScheduler(root.fork("scheduler")),
    storage: options.storage ?? new SimulatedStorage(root.fork(`disk ${name}`), options.disk),
    network: options.network ?? new SimulatedNetwork(root.fork("network")),
    mains: new Map(),
    waits: new Set(),
  });
}

interface IncarnationParts {
  readonly options: SimulatedPlatformOptions;
  readonly name: string;
  readonly incarnation: number;
  readonly random: SeededRandom;
  readonly scheduler: SimulatedScheduler;
  readonly storage: SimulatedStorage;
  readonly network: SimulatedNetwork;
  readonly mains: Map<string, WorkerMain>;
  readonly waits: Set<SimulatedWait>;
}

function incarnate(parts: IncarnationParts): SimulatedPlatform {
  const { name, incarnation, scheduler, storage, network, mains, waits } = parts;
  const host = parts.options.host ?? HOST_DEFAULT;
  const options = { ...parts.options, wall: parts.options.wall ?? new SimulatedWall(scheduler, parts.options.startMs) };
  const random = parts.random.fork(`incarnation ${incarnation}`);
  const process = new SimulatedProcess(scheduler, `${name}.${incarnation}`);
  storage.attach(process);
  const clock = new SimulatedClock(process, random.fork("clock"), options);
  const proc = new SimulatedProc(scheduler, PROCESS_ID_FIRST + incarnation, host, options.env ?? {});
  const packages: Packages = { load: (name) => Promise.resolve(options.packages?.[name]) };
  const kill = (): void => process.kill();
  const mounts = options.mounts ?? [];
  const powerOff = (unsynced: UnsyncedFate = "seeded"): void => losePowerOf({ name: host, storage, mounts }, unsynced);
  const fsOf = (owner: SimulatedProcess, ownClock: SimulatedClock, ownRandom: SeededRandom): SimulatedFs =>
    new SimulatedFs({ process: owner, clock: ownClock, host, storage, mounts, kill, powerOff }, ownRandom);
  const workersOf = (owner: SimulatedProcess, ownRandom: SeededRandom): SimulatedWorkers =>
    new SimulatedWorkers({ process: owner, random: ownRandom, mains, threadPlatform });
  const transportOf = (owner: SimulatedProcess): SimulatedTransport => {
    network.attach({ process: owner, host });
    return new SimulatedTransport({ process: owner, host }, network);
  };
  const threadPlatform = (thread: SimulatedProcess, threadRandom: SeededRandom): Platform => {
    const threadClock = new SimulatedClock(thread, threadRandom.fork("clock"), options);
    return {
      clock: threadClock,
      random: threadRandom.fork("user"),
      fs: fsOf(thread, threadClock, threadRandom.fork("fs")),
      workers: workersOf(thread, threadRandom.fork("workers")),
      bells: new SimulatedBells(thread, threadRandom.fork("bells"), waits),
      proc,
      transport: transportOf(thread),
      packages,
      stores: new SimulatedStores(storage.disk, () => threadClock.wallMs()),
    };
  };
  return {
    clock,
    random: random.fork("user"),
    fs: fsOf(process, clock, random.fork("fs")),
    workers: workersOf(process, random.fork("workers")),
    bells: new SimulatedBells(process, random.fork("bells"), waits),
    proc,
    transport: transportOf(process),
    packages,
    stores: new SimulatedStores(storage.disk, () => clock.wallMs()),
    network,
    scheduler,
    storage,
    get isDead(): boolean {
      return process.isDead;
    },
    kill,
    pause: () => process.pause(),
    resume: () => process.resume(),
    powerOff,
    restart(): SimulatedPlatform {
      process.kill();
      return incarnate({ ...parts, incarnation: incarnation + 1 });
    },
    run: (action, limitMs) => scheduler.runUntilSettled(action(), limitMs),
  };
}
