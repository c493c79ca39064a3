/** Above all rooms: gives the API its executor, a job in the caller's thread. */

import { PipelineEnvironment } from "./api/environment.ts";
import type { JobClient, JobExecutionResult, JobProgress, JobStatus } from "./api/job-client.ts";
import type { JobExecutor, Pipeline } from "./api/job-executor.ts";
import { MillraceError } from "./base/errors.ts";
import { Configuration } from "./config/configuration.ts";
import type { ConfigEntry } from "./config/option-registry.ts";
import { EmbeddedJob } from "./embedded/embedded-job.ts";
import { createNodePlatform } from "./platform/node-platform.ts";
import type { Platform } from "./platform/platform.ts";

/** Settings from outside for a script that makes its own environment: JSON, a list of `{key, value, origin?}`. */
const CONFIGURATION_VARIABLE = "MILLRACE_CONFIG";

/**
 * The environment that jobs are built in and run from.
 *
 * @example
 * const env = StreamExecutionEnvironment.getExecutionEnvironment();
 * env.fromData(["to", "be"]).map((word) => word.length).print();
 * await env.execute("word lengths");
 * @public
 */
export class StreamExecutionEnvironment extends PipelineEnvironment {
  /**
   * An environment whose jobs run in the caller's thread.
   *
   * @param configuration - Settings; the command line's win over them when `millrace run` started the script.
   * @throws MillraceError `MR_CONFIG_INVALID`
   */
  static getExecutionEnvironment(configuration?: Configuration): StreamExecutionEnvironment {
    return StreamExecutionEnvironment.on(createNodePlatform(), configuration);
  }

  /** An environment on another platform than the process around it, such as a simulated one. @internal */
  static on(platform: Platform, configuration?: Configuration): StreamExecutionEnvironment {
    const given = configuration ?? commandLineConfiguration(platform);
    return new StreamExecutionEnvironment({ executor: new EmbeddedExecutor(platform), configuration: given });
  }
}

class EmbeddedExecutor implements JobExecutor {
  readonly #platform: Platform;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  async executeAsync(pipeline: Pipeline): Promise<JobClient> {
    const job = await EmbeddedJob.start({
      ...pipeline,
      platform: this.#platform,
      onWarning: (message) => this.#platform.proc.writeError(`warning: ${message}\n`),
    });
    return new EmbeddedJobClient(job, pipeline.name);
  }
}

class EmbeddedJobClient implements JobClient {
  readonly #job: EmbeddedJob;
  readonly #name: string;

  constructor(job: EmbeddedJob, name: string) {
    this.#job = job;
    this.#name = name;
  }

  get jobId(): string {
    return this.#job.jobId;
  }

  async getJobStatus(): Promise<JobStatus> {
    return this.#job.status;
  }

  getProgress(): JobProgress {
    return this.#job.progress();
  }

  async getJobExecutionResult(): Promise<JobExecutionResult> {
    const { status, cause, netRuntimeMs } = await this.#job.result;
    if (status === "FAILED") throw cause;
    if (status === "CANCELED") throw this.#cancelled();
    const { recordsRead, recordsWritten, checkpoints, restarts } = this.#job.progress();
    return {
      jobId: this.jobId,
      jobName: this.#name,
      netRuntimeMs,
      recordsRead,
      recordsWritten,
      checkpointsCompleted: checkpoints.completed,
      restartCount: restarts,
    };
  }

  cancel(): Promise<void> {
    return this.#job.cancel();
  }

  stop(): Promise<string | undefined> {
    return this.#job.stop();
  }

  #cancelled(): MillraceError {
    return new MillraceError("MR_JOB_CANCELED", {
      what: "The job was cancelled before it had finished",
      where: { job: this.#name, jobId: this.jobId },
      todo: "Start it again; with a retained checkpoint, -s continues where it was",
    });
  }
}

function commandLineConfiguration(platform: Platform): Configuration {
  const text = platform.proc.env[CONFIGURATION_VARIABLE];
  if (text === undefined) return new Configuration();
  // Written by the command line, which has checked every entry.
  return Configuration.fromLayers({ "command line": JSON.parse(text) as readonly ConfigEntry[] });
}
