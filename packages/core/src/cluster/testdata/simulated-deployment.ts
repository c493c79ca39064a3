/** A whole cluster in a simulation: JobManager and TaskManagers on machines of their own, with one disk that all of them see. */
import { buildPipeline } from "../../build-pipeline.ts";
import { sha256Hex } from "../../base/sha256.ts";
import { Configuration } from "../../config/configuration.ts";
import type { JobFunction } from "../../job-module.ts";
import type { LinkConditions } from "../../platform/network-faults.ts";
import { SeededRandom } from "../../platform/seeded-random.ts";
import { SimulatedCluster } from "../../platform/simulated-cluster.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../../platform/simulated-platform.ts";
import { SimulatedStorage } from "../../platform/simulated-storage.ts";
import type { NetworkAddress } from "../../platform/transport.ts";
import { runSlotThread } from "../../taskmanager/threads/slot-thread-main.ts";
import type { JobCodeLoader } from "../job-code.ts";
import { JobManager } from "../job-manager.ts";
import type { JobStatus } from "../../api/job-client.ts";
import { TaskManager } from "../task-manager.ts";

export interface SimulatedDeploymentOptions {
  readonly seed: number | string;
  readonly jobs: Readonly<Record<string, JobFunction>>;
  readonly taskManagers: number;
  readonly slots: number;
  readonly settings?: Readonly<Record<string, string>>;
  readonly network?: Partial<LinkConditions>;
  /** Of one TaskManager. */
  readonly settingsOf?: (number: number) => Readonly<Record<string, string>>;
}

export class SimulatedDeployment {
  readonly cluster: SimulatedCluster;
  readonly warnings: string[] = [];
  readonly fenced: string[] = [];
  readonly taskManagers: SimulatedPlatform[] = [];
  jobManagerPlatform: SimulatedPlatform;
  /** Where TaskManagers look for the JobManager, and where one listens that is started. */
  leader: NetworkAddress = { host: "leader", port: 6123 };
  jobManager!: JobManager;
  /** The disk that all of them see. */
  readonly storage: SimulatedStorage;
  readonly #options: SimulatedDeploymentOptions;

  private constructor(options: SimulatedDeploymentOptions) {
    this.#options = options;
    this.cluster = new SimulatedCluster({ seed: options.seed, network: options.network ?? {} });
    this.storage = new SimulatedStorage(new SeededRandom(options.seed).fork("shared disk"));
    this.jobManagerPlatform = this.process("jobmanager", "leader");
  }

  static async start(options: SimulatedDeploymentOptions): Promise<SimulatedDeployment> {
    const deployment = new SimulatedDeployment(options);
    await deployment.cluster.run(() => deployment.startJobManager());
    for (let number = 0; number < options.taskManagers; number++) {
      const platform = deployment.process(`tm-${number}`, `worker-${number}`);
      deployment.taskManagers.push(platform);
      await deployment.cluster.run(() => deployment.startTaskManager(platform, number));
    }
    return deployment;
  }

  process(name: string, host: string): SimulatedPlatform {
    const { scheduler, network } = this.cluster;
    const platform = createSimulatedPlatform({
      seed: this.#options.seed,
      name,
      host,
      scheduler,
      network,
      storage: this.storage,
    });
    this.#registerThreads(platform);
    return platform;
  }

  async startJobManager(platform: SimulatedPlatform = this.jobManagerPlatform): Promise<void> {
    this.jobManagerPlatform = platform;
    this.jobManager = await JobManager.start({
      platform,
      configuration: this.#configuration(),
      address: this.leader,
      allowNonLoopback: true,
      directory: "/shared/jobs",
      loader: this.#loader(),
      codeDirectory: "/code/jobmanager",
      onWarning: (text) => void this.warnings.push(text),
      onFenced: ({ code }) => void this.fenced.push(code),
    });
  }

  /** SIGKILL, and a new process in its place. */
  async restartJobManager(): Promise<void> {
    await this.startJobManager(this.jobManagerPlatform.restart());
  }

  async startTaskManager(platform: SimulatedPlatform, number: number): Promise<TaskManager> {
    return TaskManager.start({
      platform,
      configuration: this.#configuration(this.#options.settingsOf?.(number)),
      name: `tm-${number}`,
      jobManagerAddress: () => this.leader,
      loader: this.#loader(),
      codeDirectory: `/code/tm-${number}`,
      dataBind: { host: `worker-${number}`, port: 0 },
      allowNonLoopback: true,
      onWarning: (text) => void this.warnings.push(`tm-${number}: ${text}`),
    });
  }

  /** SIGKILL, and a new process in its place. */
  async restartTaskManager(number: number): Promise<void> {
    const platform = this.taskManagers[number]!.restart();
    this.taskManagers[number] = platform;
    await this.startTaskManager(platform, number);
  }

  submit(job: string, settings: Readonly<Record<string, string>>, jobId?: string): Promise<string> {
    const bytes = new TextEncoder().encode(job);
    return this.jobManager
      .submitJob({
        ...(jobId === undefined ? {} : { jobId }),
        name: job,
        code: { bytes, hash: sha256Hex(bytes) },
        args: [],
        configuration: Object.entries(settings).map(([key, value]) => ({ key, value })),
      })
      .then((submitted) => submitted.jobId);
  }

  statusOf(jobId: string): JobStatus | undefined {
    return this.jobManager.listJobs().find((job) => job.jobId === jobId)?.status;
  }

  async until(what: string, holds: () => boolean, limitMs = 120_000): Promise<void> {
    const start = this.cluster.scheduler.nowMs;
    try {
      await this.cluster.scheduler.runUntil(holds, limitMs);
    } catch {
      const waited = this.cluster.scheduler.nowMs - start;
      const jobs = this.jobManager.listJobs().map((job) => `${job.name} ${job.status} ${JSON.stringify(job.tasks)}`);
      throw new Error([`not ${what} after ${waited} ms`, ...jobs, ...this.warnings.slice(-10)].join("\n"));
    }
  }

  async untilEnded(jobId: string, limitMs?: number): Promise<JobStatus> {
    const ended = new Set<JobStatus | undefined>(["FINISHED", "FAILED", "CANCELED"]);
    await this.until(`ended: ${jobId}`, () => ended.has(this.statusOf(jobId)), limitMs);
    return this.statusOf(jobId)!;
  }

  advance(durationMs: number): Promise<void> {
    return this.cluster.scheduler.advance(durationMs);
  }

  /** Modules cannot be loaded twice in one thread, so jobs are found by the hash of what stands for their code. */
  #loader(): JobCodeLoader {
    const byHash = new Map(
      Object.entries(this.#options.jobs).map(([name, job]) => [sha256Hex(new TextEncoder().encode(name)), { name, job }]),
    );
    return ({ hash }, args) => {
      const { name, job } = byHash.get(hash)!;
      return {
        module: { url: name, args },
        mainUrl: "slot",
        isSelfContained: false,
        build: (given) => buildPipeline(job, name, args, given),
      };
    };
  }

  #registerThreads(platform: SimulatedPlatform): void {
    const { jobs } = this.#options;
    platform.workers.register("slot", (scope) =>
      runSlotThread(scope, ({ url, args }, configuration) => buildPipeline(jobs[url]!, url, args, configuration)),
    );
  }

  #configuration(own: Readonly<Record<string, string>> = {}): Configuration {
    const slots = { "taskmanager.numberOfTaskSlots": String(this.#options.slots) };
    const settings = { ...slots, ...this.#options.settings, ...own };
    return Configuration.fromEntries(Object.entries(settings).map(([key, value]) => ({ key, value })));
  }
}
