/**
 * The life of one job: deploys attempts, starts split enumerators, takes checkpoints, restarts after failures and ends.
 *
 * - M1. At most one attempt exists; messages of an older one are ignored.
 * - M2. An attempt starts from the newest completed checkpoint, or from what the user gave, or afresh; never from an older
 *   checkpoint than the newest.
 * - M3. A bounded job finishes after a checkpoint (or, without checkpointing, a commit) that covers all of its input and is
 *   committed by every sink.
 * - M4. FINISHED, FAILED and CANCELED are final, from the moment at which the job begins to remove its checkpoints.
 * - M5. An attempt is closed once, whoever asks for it and however often; nothing that goes wrong while it closes keeps the
 *   job from ending.
 * - M6. A job that is stopped with a savepoint, and fails after that is stored, starts from it, commits what belongs to it and
 *   ends; when it may not restart it fails, and says so (`savepoint-ending.ts`).
 * - M7. How a job has ended is told before its checkpoints are removed: whoever remembers it does not run the job again, and
 *   whoever does not still has what to run it from.
 */
import { MillraceError } from "../../base/errors.ts";
import { type LoadedCheckpoint, readState } from "../../checkpoint/checkpoint-reader.ts";
import type { SavepointKind } from "../../checkpoint/coordinator.ts";
import type { OwnedSnapshot } from "../../checkpoint/owned-snapshots.ts";
import type { JobReport } from "../../graph/stall/job-report.ts";
import type { Platform } from "../../platform/platform.ts";
import {
  type AttemptListener,
  type Deployer,
  type ExecutionAttempt,
  type TaskId,
  taskName,
} from "./execution-attempt.ts";
import type { JobCheckpoints } from "./job-checkpoints.ts";
import type { RestartStrategy } from "./restart-strategy.ts";
import {
  type SavepointEnding,
  type SavepointOrder,
  savepointFailed,
  savepointNotPossible,
  stopUncommitted,
} from "./savepoint-ending.ts";
import { type CoordinatedSource, SourceCoordinators } from "./source-coordinators.ts";
import { isUnrecoverable } from "./unrecoverable.ts";

/** Flink's names. */
export type JobStatus =
  | "CREATED"
  | "INITIALIZING"
  | "RUNNING"
  | "FAILING"
  | "RESTARTING"
  | "CANCELLING"
  | "FINISHED"
  | "FAILED"
  | "CANCELED";

export interface JobMasterOptions {
  readonly platform: Platform;
  readonly sources: readonly CoordinatedSource[];
  readonly checkpoints: JobCheckpoints;
  /** False: no periodic checkpoints, and results become visible at the end. */
  readonly isCheckpointingEnabled: boolean;
  /** How long barriers are waited for; Infinity: checkpoints are aligned, as savepoints and the last one always are. */
  readonly unalignedAfterMs: number;
  readonly retention: "DELETE_ON_CANCELLATION" | "RETAIN_ON_CANCELLATION" | "NO_EXTERNALIZED_CHECKPOINTS";
  readonly restartStrategy: RestartStrategy;
  readonly deploy: Deployer;
  readonly initialRestore: LoadedCheckpoint | undefined;
  readonly onStatus: (status: JobStatus, cause: unknown) => void;
  /** Before anything that the job owns is removed (M7); a rejection leaves all of it where it is. */
  readonly onEnded?: (end: JobEnding) => Promise<void>;
  readonly onWarning: (message: string) => void;
}

/** How a job has ended, and what it leaves that is to be removed. */
export interface JobEnding {
  readonly status: "FINISHED" | "FAILED" | "CANCELED";
  readonly cause: unknown;
  readonly removes: readonly OwnedSnapshot[];
}

const FAIL = { kind: "fail" } as const;

interface RunningAttempt {
  readonly attempt: ExecutionAttempt;
  readonly coordinators: SourceCoordinators;
  readonly running: Set<string>;
  readonly finished: Set<string>;
  /** The newest checkpoint that each task's sinks have committed. */
  readonly committed: Map<string, number>;
}

/** What the job's last checkpoint is for. */
interface CheckpointEnding {
  readonly kind: "finish" | "stop";
  /** The first checkpoint that was triggered after the end was decided on. */
  checkpointId: number | undefined;
  /** Whether an attempt has failed since, or had failed before. */
  hasFailed: boolean;
}

type Ending = CheckpointEnding | SavepointEnding;

export class JobMaster {
  readonly #options: JobMasterOptions;
  #status: JobStatus = "CREATED";
  #current: RunningAttempt | undefined;
  #attemptNumber = 0;
  #generation = 0;
  #ending: Ending | undefined;
  #restarts = 0;
  #cancelling: Promise<void> | undefined;
  /** M5: the end of the attempt that is being closed. */
  #closing: Promise<void> | undefined;
  /** M4: the end that has been decided on. */
  #ended: Promise<void> | undefined;
  #isAbandoned = false;

  constructor(options: JobMasterOptions) {
    this.#options = options;
  }

  get status(): JobStatus {
    return this.#status;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Deploys the first attempt. */
  start(): void {
    void this.#startAttempt();
  }

  /** What sources have been given, and what checkpoints wait for. */
  describe(): Pick<JobReport, "coordinators" | "alignments" | "checkpoints"> {
    const sources = this.#current?.coordinators.describe() ?? { coordinators: [], alignments: [] };
    return { ...sources, checkpoints: this.#options.checkpoints.describe(this.#options.isCheckpointingEnabled) };
  }

  /** Ends the job as soon as possible, without a last checkpoint. */
  cancel(): Promise<void> {
    if (this.#isTerminal()) return Promise.resolve();
    // Whoever cancels too late waits for the end that there is.
    this.#cancelling ??= this.#ended ?? this.#cancel();
    return this.#cancelling;
  }

  async #cancel(): Promise<void> {
    this.#setStatus("CANCELLING", undefined);
    try {
      await this.#endAttempt();
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
    if (this.#isTerminal()) return;
    this.#isAbandoned = true;
    this.#generation++;
    const current = this.#current;
    this.#current = undefined;
    this.#options.checkpoints.abandon();
    this.#settleStop("CANCELED", undefined);
    await Promise.allSettled([current?.attempt.cancel(), current?.coordinators.close(), this.#closing]);
  }

  /**
   * Ends the job after one last checkpoint, which is kept; M4 tells the caller through `onStatus`. A job that fails all the
   * time ends as FAILED instead, with the newest checkpoint it has.
   */
  stop(): void {
    if (this.#isTerminal() || this.#ending !== undefined) return;
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
    // A job that is RUNNING has an attempt.
    const current = this.#current!;
    return new Promise((resolve, reject) => {
      const ending = { kind, order, isTaken: false, checkpointId: undefined, path: undefined, resolve, reject };
      this.#ending = ending;
      if (kind === "suspend") {
        this.#takeLastSavepoint(ending);
        return;
      }
      // A checkpoint on the way would be of a job that has seen the end of some of its input only.
      this.#options.checkpoints.hold(true);
      current.attempt.drainSources();
      this.#checkInputFinished(current);
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
        onFailed: (reason, cause) => reject(savepointFailed(directory.path, reason, cause)),
      });
    });
  }

  /** @throws MillraceError `MR_SAVEPOINT_NOT_POSSIBLE` unless the job is RUNNING and not being stopped */
  checkTakesSavepoints(): void {
    if (this.#status !== "RUNNING") throw savepointNotPossible(`it is ${this.#status}`);
    if (this.#current === undefined) throw savepointNotPossible("it is at its end");
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

  // E1: nobody has asked. A job that has been drained has no more input in this attempt, so it takes another.
  #onLastSavepointFailed(ending: SavepointEnding, reason: string, cause: unknown): void {
    const error = savepointFailed(ending.order.directory.path, reason, cause);
    if (this.#ending === ending) this.#ending = undefined;
    ending.reject(error);
    const current = this.#current;
    if (current === undefined) return;
    if (ending.kind === "drain") {
      void this.#onFailure(error);
      return;
    }
    current.attempt.suspendSources(false);
    this.#checkInputFinished(current);
  }

  async #startAttempt(): Promise<void> {
    const generation = ++this.#generation;
    this.#setStatus("INITIALIZING", undefined);
    try {
      const restore = this.#options.checkpoints.latest ?? this.#options.initialRestore;
      const restoredCoordinators = await this.#readCoordinators(restore);
      const attemptNumber = this.#attemptNumber++;
      const attempt = await this.#options.deploy({ attemptNumber, restore, listener: this.#listenerOf(generation) });
      if (generation !== this.#generation) {
        await attempt.cancel();
        return;
      }
      const coordinators = new SourceCoordinators(
        this.#options.sources,
        this.#options.platform,
        attempt,
        restoredCoordinators,
      );
      this.#current = { attempt, coordinators, running: new Set(), finished: new Set(), committed: new Map() };
      // M6: all that is left to do is to commit, which is done before the first record.
      if (this.#isStopStored()) attempt.suspendSources(true);
      attempt.start();
    } catch (error) {
      if (generation === this.#generation) await this.#onFailure(error);
    }
  }

  async #readCoordinators(restore: LoadedCheckpoint | undefined): Promise<ReadonlyMap<string, Uint8Array>> {
    const states = new Map<string, Uint8Array>();
    for (const { uid, handle } of restore?.metadata.coordinators ?? []) {
      states.set(uid, await readState(this.#options.platform.fs, restore!.directory, handle));
    }
    return states;
  }

  #listenerOf(generation: number): AttemptListener {
    // M1: whatever a replaced attempt still has to say is dropped here.
    const ifCurrent = (action: (current: RunningAttempt) => void): void => {
      if (generation === this.#generation && this.#current !== undefined) action(this.#current);
    };
    const { checkpoints } = this.#options;
    return {
      onRunning: (task) => ifCurrent((current) => this.#onRunning(current, task)),
      onInputFinished: (task) => ifCurrent((current) => this.#onInputFinished(current, task)),
      onAcknowledged: (task, id, state, metrics) =>
        ifCurrent(() => checkpoints.onAcknowledged(task, id, state, metrics)),
      onDeclined: (_task, id, reason) => ifCurrent(() => checkpoints.onDeclined(id, reason)),
      onCommitted: (task, id) => ifCurrent((current) => this.#onCommitted(current, task, id)),
      onSplitRequest: (reader) =>
        ifCurrent((current) => this.#guard(() => current.coordinators.onSplitRequest(reader))),
      onSourceEvent: (reader, event) =>
        ifCurrent((current) => {
          current.coordinators.onSourceEvent(reader, event).catch((error: unknown) => {
            if (current === this.#current) void this.#onFailure(error);
          });
        }),
      onWatermarkReport: (reader, watermarkMs) =>
        ifCurrent((current) => current.coordinators.onWatermarkReport(reader, watermarkMs)),
      onFailed: (_task, error) => ifCurrent(() => void this.#onFailure(error)),
    };
  }

  #onRunning(current: RunningAttempt, task: TaskId): void {
    current.running.add(taskName(task));
    if (current.running.size < current.attempt.tasks.length) return;
    this.#setStatus("RUNNING", undefined);
    if (this.#isStopStored()) {
      void this.#finish();
      return;
    }
    current.coordinators.start().then(
      () => {
        if (current === this.#current) this.#startCheckpoints(current);
      },
      (error: unknown) => {
        if (current === this.#current) void this.#onFailure(error);
      },
    );
  }

  #startCheckpoints(current: RunningAttempt): void {
    const { checkpoints } = this.#options;
    checkpoints.start({
      tasks: current.attempt.tasks,
      snapshotCoordinators: (id) => current.coordinators.snapshot(id),
      trigger: (checkpointId, timestampMs, savepoint) => {
        const isLast = this.#isLast(checkpointId, savepoint);
        const isAligned = isLast || savepoint !== undefined;
        const unalignedAfterMs = isAligned ? Number.POSITIVE_INFINITY : this.#options.unalignedAfterMs;
        current.attempt.triggerCheckpoint({ checkpointId, timestampMs, unalignedAfterMs }, isLast);
      },
      onComplete: (id) => current.attempt.notifyCheckpointComplete(id),
      onAborted: (id, reason, cause) => this.#onAborted(id, reason, cause),
      onTooManyFailures: (error) => void this.#onFailure(error),
    });
    if (this.#ending?.kind === "drain") checkpoints.hold(true);
    else if (this.#ending?.kind === "finish" || this.#ending?.kind === "stop") checkpoints.request();
    this.#checkInputFinished(current);
  }

  /** Whether the sources take nothing in after the barrier; notes the checkpoint that the job ends with. */
  #isLast(checkpointId: number, savepoint: SavepointKind | undefined): boolean {
    const ending = this.#ending;
    if (ending === undefined) return false;
    const isOfEnding = isWithSavepoint(ending) ? savepoint === "terminal" : savepoint === undefined;
    if (!isOfEnding) return false;
    ending.checkpointId ??= checkpointId;
    return ending.kind === "stop" || ending.kind === "suspend";
  }

  #isStopStored(): boolean {
    const ending = this.#ending;
    return ending !== undefined && isWithSavepoint(ending) && ending.path !== undefined;
  }

  #onAborted(checkpointId: number, reason: string, cause: unknown): void {
    this.#current?.attempt.notifyCheckpointAborted(checkpointId);
    const detail = cause instanceof Error ? `: ${cause.message}` : "";
    this.#options.onWarning(`checkpoint ${checkpointId} was given up (${reason})${detail}`);
    const ending = this.#ending;
    if (ending === undefined || isWithSavepoint(ending) || ending.checkpointId !== checkpointId) return;
    ending.checkpointId = undefined;
    this.#options.checkpoints.request();
  }

  #onInputFinished(current: RunningAttempt, task: TaskId): void {
    current.finished.add(taskName(task));
    this.#checkInputFinished(current);
  }

  // M3. Inputs may end before the enumerators have started to count, so this is asked again once they have.
  #checkInputFinished(current: RunningAttempt): void {
    if (current.finished.size < current.attempt.tasks.length || !current.coordinators.isStarted) return;
    const ending = this.#ending;
    if (ending !== undefined && isWithSavepoint(ending)) {
      if (!ending.isTaken) this.#takeLastSavepoint(ending);
      return;
    }
    if (!this.#options.isCheckpointingEnabled) {
      current.attempt.commitAtEnd();
      return;
    }
    if (this.#ending?.kind === "finish") return;
    this.#ending = { kind: "finish", checkpointId: undefined, hasFailed: false };
    this.#options.checkpoints.request();
  }

  #onCommitted(current: RunningAttempt, task: TaskId, checkpointId: number): void {
    current.committed.set(taskName(task), checkpointId);
    const ending = this.#ending;
    const last =
      ending === undefined && !this.#options.isCheckpointingEnabled ? Number.POSITIVE_INFINITY : ending?.checkpointId;
    if (last === undefined || (ending !== undefined && isWithSavepoint(ending) && ending.path === undefined)) return;
    const isDone = current.attempt.tasks.every((each) => (current.committed.get(taskName(each)) ?? -1) >= last);
    if (isDone) void this.#finish();
  }

  async #finish(): Promise<void> {
    try {
      await this.#endAttempt();
    } catch (error) {
      if (this.#status !== "CANCELLING") await this.#end("FAILED", error);
      return;
    }
    if (this.#status !== "CANCELLING") await this.#end("FINISHED", undefined);
  }

  async #onFailure(error: unknown): Promise<void> {
    if (this.#ended !== undefined || this.#isAbandoned) return;
    if (this.#status === "FAILING" || this.#status === "CANCELLING") return;
    this.#setStatus("FAILING", error);
    try {
      await this.#endAttempt();
    } catch (closing) {
      this.#options.onWarning(`while the failed attempt was closed: ${messageOf(closing)}`);
    }
    // Somebody may have cancelled the job meanwhile.
    if ((this.#status as JobStatus) !== "FAILING") return;
    const stop = this.#ending !== undefined && isWithSavepoint(this.#ending) ? this.#ending : undefined;
    if (stop !== undefined && stop.path === undefined) await this.#giveUpStop(stop, error);
    const decision = this.#canRestartAfter(error) ? this.#options.restartStrategy.onFailure() : FAIL;
    if (decision.kind === "fail") {
      await this.#end("FAILED", stop?.path === undefined ? error : stopUncommitted(stop.path, error));
      return;
    }
    this.#restarts++;
    this.#setStatus("RESTARTING", error);
    // What was decided about the end belongs to the attempt that is gone; a restored one finds its end again.
    if (this.#ending?.kind === "finish") this.#ending = undefined;
    else if (this.#ending?.kind === "stop") {
      this.#ending.checkpointId = undefined;
      this.#ending.hasFailed = true;
    }
    this.#options.platform.clock.after(decision.delayMs, () => {
      if (this.#status === "RESTARTING" && !this.#isAbandoned) void this.#startAttempt();
    });
  }

  // A job that is to stop gets one more attempt to take its last checkpoint: it must not go on restarting for ever.
  #canRestartAfter(error: unknown): boolean {
    const ending = this.#ending;
    return !isUnrecoverable(error) && !(ending?.kind === "stop" && ending.hasFailed);
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

  /** Stops the attempt, its checkpoints and its enumerators, whatever state they are in (M5). */
  #endAttempt(): Promise<void> {
    this.#generation++;
    this.#closing ??= this.#closeAttempt().finally(() => {
      this.#closing = undefined;
    });
    return this.#closing;
  }

  async #closeAttempt(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    // Together with what is being stored: a checkpoint that completes now is the one to restart from.
    await this.#options.checkpoints.stop();
    if (current === undefined) return;
    const results = await Promise.allSettled([current.attempt.cancel(), current.coordinators.close()]);
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** The first end is the job's. */
  #end(status: "FINISHED" | "FAILED" | "CANCELED", cause: unknown): Promise<void> {
    if (this.#isTerminal()) return Promise.resolve();
    this.#ended ??= this.#endOnce(status, cause);
    return this.#ended;
  }

  async #endOnce(status: "FINISHED" | "FAILED" | "CANCELED", cause: unknown): Promise<void> {
    const { retention, checkpoints, onEnded, onWarning } = this.#options;
    const isStopped = this.#ending?.kind === "stop" && status !== "CANCELED";
    const isKept =
      isStopped ||
      (status === "FAILED" && retention !== "NO_EXTERNALIZED_CHECKPOINTS") ||
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
    if (ending === undefined || !isWithSavepoint(ending)) return;
    const { path, order } = ending;
    if (path === undefined) ending.reject(savepointFailed(order.directory.path, `the job is ${status}`, cause));
    else if (status === "FINISHED") ending.resolve(path);
    else ending.reject(cause instanceof MillraceError ? cause : stopUncommitted(path, cause));
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      void this.#onFailure(error);
    }
  }

  #isTerminal(): boolean {
    return this.#isAbandoned || this.#status === "FINISHED" || this.#status === "FAILED" || this.#status === "CANCELED";
  }

  #setStatus(status: JobStatus, cause: unknown): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#options.onStatus(status, cause);
  }
}

function isWithSavepoint(ending: Ending): ending is SavepointEnding {
  return ending.kind === "suspend" || ending.kind === "drain";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
