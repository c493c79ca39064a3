/** What one TaskManager has of one job: its graph, the threads of its slots, its deployments. */

import { FileSystems } from "../checkpoint/file-systems.ts";
import { CHECKPOINTS_DIRECTORY } from "../config/checkpointing-options.ts";
import { Configuration } from "../config/configuration.ts";
import type { LayeredEntry } from "../config/option-registry.ts";
import { fileLimitsOf, ringSegmentsOf, stateLimitsOf } from "../deployment/job-settings.ts";
import { keepsCopies, LocalState } from "../deployment/local-state.ts";
import { restoreReader } from "../deployment/restored-state.ts";
import { buildJobGraph } from "../graph/build-job-graph.ts";
import type { JobPlan } from "../graph/describe.ts";
import { graphOptionsOf } from "../graph/graph-options.ts";
import type { JobGraph } from "../graph/job-graph.ts";
import { subtaskKey } from "../graph/subtask-id.ts";
import { MetricRegistry } from "../metrics/metric-registry.ts";
import { type MetricSnapshot, metricSnapshots } from "../metrics/metric-snapshot.ts";
import type { Platform } from "../platform/platform.ts";
import type { LocalStateCopies } from "../taskmanager/local-state-copies.ts";
import type { DeployedTasks, DeploymentListener } from "../taskmanager/task-executor.ts";
import type { ChannelWire } from "../taskmanager/threads/channel-wire.ts";
import { differentGraph } from "../taskmanager/threads/slot-thread.ts";
import type { AttemptCommand } from "../taskmanager/threads/slot-thread-messages.ts";
import { SlotThreads } from "../taskmanager/threads/slot-threads.ts";
import { ThreadsExecutor } from "../taskmanager/threads/threads-executor.ts";
import { CheckpointTargets } from "./checkpoint-targets.ts";
import {
  type CommandTasks,
  type DeployTasks,
  packStatistics,
  unpackCheckpoint,
  unpackLocation,
} from "./cluster-messages.ts";
import type { JobCode } from "./job-code.ts";
import type { JobCopies } from "./job-copies.ts";

export interface TaskManagerJobOptions {
  readonly request: DeployTasks;
  readonly code: JobCode;
  readonly platform: Platform;
  /** Of the TaskManager. */
  readonly name: string;
  readonly copies: JobCopies;
  readonly wire: ChannelWire | undefined;
  readonly onWarning: (text: string) => void;
}

interface Deployment {
  readonly deployed: DeployedTasks;
  readonly tasks: DeployTasks["tasks"];
  /** Its end, once somebody has asked for it. */
  cancelled: Promise<void> | undefined;
}

export class TaskManagerJob {
  readonly #threads: SlotThreads;
  readonly #executor: ThreadsExecutor;
  readonly #deployments = new Map<string, Deployment>();
  readonly #targets: CheckpointTargets;
  readonly #local: LocalState;
  readonly #metrics: MetricRegistry = new MetricRegistry();

  private constructor(
    graph: JobGraph,
    configuration: Configuration,
    options: Omit<TaskManagerJobOptions, "copies"> & { readonly copies: LocalStateCopies | undefined },
  ) {
    const { request, code, platform, name, copies, wire, onWarning } = options;
    const files = FileSystems.of(platform, configuration);
    // Without a directory for checkpoints, what has one is a savepoint.
    const hasDirectory = configuration.get(CHECKPOINTS_DIRECTORY) !== undefined;
    this.#targets = new CheckpointTargets({
      files,
      random: platform.random,
      limits: hasDirectory ? stateLimitsOf(configuration) : fileLimitsOf(configuration),
      inlineBytesMax: stateLimitsOf(configuration).stateBytesMax,
    });
    const { jobId } = request;
    const scope = { host: platform.proc.hostName, taskManagerId: name, jobId, jobName: graph.name };
    this.#local = new LocalState({
      jobId,
      files,
      platform,
      configuration,
      metrics: this.#metrics.taskManagerJobGroup(scope),
      copies,
      onWarning,
    });
    this.#threads = new SlotThreads({
      graph,
      jobId,
      module: code.module,
      mainUrl: code.mainUrl,
      isSelfContained: code.isSelfContained,
      given: givenOf(request),
      configuration,
      slots: request.slots,
      platform,
      onWarning,
    });
    this.#executor = new ThreadsExecutor({
      graph,
      threads: this.#threads,
      ringSegments: ringSegmentsOf(configuration),
      storage: this.#targets,
      localFs: platform.fs,
      copies: this.#local.copies,
      readRestore: restoreReader(this.#local.stores, graph),
      wire,
    });
  }

  /**
   * Builds the job in this process.
   * @throws MillraceError `MR_GRAPH_DIFFERS`, and what the job's code throws
   */
  static async load(options: TaskManagerJobOptions): Promise<TaskManagerJob> {
    const { request, code } = options;
    const { transformations, configuration } = await code.build(givenOf(request));
    const graph = buildJobGraph(transformations, graphOptionsOf(configuration, request.jobName));
    // The JobManager has made it with the same function.
    const plan = JSON.parse(request.plan) as JobPlan;
    if (graph.hash !== plan.hash) throw differentGraph(graph, plan);
    const copies = keepsCopies(configuration) ? await options.copies.claim(request.jobId) : undefined;
    const job = new TaskManagerJob(graph, configuration, { ...options, copies });
    await job.#local.prepare();
    return job;
  }

  /** Makes the subtasks of a deployment. What earlier ones of these tasks could still be asked is gone. */
  async deploy(request: DeployTasks, listener: DeploymentListener): Promise<Uint8Array> {
    const { deploymentId, slots, deploymentNumber, attemptNumber, maxParallelism, tasks, dataAddresses } = request;
    this.#threads.add(slots);
    const names = new Set(tasks.map(subtaskKey));
    for (const [id, { tasks: before }] of this.#deployments)
      if (before.some((task) => names.has(subtaskKey(task)))) this.#deployments.delete(id);
    const deployed = await this.#executor.deploy(
      {
        deploymentNumber,
        attemptNumber,
        maxParallelism,
        restore: unpackCheckpoint(request.restore),
        tasks,
        dataAddresses: dataAddresses ?? undefined,
      },
      listener,
    );
    this.#deployments.set(deploymentId, { deployed, tasks, cancelled: undefined });
    return this.statistics(deploymentId) ?? new Uint8Array();
  }

  /** Stops the subtasks of a deployment, once, however often it is asked for. */
  async cancel(deploymentId: string): Promise<void> {
    const deployment = this.#deployments.get(deploymentId);
    this.#targets.giveUp();
    if (deployment !== undefined) await cancelOnce(deployment);
  }

  deployed(deploymentId: string): DeployedTasks | undefined {
    return this.#deployments.get(deploymentId)?.deployed;
  }

  /** The figures of a deployment's subtasks; undefined when there is none. */
  statistics(deploymentId: string): Uint8Array | undefined {
    const deployment = this.#deployments.get(deploymentId);
    return deployment === undefined ? undefined : packStatistics(deployment.tasks, deployment.deployed);
  }

  get deploymentIds(): readonly string[] {
    return [...this.#deployments.keys()];
  }

  command({ deploymentId, command, slot, location }: CommandTasks): void {
    this.#noteTarget(command, location);
    this.#deployments.get(deploymentId)?.deployed.command(command, slot ?? undefined);
  }

  async metrics(): Promise<readonly MetricSnapshot[]> {
    return [...metricSnapshots(this.#metrics), ...(await this.#threads.metrics())];
  }

  /** Stops everything; settles when nothing of the job can write any more here. */
  async close(): Promise<void> {
    this.#targets.giveUp();
    const cancelled = [...this.#deployments.values()].map(cancelOnce);
    this.#deployments.clear();
    await Promise.allSettled(cancelled);
    await this.#threads.close();
    await this.#local.close();
  }

  #noteTarget(command: AttemptCommand, location: CommandTasks["location"]): void {
    if (command.kind === "aborted") this.#targets.giveUp(command.checkpointId);
    if (command.kind === "trigger") this.#targets.note(command.trigger.checkpointId, unpackLocation(location));
  }
}

function cancelOnce(deployment: Deployment): Promise<void> {
  deployment.cancelled ??= deployment.deployed.cancel();
  return deployment.cancelled;
}

function givenOf({ given }: DeployTasks): Configuration {
  // What the JobManager's own configuration has written.
  return Configuration.fromLayered(given as readonly LayeredEntry[]);
}
