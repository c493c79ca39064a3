/** Above all rooms: gives the API its executor, a job in this process, in the caller's thread or in one thread a slot. */

import { PipelineEnvironment } from "./api/environment.ts";
import { checkArgumentsAsked, parseJobArguments } from "./api/job-arguments.ts";
import type { JobClient, JobProgress, JobStatus } from "./api/job-client.ts";
import { JobExecutionResult } from "./api/job-execution-result.ts";
import type { JobExecutor, Pipeline } from "./api/job-executor.ts";
import { MillraceError } from "./base/errors.ts";
import type { SavepointFormatType } from "./checkpoint/state-handles.ts";
import { Configuration } from "./config/configuration.ts";
import { EXECUTION_TARGET } from "./config/execution-options.ts";
import type { ConfigEntry } from "./config/option-registry.ts";
import { DEFAULT_PARALLELISM } from "./config/pipeline-options.ts";
import { EmbeddedJob, type JobThreads } from "./embedded/embedded-job.ts";
import type { StallExplanation } from "./graph/stall/stall-explanation.ts";
import { type JobFunction, loadJobModule } from "./job-module.ts";
import type { MetricSnapshot } from "./metrics/metric-snapshot.ts";
import { createNodePlatform } from "./platform/node-platform.ts";
import type { Platform } from "./platform/platform.ts";
import type { JobModuleReference } from "./taskmanager/threads/slot-thread-messages.ts";

/** Settings from outside for a script that makes its own environment: JSON, a list of `{key, value, origin?}`. */
const CONFIGURATION_VARIABLE = "MILLRACE_CONFIG";

/** The sources and the build have the same layout; only the extension differs. */
const SLOT_THREAD_URL = new URL(`./slot-thread.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url).href;

/** How a job's module is run. @public */
export interface JobModuleOptions {
  /** Settings that the job starts from; what the module sets itself wins. */
  readonly configuration?: Configuration;
  /** The job's own arguments, as on a command line. */
  readonly args?: readonly string[];
  /** The module's default export, when it has been loaded already. @internal */
  readonly job?: JobFunction;
  /** A module that holds the job, the engine and the thread's first module in one; see `SpawnOptions`. @internal */
  readonly slotThread?: string | undefined;
  /** @internal */
  readonly platform?: Platform;
}

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
   * @param configuration - Settings; the command line's win over them when `millrace run` started the script. It is copied.
   * @throws MillraceError `MR_CONFIG_INVALID`
   */
  static getExecutionEnvironment(configuration?: Configuration): StreamExecutionEnvironment {
    return StreamExecutionEnvironment.on(createNodePlatform(), configuration);
  }

  /**
   * An environment that holds the job of a module, and runs every slot of it in a thread of its own: each thread loads the
   * module and builds the job for itself. Unless something else is set, there are as many slots as processor cores.
   *
   * What stands at the top level of the module runs once in each thread and once in the caller's.
   *
   * @param module - URL of the module, whose default export is a {@link Job}. A TypeScript module needs the package `tsx`.
   * @throws MillraceError `MR_JOB_INVALID`, `MR_CONFIG_INVALID`, and what the job throws while it builds its pipeline
   * @example
   * const env = await StreamExecutionEnvironment.ofJobModule(new URL("./job.js", import.meta.url), { args: ["--day", "7"] });
   * await env.execute("flights");
   */
  static async ofJobModule(module: URL | string, options: JobModuleOptions = {}): Promise<StreamExecutionEnvironment> {
    const platform = options.platform ?? createNodePlatform();
    const given = (options.configuration ?? commandLineConfiguration(platform)).copy();
    if (!given.isSet(DEFAULT_PARALLELISM) && given.get(EXECUTION_TARGET) !== "in-thread") {
      given.set(DEFAULT_PARALLELISM, platform.proc.availableParallelism);
    }
    const { args = [], slotThread } = options;
    const job = options.job ?? (await loadJobModule(module.toString()));
    const reference: JobModuleReference = { url: slotThread ?? module.toString(), args };
    const executor = new LocalExecutor(platform, {
      module: reference,
      given,
      mainUrl: slotThread ?? SLOT_THREAD_URL,
      isSelfContained: slotThread !== undefined,
    });
    const env = new StreamExecutionEnvironment({ executor, configuration: given.copy() });
    const jobArguments = parseJobArguments([...args]);
    await job(env, jobArguments);
    for (const name of checkArgumentsAsked(jobArguments)) {
      platform.proc.writeError(`warning: the job has not asked for its argument --${name}\n`);
    }
    return env;
  }

  /** An environment on another platform than the process around it, such as a simulated one. @internal */
  static on(platform: Platform, configuration?: Configuration): StreamExecutionEnvironment {
    const given = commandLineConfiguration(platform).over(configuration ?? new Configuration());
    return new StreamExecutionEnvironment({ executor: new LocalExecutor(platform), configuration: given });
  }
}

class LocalExecutor implements JobExecutor {
  readonly #platform: Platform;
  readonly #threads: JobThreads | undefined;

  /** @param threads - How threads can build the job themselves; undefined when only this thread can. */
  constructor(platform: Platform, threads?: JobThreads) {
    this.#platform = platform;
    this.#threads = threads;
  }

  async executeAsync(pipeline: Pipeline): Promise<JobClient> {
    const job = await EmbeddedJob.start({
      ...pipeline,
      platform: this.#platform,
      threads: this.#threadsOf(pipeline),
      onWarning: (message) => this.warn(message),
    });
    return new EmbeddedJobClient(job, pipeline.name);
  }

  warn(message: string): void {
    this.#platform.proc.writeError(`warning: ${message}\n`);
  }

  #threadsOf({ configuration, name }: Pipeline): JobThreads | undefined {
    const target = configuration.get(EXECUTION_TARGET);
    if (target === "in-thread") return undefined;
    if (target === "threads" && this.#threads === undefined) {
      throw new MillraceError("MR_TARGET_NEEDS_MODULE", {
        what: "Functions cannot be sent to other threads, so a job that runs in threads has to be a module",
        where: { job: name },
        found: "execution.target: threads for a pipeline that a script has built",
        expected: "a module with a default export, run with millrace run or StreamExecutionEnvironment.ofJobModule",
        todo: "Move the pipeline into such a module, or set execution.target to in-thread",
      });
    }
    return this.#threads;
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

  getJobId(): string {
    return this.jobId;
  }

  async getJobStatus(): Promise<JobStatus> {
    return this.#job.status;
  }

  getProgress(): JobProgress {
    return this.#job.progress();
  }

  getMetrics(): Promise<readonly MetricSnapshot[]> {
    return this.#job.metricSnapshots();
  }

  async getAccumulators(): Promise<ReadonlyMap<string, unknown>> {
    return (await this.#job.accumulators()).all();
  }

  explainStall(): Promise<StallExplanation> {
    return this.#job.explainStall();
  }

  async getJobExecutionResult(): Promise<JobExecutionResult> {
    const { status, cause, netRuntimeMs, accumulators } = await this.#job.result;
    if (status === "FAILED") throw cause;
    if (status === "CANCELED") throw this.#cancelled();
    const { recordsRead, recordsWritten, checkpoints, restarts } = this.#job.progress();
    return new JobExecutionResult(
      {
        jobId: this.jobId,
        jobName: this.#name,
        netRuntimeMs,
        recordsRead,
        recordsWritten,
        checkpointsCompleted: checkpoints.completed,
        restartCount: restarts,
      },
      accumulators,
    );
  }

  cancel(): Promise<void> {
    return this.#job.cancel();
  }

  stop(): Promise<string | undefined> {
    return this.#job.stop();
  }

  async triggerSavepoint(directory?: string, format: SavepointFormatType = "CANONICAL"): Promise<string> {
    return this.#job.triggerSavepoint(directory, format);
  }

  async stopWithSavepoint(
    advanceToEndOfEventTime: boolean,
    directory?: string,
    format: SavepointFormatType = "CANONICAL",
  ): Promise<string> {
    return this.#job.stopWithSavepoint(advanceToEndOfEventTime, directory, format);
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
