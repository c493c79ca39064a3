/**
 * The checkpoints of one job: carries out what the coordinator decides, keeps the completed ones, and tells the JobMaster
 * what tasks and sinks have to hear. Outlives attempts.
 */

import { MillraceError, unreachable } from "../../base/errors.ts";
import type { LoadedCheckpoint } from "../../checkpoint/checkpoint-reader.ts";
import type { CheckpointStorage } from "../../checkpoint/checkpoint-storage.ts";
import {
  CheckpointCoordinator,
  type CheckpointFailureReason,
  type CoordinatorAction,
  type CoordinatorConfig,
} from "../../checkpoint/coordinator.ts";
import type { CheckpointMetadata, OperatorSubtaskState, StateHandle } from "../../checkpoint/state-handles.ts";
import type { Cancel, Platform } from "../../platform/platform.ts";
import { type TaskId, taskName } from "./execution-attempt.ts";

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
  readonly storage: CheckpointStorage;
  readonly config: CoordinatorConfig;
  readonly retainedCount: number;
}

/** What happens to the tasks of the current attempt; called from timers and settled promises. */
export interface AttemptCheckpointing {
  readonly tasks: readonly TaskId[];
  snapshotCoordinators(checkpointId: number): ReadonlyMap<string, Uint8Array>;
  trigger(checkpointId: number): void;
  onComplete(checkpointId: number): void;
  onAborted(checkpointId: number, reason: CheckpointFailureReason, cause: unknown): void;
  onTooManyFailures(error: MillraceError): void;
}

interface Collected {
  readonly timestampMs: number;
  readonly coordinators: ReadonlyMap<string, Uint8Array>;
  readonly states: Map<string, readonly OperatorSubtaskState[]>;
}

export interface CompletedCheckpoint extends LoadedCheckpoint {
  /** Undefined when it is only in memory. */
  readonly path: string | undefined;
}

export class JobCheckpoints {
  readonly #options: JobCheckpointsOptions;
  readonly #collected = new Map<number, Collected>();
  readonly #completed: CompletedCheckpoint[] = [];
  readonly #storing = new Set<Promise<void>>();
  readonly #discarding = new Set<Promise<void>>();
  #coordinator: CheckpointCoordinator | undefined;
  #attempt: AttemptCheckpointing | undefined;
  #nextId: number;
  #timer: Cancel | undefined;
  #failedCount = 0;
  #completedCount = 0;
  #lastCompletedMs: number | undefined;

  constructor(options: JobCheckpointsOptions, firstId: number) {
    this.#options = options;
    this.#nextId = firstId;
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

  /** All tasks of a new attempt run. */
  start(attempt: AttemptCheckpointing): void {
    this.#attempt = attempt;
    this.#coordinator = new CheckpointCoordinator(
      this.#options.config,
      attempt.tasks.map(taskName),
      this.#nextId,
      this.#now(),
    );
    this.#schedule();
  }

  /** Triggers one beside the period, as soon as the limits admit it. */
  request(): void {
    const coordinator = this.#coordinator;
    if (coordinator !== undefined) this.#execute(coordinator.request(this.#now()));
  }

  /** The attempt is over: what is pending is given up, what is being stored is waited for. */
  async stop(): Promise<void> {
    const coordinator = this.#coordinator;
    this.#timer?.();
    this.#attempt = undefined;
    if (coordinator !== undefined) {
      this.#nextId = coordinator.nextId;
      await Promise.all(this.#storing);
      for (const id of coordinator.pendingIds) await this.#discardOrReport(id);
      coordinator.onTasksLost();
    }
    this.#coordinator = undefined;
    // Nothing touches the directory any more once the attempt is over.
    await Promise.all(this.#discarding);
  }

  onAcknowledged(task: TaskId, checkpointId: number, state: readonly OperatorSubtaskState[]): void {
    this.#collected.get(checkpointId)?.states.set(taskName(task), state);
    const coordinator = this.#coordinator;
    if (coordinator !== undefined) this.#execute(coordinator.onAcknowledged(taskName(task), checkpointId, this.#now()));
  }

  onDeclined(checkpointId: number, cause: unknown): void {
    const coordinator = this.#coordinator;
    if (coordinator !== undefined) this.#execute(coordinator.onDeclined(checkpointId, cause, this.#now()));
  }

  /** Removes completed checkpoints that are not to outlive the job. */
  async discardAll(): Promise<void> {
    for (const completed of this.#completed.splice(0))
      await this.#options.storage.discard(completed.metadata.checkpointId);
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
      if (this.#attempt === undefined) return;
      this.#executeOne(action, this.#attempt);
    }
    this.#schedule();
  }

  #executeOne(action: CoordinatorAction, attempt: AttemptCheckpointing): void {
    switch (action.kind) {
      case "trigger": {
        const { checkpointId } = action;
        const timestampMs = this.#options.platform.clock.wallMs();
        this.#collected.set(checkpointId, {
          timestampMs,
          coordinators: attempt.snapshotCoordinators(checkpointId),
          states: new Map(),
        });
        attempt.trigger(checkpointId);
        return;
      }
      case "store":
        this.#store(action.checkpointId);
        return;
      case "announce":
        attempt.onComplete(action.checkpointId);
        return;
      case "abort":
        this.#failedCount += action.reason === "CHECKPOINT_SUBSUMED" ? 0 : 1;
        this.#discardInBackground(action.checkpointId);
        attempt.onAborted(action.checkpointId, action.reason, action.cause);
        return;
      case "failJob":
        attempt.onTooManyFailures(tooManyFailures(action.checkpointId, action.reason, action.cause));
        return;
      default:
        unreachable(action);
    }
  }

  #store(checkpointId: number): void {
    const stored: Promise<void> = this.#storeMetadata(checkpointId)
      .then(
        () => this.#execute(this.#coordinator?.onStored(checkpointId, this.#now()) ?? []),
        (error: unknown) => this.#execute(this.#coordinator?.onStoreFailed(checkpointId, error, this.#now()) ?? []),
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
    const metadata = this.#metadataOf(checkpointId, collected, coordinators);
    const path = await storage.storeMetadata(metadata);
    this.#collected.delete(checkpointId);
    this.#completed.push({ directory: path ?? "", path, metadata });
    this.#completedCount++;
    this.#lastCompletedMs = this.#options.platform.clock.wallMs();
    while (this.#completed.length > this.#options.retainedCount) {
      this.#discardInBackground(this.#completed.shift()!.metadata.checkpointId);
    }
  }

  #metadataOf(
    checkpointId: number,
    collected: Collected,
    coordinators: CheckpointMetadata["coordinators"],
  ): CheckpointMetadata {
    const { jobId, jobName, graphHash, operators } = this.#options;
    return {
      jobId,
      jobName,
      graphHash,
      checkpointId,
      timestampMs: collected.timestampMs,
      coordinators,
      operators: operators.map(({ vertexId, ...operator }) => ({
        ...operator,
        subtasks: Array.from({ length: operator.parallelism }, (_, subtaskIndex) => {
          // C3: every task has acknowledged, with a state for each of its operators.
          const states = collected.states.get(taskName({ vertexId, subtaskIndex }))!;
          return states.find((state) => state.uid === operator.uid)!;
        }),
      })),
    };
  }

  async #discard(checkpointId: number): Promise<void> {
    this.#collected.delete(checkpointId);
    if (this.#completed.some((completed) => completed.metadata.checkpointId === checkpointId)) return;
    await this.#options.storage.discard(checkpointId);
  }

  #discardInBackground(checkpointId: number): void {
    const discarded: Promise<void> = this.#discardOrReport(checkpointId).finally(() =>
      this.#discarding.delete(discarded),
    );
    this.#discarding.add(discarded);
  }

  // A directory that cannot be removed costs room, nothing else: the job goes on.
  async #discardOrReport(checkpointId: number): Promise<void> {
    try {
      await this.#discard(checkpointId);
    } catch (error) {
      this.#options.platform.proc.writeError(`could not remove checkpoint ${checkpointId}: ${String(error)}\n`);
    }
  }
}

function tooManyFailures(checkpointId: number, reason: CheckpointFailureReason, cause: unknown): MillraceError {
  return new MillraceError("MR_CHECKPOINT_FAILED", {
    what: `Checkpoint ${checkpointId} failed (${reason})${cause instanceof Error ? `: ${cause.message}` : ""}`,
    where: { checkpoint: checkpointId },
    expected: "no more failures in a row than execution.checkpointing.tolerable-failed-checkpoints",
    todo: "Remove the cause; completed checkpoints are untouched",
    cause,
  });
}
