import type { SavepointFormatType } from "../checkpoint/state-handles.ts";
import type { StallExplanation } from "../graph/stall/stall-explanation.ts";
import type { MetricSnapshot } from "../metrics/metric-snapshot.ts";
import type { JobExecutionResult } from "./job-execution-result.ts";

/** Flink's job states. @public */
export type JobStatus =
  | "INITIALIZING"
  | "CREATED"
  | "RUNNING"
  | "FAILING"
  | "FAILED"
  | "CANCELLING"
  | "CANCELED"
  | "FINISHED"
  | "RESTARTING"
  | "SUSPENDED"
  | "RECONCILING";

/** How one task of a job, which is a chain of operators, spends its time; of its subtasks the busiest counts. @public */
export interface TaskProgress {
  readonly name: string;
  readonly parallelism: number;
  /** Milliseconds a second that the busiest subtask worked, lately. */
  readonly busyMsPerSecond: number;
  /** Milliseconds a second that the most held up subtask waited for room in its outputs, lately. */
  readonly backPressuredMsPerSecond: number;
  /** OK up to 10 % of the time, LOW up to 50 %, HIGH above. */
  readonly backPressure: "OK" | "LOW" | "HIGH";
  readonly isBackPressured: boolean;
}

/** How far a job is. The record counts and the watermark are those of the current attempt. @public */
export interface JobProgress {
  readonly status: JobStatus;
  readonly recordsRead: number;
  readonly recordsWritten: number;
  /** Lowest watermark of the job's last operators, in epoch milliseconds; undefined before the first and after the end. */
  readonly watermarkMs: number | undefined;
  readonly checkpoints: {
    readonly completed: number;
    readonly failed: number;
    readonly lastId: number | undefined;
    /** Directory of the newest completed checkpoint; undefined when there is none or it is only in memory. */
    readonly lastPath: string | undefined;
    /** Wall clock, in epoch milliseconds. */
    readonly lastCompletedMs: number | undefined;
  };
  readonly restarts: number;
  /** In topological order; empty while no attempt is deployed. */
  readonly tasks: readonly TaskProgress[];
}

/**
 * A job that was started.
 *
 * @example
 * const client = await env.executeAsync("flights");
 * process.once("SIGINT", () => client.cancel());
 * const { recordsRead } = await client.getJobExecutionResult();
 * @public
 */
export interface JobClient {
  readonly jobId: string;
  /** As `jobId`. */
  getJobId(): string;
  getJobStatus(): Promise<JobStatus>;
  /** Settles when the job has ended. Rejects with the reason when it failed or was cancelled. */
  getJobExecutionResult(): Promise<JobExecutionResult>;
  /** Stops the job; settles when it has ended. A job that has ended already stays as it is. */
  cancel(): Promise<void>;
  /**
   * Ends the job after one last checkpoint, which is kept whatever the retention; settles when the job has ended, with
   * the checkpoint's directory, or undefined when checkpoints are only in memory.
   */
  stop(): Promise<string | undefined>;
  /**
   * Takes a savepoint of the running job, which goes on. Nothing is committed on it and no restart begins from it, so it
   * may be moved, copied and removed at any time; nothing but its user removes it.
   *
   * @param directory - Where the savepoint's own directory is made, `savepoint-<job id>-<random>`;
   *   `execution.checkpointing.savepoint-dir` when it is left out.
   * @param format - `NATIVE` has the same bytes as `CANONICAL` for the `hashmap` state backend.
   * @returns The savepoint's directory, to start from with `-s`.
   * @throws MillraceError `MR_SAVEPOINT_NOT_POSSIBLE` unless the job is RUNNING, `MR_SAVEPOINT_DIRECTORY_MISSING`,
   *   `MR_SAVEPOINT_FAILED`, `MR_CHECKPOINT_STORAGE_FAILED`, `MR_DISK_FULL`, `MR_BATCH_NO_CHECKPOINTS`
   * @example
   * const path = await client.triggerSavepoint("/backups");
   */
  triggerSavepoint(directory?: string, format?: SavepointFormatType): Promise<string>;
  /**
   * Ends the job with a savepoint that all sinks have committed; settles when the job has FINISHED.
   *
   * @param advanceToEndOfEventTime - False suspends the job: no window fires, no function is told of an end, and the job
   *   goes on from the savepoint as if it had never stopped. True drains it: the sources end where they are, all windows and
   *   event-time timers fire. A drained job is not to go on, since its event time is over.
   * @param directory - As in {@link JobClient.triggerSavepoint}.
   * @returns The savepoint's directory.
   * @throws MillraceError what `triggerSavepoint` throws, and the job then goes on; `MR_STOP_UNCOMMITTED` when the job failed
   *   after the savepoint was complete
   * @example
   * const path = await client.stopWithSavepoint(false, "/backups");
   */
  stopWithSavepoint(
    advanceToEndOfEventTime: boolean,
    directory?: string,
    format?: SavepointFormatType,
  ): Promise<string>;
  getProgress(): JobProgress;
  /**
   * What the accumulators of the job's functions hold right now, by name, merged over the subtasks; when the job has ended,
   * however it did, what those of its last attempt held in the end. A slot that does not answer within two seconds is left
   * out.
   *
   * @throws MillraceError `MR_ACCUMULATOR_CONFLICT`, `MR_ACCUMULATOR_FAILED` when one of them cannot be merged
   * @example
   * const counted = await client.getAccumulators();
   * console.log(counted.get("bad lines"));
   */
  getAccumulators(): Promise<ReadonlyMap<string, unknown>>;
  /**
   * What all metrics of the running job show right now, those of user functions included (`context.metricGroup`). A slot
   * that does not answer within two seconds is left out.
   */
  getMetrics(): Promise<readonly MetricSnapshot[]>;
  /**
   * Why nothing comes out right now: which windows and timers wait for which watermark, and which split of which source, or
   * what else, holds it back. Asking looks at the state of the operators and costs a moment of each subtask's time; a job
   * that is not asked pays nothing. A slot that does not answer within two seconds is named itself.
   *
   * @example
   * const explanation = await client.explainStall();
   * console.error(explanation.text);
   */
  explainStall(): Promise<StallExplanation>;
}
