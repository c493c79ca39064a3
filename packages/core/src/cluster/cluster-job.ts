/** One job in the JobManager: its code is loaded here, too, because its enumerators run here; what can be asked about it. */

import { toErrorMessage } from "../base/error-message.ts";
import type { MillraceError } from "../base/errors.ts";
import type { Configuration } from "../config/configuration.ts";
import { WEB_EXCEPTION_HISTORY_SIZE } from "../config/rest-options.ts";
import { JobRunner, type JobRunnerResult } from "../deployment/job-runner.ts";
import type { SubtaskId } from "../graph/subtask-id.ts";
import type { StoredCheckpoint, StoredJob } from "../jobmanager/dispatcher/job-store.ts";
import type { RestartPoint } from "../jobmanager/jobmaster/job-checkpoints.ts";
import type { JobEnding } from "../jobmanager/jobmaster/job-master.ts";
import type { JobStatus } from "../jobmanager/jobmaster/job-status.ts";
import type { Platform } from "../platform/platform.ts";
import { jobNotRecoverable, jobNotRunning } from "./cluster-errors.ts";
import type { ClusterResources } from "./cluster-resources.ts";
import { ClusterSlots } from "./cluster-slots.ts";
import type { JobCode } from "./job-code.ts";
import type { CheckpointsDetails, ExceptionEntry, ExceptionHistory, VertexDetails } from "./job-manager-api.ts";
import { givenTo } from "./job-preview.ts";
import { type TaskPlace, TaskStates } from "./task-states.ts";

export interface ClusterJobOptions {
  readonly stored: StoredJob;
  /** Undefined when the job starts for the first time. */
  readonly recovery: { readonly checkpoint: StoredCheckpoint | undefined } | undefined;
  /** The cluster's own configuration. */
  readonly clusterConfiguration: Configuration;
  readonly platform: Platform;
  readonly resources: ClusterResources;
  readonly nextDeploymentId: () => string;
  /** See `ClusterSlotsOptions`. */
  readonly checkLeads: () => Promise<void>;
  readonly load: () => Promise<JobCode>;
  readonly onStatus: (status: JobStatus) => void;
  readonly onRestartPoint: (checkpoint: RestartPoint) => Promise<void>;
  /** See `JobMasterOptions.onEnded`. */
  readonly onEnded: (end: JobEnding) => Promise<void>;
  readonly onWarning: (text: string) => void;
}

export class ClusterJob {
  /** Settles when the job has ended; rejects when it could not even begin. */
  readonly result: Promise<JobRunnerResult>;
  readonly #options: ClusterJobOptions;
  readonly #states: TaskStates;
  readonly #exceptions: ExceptionEntry[] = [];
  #exceptionCount = 0;
  #runner: JobRunner | undefined;
  #isCancelled = false;
  #abandoned: MillraceError | undefined;
  #lastError: unknown;

  constructor(options: ClusterJobOptions) {
    this.#options = options;
    this.#states = new TaskStates(options.platform.clock, (task, error, place) =>
      this.#onException(error, task, place),
    );
    this.result = this.#run();
  }

  /** The job once its code has been loaded. @throws MillraceError `MR_JOB_NOT_RUNNING` before */
  get runner(): JobRunner {
    if (this.#runner === undefined) throw jobNotRunning(this.#options.stored.jobId, "being loaded");
    return this.#runner;
  }

  get loaded(): JobRunner | undefined {
    return this.#runner;
  }

  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  get states(): TaskStates {
    return this.#states;
  }

  /** Settles when the job has ended. */
  async cancel(): Promise<void> {
    this.#isCancelled = true;
    if (this.#runner !== undefined) await this.#runner.cancel();
    await Promise.allSettled([this.result]);
  }

  /** Another JobManager has the job, or will have it: it ends here, and nothing of it that is durable is touched. */
  async abandon(reason: MillraceError): Promise<void> {
    this.#abandoned = reason;
    await this.#runner?.abandon(reason);
  }

  get exceptions(): ExceptionHistory {
    return { entries: this.#exceptions.toReversed(), isTruncated: this.#exceptionCount > this.#exceptions.length };
  }

  get checkpoints(): CheckpointsDetails {
    const { recovery } = this.#options;
    const checkpoints = this.#runner?.progress().checkpoints;
    const restored = recovery?.checkpoint;
    return {
      counts: { completed: checkpoints?.completed ?? 0, failed: checkpoints?.failed ?? 0 },
      latest:
        checkpoints?.lastId === undefined
          ? undefined
          : { checkpointId: checkpoints.lastId, path: checkpoints.lastPath, completedMs: checkpoints.lastCompletedMs },
      restored:
        restored === undefined || restored.path === null
          ? undefined
          : { checkpointId: restored.checkpointId, path: restored.path },
      report: this.#runner?.checkpointReport,
    };
  }

  get vertices(): readonly VertexDetails[] {
    const runner = this.#runner;
    if (runner === undefined) return [];
    return runner.graph.vertices.map((vertex) => ({
      vertexId: vertex.id,
      name: vertex.name,
      parallelism: vertex.parallelism,
      maxParallelism: vertex.maxParallelism,
      tasks: this.#states.counts(({ vertexId }) => vertexId === vertex.id),
      subtasks: Array.from({ length: vertex.parallelism }, (_, subtaskIndex) => {
        const task = { vertexId: vertex.id, subtaskIndex };
        const { place, ...state } = this.#states.of(task);
        return {
          subtaskIndex,
          ...state,
          taskManagerId: place?.taskManagerId,
          host: place?.host,
          ...runner.figuresOf(task),
        };
      }),
    }));
  }

  async #run(): Promise<JobRunnerResult> {
    const { stored, recovery, platform, load, onStatus, onRestartPoint, onEnded, onWarning } = this.#options;
    const { jobId, name } = stored;
    const checkpoint = recovery?.checkpoint;
    if (checkpoint?.path === null) throw jobNotRecoverable(jobId, checkpoint.checkpointId);
    onStatus("INITIALIZING");
    const given = givenTo(this.#options.clusterConfiguration, stored.configuration);
    const code = await load();
    // What has a checkpoint has been built before.
    if (checkpoint === undefined) await code.tryOut?.(given);
    const { transformations, configuration } = await code.build(given.copy());
    if (this.#isCancelled) throw jobNotRunning(jobId, "CANCELED");
    // The next steps clear away what an earlier JobManager has left.
    if (recovery !== undefined) await this.#options.checkLeads();
    if (this.#abandoned !== undefined) throw this.#abandoned;
    const runner = await JobRunner.start({
      jobId,
      name,
      transformations,
      configuration,
      platform,
      onWarning,
      ...(recovery === undefined
        ? {}
        : { recovery: { path: checkpoint?.path ?? undefined, submittedMs: stored.submittedMs } }),
      slots: (job) => {
        this.#states.plan(job.graph);
        return new ClusterSlots({
          resources: this.#options.resources,
          job,
          code: { codeHash: stored.codeHash, args: stored.args, given: given.toEntries() },
          states: this.#states,
          nextDeploymentId: this.#options.nextDeploymentId,
          checkLeads: this.#options.checkLeads,
        });
      },
      onStatus: (status, cause) => this.#onStatus(status, cause),
      onRestarting: (tasks) => this.#states.end("CANCELED", tasks),
      onRestartPoint,
      onEnded,
    });
    this.#runner = runner;
    if (this.#abandoned !== undefined) await runner.abandon(this.#abandoned);
    if (this.#isCancelled) await runner.cancel();
    const result = await runner.result;
    this.#states.end(result.status === "FINISHED" ? "FINISHED" : "CANCELED");
    return result;
  }

  #onStatus(status: JobStatus, cause: unknown): void {
    if (cause !== undefined && (status === "FAILING" || status === "FAILED")) this.#onException(cause);
    // Its end is told by the result, when everything of it is gone.
    if (status !== "FINISHED" && status !== "FAILED" && status !== "CANCELED") this.#options.onStatus(status);
  }

  #onException(error: unknown, task?: SubtaskId, place?: TaskPlace): void {
    // A subtask's failure becomes the job's.
    if (error === this.#lastError) return;
    this.#lastError = error;
    const vertex = task === undefined ? undefined : this.#runner?.graph.vertices[task.vertexId];
    this.#exceptionCount++;
    this.#exceptions.push({
      timestampMs: this.#options.platform.clock.wallMs(),
      error: toErrorMessage(error),
      task:
        task === undefined || vertex === undefined
          ? undefined
          : {
              name: `${vertex.name} (${task.subtaskIndex + 1}/${vertex.parallelism})`,
              ...task,
              taskManagerId: place?.taskManagerId,
              host: place?.host,
            },
    });
    const keptMax = this.#options.clusterConfiguration.get(WEB_EXCEPTION_HISTORY_SIZE);
    if (this.#exceptions.length > keptMax) this.#exceptions.shift();
  }
}
