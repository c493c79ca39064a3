/**
 * The checkpoints and savepoints of one job: carries out what the coordinator decides, keeps the completed checkpoints, and
 * tells the JobMaster what tasks and sinks have to hear. Outlives attempts: checkpoints are taken while all regions run.
 *
 * - J1. The job removes what it owns and nothing else: its own checkpoints, and the snapshot it was told to claim. What it
 *   was started from otherwise, and every savepoint, stays.
 * - J2. A restart begins from the newest of: own checkpoints, the savepoint that the job was being stopped with, the claimed
 *   snapshot. Sinks have committed up to there and no further. Other savepoints do not count: nothing was committed on
 *   them, and their user may have moved them.
 * - J3. A shared file is removed when the registry has given it up (S1 of checkpoint/shared-state-registry.ts), and after the
 *   metadata that referred to it.
 */
import { type MillraceError, unreachable } from "../../base/errors.ts";
import type { LoadedCheckpoint } from "../../checkpoint/checkpoint-reader.ts";
import type { SubtaskCheckpointMetrics } from "../../checkpoint/checkpoint-statistics.ts";
import type { JobSnapshotStorage } from "../../checkpoint/checkpoint-storage.ts";
import {
  CheckpointCoordinator,
  type CheckpointFailureReason,
  type CoordinatorAction,
  type CoordinatorConfig,
  type SavepointKind,
} from "../../checkpoint/coordinator.ts";
import type { FileSystems } from "../../checkpoint/file-systems.ts";
import { type OwnedSnapshot, removeClaimed } from "../../checkpoint/owned-snapshots.ts";
import type { SnapshotDirectory } from "../../checkpoint/snapshot-directory.ts";
import type {
  CheckpointMetadata,
  OperatorSubtaskState,
  SavepointFormatType,
  SavepointProperties,
  StateHandle,
} from "../../checkpoint/state-handles.ts";
import type { CheckpointsReport } from "../../graph/stall/job-report.ts";
import { type SubtaskId, subtaskKey } from "../../graph/subtask-id.ts";
import type { Cancel, Platform } from "../../platform/platform.ts";
import { failureMessage, tooManyFailures } from "./checkpoint-failures.ts";
import { CheckpointHistory, type CheckpointPart } from "./checkpoint-history.ts";
import type { CompletedCheckpoint, KnownCheckpoint } from "./completed-checkpoint.ts";
import { SharedCheckpointFiles } from "./shared-checkpoint-files.ts";

/** What the metadata says of one operator, besides its state. */
export interface CheckpointedOperator {
  readonly uid: string;
  readonly name: string;
  readonly vertexId: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly isStateful: boolean;
}

export interface JobCheckpointsOptions {
  readonly jobId: string;
  readonly jobName: string;
  readonly graphHash: string;
  readonly operators: readonly CheckpointedOperator[];
  readonly platform: Platform;
  readonly files: FileSystems;
  readonly storage: JobSnapshotStorage;
  readonly config: CoordinatorConfig;
  readonly retainedCount: number;
  /** Checkpoints that are remembered each by itself. */
  readonly rememberedMax: number;
  /**
   * What a restart may begin from though this process has not taken it, oldest first: what the job was told to claim, what it
   * retained before it was taken over, and the user's savepoint if that was its last.
   */
  readonly known: readonly KnownCheckpoint[];
  /** See {@link RestartPoint}. Awaited before anything is committed on it; a rejection fails the checkpoint. */
  readonly onRestartPoint: (checkpoint: RestartPoint) => Promise<void>;
}

/** A completed snapshot that a restart begins from from now on (J2). */
export interface RestartPoint {
  readonly checkpointId: number;
  /** Undefined when it is only in memory. */
  readonly path: string | undefined;
}

/** A savepoint that somebody has asked for. One of the two callbacks is called, once. */
export interface SavepointRequest {
  readonly kind: SavepointKind;
  readonly directory: SnapshotDirectory;
  readonly properties: SavepointProperties;
  onStored(path: string): void;
  onFailed(reason: CheckpointFailureReason, cause: unknown): void;
}

/**
 * What happens to the tasks of the job while all of them run; called from timers and settled promises. After `stop` only the
 * ends of checkpoints are told, to those tasks that are still there.
 */
export interface AttemptCheckpointing {
  readonly tasks: readonly SubtaskId[];
  snapshotCoordinators(checkpointId: number): ReadonlyMap<string, Uint8Array>;
  /** @param timestampMs - Epoch ms. */
  trigger(checkpointId: number, timestampMs: number, savepoint?: SavepointKind, format?: SavepointFormatType): void;
  onComplete(checkpointId: number): void;
  onAborted(checkpointId: number, reason: CheckpointFailureReason, cause: unknown): void;
  onTooManyFailures(error: MillraceError): void;
}

interface Collected {
  readonly timestampMs: number;
  readonly coordinators: ReadonlyMap<string, Uint8Array>;
  /** By task. */
  readonly parts: Map<string, CheckpointPart>;
}

export class JobCheckpoints {
  readonly #options: JobCheckpointsOptions;
  readonly #collected = new Map<number, Collected>();
  readonly #completed: CompletedCheckpoint[] = [];
  /** By checkpoint id: triggered and not ended. */
  readonly #savepoints = new Map<number, SavepointRequest>();
  /** Asked for before the tasks of the attempt took any. */
  readonly #waiting: SavepointRequest[] = [];
  /** What is known of them besides their state. */
  readonly history: CheckpointHistory;
  readonly shared: SharedCheckpointFiles;
  readonly #storing = new Set<Promise<void>>();
  readonly #discarding = new Set<Promise<void>>();
  #coordinator: CheckpointCoordinator | undefined;
  #attempt: AttemptCheckpointing | undefined;
  #nextId: number;
  #timer: Cancel | undefined;
  #isAbandoned = false;
  #failedCount = 0;
  #completedCount = 0;
  #lastCompletedMs: number | undefined;

  constructor(options: JobCheckpointsOptions, firstId: number) {
    this.#options = options;
    this.#nextId = firstId;
    this.history = new CheckpointHistory(options.rememberedMax);
    const { storage } = options;
    this.shared = new SharedCheckpointFiles({ storage, inBackground: (...removed) => this.#inBackground(...removed) });
    for (const each of options.known) {
      this.#completed.push({ ...each, path: each.directory });
      if (each.isInPlace) this.shared.register(each.metadata);
    }
  }

  get latest(): CompletedCheckpoint | undefined {
    return this.#completed.at(-1);
  }

  get statistics(): {
    readonly completed: number;
    readonly failed: number;
    readonly lastCompletedMs: number | undefined;
  } {
    return { completed: this.#completedCount, failed: this.#failedCount, lastCompletedMs: this.#lastCompletedMs };
  }

  /** Which checkpoint waits for whom, for whoever asks why nothing comes out. */
  describe(isEnabled: boolean): CheckpointsReport {
    const nowMs = this.#options.platform.clock.wallMs();
    const [oldest] = this.#coordinator?.pendingIds ?? [];
    const collected = oldest === undefined ? undefined : this.#collected.get(oldest);
    const since = (timestampMs: number): number => Math.max(0, nowMs - timestampMs);
    return {
      isEnabled,
      intervalMs: this.#options.config.intervalMs,
      completedCount: this.#completedCount,
      failedCount: this.#failedCount,
      sinceCompletedMs: this.#lastCompletedMs === undefined ? undefined : since(this.#lastCompletedMs),
      pending:
        oldest === undefined || collected === undefined
          ? undefined
          : {
              checkpointId: oldest,
              sinceMs: since(collected.timestampMs),
              missing: this.#attempt?.tasks.filter((task) => !collected.parts.has(subtaskKey(task))) ?? [],
            },
    };
  }

  /** Attempts begin from it. */
  onRestored({ directory, metadata }: LoadedCheckpoint): void {
    this.history.restore({
      checkpointId: metadata.checkpointId,
      timestampMs: this.#options.platform.clock.wallMs(),
      isSavepoint: metadata.savepoint !== undefined,
      path: directory === "" ? undefined : directory,
    });
  }

  /** The id of the next checkpoint or savepoint. */
  get nextId(): number {
    return this.#coordinator?.nextId ?? this.#nextId;
  }

  /** All tasks of a new attempt run. */
  start(attempt: AttemptCheckpointing): void {
    this.#attempt = attempt;
    this.#coordinator = new CheckpointCoordinator(
      this.#options.config,
      attempt.tasks.map(subtaskKey),
      this.#nextId,
      this.#now(),
    );
    this.shared.sweep();
    for (const request of this.#waiting.splice(0)) this.takeSavepoint(request);
    this.#schedule();
  }

  /** Triggers one beside the period, as soon as the limits admit it. */
  request(): void {
    const coordinator = this.#coordinator;
    if (coordinator !== undefined) this.#execute(coordinator.request(this.#now()));
  }

  /** Takes a savepoint now, or as soon as the attempt takes snapshots. */
  takeSavepoint(request: SavepointRequest): void {
    const coordinator = this.#coordinator;
    if (coordinator === undefined || this.#attempt === undefined) {
      this.#waiting.push(request);
      return;
    }
    const trigger = coordinator.requestSavepoint(request.kind, this.#now());
    this.#savepoints.set(trigger.checkpointId, request);
    this.#options.storage.assignSavepoint(trigger.checkpointId, request.directory);
    this.#execute([trigger]);
  }

  /** While they are held, nothing is triggered but savepoints; an attempt begins without. */
  hold(isHeld: boolean): void {
    const coordinator = this.#coordinator;
    if (coordinator !== undefined) this.#execute(coordinator.hold(isHeld, this.#now()));
  }

  /** Tasks are gone: what is pending is given up, what is being stored is waited for. */
  async stop(): Promise<void> {
    const coordinator = this.#coordinator;
    const attempt = this.#attempt;
    this.#timer?.();
    this.#timer = undefined;
    this.#attempt = undefined;
    this.#coordinator = undefined;
    if (coordinator !== undefined) {
      this.#nextId = coordinator.nextId;
      // At once: nobody is to wait for barriers that will not come.
      this.#tellEnds(coordinator.onTasksLost(), attempt);
    }
    await Promise.all(this.#storing);
    for (const request of this.#waiting.splice(0)) {
      this.#inBackground(`the savepoint ${request.directory.path}`, request.directory.discard());
      request.onFailed("JOB_FAILOVER_REGION", undefined);
    }
    // Nothing touches the directory any more once the attempt is over.
    await Promise.all(this.#discarding);
  }

  onAcknowledged(
    task: SubtaskId,
    checkpointId: number,
    states: readonly OperatorSubtaskState[],
    metrics: SubtaskCheckpointMetrics,
  ): void {
    const reusedBytes = this.shared.acknowledge(checkpointId, states);
    const parts = this.#collected.get(checkpointId)?.parts;
    if (parts !== undefined && !parts.has(subtaskKey(task))) {
      const part = { task, states, metrics, ackTimestampMs: this.#options.platform.clock.wallMs() };
      parts.set(subtaskKey(task), part);
      this.history.acknowledge(checkpointId, part, reusedBytes);
    }
    const coordinator = this.#coordinator;
    if (coordinator !== undefined)
      this.#execute(coordinator.onAcknowledged(subtaskKey(task), checkpointId, this.#now()));
  }

  onDeclined(checkpointId: number, cause: unknown): void {
    const coordinator = this.#coordinator;
    if (coordinator !== undefined) this.#execute(coordinator.onDeclined(checkpointId, cause, this.#now()));
  }

  /** What {@link JobCheckpoints.discardAll} removes from the disk. */
  removable(keepsClaimed: boolean): readonly OwnedSnapshot[] {
    return this.#completed.flatMap(({ path, owner }) =>
      path === undefined || owner === "user" || (keepsClaimed && owner === "claimed")
        ? []
        : [{ path, isMade: owner === "job" }],
    );
  }

  /** Another process has the job from now on: nothing is triggered, completed or removed any more. */
  abandon(): void {
    this.#timer?.();
    this.#attempt = undefined;
    this.#coordinator = undefined;
    this.#isAbandoned = true;
    this.shared.abandon();
    for (const request of [...this.#savepoints.values(), ...this.#waiting.splice(0)])
      request.onFailed("JOB_FAILOVER_REGION", undefined);
    this.#savepoints.clear();
  }

  /**
   * Removes what the job owns and is not to outlive it (J1).
   * @param keepsClaimed - Leaves the claimed snapshot, the only thing that the job's work could be continued from.
   */
  async discardAll(keepsClaimed: boolean): Promise<void> {
    for (const completed of this.#completed.splice(0)) {
      if (!keepsClaimed || completed.owner !== "claimed") await this.#release(completed);
    }
    await this.#options.storage.removeIfEmpty();
  }

  #now(): number {
    return this.#options.platform.clock.monoMs();
  }

  #schedule(): void {
    this.#timer?.();
    this.#timer = undefined;
    const coordinator = this.#coordinator;
    if (coordinator === undefined || this.#attempt === undefined) return;
    const due = coordinator.nextDueMs();
    if (due === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#options.platform.clock.after(Math.max(0, due - this.#now()), () => {
      this.#execute(coordinator.onTime(this.#now()));
    });
  }

  #execute(actions: readonly CoordinatorAction[]): void {
    for (const action of actions) {
      // What is given up is cleared away whether tasks are there to hear of it or not.
      if (action.kind === "abort") this.#giveUp(action, this.#attempt);
      else if (this.#attempt !== undefined) this.#executeOne(action, this.#attempt);
    }
    this.#schedule();
  }

  /** Of what the tasks that are left have to hear after `stop`: only how it ended. */
  #tellEnds(actions: readonly CoordinatorAction[], attempt: AttemptCheckpointing | undefined): void {
    if (this.#isAbandoned) return;
    for (const action of actions) {
      if (action.kind === "abort") this.#giveUp(action, attempt);
      else if (action.kind === "announce") attempt?.onComplete(action.checkpointId);
    }
  }

  #giveUp(
    { checkpointId, reason, cause }: CoordinatorAction & { kind: "abort" },
    attempt: AttemptCheckpointing | undefined,
  ): void {
    // The end of an attempt is no failure of a checkpoint.
    this.#failedCount += reason === "CHECKPOINT_SUBSUMED" || reason === "JOB_FAILOVER_REGION" ? 0 : 1;
    this.history.fail(checkpointId, this.#options.platform.clock.wallMs(), failureMessage(reason, cause));
    this.#discardInBackground(checkpointId);
    attempt?.onAborted(checkpointId, reason, cause);
    const savepoint = this.#savepoints.get(checkpointId);
    this.#savepoints.delete(checkpointId);
    savepoint?.onFailed(reason, cause);
  }

  #executeOne(action: Exclude<CoordinatorAction, { kind: "abort" }>, attempt: AttemptCheckpointing): void {
    switch (action.kind) {
      case "trigger": {
        const { checkpointId } = action;
        const timestampMs = this.#options.platform.clock.wallMs();
        this.#collected.set(checkpointId, {
          timestampMs,
          coordinators: attempt.snapshotCoordinators(checkpointId),
          parts: new Map(),
        });
        this.shared.trigger(checkpointId, action.savepoint !== undefined);
        const format = this.#remember(checkpointId, timestampMs, attempt.tasks);
        attempt.trigger(checkpointId, timestampMs, action.savepoint, format);
        return;
      }
      case "store":
        this.#store(action.checkpointId);
        return;
      case "announce":
        attempt.onComplete(action.checkpointId);
        return;
      case "failJob":
        attempt.onTooManyFailures(tooManyFailures(action.checkpointId, action.reason, action.cause));
        return;
      default:
        unreachable(action);
    }
  }

  #remember(checkpointId: number, timestampMs: number, tasks: readonly SubtaskId[]): SavepointFormatType | undefined {
    const request = this.#savepoints.get(checkpointId);
    const { format } = request?.properties ?? {};
    const savepoint = format === undefined ? undefined : { format, isTerminal: request?.kind === "terminal" };
    this.history.trigger({ checkpointId, timestampMs, savepoint, tasks });
    return format;
  }

  #store(checkpointId: number): void {
    // There is one whenever something is to be stored.
    const coordinator = this.#coordinator!;
    const attempt = this.#attempt;
    const act = (actions: readonly CoordinatorAction[]): void => {
      if (coordinator === this.#coordinator) this.#execute(actions);
      else this.#tellEnds(actions, attempt);
    };
    const stored: Promise<void> = this.#storeMetadata(checkpointId)
      .then(
        () => act(coordinator.onStored(checkpointId, this.#now())),
        (error: unknown) => act(coordinator.onStoreFailed(checkpointId, error, this.#now())),
      )
      .finally(() => this.#storing.delete(stored));
    this.#storing.add(stored);
  }

  async #storeMetadata(checkpointId: number): Promise<void> {
    const { storage } = this.#options;
    const collected = this.#collected.get(checkpointId)!;
    const coordinators: { uid: string; handle: StateHandle }[] = [];
    for (const [uid, bytes] of collected.coordinators) {
      coordinators.push({ uid, handle: await storage.write(checkpointId, bytes) });
    }
    const savepoint = this.#savepoints.get(checkpointId);
    const metadata = this.#metadataOf(checkpointId, collected, coordinators, savepoint?.properties);
    const path = await storage.storeMetadata(metadata);
    if (savepoint?.kind !== "savepoint") await this.#options.onRestartPoint({ checkpointId, path });
    if (this.#isAbandoned) return;
    this.shared.complete(metadata);
    this.#collected.delete(checkpointId);
    this.#savepoints.delete(checkpointId);
    this.#completedCount++;
    this.#lastCompletedMs = this.#options.platform.clock.wallMs();
    this.history.complete(checkpointId, this.#lastCompletedMs, path);
    if (savepoint?.kind !== "savepoint") {
      const owner = savepoint === undefined ? "job" : "user";
      this.#completed.push({ directory: path ?? "", path, metadata, owner });
    }
    // A savepoint is always on a disk.
    savepoint?.onStored(path!);
    while (this.#completed.length > this.#options.retainedCount) this.#releaseInBackground(this.#completed.shift()!);
  }

  #metadataOf(
    checkpointId: number,
    collected: Collected,
    coordinators: CheckpointMetadata["coordinators"],
    savepoint: SavepointProperties | undefined,
  ): CheckpointMetadata {
    const { jobId, jobName, graphHash, operators } = this.#options;
    return {
      jobId,
      jobName,
      graphHash,
      checkpointId,
      timestampMs: collected.timestampMs,
      ...(savepoint === undefined ? {} : { savepoint }),
      coordinators,
      operators: operators.map(({ vertexId, ...operator }) => ({
        ...operator,
        subtasks: Array.from({ length: operator.parallelism }, (_, subtaskIndex) => {
          // C3: every task has acknowledged, with a state for each of its operators.
          const { states } = collected.parts.get(subtaskKey({ vertexId, subtaskIndex }))!;
          return states.find((state) => state.uid === operator.uid)!;
        }),
      })),
    };
  }

  async #discard(checkpointId: number): Promise<void> {
    this.#collected.delete(checkpointId);
    if (this.#completed.some((completed) => completed.metadata.checkpointId === checkpointId)) return;
    await this.#options.storage.discard(checkpointId);
    await this.shared.abort(checkpointId);
  }

  #discardInBackground(checkpointId: number): void {
    this.#inBackground(`checkpoint ${checkpointId}`, this.#discard(checkpointId));
  }

  #releaseInBackground(completed: CompletedCheckpoint): void {
    this.#inBackground(`checkpoint ${completed.path ?? completed.metadata.checkpointId}`, this.#release(completed));
  }

  // J1.
  async #release(completed: CompletedCheckpoint): Promise<void> {
    const { storage, files } = this.#options;
    const { owner, metadata } = completed;
    const { checkpointId } = metadata;
    if (owner === "job") {
      this.history.discard(checkpointId);
      await storage.discard(checkpointId);
    }
    if (owner === "claimed") await removeClaimed(files, completed, this.shared.isRegistered(checkpointId));
    await this.shared.release(checkpointId);
  }

  // What cannot be removed costs room, nothing else: the job goes on.
  #inBackground(what: string, removed: Promise<void>): void {
    const reported: Promise<void> = removed
      .catch((error: unknown) => this.#options.platform.proc.writeError(`could not remove ${what}: ${String(error)}\n`))
      .finally(() => this.#discarding.delete(reported));
    this.#discarding.add(reported);
  }
}
