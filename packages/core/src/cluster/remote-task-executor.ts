/** A task executor whose slots are in a TaskManager: calls become messages with the same content. */

import { MillraceError } from "../base/errors.ts";
import type { CheckpointLocation } from "../checkpoint/checkpoint-storage.ts";
import type { LayeredEntry } from "../config/option-registry.ts";
import type { JobGraph } from "../graph/job-graph.ts";
import type { SubtaskId } from "../graph/subtask-id.ts";
import type { MergedAccumulator } from "../operators/accumulators/merged-accumulators.ts";
import { TaskStatistics } from "../task/task-statistics.ts";
import { slotOf } from "../taskmanager/slot-layout.ts";
import type {
  DeployedTasks,
  DeploymentListener,
  DescribedTasks,
  ExecutorDeployment,
  MergedAccumulators,
  TaskExecutor,
} from "../taskmanager/task-executor.ts";
import type { AttemptCommand } from "../taskmanager/threads/slot-thread-messages.ts";
import {
  accumulateTasks,
  cancelTasks,
  commandTasks,
  deliverEvent,
  deployTasks,
  describeTasks,
  packCheckpoint,
  packLocation,
  type TasksEvent,
  unpackStatistics,
} from "./cluster-messages.ts";
import type { RegisteredTaskManager, RemoteDeployment } from "./registered-task-manager.ts";

/** The code of a job may have to be fetched and loaded, and state to be read. A TaskManager that dies is noticed at once. */
const DEPLOY_TIMEOUT_MS = 600_000;

/** Beyond what a TaskManager gives its threads; one that needs longer is given up. */
const ANSWER_GRACE_MS = 30_000;

/** What is the same for all deployments of a job. */
export interface RemoteJob {
  readonly jobId: string;
  readonly graph: JobGraph;
  /** Of the graph, as JSON. */
  readonly plan: string;
  readonly codeHash: string;
  readonly args: readonly string[];
  readonly given: readonly (LayeredEntry & { readonly value: string; readonly origin: string })[];
  readonly cancellationTimeoutMs: number;
  /** See `CheckpointStorage.prepare`. */
  prepare(checkpointId: number): Promise<CheckpointLocation | undefined>;
  /** Unique in the JobManager. */
  nextDeploymentId(): string;
}

export class RemoteTaskExecutor implements TaskExecutor {
  readonly slots: readonly number[];
  readonly #job: RemoteJob;
  readonly #taskManager: RegisteredTaskManager;

  constructor(job: RemoteJob, taskManager: RegisteredTaskManager, slots: readonly number[]) {
    this.#job = job;
    this.#taskManager = taskManager;
    this.slots = slots;
  }

  async deploy(deployment: ExecutorDeployment, listener: DeploymentListener): Promise<DeployedTasks> {
    const { jobId, graph, plan, codeHash, args, given } = this.#job;
    const { deploymentNumber, attemptNumber, maxParallelism, restore, tasks, dataAddresses } = deployment;
    const deploymentId = this.#job.nextDeploymentId();
    const remote = new RemoteTasks(this.#job, this.#taskManager, deploymentId, this.slots, tasks, listener);
    this.#taskManager.add(deploymentId, remote);
    try {
      await this.#taskManager.call(
        deployTasks,
        {
          deploymentId,
          jobId,
          jobName: graph.name,
          codeHash,
          args: [...args],
          given: given.map(({ key, value, origin, layer }) => ({ key, value, origin, layer })),
          plan,
          slots: [...this.slots],
          deploymentNumber,
          attemptNumber,
          maxParallelism: [...maxParallelism],
          tasks: tasks.map(({ vertexId, subtaskIndex }) => ({ vertexId, subtaskIndex })),
          restore: packCheckpoint(restore),
          dataAddresses: dataAddresses === undefined ? null : [...dataAddresses],
        },
        { timeoutMs: DEPLOY_TIMEOUT_MS },
      );
    } catch (error) {
      this.#taskManager.remove(deploymentId);
      // Whether it has deployed is unknown: what it may have made ends with its session.
      if (error instanceof MillraceError && error.code === "MR_RPC_TIMEOUT") this.#taskManager.giveUp(error);
      throw error;
    }
    remote.onDeployed();
    return remote;
  }
}

class RemoteTasks implements DeployedTasks, RemoteDeployment {
  readonly #job: RemoteJob;
  readonly #taskManager: RegisteredTaskManager;
  readonly #deploymentId: string;
  readonly #slots: readonly number[];
  readonly #tasks: readonly SubtaskId[];
  readonly #listener: DeploymentListener;
  /** In the order of the tasks. */
  readonly #statistics: readonly TaskStatistics[];
  /** What came before the answer that says it is deployed. */
  #early: (() => void)[] | undefined = [];
  /** Commands keep their order, also behind one that has to wait for its location. */
  #sending: Promise<void> = Promise.resolve();
  #isCancelled = false;

  constructor(
    job: RemoteJob,
    taskManager: RegisteredTaskManager,
    deploymentId: string,
    slots: readonly number[],
    tasks: readonly SubtaskId[],
    listener: DeploymentListener,
  ) {
    this.#job = job;
    this.#taskManager = taskManager;
    this.#deploymentId = deploymentId;
    this.#slots = slots;
    this.#tasks = tasks;
    this.#listener = listener;
    this.#statistics = tasks.map(({ vertexId }) => {
      const { operators, gates } = job.graph.vertices[vertexId]!;
      const memory = new ArrayBuffer(TaskStatistics.bytesFor(operators.length, gates.length));
      return new TaskStatistics(memory, operators.length);
    });
  }

  onDeployed(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const each of early) each();
  }

  onEvent(event: TasksEvent): void {
    this.#hear(() => deliverEvent(event, this.#listener));
  }

  onStatistics(packed: Uint8Array): void {
    if (packed.length > 0) unpackStatistics(packed, this.#statistics);
  }

  onLost(error: MillraceError): void {
    const [task] = this.#tasks;
    if (task !== undefined) this.#hear(() => this.#listener.onFailed(task, error));
  }

  statisticsOf(task: SubtaskId): TaskStatistics {
    const index = this.#tasks.findIndex(
      ({ vertexId, subtaskIndex }) => vertexId === task.vertexId && subtaskIndex === task.subtaskIndex,
    );
    return this.#statistics[index]!;
  }

  command(command: AttemptCommand, slot?: number): void {
    const prepared = command.kind === "trigger" ? this.#job.prepare(command.trigger.checkpointId) : undefined;
    // Looked at below, when it is this command's turn.
    prepared?.catch(() => {});
    this.#sending = this.#sending.then(async () => {
      try {
        const location = packLocation(await prepared);
        if (this.#isCancelled) return;
        this.#taskManager.tell(commandTasks, {
          deploymentId: this.#deploymentId,
          command,
          slot: slot ?? null,
          location,
        });
      } catch (error) {
        this.#onUnsent(command, error as Error);
      }
    });
  }

  async mergeAccumulators(
    merged: readonly MergedAccumulator[],
    answerWithinMs: number | undefined,
  ): Promise<MergedAccumulators> {
    try {
      const { all } = await this.#taskManager.call(
        accumulateTasks,
        { deploymentId: this.#deploymentId, merged, answerWithinMs: answerWithinMs ?? null },
        { timeoutMs: (answerWithinMs ?? 0) * this.#slots.length + ANSWER_GRACE_MS },
      );
      return all;
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      return { merged, missing: this.#slots };
    }
  }

  async describe(): Promise<DescribedTasks> {
    try {
      const request = { deploymentId: this.#deploymentId };
      return (await this.#taskManager.call(describeTasks, request)).tasks;
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      const { name, host } = this.#taskManager.registration;
      const silentSlots = this.#slots.map((slot) => ({
        slot,
        subtasks: this.#tasks.filter((task) => slotOf(this.#job.graph, task) === slot),
        place: `in the TaskManager ${name} on ${host}, which does not answer`,
      }));
      return { subtasks: [], silentSlots };
    }
  }

  async cancel(): Promise<void> {
    this.#isCancelled = true;
    const request = { deploymentId: this.#deploymentId };
    const timeoutMs = this.#job.cancellationTimeoutMs + ANSWER_GRACE_MS;
    try {
      const { statistics } = await this.#taskManager.call(cancelTasks, request, { timeoutMs });
      this.onStatistics(statistics);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      if (error.code === "MR_RPC_TIMEOUT") this.#taskManager.giveUp(error);
      // Its tasks end with its session, and nothing that they say is heard.
      if (!isUnanswered(error)) throw error;
    } finally {
      this.#taskManager.remove(this.#deploymentId);
    }
  }

  #onUnsent(command: AttemptCommand, error: Error): void {
    const [task] = this.#tasks;
    if (task === undefined || this.#isCancelled) return;
    if (command.kind === "trigger") this.#listener.onDeclined(task, command.trigger.checkpointId, error);
    else this.#listener.onFailed(task, error);
  }

  #hear(action: () => void): void {
    if (this.#isCancelled) return;
    if (this.#early === undefined) action();
    else this.#early.push(action);
  }
}

function isUnanswered(error: unknown): boolean {
  return error instanceof MillraceError && (error.code === "MR_TASKMANAGER_LOST" || error.code === "MR_RPC_TIMEOUT");
}
