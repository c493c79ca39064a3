import type { Duration } from "../base/duration.ts";
import type { CachedFile } from "../config/cached-files.ts";
import { type CheckpointingMode, SAVEPOINT_DIRECTORY } from "../config/checkpointing-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { RUNTIME_MODE, type RuntimeExecutionMode } from "../config/execution-options.ts";
import {
  CACHED_FILES,
  DEFAULT_PARALLELISM,
  OPERATOR_CHAINING,
  PIPELINE_MAX_PARALLELISM,
} from "../config/pipeline-options.ts";
import { CollectionSource } from "../connectors/collection-source.ts";
import { NumberSequenceSource } from "../connectors/sequence-source.ts";
import type { Source, SourceSplit } from "../connectors/source.ts";
import type { Transformation } from "../graph/transformation.ts";
import type { SourceSpec } from "../operators/operator-spec.ts";
import { toWatermarkStrategy, type WatermarkOptions } from "../time/watermark-options.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { t } from "../types/declared-types.ts";
import type { Type } from "../types/type.ts";
import { checkParallelism, checkText, invalidArgument } from "./argument-checks.ts";
import { type UserCall, userCall } from "./call-site.ts";
import { CheckpointConfig } from "./checkpoint-config.ts";
import { DataStreamSource, DEAD_LETTERS } from "./data-stream-source.ts";
import { erased } from "./erased.ts";
import type { JobClient } from "./job-client.ts";
import type { JobExecutionResult } from "./job-execution-result.ts";
import type { JobExecutor } from "./job-executor.ts";
import { checkListener, type JobListener } from "./job-listener.ts";
import { PipelineBuilder } from "./pipeline-builder.ts";
import type { RestartStrategyConfiguration } from "./restart-strategies.ts";
import type { StateBackendConfiguration } from "./state-backends.ts";
import { checkSource, checkStrategy, checkType, isType } from "./stream-checks.ts";

/** @internal */
export interface EnvironmentOptions {
  readonly executor: JobExecutor;
  /** Changed by the environment's setters. */
  readonly configuration: Configuration;
}

/**
 * Where pipelines start: makes streams from sources, holds the job's settings, and runs what was built. Users get one as
 * `StreamExecutionEnvironment`.
 *
 * @example
 * const env = StreamExecutionEnvironment.getExecutionEnvironment();
 * env.fromSequence(1, 10).map((n) => n * n).print();
 * await env.execute("squares");
 * @public
 */
export class PipelineEnvironment {
  /** The settings of the jobs that this environment runs. */
  readonly configuration: Configuration;
  readonly #builder: PipelineBuilder;

  /** @internal */
  constructor(options: EnvironmentOptions) {
    this.configuration = options.configuration;
    this.#builder = new PipelineBuilder(options.executor, options.configuration);
  }

  /**
   * The records of a source.
   *
   * @param strategy - Event time and watermarks; `WatermarkStrategy.noWatermarks()` for jobs without event time.
   * @param name - What plans and metrics call the source; also the identity of its state when it gets no uid.
   * @throws MillraceError `MR_ARGUMENT_INVALID`
   * @example
   * env.fromSource(source, { boundedOutOfOrderness: "1 min", timestamp: (flight) => flight.date }, "flights");
   */
  fromSource<T, SplitT extends SourceSplit, StateT>(
    source: Source<T, SplitT, StateT>,
    strategy: WatermarkStrategy<NoInfer<T>> | WatermarkOptions<NoInfer<T>>,
    name: string,
  ): DataStreamSource<T> {
    const call = userCall("fromSource");
    checkSource(call, source);
    checkStrategy(call, strategy);
    checkText(call, name, "a name");
    return this.#addSource<T>(call, source, toWatermarkStrategy(strategy), name);
  }

  /**
   * Values of this program, emitted in order by one subtask. They must not be changed later.
   *
   * @param values - An array or another iterable, or the values themselves.
   * @param type - What the values are, after an iterable.
   * @throws MillraceError `MR_ARGUMENT_INVALID`
   * @example
   * env.fromData([{ user: "ada", at: 0 }]);
   * env.fromData("to", "be", "or");
   */
  fromData<T>(values: Iterable<T> & object, type?: Type<T>): DataStreamSource<T>;
  fromData<T>(...values: readonly T[]): DataStreamSource<T>;
  fromData(...given: readonly unknown[]): DataStreamSource<unknown> {
    const call = userCall("fromData");
    const { values, type } = collectionOf(call, given);
    const strategy = WatermarkStrategy.noWatermarks();
    const stream = this.#addSource(call, CollectionSource.of(values), strategy, "Collection Source", type);
    return stream.setParallelism(1);
  }

  /**
   * The integers from `from` to `to`, both included, at the job's parallelism: in order within each subtask.
   *
   * @throws MillraceError `MR_SOURCE_OPTION_INVALID` unless both are safe integers and `to` is at least `from - 1`
   */
  fromSequence(from: number, to: number): DataStreamSource<number> {
    const source = NumberSequenceSource.of(from, to);
    const strategy = WatermarkStrategy.noWatermarks();
    return this.#addSource<number>(userCall("fromSequence"), source, strategy, "Sequence Source", t.int64);
  }

  /**
   * What happens when the job fails; see {@link RestartStrategies}.
   *
   * @throws MillraceError `MR_CONFIG_INVALID`
   * @example
   * env.setRestartStrategy(RestartStrategies.failureRateRestart(3, "5 min", "10 s"));
   */
  setRestartStrategy(strategy: RestartStrategyConfiguration): this {
    this.configuration.setAll(strategy.settings);
    return this;
  }

  /**
   * Takes over all that a configuration sets; what it leaves open stays as it is. The command line's settings win over it.
   *
   * @throws MillraceError `MR_CONFIG_INVALID` when what it sets and what is set already exclude each other
   * @example
   * env.configure(new Configuration().set(CheckpointingOptions.CHECKPOINTING_INTERVAL, "10 s"));
   */
  configure(configuration: Configuration): this {
    this.configuration.setAll(configuration.toEntries());
    return this;
  }

  /**
   * Where keyed state lives while the job runs; in Flink 2 a matter of the configuration only.
   *
   * @throws MillraceError `MR_CONFIG_INVALID`, and `MR_CONFIG_UNSUPPORTED` for what is not implemented
   * @example
   * env.setStateBackend(new HashMapStateBackend());
   */
  setStateBackend(backend: StateBackendConfiguration): this {
    this.configuration.setAll(backend.settings);
    return this;
  }

  /** Where savepoints are written when no directory is given with the request. */
  setDefaultSavepointDirectory(directory: string): this {
    this.configuration.set(SAVEPOINT_DIRECTORY, directory);
    return this;
  }

  /** Undefined when none is set. */
  getDefaultSavepointDirectory(): string | undefined {
    return this.configuration.get(SAVEPOINT_DIRECTORY);
  }

  /** The parallelism of operators that set none themselves. @throws MillraceError `MR_PARALLELISM_INVALID` */
  setParallelism(parallelism: number): this {
    checkParallelism(userCall("setParallelism"), parallelism);
    this.configuration.set(DEFAULT_PARALLELISM, parallelism);
    return this;
  }

  getParallelism(): number {
    return this.configuration.get(DEFAULT_PARALLELISM);
  }

  /**
   * The number of key groups: the highest parallelism that the job's state can ever be restored at.
   * @throws MillraceError `MR_PARALLELISM_INVALID`
   */
  setMaxParallelism(maxParallelism: number): this {
    checkParallelism(userCall("setMaxParallelism"), maxParallelism);
    this.configuration.set(PIPELINE_MAX_PARALLELISM, maxParallelism);
    return this;
  }

  /** -1 when it is computed from the parallelism. */
  getMaxParallelism(): number {
    return this.configuration.get(PIPELINE_MAX_PARALLELISM);
  }

  /**
   * `BATCH` for jobs whose sources are all bounded: keyed operators get their records key by key and emit final results only,
   * there are no late records and no checkpoints, and a restart begins again. `AUTOMATIC` chooses it when that is possible.
   *
   * @param mode - `STREAMING` by default.
   * @throws MillraceError `MR_CONFIG_INVALID`; the execution throws `MR_BATCH_UNBOUNDED` when a source has no end
   * @example
   * env.setRuntimeMode("BATCH");
   */
  setRuntimeMode(mode: RuntimeExecutionMode): this {
    this.configuration.set(RUNTIME_MODE, mode);
    return this;
  }

  /**
   * Takes a checkpoint every so often.
   *
   * @param interval - From the start of one to the start of the next, at least 10 ms.
   * @param force - Also for jobs with iterations, whose records in a loop are lost when the job fails. Without it such a job
   *   is refused with `MR_ITERATION_CHECKPOINTS`.
   * @throws MillraceError `MR_CONFIG_INVALID`, `MR_CONFIG_UNSUPPORTED`
   * @example
   * env.enableCheckpointing("10 s");
   */
  enableCheckpointing(interval: Duration, mode?: CheckpointingMode, force?: boolean): this {
    const checkpoints = this.getCheckpointConfig().setCheckpointInterval(interval);
    if (mode !== undefined) checkpoints.setCheckpointingMode(mode);
    if (force !== undefined) checkpoints.setForceCheckpointing(force);
    return this;
  }

  /** Fuses no operators of the jobs of this environment: every one has a thread's turns, and counts, of its own. */
  disableOperatorChaining(): this {
    this.configuration.set(OPERATOR_CHAINING, false);
    return this;
  }

  isChainingEnabled(): boolean {
    return this.configuration.get(OPERATOR_CHAINING);
  }

  getCheckpointConfig(): CheckpointConfig {
    return new CheckpointConfig(this.configuration);
  }

  getConfig(): Configuration {
    return this.configuration;
  }

  /**
   * Runs what was built since the last execution, and waits for its end.
   *
   * @param name - The name of the job; the configured one by default.
   * @throws MillraceError when the pipeline cannot be run, or with what the job failed with
   */
  async execute(name?: string): Promise<JobExecutionResult> {
    const client = await this.#execute(userCall("execute"), name, true);
    return this.#builder.listeners.executed(client.getJobExecutionResult());
  }

  /** Starts what was built since the last execution. @throws MillraceError when the pipeline cannot be run */
  async executeAsync(name?: string): Promise<JobClient> {
    return this.#execute(userCall("executeAsync"), name, false);
  }

  /**
   * Gives functions a file, or a directory, under a name: `context.getDistributedCache().getFile(name)` is where it lies. It
   * has to exist when the job starts, and is not copied.
   *
   * @param path - A path, or a `file:` URL; relative to the directory the job is started in.
   * @throws MillraceError `MR_ARGUMENT_INVALID` when the name is taken; the execution throws `MR_CACHED_FILE_NOT_FOUND`
   * @example
   * env.registerCachedFile("data/airports.csv", "airports");
   */
  registerCachedFile(path: string, name: string): this {
    const call = userCall("registerCachedFile");
    checkText(call, path, "a path");
    checkText(call, name, "a name");
    const known = this.getCachedFiles();
    if (known.some((file) => file.name === name))
      throw invalidArgument(
        call,
        `a second file under the name "${name}"`,
        "a name that no other file has",
        "Choose another name, or leave the second call out",
      );
    this.configuration.set(CACHED_FILES, [...known, { name, path }]);
    return this;
  }

  /** In the order of their registration. */
  getCachedFiles(): readonly CachedFile[] {
    return this.configuration.get(CACHED_FILES);
  }

  /**
   * Tells the listener about every job that this environment starts from now on.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID` when it has neither of the two methods
   */
  registerJobListener(listener: JobListener): this {
    checkListener(userCall("registerJobListener"), listener);
    this.#builder.listeners.add(listener);
    return this;
  }

  /** In the order of their registration. */
  getJobListeners(): readonly JobListener[] {
    return this.#builder.listeners.all;
  }

  /** Tells nobody any more, about running jobs neither. */
  clearJobListeners(): this {
    this.#builder.listeners.clear();
    return this;
  }

  /** What the next execution runs, in the order of creation. @internal */
  getTransformations(): readonly Transformation[] {
    return this.#builder.transformations();
  }

  #execute(call: UserCall, name: string | undefined, isAttached: boolean): Promise<JobClient> {
    if (name !== undefined) checkText(call, name, "a job name");
    return this.#builder.execute(name, { isAttached });
  }

  #addSource<T>(
    call: UserCall,
    source: unknown,
    strategy: WatermarkStrategy<T>,
    name: string,
    type?: Type<T> | undefined,
  ): DataStreamSource<T> {
    const spec: SourceSpec = {
      kind: "source",
      source: erased(source),
      strategy: erased(strategy),
      deadLetterTag: erased(DEAD_LETTERS),
    };
    return new DataStreamSource<T>(this.#builder, this.#builder.add(call, `Source: ${name}`, spec, []), type);
  }
}

// One iterable, with or without its type, stands for its values; everything else is the values. A string is a value.
function collectionOf(
  call: UserCall,
  given: readonly unknown[],
): { readonly values: Iterable<unknown>; readonly type: Type<unknown> | undefined } {
  const [first, second] = given;
  const isOne = given.length === 1 || (given.length === 2 && (second === undefined || isType(second)));
  if (!isOne) return { values: given, type: undefined };
  if (typeof first === "object" && first !== null) {
    if (Symbol.iterator in first) {
      if (second !== undefined) checkType(call, second);
      return { values: first as Iterable<unknown>, type: second as Type<unknown> | undefined };
    }
    if (Symbol.asyncIterator in first) {
      throw invalidArgument(call, "an async iterable", "an iterable, or values", "Write a Source and use fromSource");
    }
  }
  return { values: given, type: undefined };
}
