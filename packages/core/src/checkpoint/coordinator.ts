/**
 * Decides when checkpoints are triggered, completed and given up. A pure state machine: events with the monotonic time
 * go in, actions come out; the JobMaster carries them out.
 *
 * - C1. At most `maxConcurrent` checkpoints are pending, and with a minimum pause only one.
 * - C2. Ids rise strictly, from the id after the restored checkpoint on; none is used twice.
 * - C3. A checkpoint is complete when every task has acknowledged it and its metadata is durable; only then it is
 *   announced. Older pending ones are subsumed.
 * - C4. `tolerableFailures` consecutive failures are survived, the next one fails the job.
 */
import { invariant } from "../base/errors.ts";

export interface CoordinatorConfig {
  /** Base period in ms; undefined: only requested checkpoints. */
  readonly intervalMs: number | undefined;
  readonly timeoutMs: number;
  readonly minPauseMs: number;
  readonly maxConcurrent: number;
  readonly tolerableFailures: number;
}

/** Why a checkpoint was given up; the names are Flink's. */
export type CheckpointFailureReason =
  | "CHECKPOINT_EXPIRED"
  | "CHECKPOINT_SUBSUMED"
  | "CHECKPOINT_DECLINED"
  | "FINALIZE_CHECKPOINT_FAILURE"
  | "JOB_FAILOVER_REGION";

export type CoordinatorAction =
  /** Take the enumerators' state and trigger the tasks, in one turn. */
  | { readonly kind: "trigger"; readonly checkpointId: number }
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
  readonly expiresAtMs: number;
  readonly waitingFor: Set<string>;
  isStoring: boolean;
}

export class CheckpointCoordinator {
  readonly #config: CoordinatorConfig;
  readonly #tasks: readonly string[];
  readonly #pending: Pending[] = [];
  #nextId: number;
  #nextPeriodicMs: number;
  #isRequested = false;
  #lastEndMs = Number.NEGATIVE_INFINITY;
  #consecutiveFailures = 0;

  /** @param tasks - Everybody who has to acknowledge, by name. */
  constructor(config: CoordinatorConfig, tasks: readonly string[], firstId: number, nowMs: number) {
    this.#config = config;
    this.#tasks = tasks;
    this.#nextId = firstId;
    this.#nextPeriodicMs = config.intervalMs === undefined ? Number.POSITIVE_INFINITY : nowMs + config.intervalMs;
  }

  get pendingIds(): readonly number[] {
    return this.#pending.map((pending) => pending.checkpointId);
  }

  /** When `onTime` has to be called next; Infinity for never. */
  nextDueMs(): number {
    const expiry = Math.min(Number.POSITIVE_INFINITY, ...this.#pending.map((pending) => pending.expiresAtMs));
    return Math.min(expiry, this.#nextTriggerMs());
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

  onAcknowledged(task: string, checkpointId: number, _nowMs: number): readonly CoordinatorAction[] {
    const pending = this.#pendingOf(checkpointId);
    if (pending === undefined || pending.isStoring) return [];
    pending.waitingFor.delete(task);
    if (pending.waitingFor.size > 0) return [];
    pending.isStoring = true;
    return [{ kind: "store", checkpointId }];
  }

  onDeclined(checkpointId: number, cause: unknown, nowMs: number): readonly CoordinatorAction[] {
    const pending = this.#pendingOf(checkpointId);
    return pending === undefined ? [] : this.#giveUp(pending, "CHECKPOINT_DECLINED", cause, nowMs);
  }

  onStored(checkpointId: number, nowMs: number): readonly CoordinatorAction[] {
    const pending = this.#pendingOf(checkpointId);
    if (pending === undefined) return [];
    const subsumed = this.#pending.filter((other) => other.checkpointId < checkpointId);
    for (const other of [...subsumed, pending]) this.#remove(other);
    this.#consecutiveFailures = 0;
    this.#lastEndMs = nowMs;
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
    ];
  }

  onStoreFailed(checkpointId: number, cause: unknown, nowMs: number): readonly CoordinatorAction[] {
    const pending = this.#pendingOf(checkpointId);
    return pending === undefined ? [] : this.#giveUp(pending, "FINALIZE_CHECKPOINT_FAILURE", cause, nowMs);
  }

  /** The tasks are gone: nothing that is pending can complete. This is no failure of a checkpoint. */
  onTasksLost(): readonly CoordinatorAction[] {
    return this.#pending
      .splice(0)
      .map(({ checkpointId }) => ({ kind: "abort", checkpointId, reason: "JOB_FAILOVER_REGION", cause: undefined }));
  }

  /** The id that the next attempt's coordinator starts with (C2). */
  get nextId(): number {
    return this.#nextId;
  }

  #nextTriggerMs(): number {
    const limit = this.#config.minPauseMs > 0 ? 1 : this.#config.maxConcurrent;
    if (this.#pending.length >= limit) return Number.POSITIVE_INFINITY;
    const wanted = this.#isRequested ? Number.NEGATIVE_INFINITY : this.#nextPeriodicMs;
    // A requested checkpoint does not wait for the pause.
    return this.#isRequested ? wanted : Math.max(wanted, this.#lastEndMs + this.#config.minPauseMs);
  }

  #trigger(nowMs: number): CoordinatorAction {
    const checkpointId = this.#nextId++;
    this.#isRequested = false;
    if (this.#config.intervalMs !== undefined) this.#nextPeriodicMs = nowMs + this.#config.intervalMs;
    this.#pending.push({
      checkpointId,
      expiresAtMs: nowMs + this.#config.timeoutMs,
      waitingFor: new Set(this.#tasks),
      isStoring: false,
    });
    return { kind: "trigger", checkpointId };
  }

  #giveUp(pending: Pending, reason: CheckpointFailureReason, cause: unknown, nowMs: number): CoordinatorAction[] {
    const { checkpointId } = pending;
    this.#remove(pending);
    this.#lastEndMs = nowMs;
    this.#consecutiveFailures++;
    const abort: CoordinatorAction = { kind: "abort", checkpointId, reason, cause };
    if (this.#consecutiveFailures <= this.#config.tolerableFailures) return [abort];
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
