/** The slots of one job, in TaskManagers. They stay the job's over restarts; those of a lost TaskManager are replaced. */
import type { MillraceError } from "../base/errors.ts";
import type { CheckpointLocation } from "../checkpoint/checkpoint-storage.ts";
import { CANCELLATION_TIMEOUT } from "../config/taskmanager-options.ts";
import { ExecutorsAttempt } from "../deployment/executors-attempt.ts";
import type { JobOfSlots, JobSlots } from "../deployment/job-slots.ts";
import type { LocalAttempt } from "../deployment/local-attempt.ts";
import { describeJobGraph } from "../graph/describe.ts";
import type { DeployOptions } from "../jobmanager/jobmaster/execution-attempt.ts";
import type { MetricSnapshot } from "../metrics/metric-snapshot.ts";
import { slotCountOf, slotOf } from "../taskmanager/slot-layout.ts";
import { jobEnded } from "../taskmanager/threads/slot-errors.ts";
import { jobMetrics, releaseJob } from "./cluster-messages.ts";
import type { AssignedSlot, ClusterResources } from "./cluster-resources.ts";
import type { RegisteredTaskManager } from "./registered-task-manager.ts";
import { type RemoteJob, RemoteTaskExecutor } from "./remote-task-executor.ts";
import type { TaskStates } from "./task-states.ts";

export interface ClusterSlotsOptions {
  readonly resources: ClusterResources;
  readonly job: JobOfSlots;
  readonly code: Pick<RemoteJob, "codeHash" | "args" | "given">;
  readonly states: TaskStates;
  readonly nextDeploymentId: () => string;
  /** Rejects when another JobManager has the job: nothing is to be done about its checkpoints any more. */
  readonly checkLeads: () => Promise<void>;
}

export class ClusterSlots implements JobSlots {
  readonly #options: ClusterSlotsOptions;
  readonly #remoteJob: RemoteJob;
  /** By slot of the job; undefined where it has none (any more). */
  readonly #slots: (AssignedSlot | undefined)[];
  /** TaskManagers that may have something of the job. */
  readonly #touched = new Set<RegisteredTaskManager>();
  /** Of the newest checkpoint. */
  #prepared: { readonly checkpointId: number; readonly location: Promise<CheckpointLocation | undefined> } | undefined;
  /** What regions that have no slots wait for. */
  #requesting: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: ClusterSlotsOptions) {
    this.#options = options;
    const { job, code, nextDeploymentId } = options;
    const { jobId, graph, storage, configuration } = job;
    this.#slots = Array.from({ length: slotCountOf(graph) }, () => undefined);
    this.#remoteJob = {
      ...code,
      jobId,
      graph,
      plan: JSON.stringify(describeJobGraph(graph)),
      cancellationTimeoutMs: configuration.get(CANCELLATION_TIMEOUT),
      prepare: (checkpointId) => {
        // Once for all regions.
        if (this.#prepared?.checkpointId !== checkpointId)
          this.#prepared = { checkpointId, location: options.checkLeads().then(() => storage.prepare(checkpointId)) };
        return this.#prepared.location;
      },
      nextDeploymentId,
    };
  }

  async deploy(options: DeployOptions): Promise<LocalAttempt> {
    const { job, states } = this.#options;
    const { graph } = job;
    const needed = new Set(options.tasks.map((task) => slotOf(graph, task)));
    const assigned = await this.#slotsFor([...needed]);
    const slotsOf = new Map<RegisteredTaskManager, number[]>();
    for (const slot of needed) {
      const { taskManager } = assigned[slot]!;
      slotsOf.set(taskManager, [...(slotsOf.get(taskManager) ?? []), slot]);
      this.#touched.add(taskManager);
    }
    const executors = [...slotsOf].map(
      ([taskManager, slots]) => new RemoteTaskExecutor(this.#remoteJob, taskManager, slots),
    );
    // Nothing is sent to slots that the region does not need, so they may be missing.
    const addresses = assigned.map((slot) => slot?.taskManager.registration.dataAddress ?? null);
    const isReachable = [...needed].every((slot) => addresses[slot] !== null);
    const listener = states.follow(options.tasks, options.attemptNumber, options.listener, (task) => {
      const { id, registration } = assigned[slotOf(graph, task)]!.taskManager;
      return { taskManagerId: id, host: registration.host };
    });
    return ExecutorsAttempt.deploy({
      graph,
      ...options,
      listener,
      executors,
      dataAddresses: isReachable ? addresses.map((address) => address ?? "") : undefined,
    });
  }

  async metrics(): Promise<readonly MetricSnapshot[]> {
    const { jobId } = this.#options.job;
    const answers = await Promise.allSettled(
      [...this.#touched]
        .filter(({ loss }) => loss === undefined)
        .map((taskManager) => taskManager.call(jobMetrics, { jobId })),
    );
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value.metrics : []));
  }

  /** Settles when nothing of the job is left in any TaskManager that can be reached. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const { resources, job } = this.#options;
    const { jobId } = job;
    const released = await Promise.allSettled(
      [...this.#touched]
        .filter(({ loss }) => loss === undefined)
        .map((taskManager) =>
          taskManager
            .call(releaseJob, { jobId }, { timeoutMs: this.#remoteJob.cancellationTimeoutMs })
            .catch((error) => {
              // Ends what the job may still have there.
              taskManager.giveUp(error as MillraceError);
            }),
        ),
    );
    for (const result of released) if (result.status === "rejected") job.onWarning(String(result.reason));
    resources.release(jobId, jobEnded());
  }

  /** The slots of the job, with new ones for those that are lost if some of the given are. */
  async #slotsFor(needed: readonly number[]): Promise<readonly (AssignedSlot | undefined)[]> {
    const isMissing = (slot: number): boolean =>
      this.#slots[slot]?.taskManager.loss !== undefined || !this.#slots[slot];
    // Others may be lost while some are waited for.
    while (needed.some(isMissing)) {
      if (this.#isClosed) throw jobEnded();
      this.#requesting ??= this.#request(this.#slots.flatMap((_, slot) => (isMissing(slot) ? [slot] : []))).finally(
        () => {
          this.#requesting = undefined;
        },
      );
      await this.#requesting;
    }
    if (this.#isClosed) throw jobEnded();
    return this.#slots;
  }

  /** All that the job needs at once (R2 of resource-manager.ts), however many regions wait for them. */
  async #request(missing: readonly number[]): Promise<void> {
    const previous = missing.map((slot) => this.#slots[slot]?.taskManager.registration.name);
    const granted = await this.#options.resources.request(this.#options.job.jobId, previous);
    for (const [index, slot] of missing.entries()) this.#slots[slot] = granted[index];
  }
}
