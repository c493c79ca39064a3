import type { AccumulatorResults } from "../operators/accumulators/accumulator-results.ts";

/** What a result is made of. @internal */
export interface JobOutcome {
  readonly jobId: string;
  readonly jobName: string;
  readonly netRuntimeMs: number;
  readonly recordsRead: number;
  readonly recordsWritten: number;
  readonly checkpointsCompleted: number;
  readonly restartCount: number;
}

/**
 * What a finished job reports.
 *
 * @example
 * const result = await env.execute("flights");
 * console.log(result.getNetRuntime(), result.getAccumulatorResult<number>("bad lines"));
 * @public
 */
export class JobExecutionResult {
  readonly jobId: string;
  readonly jobName: string;
  /** From the start of the job to its end, restarts included, in milliseconds. */
  readonly netRuntimeMs: number;
  /** Records that the sources emitted, of the last attempt. */
  readonly recordsRead: number;
  /** Records that the sinks took, of the last attempt. */
  readonly recordsWritten: number;
  readonly checkpointsCompleted: number;
  readonly restartCount: number;
  readonly #accumulators: AccumulatorResults;

  /** @internal */
  constructor(outcome: JobOutcome, accumulators: AccumulatorResults) {
    this.jobId = outcome.jobId;
    this.jobName = outcome.jobName;
    this.netRuntimeMs = outcome.netRuntimeMs;
    this.recordsRead = outcome.recordsRead;
    this.recordsWritten = outcome.recordsWritten;
    this.checkpointsCompleted = outcome.checkpointsCompleted;
    this.restartCount = outcome.restartCount;
    this.#accumulators = accumulators;
  }

  /** As `jobId`. */
  getJobId(): string {
    return this.jobId;
  }

  /** As `netRuntimeMs`. */
  getNetRuntime(): number {
    return this.netRuntimeMs;
  }

  /**
   * What the accumulators of one name have come to, merged over the subtasks of the last attempt; undefined when no function
   * of the job has added one. The type is whatever the caller says.
   *
   * @throws MillraceError `MR_ACCUMULATOR_CONFLICT` when they were of different classes, `MR_ACCUMULATOR_FAILED` when they
   *   could not be merged for another reason
   */
  getAccumulatorResult<R>(name: string): R | undefined {
    // Only the caller knows which class was added under this name.
    return this.#accumulators.get(name) as R | undefined;
  }

  /** As `getAccumulatorResult`, of all names. */
  getAllAccumulatorResults(): ReadonlyMap<string, unknown> {
    return this.#accumulators.all();
  }
}
