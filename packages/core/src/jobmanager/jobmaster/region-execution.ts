/**
 * The executions of one pipelined region: one attempt after the other of the same tasks.
 *
 * - X1. At most one attempt is heard; messages of an older one are ignored.
 * - X2. An attempt is closed once, whoever asks for it and however often.
 */
import type { LoadedCheckpoint } from "../../checkpoint/checkpoint-reader.ts";
import type { OperatorSubtaskState } from "../../checkpoint/state-handles.ts";
import { type SubtaskId, subtaskKey } from "../../graph/subtask-id.ts";
import type { AttemptListener, Deployer, ExecutionAttempt } from "./execution-attempt.ts";
import { checkRegionTransition, type RegionStatus } from "./job-status.ts";

/** What a region tells about its current attempt. */
export interface RegionHost
  extends Pick<
    AttemptListener,
    "onAcknowledged" | "onDeclined" | "onSplitRequest" | "onSourceEvent" | "onWatermarkReport"
  > {
  /** All of its tasks run. */
  onRunning(region: RegionExecution): void;
  onInputFinished(): void;
  onCommitted(): void;
  /** An attempt that is not heard any more has written state for a checkpoint: nobody else knows of its files. */
  onUnwanted(checkpointId: number, states: readonly OperatorSubtaskState[]): void;
  /** It could not be deployed, or one of its tasks has failed. */
  onFailed(region: RegionExecution, error: unknown): void;
}

export interface RegionDeployment {
  readonly deploymentNumber: number;
  readonly restore: LoadedCheckpoint | undefined;
  /** Sources take nothing in from the beginning. */
  readonly suspendsSources: boolean;
}

export class RegionExecution {
  readonly tasks: readonly SubtaskId[];
  readonly #deployer: Deployer;
  readonly #host: RegionHost;
  #status: RegionStatus = "CREATED";
  #attemptNumber = 0;
  /** X1. */
  #generation = 0;
  #attempt: ExecutionAttempt | undefined;
  #restoredId: number | undefined;
  #deploying: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  readonly #running = new Set<string>();
  readonly #finished = new Set<string>();
  /** The newest checkpoint that each task's sinks have committed. */
  readonly #committed = new Map<string, number>();
  #isCommittingAtEnd = false;

  constructor(tasks: readonly SubtaskId[], deployer: Deployer, host: RegionHost) {
    this.tasks = tasks;
    this.#deployer = deployer;
    this.#host = host;
  }

  get status(): RegionStatus {
    return this.#status;
  }

  /** The attempt, while its tasks are there to hear something. */
  get active(): ExecutionAttempt | undefined {
    return this.#status === "INITIALIZING" || this.#status === "RUNNING" ? this.#attempt : undefined;
  }

  /** Whether all of its tasks run and have taken in all of their input. */
  get isInputFinished(): boolean {
    return this.#status === "RUNNING" && this.#finished.size === this.tasks.length;
  }

  /** Whether all of its sinks have committed everything up to this checkpoint. */
  hasCommitted(checkpointId: number): boolean {
    return this.tasks.every((task) => (this.#committed.get(subtaskKey(task)) ?? -1) >= checkpointId);
  }

  /** Announces {@link RegionExecution.deploy}. */
  begin(): void {
    this.#move("DEPLOYING");
  }

  /** Settles when the attempt has been started, or told to the host as failed, or was not wanted any more. */
  deploy(deployment: RegionDeployment): Promise<void> {
    this.#deploying = this.#deploy(deployment, ++this.#generation);
    return this.#deploying;
  }

  /** The attempt is over: nothing is heard of it any more. {@link RegionExecution.close} follows. */
  lose(): void {
    this.#generation++;
    this.#running.clear();
    this.#finished.clear();
    this.#committed.clear();
    this.#isCommittingAtEnd = false;
    if (this.#status !== "CANCELING" && this.#status !== "CANCELED") this.#move("CANCELING");
  }

  /**
   * Stops the attempt that was lost; settles when nothing of it can write any more (X2).
   * @param waits - Also for a deployment that is under way. Whoever ends the job does not: it ends by itself.
   */
  close(waits: boolean): Promise<void> {
    this.#closing ??= this.#close().finally(() => {
      this.#closing = undefined;
    });
    return waits ? Promise.all([this.#closing, this.#deploying]).then(() => {}) : this.#closing;
  }

  /** It is closed and waits for its restart. */
  awaitRestart(): void {
    this.#move("RESTARTING");
  }

  /** The job has ended. */
  end(): void {
    if (this.#status === "CANCELING") this.#move("CANCELED");
  }

  /** For jobs without checkpoints, when all input has been taken in; once for each attempt. */
  commitAtEnd(): void {
    if (this.#isCommittingAtEnd) return;
    this.#isCommittingAtEnd = true;
    this.#attempt?.commitAtEnd();
  }

  async #deploy({ deploymentNumber, restore, suspendsSources }: RegionDeployment, generation: number): Promise<void> {
    const attemptNumber = this.#attemptNumber++;
    const listener = this.#listener(generation);
    try {
      const { tasks } = this;
      const attempt = await this.#deployer({ tasks, deploymentNumber, attemptNumber, restore, listener });
      if (generation !== this.#generation) {
        await attempt.cancel();
        return;
      }
      this.#attempt = attempt;
      this.#restoredId = restore?.metadata.checkpointId;
      this.#move("INITIALIZING");
      if (suspendsSources) attempt.suspendSources(true);
      attempt.start();
    } catch (error) {
      if (generation === this.#generation) this.#host.onFailed(this, error);
    }
  }

  async #close(): Promise<void> {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    await attempt?.cancel();
  }

  #listener(generation: number): AttemptListener {
    // X1: whatever a replaced attempt still has to say is dropped here.
    const isCurrent = (): boolean => generation === this.#generation && this.#attempt !== undefined;
    const ifCurrent = (action: () => void): void => {
      if (isCurrent()) action();
    };
    const host = this.#host;
    return {
      onRunning: (task) => ifCurrent(() => this.#onRunning(task)),
      onInputFinished: (task) =>
        ifCurrent(() => {
          this.#finished.add(subtaskKey(task));
          host.onInputFinished();
        }),
      onAcknowledged: (task, id, state, metrics) => {
        if (isCurrent()) host.onAcknowledged(task, id, state, metrics);
        else host.onUnwanted(id, state);
      },
      onDeclined: (task, id, reason) => ifCurrent(() => host.onDeclined(task, id, reason)),
      onCommitted: (task, id) =>
        ifCurrent(() => {
          this.#committed.set(subtaskKey(task), id);
          host.onCommitted();
        }),
      onSplitRequest: (reader) => ifCurrent(() => host.onSplitRequest(reader)),
      onSourceEvent: (reader, event) => ifCurrent(() => host.onSourceEvent(reader, event)),
      onWatermarkReport: (reader, watermarkMs) => ifCurrent(() => host.onWatermarkReport(reader, watermarkMs)),
      onFailed: (_task, error) => ifCurrent(() => host.onFailed(this, error)),
    };
  }

  #onRunning(task: SubtaskId): void {
    this.#running.add(subtaskKey(task));
    if (this.#running.size < this.tasks.length) return;
    this.#move("RUNNING");
    // What was restored is committed before the first record.
    if (this.#restoredId !== undefined)
      for (const each of this.tasks) this.#committed.set(subtaskKey(each), this.#restoredId);
    this.#host.onRunning(this);
  }

  #move(status: RegionStatus): void {
    checkRegionTransition(this.#status, status);
    this.#status = status;
  }
}
