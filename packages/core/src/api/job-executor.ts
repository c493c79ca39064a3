import type { Configuration } from "../config/configuration.ts";
import type { Transformation } from "../graph/transformation.ts";
import type { JobClient } from "./job-client.ts";

/** A pipeline that is ready to run. @internal */
export interface Pipeline {
  readonly name: string;
  /** In the order of creation; every input of one of them is among those before it. */
  readonly transformations: readonly Transformation[];
  /** A copy that nobody changes any more. */
  readonly configuration: Configuration;
}

/** @internal */
export interface ExecuteOptions {
  /** Whether the caller waits for the job's end. */
  readonly isAttached: boolean;
}

/**
 * Where an environment's jobs run. The rooms below know none: whoever makes the environment passes one.
 *
 * @internal
 */
export interface JobExecutor {
  /** Starts the job. Rejects when the pipeline cannot be run at all; later failures are the client's. */
  executeAsync(pipeline: Pipeline, options: ExecuteOptions): Promise<JobClient>;
  /** Shows what is no reason to fail a job. Executors that refuse all jobs have nothing to warn of. */
  warn?(message: string): void;
}
