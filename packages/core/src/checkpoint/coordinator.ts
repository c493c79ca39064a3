/**
 * Decides when checkpoints are triggered, completed and given up. A pure state machine: events with the monotonic time
 * go in, actions come out; the JobMaster carries them out.
 *
 * - C1. At most `maxConcurrent` checkpoints are pending, and with a minimum pause only one.
 * - C2. Ids rise strictly, from the id after the restored checkpoint on; none is used twice.
 * - C3. A checkpoint is complete when every task has acknowledged it and its metadata is durable; only then it is
 *   announced. Older pending ones are subsumed.
 * - C4. `tolerableFailures` consecutive failures are survived, the next one fails the job; nothing is triggered after it.
 * - C5. Metadata is stored for one checkpoint at a time, the oldest that is acknowledged. A checkpoint that is being stored
 *   is neither given up nor subsumed, so nobody discards it under the writer's hands, and completed ids rise as well.
 * - C6. Every triggered checkpoint ends exactly once, announced or aborted. What arrives for it afterwards is ignored, and
 *   what its tasks wrote is the storage's to remove (F4 of snapshot-directory.ts).
 * - C7. A savepoint is the user's: triggered at once, whatever the limits; never subsumed and subsuming nothing; its
 *   failure fails no job. It is not announced, so that nothing is committed that a restart would not know of.
 * - C8. A terminal savepoint is the last thing of its attempt: it is announced like a checkpoint, and from its trigger on, unless
 *   it fails, nothing periodic starts; nor does anything while triggers are held.
 */
import { invariant } from "../base/errors.ts";

/** Options below `execution.checkpointing`. @internal */
export interface CoordinatorConfig {
  /** Base period in ms; undefined: only requested checkpoints. */
  readonly intervalMs: number | undefined;
  /** From the trigger to the last acknowledgement. */
  readonly timeoutMs: number;
  /** From the end of one checkpoint, however it ended, to the next periodic trigger. */
  readonly minPauseMs: number;
  readonly maxConcurrent: number;
  /** Consecutive failures that are survived. */
  readonly tolerableFailures: number;
}

/** Why a checkpoint was given up; the names are Flink's. @internal */
export type CheckpointFailureReason =
  | "CHECKPOINT_EXPIRED"
  | "CHECKPOINT_SUBSUMED"
  | "CHECKPOINT_DECLINED"
  | "FINALIZE_CHECKPOINT_FAILURE"
  | "JOB_FAILOVER_REGION";

/** A savepoint; terminal when the job ends with it. Undefined for a checkpoint. @internal */
export type SavepointKind = "savepoint" | "terminal";

/** What the JobMaster has to do, in this order. @internal */
export type CoordinatorAction =
  /** Take the enumerators' state and trigger the tasks, in one turn. */
  | { readonly kind: "trigger"; readonly checkpointId: number; readonly savepoint?: SavepointKind }
  /** All tasks have acknowledged: make the metadata durable, then report it. */
  | { readonly kind: "store"; readonly checkpointId: number }
  | { readonly kind: "announce"; readonly checkpointId: number }
  | {
      readonly kind: "abort";
      readonly checkpointId: number;
      readonly reason: CheckpointFailureReason;
      readonly cause: unknown;
    }
  | {
      readonly kind: "failJob";
      readonly checkpointId: number;
      readonly reason: CheckpointFailureReason;
      readonly cause: unknown;
    };

interface Pending {
  readonly checkpointId: number;
  readonly savepoint: SavepointKind | undefined;
  readonly expiresAtMs: number;
  /** Empty when everybody has acknowledged. */
  readonly waitingFor: Set<string>;
  isStoring: boolean;
}

/** @internal */
export class CheckpointCoordinator {
  readonly #config: CoordinatorConfig;
  readonly #tasks: readonly string[];
  readonly #pending: Pending[] = [];
  #nextId: number;
  #nextPeriodicMs: number;
  #isRequested = false;
  #isHeld = false;
  /** A terminal savepoint is stored. */
  #isOver = false;
  #lastEndMs = Number.NEGATIVE_INFINITY;
  #consecutiveFailures = 0;
  #isJobFailing = false;

  /** @param tasks - Everybody who has to acknowledge, by name. */
  constructor(config: CoordinatorConfig, tasks: readonly string[], firstId: number, nowMs: number) {
    this.#config = config;
    this.#tasks = tasks;
    this.#nextId = firstId;
    this.#nextPeriodicMs = config.intervalMs === undefined ? Number.POSITIVE_INFINITY : nowMs + config.intervalMs;
  }

  /** Triggered and not ended, in the order of their ids. */
  get pendingIds(): readonly number[] {
    return this.#pending.map((pending) => pending.checkpointId);
  }

  /** When `onTime` has to be called next; Infinity for never. */
  nextDueMs(): number {
    const expiries = this.#pending.filter((pending) => !pending.isStoring).map((pending) => pending.expiresAtMs);
    return Math.min(this.#nextTriggerMs(), ...expiries);
  }

  onTime(nowMs: number): readonly CoordinatorAction[] {
    const expired = this.#pending.filter((pending) => pending.expiresAtMs <= nowMs && !pending.isStoring);
    const actions = expired.flatMap((pending) => this.#giveUp(pending, "CHECKPOINT_EXPIRED", undefined, nowMs));
    if (this.#nextTriggerMs() <= nowMs) actions.push(this.#trigger(nowMs));
    return actions;
  }

  /** Asks for one checkpoint beside the period, as soon as the limits admit it. */
  request(nowMs: number): readonly CoordinatorAction[] {
    this.#isRequested = true;
    return this.onTime(nowMs);
  }

  /** Triggers a savepoint at once (C7, C8). */
  requestSavepoint(savepoint: SavepointKind, nowMs: number): CoordinatorAction & { readonly kind: "trigger" } {
    return this.#trigger(nowMs, savepoint);
  }

  /** Until it is called with false, nothing is triggered but savepoints: the tasks are on their way to their end. */
  hold(isHeld: boolean, nowMs: number): readonly CoordinatorAction[] {
    this.#isHeld = isHeld;
    return this.onTime(nowMs);
  }

  onAcknowledged(task: string, checkpointId: number, _nowMs: number): readonly CoordinatorAction[] {
    const pending = this.#pendingOf(checkpointId);
    if (pending === undefined || !pending.waitingFor.delete(task)) return [];
    return this.#storeNext();
  }

  onDeclined(checkpointId: number, cause: unknown, nowMs: number): readonly CoordinatorAction[] {
    const pending = this.#pendingOf(checkpointId);
    // A task that has acknowledged cannot take it back.
    if (pending === undefined || pending.waitingFor.size === 0) return [];
    return this.#giveUp(pending, "CHECKPOINT_DECLINED", cause, nowMs);
  }

  onStored(checkpointId: number, nowMs: number): readonly CoordinatorAction[] {
    const pending = this.#pendingOf(checkpointId);
    if (pending === undefined || !pending.isStoring) return [];
    this.#lastEndMs = nowMs;
    if (pending.savepoint === "savepoint") {
      this.#remove(pending);
      return this.#storeNext();
    }
    if (pending.savepoint === "terminal") this.#isOver = true;
    const subsumed = this.#pending.filter(
      (other) => other.checkpointId < checkpointId && other.savepoint === undefined,
    );
    for (const other of [...subsumed, pending]) this.#remove(other);
    this.#consecutiveFailures = 0;
    return [
      { kind: "announce", checkpointId },
      ...subsumed.map(
        (other): CoordinatorAction => ({
          kind: "abort",
          checkpointId: other.checkpointId,
          reason: "CHECKPOINT_SUBSUMED",
          cause: undefined,
        }),
      ),
      ...this.#storeNext(),
    ];
  }

  onStoreFailed(checkpointId: number, cause: unknown, nowMs: number): readonly CoordinatorAction[] {
    const pending = this.#pendingOf(checkpointId);
    if (pending === undefined || !pending.isStoring) return [];
    return [...this.#giveUp(pending, "FINALIZE_CHECKPOINT_FAILURE", cause, nowMs), ...this.#storeNext()];
  }

  /**
   * Tasks are gone: what is pending and not being stored cannot complete. This is no failure of a checkpoint. Of what is being
   * stored the end still comes; nothing else may be asked for any more.
   */
  onTasksLost(): readonly CoordinatorAction[] {
    const lost = this.#pending.filter(({ isStoring }) => !isStoring);
    for (const pending of lost) this.#remove(pending);
    return lost.map(({ checkpointId }) => ({
      kind: "abort",
      checkpointId,
      reason: "JOB_FAILOVER_REGION",
      cause: undefined,
    }));
  }

  /** The id that the next attempt's coordinator starts with (C2). */
  get nextId(): number {
    return this.#nextId;
  }

  // C5.
  #storeNext(): CoordinatorAction[] {
    if (this.#pending.some((pending) => pending.isStoring)) return [];
    const next = this.#pending.find((pending) => pending.waitingFor.size === 0);
    if (next === undefined) return [];
    next.isStoring = true;
    return [{ kind: "store", checkpointId: next.checkpointId }];
  }

  #nextTriggerMs(): number {
    if (this.#isJobFailing || this.#isHeld || this.#isOver) return Number.POSITIVE_INFINITY;
    if (this.#pending.some(({ savepoint }) => savepoint === "terminal")) return Number.POSITIVE_INFINITY;
    const limit = this.#config.minPauseMs > 0 ? 1 : this.#config.maxConcurrent;
    if (this.#pending.length >= limit) return Number.POSITIVE_INFINITY;
    const wanted = this.#isRequested ? Number.NEGATIVE_INFINITY : this.#nextPeriodicMs;
    // A requested checkpoint does not wait for the pause.
    return this.#isRequested ? wanted : Math.max(wanted, this.#lastEndMs + this.#config.minPauseMs);
  }

  #trigger(nowMs: number, savepoint?: SavepointKind): CoordinatorAction & { readonly kind: "trigger" } {
    const checkpointId = this.#nextId++;
    if (savepoint === undefined) {
      this.#isRequested = false;
      if (this.#config.intervalMs !== undefined) this.#nextPeriodicMs = nowMs + this.#config.intervalMs;
    }
    this.#pending.push({
      checkpointId,
      savepoint,
      expiresAtMs: nowMs + this.#config.timeoutMs,
      waitingFor: new Set(this.#tasks),
      isStoring: false,
    });
    return savepoint === undefined ? { kind: "trigger", checkpointId } : { kind: "trigger", checkpointId, savepoint };
  }

  #giveUp(pending: Pending, reason: CheckpointFailureReason, cause: unknown, nowMs: number): CoordinatorAction[] {
    const { checkpointId } = pending;
    this.#remove(pending);
    this.#lastEndMs = nowMs;
    const abort: CoordinatorAction = { kind: "abort", checkpointId, reason, cause };
    if (pending.savepoint !== undefined) return [abort];
    this.#consecutiveFailures++;
    if (this.#isJobFailing || this.#consecutiveFailures <= this.#config.tolerableFailures) return [abort];
    this.#isJobFailing = true;
    return [abort, { kind: "failJob", checkpointId, reason, cause }];
  }

  #pendingOf(checkpointId: number): Pending | undefined {
    return this.#pending.find((pending) => pending.checkpointId === checkpointId);
  }

  #remove(pending: Pending): void {
    const index = this.#pending.indexOf(pending);
    invariant(index >= 0, `checkpoint ${pending.checkpointId} ended twice`);
    this.#pending.splice(index, 1);
  }
}
