/**
 * The machines of a simulated cluster: on the first the JobManager that leads, on every other one a TaskManager, each started
 * again when its process has ended, as an init system does. All of them mount one disk, for checkpoints, files and the
 * JobManager's directory, and have one of their own for the code of jobs.
 */
import {
  JobManager,
  SeededRandom,
  SimulatedCluster,
  type SimulatedHost,
  type SimulatedPlatform,
  SimulatedStorage,
  sha256Hex,
  TaskManager,
  type WorkerHandle,
} from "millrace/internal";
import type { ClusterPlan } from "./plan.ts";
import { buildPlanned, checkFailure, configurationOf, registerThreads, THREAD_URL, watched } from "./planned-job.ts";
import type { World } from "./world.ts";

/** What is on the shared disk. */
const MOUNTED = ["/checkpoints", "/savepoints", "/out", "/jobs"];

export const RPC_PORT = 6123;

/** Until a process that has ended by itself is started again. */
const RESTART_MS = 50;

/** What a process of the cluster does; a JobManager when it has begun to lead. */
type Main = (machine: Machine) => Promise<JobManager | undefined>;

/** A process that is started again whenever it ends, until its machine is given up. */
export class Machine {
  readonly host: SimulatedHost;
  readonly workers: WorkerHandle[] = [];
  platform: SimulatedPlatform;
  /** Only where a JobManager has begun to lead. */
  jobManager: JobManager | undefined;
  readonly #main: Main;
  readonly #world: World;
  #isDown = false;

  constructor(world: World, host: SimulatedHost, name: string, main: Main) {
    this.#world = world;
    this.host = host;
    this.#main = main;
    this.platform = host.start(name);
    this.#run();
  }

  /** It has been killed, or has lost its power: nobody starts it before `up`. */
  down(): void {
    this.#isDown = true;
    this.#isOver();
  }

  up(): void {
    this.#isDown = false;
    if (this.platform.isDead) this.#start();
  }

  /** The process ends by itself; `isLast`: and is not started again. */
  exit(isLast: boolean): void {
    this.#isDown ||= isLast;
    this.platform.kill();
    this.#isOver();
    this.platform.scheduler.schedule(RESTART_MS, `${this.host.name} starts again`, () => {
      if (!this.#isDown && this.platform.isDead) this.#start();
    });
  }

  #start(): void {
    this.platform = this.platform.restart();
    this.#run();
  }

  #isOver(): void {
    this.jobManager = undefined;
    this.workers.length = 0;
  }

  #run(): void {
    const { platform } = this;
    registerThreads(this.#world, platform);
    this.#main(this).then(
      (jobManager) => {
        if (this.platform === platform) this.jobManager = jobManager;
      },
      (error: unknown) => {
        checkFailure(this.#world, String(error));
        this.exit(false);
      },
    );
  }
}

export class ClusterMachines {
  readonly cluster: SimulatedCluster;
  readonly shared: SimulatedStorage;
  readonly taskManagers: readonly Machine[];
  /** What the processes said last, for who has to find out why nothing happens. */
  readonly warnings: string[] = [];
  leader: Machine;
  /** Leaders that others have taken the place of. */
  readonly retired: Machine[] = [];
  readonly #world: World;
  readonly #plan: ClusterPlan;
  #leaderCount = 0;

  constructor(world: World, plan: ClusterPlan) {
    const { seed } = world.plan;
    this.#world = world;
    this.#plan = plan;
    this.cluster = new SimulatedCluster({ seed });
    this.shared = new SimulatedStorage(new SeededRandom(seed).fork("shared disk"));
    for (const path of MOUNTED) this.shared.disk.makeDirectory(path, 0);
    this.shared.disk.syncDirectory("/");
    this.leader = this.#newLeader();
    this.taskManagers = Array.from({ length: plan.taskManagers }, (_, index) =>
      this.#machine(`tm-${index + 1}`, (machine) => this.#runTaskManager(machine)),
    );
  }

  /** All that run, or would if they were not down; the leader is the first. */
  get all(): readonly Machine[] {
    return [this.leader, ...this.taskManagers];
  }

  /** From now on this one is who leads. */
  replaceLeader(): void {
    this.retired.push(this.leader);
    this.leader = this.#newLeader();
  }

  #newLeader(): Machine {
    return this.#machine(`jm-${this.#leaderCount++}`, (machine) => this.#runJobManager(machine));
  }

  #machine(name: string, main: Main): Machine {
    const mounts = MOUNTED.map((path) => ({ path, storage: this.shared }));
    return new Machine(this.#world, this.cluster.host(name, { mounts }), name, main);
  }

  #runJobManager(machine: Machine): Promise<JobManager> {
    const platform = watched(machine.platform, machine.workers);
    return JobManager.start({
      platform,
      configuration: configurationOf(this.#plan.settings),
      address: { host: machine.host.name, port: RPC_PORT },
      allowNonLoopback: true,
      directory: "/jobs",
      codeDirectory: "/code",
      loader: this.#loader(machine),
      onWarning: (text) => this.#warn(machine, text),
      onFenced: () => machine.exit(machine !== this.leader),
    });
  }

  async #runTaskManager(machine: Machine): Promise<undefined> {
    const platform = watched(machine.platform, machine.workers);
    await TaskManager.start({
      platform,
      configuration: configurationOf({
        "taskmanager.numberOfTaskSlots": String(this.#plan.slots),
        ...this.#plan.settings,
      }),
      name: machine.host.name,
      jobManagerAddress: () => ({ host: this.leader.host.name, port: RPC_PORT }),
      loader: this.#loader(machine),
      codeDirectory: "/code",
      dataBind: { host: machine.host.name, port: this.#plan.dataPort ?? 0 },
      allowNonLoopback: true,
      onWarning: (text) => this.#warn(machine, text),
    });
  }

  /** There is one job only, and no module can be loaded twice: whatever the code is, it is the plan's. */
  #loader({ platform }: Machine): Parameters<typeof JobManager.start>[0]["loader"] {
    return (_file, args) => ({
      module: { url: THREAD_URL, args },
      mainUrl: THREAD_URL,
      isSelfContained: true,
      build: async (given) => buildPlanned(this.#world, given, platform),
    });
  }

  #warn(machine: Machine, text: string): void {
    this.warnings.push(`${machine.host.name} at ${this.#world.nowMs.toFixed(1)} ms: ${text.split("\n")[0]}`);
    if (this.warnings.length > WARNINGS_MAX) this.warnings.shift();
    checkFailure(this.#world, text);
  }
}

const WARNINGS_MAX = 30;

/** What stands for the code of the plan's job. */
export function codeOf(world: World): { readonly bytes: Uint8Array; readonly hash: string } {
  const bytes = new TextEncoder().encode(`the job ${world.plan.shape}`);
  return { bytes, hash: sha256Hex(bytes) };
}
