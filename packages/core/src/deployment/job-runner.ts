/**
 * One job: its graph, its JobMaster in this thread, its checkpoints, and what can be asked about it. Its slots may be
 * anywhere (job-slots.ts).
 */

import type { JobProgress, TaskProgress } from "../api/job-client.ts";
import { MillraceError } from "../base/errors.ts";
import { toHex } from "../base/hex.ts";
import { loadCheckpoint, makeDurable } from "../checkpoint/checkpoint-reader.ts";
import type { CheckpointHistoryReport, CheckpointStatistics } from "../checkpoint/checkpoint-statistics.ts";
import { JobSnapshotStorage } from "../checkpoint/checkpoint-storage.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { checkFilesPresent } from "../checkpoint/savepoint.ts";
import type { SavepointFormatType } from "../checkpoint/state-handles.ts";
import { unalignedAfterMsOf } from "../config/alignment.ts";
import {
  CHECKPOINTING_INTERVAL,
  CHECKPOINTING_ITERATIONS_FORCED,
  EXTERNALIZED_CHECKPOINT_RETENTION,
  RETAINED_CHECKPOINTS,
} from "../config/checkpointing-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { IGNORE_UNCLAIMED_STATE, STATE_RECOVERY_PATH } from "../config/recovery-options.ts";
import { WEB_CHECKPOINTS_HISTORY } from "../config/rest-options.ts";
import { FAILOVER_STRATEGY } from "../config/restart-options.ts";
import { restartStrategyOf } from "../config/restart-strategy.ts";
import { buildJobGraph } from "../graph/build-job-graph.ts";
import { graphOptionsOf, withMaxParallelism } from "../graph/graph-options.ts";
import { checkIterations } from "../graph/iterations.ts";
import type { JobGraph } from "../graph/job-graph.ts";
import { formatWarning } from "../graph/lint.ts";
import { pipelinedRegions } from "../graph/pipelined-regions.ts";
import { explainStall } from "../graph/stall/explain-stall.ts";
import type { StallExplanation } from "../graph/stall/stall-explanation.ts";
import type { SubtaskId } from "../graph/subtask-id.ts";
import type { Transformation } from "../graph/transformation.ts";
import type { DeployOptions } from "../jobmanager/jobmaster/execution-attempt.ts";
import { JobCheckpoints, type RestartPoint } from "../jobmanager/jobmaster/job-checkpoints.ts";
import { type JobEnding, JobMaster } from "../jobmanager/jobmaster/job-master.ts";
import type { JobStatus } from "../jobmanager/jobmaster/job-status.ts";
import { RestartStrategy } from "../jobmanager/jobmaster/restart-strategy.ts";
import type { SavepointOrder } from "../jobmanager/jobmaster/savepoint-ending.ts";
import { METER_SAMPLE_INTERVAL_MS } from "../metrics/meter.ts";
import { MetricRegistry } from "../metrics/metric-registry.ts";
import { type MetricSnapshot, metricSnapshots } from "../metrics/metric-snapshot.ts";
import { AccumulatorResults } from "../operators/accumulators/accumulator-results.ts";
import type { Cancel, Platform } from "../platform/platform.ts";
import { backPressureLevel } from "../task/time-shares.ts";
import { subtasksOf } from "../taskmanager/slot-layout.ts";
import { accumulatorsLost } from "../taskmanager/threads/slot-errors.ts";
import { checkpointedOperators, coordinatedSources } from "./graph-operators.ts";
import {
  checkCachedFiles,
  coordinatorConfigOf,
  savepointDirectoryOf,
  settingWarnings,
  storageOf,
} from "./job-settings.ts";
import type { JobSlots, SlotsOfJob } from "./job-slots.ts";
import type { LocalAttempt } from "./local-attempt.ts";
import { RequestedCheckpoints } from "./requested-checkpoints.ts";
import { checkRestore, claimedByUid } from "./restored-state.ts";
import { RunningAttempts } from "./running-attempts.ts";
import { figuresOf, type SubtaskFigures } from "./subtask-figures.ts";
import { type Beginning, beginningOf, type JobRecovery } from "./take-over.ts";

export interface JobRunnerOptions {
  readonly name: string;
  readonly transformations: readonly Transformation[];
  readonly configuration: Configuration;
  readonly platform: Platform;
  readonly onWarning: (message: string) => void;
  readonly slots: SlotsOfJob;
  /** 32 hexadecimal digits. Undefined: random ones. */
  readonly jobId?: string;
  /** The job has run before, in a process that is gone; undefined on its first start. */
  readonly recovery?: JobRecovery;
  /** Hears of every state the job comes into, the last one included. */
  readonly onStatus?: (status: JobStatus, cause: unknown) => void;
  /** See `JobMasterOptions.onEnded`. */
  readonly onEnded?: (end: JobEnding) => Promise<void>;
  /** These tasks have been ended and are to start again. */
  readonly onRestarting?: (tasks: readonly SubtaskId[]) => void;
  /** Before anything is committed on a checkpoint that a restart would begin from; a rejection fails the checkpoint. */
  readonly onRestartPoint?: (checkpoint: RestartPoint) => Promise<void>;
}

export interface JobRunnerResult {
  readonly status: "FINISHED" | "FAILED" | "CANCELED";
  readonly cause: unknown;
  readonly netRuntimeMs: number;
  /** Of the last attempts. */
  readonly accumulators: AccumulatorResults;
}

/** A slot that does not answer within this time is left out of what accumulators show. */
const ACCUMULATORS_ANSWER_MS = 2000;

export class JobRunner {
  readonly jobId: string;
  readonly graph: JobGraph;
  readonly metrics: MetricRegistry = new MetricRegistry();
  /** Settles when the job is over, also after a failure; rejects when it was abandoned. */
  readonly result: Promise<JobRunnerResult>;
  readonly #options: JobRunnerOptions & { readonly files: FileSystems };
  readonly #checkpoints: JobCheckpoints;
  readonly #master: JobMaster;
  readonly #slots: JobSlots;
  readonly #requested: RequestedCheckpoints;
  readonly #attempts = new RunningAttempts();
  #settle: { resolve(result: JobRunnerResult): void; reject(reason: MillraceError): void } | undefined;
  /** Known when the job has ended. */
  #accumulators: AccumulatorResults | undefined;
  #sampling: Cancel | undefined;
  /** What the last attempt that failed ended with. */
  #failure: string | undefined;
  #last: { recordsRead: number; recordsWritten: number; watermarkMs: number | undefined } = {
    recordsRead: 0,
    recordsWritten: 0,
    watermarkMs: undefined,
  };

  /**
   * Builds the graph, checks what is to be restored and starts the job.
   * @throws MillraceError what `buildJobGraph`, `loadCheckpoint` and `checkRestore` throw; nothing has been started then.
   */
  static async start(options: JobRunnerOptions): Promise<JobRunner> {
    const { configuration, platform, transformations, name } = options;
    await checkCachedFiles(configuration, platform);
    const files = FileSystems.of(platform, configuration);
    const path = options.recovery?.path ?? configuration.get(STATE_RECOVERY_PATH);
    const given = path === undefined ? undefined : await loadCheckpoint(files, path);
    let graph = buildJobGraph(transformations, graphOptionsOf(configuration, name));
    for (const warning of [...settingWarnings(configuration), ...graph.warnings.map(formatWarning)])
      options.onWarning(warning);
    if (graph.isBatch && given !== undefined) throw noCheckpointsIn(graph, "a checkpoint to start from");
    const restore = given === undefined ? undefined : claimedByUid(given, graph);
    if (restore !== undefined) {
      await checkFilesPresent(files, restore);
      await makeDurable(files, restore.directory);
      const followed = checkRestore(restore, graph, configuration.get(IGNORE_UNCLAIMED_STATE));
      graph = withMaxParallelism(graph, followed);
    }
    const jobId = options.jobId ?? toHex(platform.random.bytes(16));
    const storage = new JobSnapshotStorage(storageOf(configuration, { files, random: platform.random, jobId }));
    const beginning = await beginningOf(configuration, files, jobId, options.recovery, restore);
    if (isCheckpointed(graph, configuration)) await storage.initialize();
    const job = new JobRunner({ ...options, files }, jobId, graph, storage, beginning);
    job.#sampleMeters();
    job.#master.start();
    return job;
  }

  private constructor(
    options: JobRunnerOptions & { readonly files: FileSystems },
    jobId: string,
    graph: JobGraph,
    storage: JobSnapshotStorage,
    { restore, known, firstId }: Beginning,
  ) {
    const { configuration, platform, files, name } = options;
    this.#requested = new RequestedCheckpoints(platform.clock, name);
    this.#options = options;
    this.jobId = jobId;
    this.graph = graph;
    this.#checkpoints = this.#checkpointsOf(storage, known, firstId);
    this.#slots = options.slots({
      jobId,
      graph,
      configuration,
      platform,
      storage,
      files,
      metrics: this.metrics,
      onWarning: options.onWarning,
    });
    const startedMs = platform.clock.monoMs();
    this.result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // It rejects only for who has abandoned the job, which may be before anybody waits for it.
    this.result.catch(() => {});
    this.#master = new JobMaster({
      platform,
      files,
      regions: pipelinedRegions(graph, configuration.get(FAILOVER_STRATEGY)),
      sources: coordinatedSources(graph),
      checkpoints: this.#checkpoints,
      unalignedAfterMs: unalignedAfterMsOf(configuration),
      isCheckpointingEnabled: isCheckpointed(graph, configuration),
      retention: configuration.get(EXTERNALIZED_CHECKPOINT_RETENTION),
      restartStrategy: new RestartStrategy(restartStrategyOf(configuration), {
        clock: platform.clock,
        random: platform.random.fork("restarts"),
      }),
      deploy: (deploy) => this.#deploy(deploy),
      initialRestore: restore,
      onWarning: options.onWarning,
      ...(options.onEnded === undefined ? {} : { onEnded: options.onEnded }),
      onStatus: (status, cause) => this.#onStatus(status, cause, startedMs),
      onRestarting: (tasks, cause) => {
        this.#failure = cause instanceof Error ? cause.message : String(cause);
        options.onWarning(`restarting after: ${this.#failure}`);
        options.onRestarting?.(tasks);
      },
    });
  }

  #onStatus(status: JobStatus, cause: unknown, startedMs: number): void {
    const { platform, onStatus } = this.#options;
    if (cause !== undefined) this.#failure = cause instanceof Error ? cause.message : String(cause);
    this.#requested.onStatus(status);
    onStatus?.(status, cause);
    if (status !== "FINISHED" && status !== "FAILED" && status !== "CANCELED") return;
    this.#sampling?.();
    const netRuntimeMs = Math.round(platform.clock.monoMs() - startedMs);
    void this.#release(status).then((accumulators) =>
      this.#settle?.resolve({ status, cause, netRuntimeMs, accumulators }),
    );
  }

  get status(): JobStatus {
    return this.#master.status;
  }

  /** Settles when everything of the job is gone, its threads included. */
  async cancel(): Promise<void> {
    await this.#master.cancel();
    await this.result;
  }

  /** Another process has the job from now on: see `JobMaster.abandon`. Settles when nothing of it is left here. */
  async abandon(reason: MillraceError): Promise<void> {
    this.#sampling?.();
    this.#settle?.reject(reason);
    const abandoned = this.#master.abandon();
    await this.#slots.close();
    await abandoned;
  }

  /** What is known about the newest completed checkpoints, oldest first. */
  get checkpointHistory(): readonly CheckpointStatistics[] {
    return this.#checkpoints.history.completed;
  }

  /** All that is known about the job's checkpoints and savepoints since it began here. */
  get checkpointReport(): CheckpointHistoryReport {
    return this.#checkpoints.history.report(this.#options.platform.clock.wallMs());
  }

  /** What the job runs with: what it was given and what its code has set. */
  get configuration(): Configuration {
    return this.#options.configuration;
  }

  /** Ends the job after a last checkpoint; returns its directory, undefined when checkpoints are only in memory. */
  async stop(): Promise<string | undefined> {
    if (this.graph.isBatch) throw noCheckpointsIn(this.graph, "stop");
    this.#master.stop();
    await this.result;
    return this.#checkpoints.latest?.path;
  }

  /** Takes a savepoint of the running job and returns its directory. @throws MillraceError `MR_SAVEPOINT_…` */
  async triggerSavepoint(directory: string | undefined, format: SavepointFormatType): Promise<string> {
    const order = await this.#order(directory, format, "a savepoint");
    return this.#orDiscard(order, () => this.#master.triggerSavepoint(order));
  }

  /** Ends the job with a savepoint and returns its directory when everything of the job is gone. */
  async stopWithSavepoint(
    isDrained: boolean,
    directory: string | undefined,
    format: SavepointFormatType,
  ): Promise<string> {
    const order = await this.#order(directory, format, "stop with a savepoint");
    const kind = isDrained ? "drain" : "suspend";
    const path = await this.#orDiscard(order, () => this.#master.stopWithSavepoint(kind, order));
    await this.result;
    return path;
  }

  /**
   * Takes a savepoint, cancels the job when it is complete, and returns its directory. Nothing is committed on it or after it.
   * When there is no savepoint the job goes on. @throws MillraceError `MR_SAVEPOINT_…`
   */
  async cancelWithSavepoint(directory: string | undefined, format: SavepointFormatType): Promise<string> {
    this.#master.checkTakesSavepoints();
    // What a checkpoint would commit after the savepoint would be there twice when the job goes on from it.
    this.#checkpoints.hold(true);
    try {
      const path = await this.triggerSavepoint(directory, format);
      await this.cancel();
      return path;
    } catch (error) {
      this.#checkpoints.hold(false);
      throw error;
    }
  }

  /**
   * Takes a checkpoint beside the period.
   * @throws MillraceError `MR_SAVEPOINT_NOT_POSSIBLE`, `MR_BATCH_NO_CHECKPOINTS`, `MR_CHECKPOINT_FAILED`
   */
  async triggerCheckpoint(): Promise<RestartPoint> {
    if (this.graph.isBatch) throw noCheckpointsIn(this.graph, "a checkpoint");
    this.#master.checkTakesSavepoints();
    const { timeoutMs, minPauseMs } = coordinatorConfigOf(this.#options.configuration);
    const taken = this.#requested.wait(this.#checkpoints.nextId, timeoutMs + minPauseMs);
    this.#checkpoints.request();
    return taken;
  }

  progress(): JobProgress {
    this.#measure();
    const { completed, failed, lastCompletedMs } = this.#checkpoints.statistics;
    const latest = this.#checkpoints.latest;
    return {
      status: this.status,
      ...this.#last,
      checkpoints: {
        completed,
        failed,
        lastCompletedMs,
        lastId: latest?.metadata.checkpointId,
        lastPath: latest?.path,
      },
      restarts: this.#master.restarts,
      tasks: this.#tasks(),
    };
  }

  /** What a subtask has done in its newest attempt, as far as its slot has told. */
  figuresOf(task: SubtaskId): SubtaskFigures {
    return figuresOf(this.graph.vertices[task.vertexId]!, this.#attempts.statisticsOf(task));
  }

  /** What all metrics of the job show, sorted by identifier. */
  async metricSnapshots(): Promise<readonly MetricSnapshot[]> {
    const own = metricSnapshots(this.metrics);
    const all = [...own, ...(await this.#slots.metrics())];
    return all.toSorted((left, right) => (left.identifier < right.identifier ? -1 : 1));
  }

  /** What the accumulators of the newest attempts hold, or held in the end. */
  async accumulators(): Promise<AccumulatorResults> {
    if (this.#accumulators !== undefined) return this.#accumulators;
    return AccumulatorResults.of((await this.#attempts.accumulators(ACCUMULATORS_ANSWER_MS)).merged);
  }

  /** The job has ended: asks its last attempts what only its slots know, and lets them go. */
  async #release(status: "FINISHED" | "FAILED" | "CANCELED"): Promise<AccumulatorResults> {
    const accumulators = await this.#lastAccumulators(status === "FINISHED");
    this.#accumulators = accumulators;
    await this.#slots.close();
    return accumulators;
  }

  // A result is complete or an error. What is known of a job that has no result may have gaps, as while it was running.
  async #lastAccumulators(isResult: boolean): Promise<AccumulatorResults> {
    try {
      const all = await this.#attempts.accumulators(isResult ? undefined : ACCUMULATORS_ANSWER_MS);
      if (isResult && all.missing.length > 0) return AccumulatorResults.lost(accumulatorsLost(all.missing));
      return AccumulatorResults.of(all.merged);
    } catch (error) {
      return AccumulatorResults.lost(error as Error);
    }
  }

  async #order(given: string | undefined, format: SavepointFormatType, what: string): Promise<SavepointOrder> {
    if (this.graph.isBatch) throw noCheckpointsIn(this.graph, what);
    this.#master.checkTakesSavepoints();
    const { configuration, platform, files, transformations } = this.#options;
    checkIterations(transformations, !configuration.get(CHECKPOINTING_ITERATIONS_FORCED));
    const place = { files, random: platform.random, jobId: this.jobId };
    return { directory: await savepointDirectoryOf(configuration, place, given), format };
  }

  /** A job that refuses leaves nothing behind. */
  async #orDiscard(order: SavepointOrder, take: () => Promise<string>): Promise<string> {
    try {
      return await take();
    } catch (error) {
      if (error instanceof MillraceError && error.code === "MR_SAVEPOINT_NOT_POSSIBLE") {
        // Whoever asked hears why there is no savepoint, not why its empty directory is still there.
        await order.directory.discard().catch((discarding: unknown) => {
          this.#options.onWarning(`${order.directory.path} could not be removed: ${String(discarding)}`);
        });
      }
      throw error;
    }
  }

  /** Why nothing comes out. Its parts are asked now; nothing of it is kept up while the job runs. */
  async explainStall(): Promise<StallExplanation> {
    const isThere = this.status === "RUNNING" || this.status === "INITIALIZING";
    const parts = isThere ? await this.#attempts.describe() : { subtasks: [], silentSlots: [] };
    return explainStall(this.graph, {
      atMs: this.#options.platform.clock.wallMs(),
      status: this.status,
      failure: this.#failure,
      ...parts,
      ...this.#master.describe(),
    });
  }

  #tasks(): readonly TaskProgress[] {
    const now = this.#options.platform.clock.monoMs();
    return this.graph.vertices.flatMap((vertex) => {
      const own = subtasksOf(this.graph).filter(({ vertexId }) => vertexId === vertex.id);
      // Nothing is known of tasks that were never deployed.
      const shares = own.flatMap((task) => this.#attempts.samplerOf(task)?.sample(now) ?? []);
      if (shares.length === 0) return [];
      const backPressuredMsPerSecond = Math.max(...shares.map((each) => each.backPressuredMsPerSecond));
      return {
        name: vertex.name,
        parallelism: vertex.parallelism,
        busyMsPerSecond: Math.max(...shares.map((each) => each.busyMsPerSecond)),
        backPressuredMsPerSecond,
        backPressure: backPressureLevel(backPressuredMsPerSecond),
        isBackPressured: own.some((task) => this.#attempts.statisticsOf(task)?.state === "backPressured"),
      };
    });
  }

  #checkpointsOf(storage: JobSnapshotStorage, known: Beginning["known"], firstId: number): JobCheckpoints {
    const { graph, jobId } = this;
    const { configuration, platform, files, name, onRestartPoint } = this.#options;
    return new JobCheckpoints(
      {
        jobId,
        jobName: name,
        graphHash: graph.hash,
        operators: checkpointedOperators(graph),
        platform,
        files,
        storage,
        config: { ...coordinatorConfigOf(configuration), ...(graph.isBatch ? { intervalMs: undefined } : {}) },
        retainedCount: configuration.get(RETAINED_CHECKPOINTS),
        rememberedMax: configuration.get(WEB_CHECKPOINTS_HISTORY),
        known,
        onRestartPoint: async (checkpoint) => {
          await onRestartPoint?.(checkpoint);
          this.#requested.onRestartPoint(checkpoint);
        },
      },
      firstId,
    );
  }

  async #deploy(options: DeployOptions): Promise<LocalAttempt> {
    const attempt = await this.#slots.deploy(options);
    this.#attempts.add(attempt);
    return attempt;
  }

  // Meters have no clock of their own.
  #sampleMeters(): void {
    const { clock } = this.#options.platform;
    this.metrics.sampleMeters(clock.monoMs());
    this.#sampling = clock.after(METER_SAMPLE_INTERVAL_MS, () => this.#sampleMeters());
  }

  #measure(): void {
    let recordsRead = 0;
    let recordsWritten = 0;
    let watermarkMs = Number.POSITIVE_INFINITY;
    for (const task of subtasksOf(this.graph)) {
      const statistics = this.#attempts.statisticsOf(task);
      if (statistics === undefined) continue;
      for (const { spec, index } of this.graph.vertices[task.vertexId]!.operators) {
        if (spec.kind === "source") recordsRead += statistics.counts[index]!;
        if (spec.kind === "sink") recordsWritten += statistics.counts[index]!;
      }
      watermarkMs = Math.min(watermarkMs, statistics.watermarkMs);
    }
    const isTime = Math.abs(watermarkMs) <= 8_640_000_000_000_000;
    this.#last = { recordsRead, recordsWritten, watermarkMs: isTime ? watermarkMs : undefined };
  }
}

/** Batch jobs take no checkpoints: they begin again. */
function isCheckpointed(graph: JobGraph, configuration: Configuration): boolean {
  return !graph.isBatch && configuration.get(CHECKPOINTING_INTERVAL) !== undefined;
}

function noCheckpointsIn(graph: JobGraph, found: string): MillraceError {
  return new MillraceError("MR_BATCH_NO_CHECKPOINTS", {
    what: "A job in BATCH mode takes no checkpoints and starts from none",
    where: { job: graph.name },
    found,
    expected: "a job that runs from the beginning to its end, or is cancelled",
    todo: "Cancel it and start it again, or set execution.runtime-mode to STREAMING",
  });
}
