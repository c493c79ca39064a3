/**
 * The life of one job: deploys its regions, starts split enumerators, takes checkpoints, restarts after failures and ends.
 *
 * - M1. A region has at most one attempt; messages of an older one are ignored (X1 of `region-execution.ts`). A deployment has a
 *   number of its own in the job, by which data and messages of all others are fenced off.
 * - M2. An attempt starts from the newest completed checkpoint, or from what the user gave, or afresh; never from an older
 *   checkpoint than the newest. No checkpoint completes while a region is not there, so all of them go on from the same.
 * - M3. A bounded job finishes after a checkpoint (or, without checkpointing, a commit) that covers all of its input and is
 *   committed by every sink.
 * - M4. FINISHED, FAILED and CANCELED are final, from the moment at which the job begins to remove its checkpoints.
 * - M5. An attempt is closed once, whoever asks for it and however often; nothing that goes wrong while it closes keeps the
 *   job from ending.
 * - M6. A job that is stopped with a savepoint, and fails after that is stored, starts from it, commits what belongs to it and
 *   ends; when it may not restart it fails, and says so (`savepoint-ending.ts`).
 * - M7. How a job has ended is told before its checkpoints are removed: whoever remembers it does not run the job again, and
 *   whoever does not still has what to run it from.
 * - M8. A failure of a task takes its region back, and no other: they go on, and hear that what was pending is given up. What
 *   has failed with an enumerator, with too many checkpoints, or while the job was drained, takes all regions back.
 */

import { MillraceError } from "../../base/errors.ts";
import { type LoadedCheckpoint, readState } from "../../checkpoint/checkpoint-reader.ts";
import type { CheckpointFailureReason } from "../../checkpoint/coordinator.ts";
import type { FileSystems } from "../../checkpoint/file-systems.ts";
import type { OwnedSnapshot } from "../../checkpoint/owned-snapshots.ts";
import type { JobReport } from "../../graph/stall/job-report.ts";
import type { SubtaskId } from "../../graph/subtask-id.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Deployer, ExecutionAttempt, ReaderId } from "./execution-attempt.ts";
import type { JobCheckpoints } from "./job-checkpoints.ts";
import {
  type Ending,
  endingAfterFailure,
  isStopStored,
  isWithSavepoint,
  lastToCommit,
  noteTrigger,
} from "./job-ending.ts";
import { checkJobTransition, isTerminal, type JobStatus, jobStatusOf } from "./job-status.ts";
import { RegionExecution } from "./region-execution.ts";
import type { RestartStrategy } from "./restart-strategy.ts";
import {
  type SavepointEnding,
  type SavepointOrder,
  savepointFailed,
  savepointNotPossible,
  stopUncommitted,
} from "./savepoint-ending.ts";
import type { CoordinatedSource } from "./source-coordinator.ts";
import { SourceCoordinators } from "./source-coordinators.ts";
import { hasFailedOfCheckpoint, isUnrecoverable } from "./unrecoverable.ts";

export interface JobMasterOptions {
  readonly platform: Platform;
  readonly files: FileSystems;
  /** The tasks that fail and start again together: `graph/pipelined-regions.ts`. */
  readonly regions: readonly (readonly SubtaskId[])[];
  readonly sources: readonly CoordinatedSource[];
  readonly checkpoints: JobCheckpoints;
  /** False: no periodic checkpoints, and results become visible at the end. */
  readonly isCheckpointingEnabled: boolean;
  /** How long barriers are waited for; Infinity: checkpoints are aligned, as savepoints and the last one always are. */
  readonly unalignedAfterMs: number;
  readonly retention: "DELETE_ON_CANCELLATION" | "RETAIN_ON_CANCELLATION" | "NO_EXTERNALIZED_CHECKPOINTS";
  readonly restartStrategy: RestartStrategy;
  /** Of one region. */
  readonly deploy: Deployer;
  readonly initialRestore: LoadedCheckpoint | undefined;
  readonly onStatus: (status: JobStatus, cause: unknown) => void;
  /** Before anything that the job owns is removed (M7); a rejection leaves all of it where it is. */
  readonly onEnded?: (end: JobEnding) => Promise<void>;
  /** These tasks have failed, or go back with one that has; nothing of them is left, and they are to start again. */
  readonly onRestarting: (tasks: readonly SubtaskId[], cause: unknown) => void;
  readonly onWarning: (message: string) => void;
}

/** How a job has ended, and what it leaves that is to be removed. */
export interface JobEnding {
  readonly status: "FINISHED" | "FAILED" | "CANCELED";
  readonly cause: unknown;
  readonly removes: readonly OwnedSnapshot[];
}

const FAIL = { kind: "fail" } as const;

export class JobMaster {
  readonly #options: JobMasterOptions;
  readonly #regions: readonly RegionExecution[];
  readonly #sources: SourceCoordinators;
  #status: JobStatus = "CREATED";
  /** By region: the failure that it goes back for; a later one takes it over. */
  readonly #failureOf = new Map<RegionExecution, symbol>();
  #deploymentNumber = 0;
  #areCheckpointsTaken = false;
  #ending: Ending | undefined;
  #restarts = 0;
  #cancelling: Promise<void> | undefined;
  /** Settles when all regions are closed for good; undefined until the job comes to its end. */
  #closing: Promise<void> | undefined;
  /** From the moment at which that begins. */
  #isClosing = false;
  /** M4: the end that has been decided on. */
  #ended: Promise<void> | undefined;
  #isAbandoned = false;

  constructor(options: JobMasterOptions) {
    this.#options = options;
    const { checkpoints, sources, platform } = options;
    this.#sources = new SourceCoordinators({
      sources,
      platform,
      assigner: {
        assignSplit: (reader, split) => this.#atReader(reader, (attempt) => attempt.assignSplit(reader, split)),
        signalNoMoreSplits: (reader) => this.#atReader(reader, (attempt) => attempt.signalNoMoreSplits(reader)),
        allowWatermark: (uid, allowedMs) => this.#toAll((attempt) => attempt.allowWatermark(uid, allowedMs)),
      },
      onFailed: (error) => void this.#onFailure(this.#regions, error),
      onStarted: () => this.#onProgress(),
    });
    this.#regions = options.regions.map(
      (tasks) =>
        new RegionExecution(tasks, options.deploy, {
          onRunning: (region) => this.#onRegionRunning(region),
          onInputFinished: () => this.#checkInputFinished(),
          onCommitted: () => this.#checkCommitted(),
          onFailed: (region, error) => void this.#onFailure([region], error),
          onAcknowledged: (task, id, state, metrics) => checkpoints.onAcknowledged(task, id, state, metrics),
          onUnwanted: (id, state) => void checkpoints.shared.acknowledge(id, state),
          onDeclined: (_task, id, reason) => checkpoints.onDeclined(id, reason),
          onSplitRequest: (reader) => this.#guard(() => this.#sources.onSplitRequest(reader)),
          onSourceEvent: (reader, event) => this.#sources.onSourceEvent(reader, event),
          onWatermarkReport: (reader, watermarkMs) => this.#sources.onWatermarkReport(reader, watermarkMs),
        }),
    );
  }

  get status(): JobStatus {
    return this.#status;
  }

  /** How often something has started again after a failure. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Deploys all regions. */
  start(): void {
    void this.#deploy(this.#regions);
  }

  /** What sources have been given, and what checkpoints wait for. */
  describe(): Pick<JobReport, "coordinators" | "alignments" | "checkpoints"> {
    const checkpoints = this.#options.checkpoints.describe(this.#options.isCheckpointingEnabled);
    return { ...this.#sources.describe(), checkpoints };
  }

  /** Ends the job as soon as possible, without a last checkpoint. */
  cancel(): Promise<void> {
    if (this.#isAbandoned || isTerminal(this.#status)) return Promise.resolve();
    // Whoever cancels too late waits for the end that there is.
    this.#cancelling ??= this.#ended ?? this.#cancel();
    return this.#cancelling;
  }

  async #cancel(): Promise<void> {
    this.#setStatus("CANCELLING", undefined);
    try {
      await this.#closeAll();
    } catch (closing) {
      this.#options.onWarning(`while the job was cancelled: ${messageOf(closing)}`);
    }
    await this.#end("CANCELED", undefined);
  }

  /**
   * Another process has the job from now on. Everything of it ends here, without a word to anybody but those who wait for a
   * savepoint, and nothing that is durable is touched.
   */
  async abandon(): Promise<void> {
    if (this.#isAbandoned || isTerminal(this.#status)) return;
    this.#isAbandoned = true;
    for (const region of this.#regions) region.lose();
    this.#options.checkpoints.abandon();
    const lost = this.#sources.lose(tasksOf(this.#regions));
    this.#settleStop("CANCELED", undefined);
    await Promise.allSettled([lost, ...this.#regions.map((region) => region.close(false)), this.#closing]);
  }

  /**
   * Ends the job after one last checkpoint, which is kept; M4 tells the caller through `onStatus`. A job that fails all the
   * time ends as FAILED instead, with the newest checkpoint it has.
   */
  stop(): void {
    if (isTerminal(this.#status) || this.#ending !== undefined) return;
    this.#ending = { kind: "stop", checkpointId: undefined, hasFailed: this.#status === "RESTARTING" };
    this.#options.checkpoints.request();
  }

  /**
   * Ends the job with a savepoint; the promise has its directory when the job has FINISHED.
   *
   * @throws MillraceError `MR_SAVEPOINT_NOT_POSSIBLE`; rejects with `MR_SAVEPOINT_FAILED`, and the job goes on, or with
   *   `MR_STOP_UNCOMMITTED` (M6)
   */
  stopWithSavepoint(kind: SavepointEnding["kind"], order: SavepointOrder): Promise<string> {
    this.checkTakesSavepoints();
    return new Promise((resolve, reject) => {
      const ending = { kind, order, isTaken: false, checkpointId: undefined, path: undefined, resolve, reject };
      this.#ending = ending;
      if (kind === "suspend") {
        this.#takeLastSavepoint(ending);
        return;
      }
      // A checkpoint on the way would be of a job that has seen the end of some of its input only.
      this.#options.checkpoints.hold(true);
      this.#toAll((attempt) => attempt.drainSources());
      this.#checkInputFinished();
    });
  }

  /**
   * Takes a savepoint of the running job, which goes on; the promise has its directory when it is complete.
   *
   * @throws MillraceError `MR_SAVEPOINT_NOT_POSSIBLE`; rejects with `MR_SAVEPOINT_FAILED`
   */
  triggerSavepoint({ directory, format }: SavepointOrder): Promise<string> {
    this.checkTakesSavepoints();
    return new Promise((resolve, reject) => {
      this.#options.checkpoints.takeSavepoint({
        kind: "savepoint",
        directory,
        properties: { format, isDrained: false },
        onStored: resolve,
        onFailed: (reason, cause) => {
          const isOver = reason === "JOB_FAILOVER_REGION" && this.#isClosing;
          reject(savepointFailed(directory.path, isOver ? "the job is at its end" : reason, cause));
        },
      });
    });
  }

  /** @throws MillraceError `MR_SAVEPOINT_NOT_POSSIBLE` unless the job is RUNNING and not being stopped */
  checkTakesSavepoints(): void {
    if (this.#status !== "RUNNING") throw savepointNotPossible(`it is ${this.#status}`);
    if (this.#closing !== undefined) throw savepointNotPossible("it is at its end");
    if (this.#ending !== undefined && this.#ending.kind !== "finish")
      throw savepointNotPossible("it is being stopped already");
  }

  #takeLastSavepoint(ending: SavepointEnding): void {
    const { directory, format } = ending.order;
    ending.isTaken = true;
    this.#options.checkpoints.takeSavepoint({
      kind: "terminal",
      directory,
      properties: { format, isDrained: ending.kind === "drain" },
      onStored: (path) => {
        ending.path = path;
      },
      onFailed: (reason, cause) => this.#onLastSavepointFailed(ending, reason, cause),
    });
  }

  // E1: nobody has asked. A job that has been drained has no more input in its attempts, so it takes others.
  #onLastSavepointFailed(ending: SavepointEnding, reason: CheckpointFailureReason, cause: unknown): void {
    const error = savepointFailed(ending.order.directory.path, reason, cause);
    if (this.#ending === ending) this.#ending = undefined;
    ending.reject(error);
    // A failure of the job has its own way on.
    if (ending.kind === "drain" && reason !== "JOB_FAILOVER_REGION") void this.#onFailure(this.#regions, error);
    if (ending.kind === "drain") return;
    this.#toAll((attempt) => attempt.suspendSources(false));
    this.#checkInputFinished();
  }

  /** Deploys regions that nothing is left of, from where the job goes on. */
  async #deploy(regions: readonly RegionExecution[]): Promise<void> {
    const failures = new Map(regions.map((region) => [region, this.#failureOf.get(region)]));
    for (const region of regions) region.begin();
    this.#updateStatus(undefined);
    const restore = this.#options.checkpoints.latest ?? this.#options.initialRestore;
    const read = await Promise.allSettled([this.#readCoordinators(restore, this.#sources.unmadeUids)]);
    // A failure of the whole job may have taken them over meanwhile, or the job has come to its end.
    const wanted = regions.filter(
      (region) => region.status === "DEPLOYING" && this.#failureOf.get(region) === failures.get(region),
    );
    if (wanted.length === 0) return;
    if (read[0].status === "rejected") {
      await this.#onFailure(wanted, read[0].reason);
      return;
    }
    try {
      this.#sources.reset(tasksOf(wanted), restore?.metadata.checkpointId, read[0].value);
    } catch (error) {
      // An enumerator that has failed has lost what it was given back.
      await this.#onFailure(this.#regions, error);
      return;
    }
    if (restore !== undefined) this.#options.checkpoints.onRestored(restore);
    const suspendsSources = isStopStored(this.#ending);
    await Promise.all(
      wanted.map((region) => region.deploy({ deploymentNumber: this.#deploymentNumber++, restore, suspendsSources })),
    );
  }

  async #readCoordinators(
    restore: LoadedCheckpoint | undefined,
    uids: readonly string[],
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    const states = new Map<string, Uint8Array>();
    for (const { uid, handle } of restore?.metadata.coordinators ?? []) {
      if (uids.includes(uid)) states.set(uid, await readState(this.#options.files, restore!.directory, handle));
    }
    return states;
  }

  #onRegionRunning(region: RegionExecution): void {
    this.#updateStatus(undefined);
    // M6: nothing is read any more.
    if (!isStopStored(this.#ending)) this.#sources.run(region.tasks);
    this.#onProgress();
  }

  /** A region runs, or an enumerator has started. */
  #onProgress(): void {
    if (this.#status !== "RUNNING" || this.#closing !== undefined) return;
    this.#checkCommitted();
    if (this.#closing !== undefined || isStopStored(this.#ending)) return;
    if (this.#sources.isStarted && !this.#areCheckpointsTaken) this.#startCheckpoints();
  }

  #startCheckpoints(): void {
    const { checkpoints, unalignedAfterMs: configuredMs } = this.#options;
    this.#areCheckpointsTaken = true;
    checkpoints.start({
      tasks: tasksOf(this.#regions),
      snapshotCoordinators: (checkpointId) => this.#sources.snapshot(checkpointId),
      trigger: (checkpointId, timestampMs, savepoint, format) => {
        const isLast = noteTrigger(this.#ending, checkpointId, savepoint);
        // What others may start from, other parallelism and other graphs included, holds nothing that is on its way.
        const unalignedAfterMs = isLast || savepoint !== undefined ? Number.POSITIVE_INFINITY : configuredMs;
        const trigger = { checkpointId, timestampMs, unalignedAfterMs, ...(format === undefined ? {} : { format }) };
        this.#toAll((attempt) => attempt.triggerCheckpoint(trigger, isLast));
      },
      onComplete: (id) => {
        this.#sources.onCheckpointComplete(id);
        this.#toAll((attempt) => attempt.notifyCheckpointComplete(id));
      },
      onAborted: (id, reason, cause) => this.#onAborted(id, reason, cause),
      onTooManyFailures: (error) => void this.#onFailure(this.#regions, error),
    });
    if (this.#ending?.kind === "drain") checkpoints.hold(true);
    else if (this.#ending?.kind === "finish" || this.#ending?.kind === "stop") checkpoints.request();
    this.#checkInputFinished();
  }

  #onAborted(checkpointId: number, reason: CheckpointFailureReason, cause: unknown): void {
    this.#toAll((attempt) => attempt.notifyCheckpointAborted(checkpointId));
    // The end of an attempt is no failure of a checkpoint; the job's own end is looked for again when all regions run.
    if (reason === "JOB_FAILOVER_REGION") return;
    const detail = cause instanceof Error ? `: ${cause.message}` : "";
    this.#options.onWarning(`checkpoint ${checkpointId} was given up (${reason})${detail}`);
    const ending = this.#ending;
    if (ending === undefined || isWithSavepoint(ending) || ending.checkpointId !== checkpointId) return;
    // A newer one is complete then, which covers all of the input as well.
    if (reason === "CHECKPOINT_SUBSUMED") return;
    ending.checkpointId = undefined;
    this.#options.checkpoints.request();
  }

  // M3. Inputs may end before the enumerators have started to count, so this is asked again once they have.
  #checkInputFinished(): void {
    if (!this.#sources.isStarted || !this.#regions.every((region) => region.isInputFinished)) return;
    const ending = this.#ending;
    if (isWithSavepoint(ending)) {
      if (!ending.isTaken) this.#takeLastSavepoint(ending);
      return;
    }
    if (!this.#options.isCheckpointingEnabled) {
      for (const region of this.#regions) region.commitAtEnd();
      return;
    }
    if (ending?.kind === "finish") return;
    this.#ending = { kind: "finish", checkpointId: undefined, hasFailed: false };
    this.#options.checkpoints.request();
  }

  #checkCommitted(): void {
    const last = lastToCommit(this.#ending, this.#options.isCheckpointingEnabled);
    if (last === undefined || !this.#regions.every((region) => region.hasCommitted(last))) return;
    void this.#finish();
  }

  async #finish(): Promise<void> {
    if (this.#closing !== undefined) return;
    try {
      await this.#closeAll();
    } catch (error) {
      if (this.#status !== "CANCELLING") await this.#end("FAILED", error);
      return;
    }
    if (this.#status !== "CANCELLING") await this.#end("FINISHED", undefined);
  }

  /** M8: takes the regions back, and starts them again if the restart strategy says so. */
  async #onFailure(failed: readonly RegionExecution[], error: unknown): Promise<void> {
    if (this.#isAtEnd()) return;
    const regions = this.#ending?.kind === "drain" && !isStopStored(this.#ending) ? this.#regions : failed;
    const failure = Symbol("failure");
    for (const region of regions) {
      this.#failureOf.set(region, failure);
      region.lose();
    }
    this.#updateStatus(error);
    await this.#closeFailed(regions);
    const stop = isWithSavepoint(this.#ending) ? this.#ending : undefined;
    if (stop !== undefined && stop.path === undefined && !this.#isAtEnd()) await this.#giveUpStop(stop, error);
    // Somebody may have ended the job meanwhile, or a later failure has taken the regions over.
    const own = regions.filter((region) => this.#failureOf.get(region) === failure);
    if (this.#isAtEnd() || own.length === 0) return;
    const decision = this.#canRestartAfter(error) ? this.#options.restartStrategy.onFailure() : FAIL;
    if (decision.kind === "fail") {
      await this.#fail(stop?.path === undefined ? error : stopUncommitted(stop.path, error));
      return;
    }
    this.#restarts++;
    this.#ending = endingAfterFailure(this.#ending);
    for (const region of own) region.awaitRestart();
    this.#options.onRestarting(tasksOf(own), error);
    this.#updateStatus(error);
    this.#options.platform.clock.after(decision.delayMs, () => {
      const waiting = own.filter((region) => this.#failureOf.get(region) === failure);
      if (!this.#isAtEnd() && waiting.length > 0) void this.#deploy(waiting);
    });
  }

  /** Stops the attempts that were lost, with the checkpoints and enumerators that cannot go on without them (M5). */
  async #closeFailed(regions: readonly RegionExecution[]): Promise<void> {
    this.#areCheckpointsTaken = false;
    const lost = this.#sources.lose(tasksOf(regions));
    lost.catch(() => {});
    // Together with what is being stored: a checkpoint that completes now is the one to restart from.
    await this.#options.checkpoints.stop();
    const results = await Promise.allSettled([lost, ...regions.map((region) => region.close(true))]);
    for (const result of results) {
      if (result.status === "rejected")
        this.#options.onWarning(`while the failed attempt was closed: ${messageOf(result.reason)}`);
    }
  }

  #isAtEnd(): boolean {
    return (
      this.#isAbandoned || this.#closing !== undefined || isTerminal(this.#status) || this.#status === "CANCELLING"
    );
  }

  // A job that is to stop gets one more attempt to take its last checkpoint: it must not go on restarting for ever.
  #canRestartAfter(error: unknown): boolean {
    const ending = this.#ending;
    return !isUnrecoverable(error) && !(ending?.kind === "stop" && ending.hasFailed);
  }

  async #fail(error: unknown): Promise<void> {
    try {
      await this.#closeAll();
    } catch (closing) {
      this.#options.onWarning(`while the failed job was closed: ${messageOf(closing)}`);
    }
    if ((this.#status as JobStatus) !== "CANCELLING") await this.#end("FAILED", error);
  }

  /** The attempt that was to end with a savepoint has failed before (E1). */
  async #giveUpStop(ending: SavepointEnding, cause: unknown): Promise<void> {
    this.#ending = undefined;
    const { directory } = ending.order;
    try {
      if (!ending.isTaken) await directory.discard();
    } catch (error) {
      this.#options.onWarning(`the savepoint's directory could not be removed: ${messageOf(error)}`);
    }
    ending.reject(savepointFailed(directory.path, "JOB_FAILOVER_REGION", cause));
  }

  /** Stops all regions, checkpoints and enumerators for good, whatever state they are in (M5). */
  #closeAll(): Promise<void> {
    this.#isClosing = true;
    this.#closing ??= this.#closeRegions();
    return this.#closing;
  }

  async #closeRegions(): Promise<void> {
    for (const region of this.#regions) region.lose();
    const lost = this.#sources.lose(tasksOf(this.#regions));
    lost.catch(() => {});
    await this.#options.checkpoints.stop();
    const results = await Promise.allSettled([lost, ...this.#regions.map((region) => region.close(false))]);
    for (const region of this.#regions) region.end();
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** The first end is the job's. */
  #end(status: "FINISHED" | "FAILED" | "CANCELED", cause: unknown): Promise<void> {
    if (this.#isAbandoned) return Promise.resolve();
    this.#ended ??= this.#endOnce(status, cause);
    return this.#ended;
  }

  async #endOnce(status: "FINISHED" | "FAILED" | "CANCELED", cause: unknown): Promise<void> {
    const { retention, checkpoints, onEnded, onWarning } = this.#options;
    const isStopped = this.#ending?.kind === "stop" && status !== "CANCELED";
    const isKept =
      isStopped ||
      (status === "FAILED" && (retention !== "NO_EXTERNALIZED_CHECKPOINTS" || hasFailedOfCheckpoint(cause))) ||
      (status === "CANCELED" && retention === "RETAIN_ON_CANCELLATION");
    const keepsClaimed = status === "FAILED";
    try {
      await onEnded?.({ status, cause, removes: isKept ? [] : checkpoints.removable(keepsClaimed) });
      if (!isKept && !this.#isAbandoned) await checkpoints.discardAll(keepsClaimed);
    } catch (error) {
      onWarning(`checkpoints could not be removed: ${messageOf(error)}`);
    }
    if (this.#isAbandoned) return;
    this.#setStatus(status, cause);
    this.#settleStop(status, cause);
  }

  #settleStop(status: "FINISHED" | "FAILED" | "CANCELED", cause: unknown): void {
    const ending = this.#ending;
    if (!isWithSavepoint(ending)) return;
    const { path, order } = ending;
    if (path === undefined) ending.reject(savepointFailed(order.directory.path, `the job is ${status}`, cause));
    else if (status === "FINISHED") ending.resolve(path);
    else ending.reject(cause instanceof MillraceError ? cause : stopUncommitted(path, cause));
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      void this.#onFailure(this.#regions, error);
    }
  }

  /** Reaches all tasks that are there. */
  #toAll(tell: (attempt: ExecutionAttempt) => void): void {
    for (const { active } of this.#regions) if (active !== undefined) tell(active);
  }

  #atReader({ sourceUid, subtaskIndex }: ReaderId, tell: (attempt: ExecutionAttempt) => void): void {
    const vertexId = this.#options.sources.find(({ uid }) => uid === sourceUid)?.vertexId;
    // An enumerator that counts wrong is told so by name, by whichever attempt hears it.
    const region =
      this.#regions.find(({ tasks }) =>
        tasks.some((task) => task.vertexId === vertexId && task.subtaskIndex === subtaskIndex),
      ) ?? this.#regions.find(({ tasks }) => tasks.some((task) => task.vertexId === vertexId));
    if (region?.active !== undefined) tell(region.active);
  }

  #updateStatus(cause: unknown): void {
    if (!this.#isAtEnd()) this.#setStatus(jobStatusOf(this.#regions.map(({ status }) => status)), cause);
  }

  #setStatus(status: JobStatus, cause: unknown): void {
    if (this.#status === status) return;
    checkJobTransition(this.#status, status);
    this.#status = status;
    this.#options.onStatus(status, cause);
  }
}

function tasksOf(regions: readonly RegionExecution[]): readonly SubtaskId[] {
  return regions.flatMap(({ tasks }) => tasks);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
