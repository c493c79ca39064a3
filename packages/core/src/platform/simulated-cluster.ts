import type { LinkConditions, NetworkFaults } from "./network-faults.ts";
import { SeededRandom } from "./seeded-random.ts";
import type { UnsyncedFate } from "./simulated-file.ts";
import { losePowerOf, type SimulatedMount } from "./simulated-mount.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "./simulated-platform.ts";
import { SimulatedScheduler } from "./simulated-scheduler.ts";
import { SimulatedStorage, type SimulatedStorageOptions } from "./simulated-storage.ts";
import { SimulatedWall } from "./simulated-wall.ts";

/** @internal */
export interface SimulatedClusterOptions {
  readonly seed: string | number;
  /** Parts of the healthy network's conditions to replace. */
  readonly network?: Partial<LinkConditions>;
}

/** @internal */
export interface SimulatedHostOptions {
  readonly disk?: SimulatedStorageOptions;
  readonly mounts?: readonly SimulatedMount[];
  /** Wall time at the beginning of the simulation: hosts need not agree. */
  readonly startMs?: number;
}

/** @internal */
export interface SimulatedProcessOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timerLatenessMsMax?: number;
}

/** What the hosts of one simulation have in common. */
interface ClusterParts {
  readonly seed: string | number;
  readonly random: SeededRandom;
  readonly scheduler: SimulatedScheduler;
  readonly network: SimulatedNetwork;
}

/**
 * Several simulated hosts with several processes each, on one time and one network; all decided by one seed.
 *
 * @example
 * const cluster = new SimulatedCluster({ seed: 7 });
 * const jobManager = cluster.host("a").start("jobmanager");
 * const taskManager = cluster.host("b").start("taskmanager");
 * cluster.faults.partition("a", "b");
 * taskManager.pause();
 * cluster.host("b").powerOff();
 * const again = taskManager.restart();
 * @internal
 */
export class SimulatedCluster {
  readonly scheduler: SimulatedScheduler;
  readonly network: SimulatedNetwork;
  readonly #parts: ClusterParts;
  readonly #hosts: Map<string, SimulatedHost> = new Map();

  constructor(options: SimulatedClusterOptions) {
    const random = new SeededRandom(options.seed);
    this.scheduler = new SimulatedScheduler(random.fork("scheduler"));
    this.network = new SimulatedNetwork(random.fork("network"), options.network);
    this.#parts = { seed: options.seed, random, scheduler: this.scheduler, network: this.network };
  }

  get faults(): NetworkFaults {
    return this.network.faults;
  }

  /** The host of that name; a new one when there is none, and only then `options` count. */
  host(name: string, options: SimulatedHostOptions = {}): SimulatedHost {
    const host = this.#hosts.get(name) ?? new SimulatedHost(name, this.#parts, options);
    this.#hosts.set(name, host);
    return host;
  }

  /** Drives the simulation until `action` settles. */
  run<T>(action: () => Promise<T>, limitMs?: number): Promise<T> {
    return this.scheduler.runUntilSettled(action(), limitMs);
  }
}

/** A machine: a disk, a wall clock and a name on the network, shared by its processes. @internal */
export class SimulatedHost {
  readonly name: string;
  readonly storage: SimulatedStorage;
  readonly wall: SimulatedWall;
  readonly #mounts: readonly SimulatedMount[];
  readonly #cluster: ClusterParts;

  constructor(name: string, cluster: ClusterParts, options: SimulatedHostOptions) {
    this.name = name;
    this.storage = new SimulatedStorage(cluster.random.fork(`disk of ${name}`), options.disk);
    this.wall = new SimulatedWall(cluster.scheduler, options.startMs);
    this.#mounts = options.mounts ?? [];
    this.#cluster = cluster;
  }

  /** Starts a process; its name must be its own in the whole cluster. A dead one is started again by its `restart`. */
  start(name: string, options: SimulatedProcessOptions = {}): SimulatedPlatform {
    const { seed, scheduler, network } = this.#cluster;
    const parts = { seed, name, scheduler, network, storage: this.storage, mounts: this.#mounts, wall: this.wall };
    return createSimulatedPlatform({ ...options, ...parts, host: this.name });
  }

  /** All processes die, the disk loses what was not synced, and nobody tells the others. Up again with its next process. */
  powerOff(unsynced: UnsyncedFate = "seeded"): void {
    losePowerOf({ name: this.name, storage: this.storage, mounts: this.#mounts }, unsynced);
  }
}
