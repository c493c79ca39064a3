import type { Duration } from "../base/duration.ts";
import { isUnaligned } from "../config/alignment.ts";
import {
  ALIGNED_CHECKPOINT_TIMEOUT,
  CHECKPOINTING_INTERVAL,
  CHECKPOINTING_ITERATIONS_FORCED,
  CHECKPOINTING_MAX_CONCURRENT,
  CHECKPOINTING_MIN_PAUSE,
  CHECKPOINTING_MODE,
  CHECKPOINTING_TIMEOUT,
  CHECKPOINTING_TOLERABLE_FAILURES,
  type CheckpointingMode,
  EXTERNALIZED_CHECKPOINT_RETENTION,
  type ExternalizedCheckpointRetention,
  UNALIGNED_CHECKPOINTS,
  UNALIGNED_FORCED,
} from "../config/checkpointing-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { type CheckpointStorageConfiguration, FileSystemCheckpointStorage } from "./checkpoint-storages.ts";

/**
 * The retentions by their older name.
 *
 * @example
 * env.getCheckpointConfig().enableExternalizedCheckpoints(ExternalizedCheckpointCleanup.RETAIN_ON_CANCELLATION);
 * @public
 */
export const ExternalizedCheckpointCleanup = {
  DELETE_ON_CANCELLATION: "DELETE_ON_CANCELLATION",
  RETAIN_ON_CANCELLATION: "RETAIN_ON_CANCELLATION",
  NO_EXTERNALIZED_CHECKPOINTS: "NO_EXTERNALIZED_CHECKPOINTS",
} as const;

/**
 * The checkpointing settings of an environment, under Flink's names. A view of its configuration: the command line wins
 * over what is set here. Durations are read in milliseconds.
 *
 * Every setter throws `MR_CONFIG_INVALID` for a value out of range and `MR_CONFIG_UNSUPPORTED` for one that is not
 * implemented.
 *
 * @example
 * env.enableCheckpointing("10 s").getCheckpointConfig().setMinPauseBetweenCheckpoints("5 s");
 * @public
 */
export class CheckpointConfig {
  readonly #configuration: Configuration;

  /** @internal */
  constructor(configuration: Configuration) {
    this.#configuration = configuration;
  }

  isCheckpointingEnabled(): boolean {
    return this.getCheckpointInterval() !== undefined;
  }

  /**
   * Takes no periodic checkpoints, whatever was set in code or in a file before; `-D execution.checkpointing.interval` still
   * wins. A job without them starts afresh after a failure. Savepoints are not affected.
   *
   * @example
   * env.getCheckpointConfig().disableCheckpointing();
   */
  disableCheckpointing(): this {
    this.#configuration.unset(CHECKPOINTING_INTERVAL);
    return this;
  }

  /** Undefined: no periodic checkpoints. */
  getCheckpointInterval(): number | undefined {
    return this.#configuration.get(CHECKPOINTING_INTERVAL);
  }

  setCheckpointInterval(interval: Duration): this {
    this.#configuration.set(CHECKPOINTING_INTERVAL, interval);
    return this;
  }

  getCheckpointingMode(): CheckpointingMode {
    return this.#configuration.get(CHECKPOINTING_MODE);
  }

  setCheckpointingMode(mode: CheckpointingMode): this {
    this.#configuration.set(CHECKPOINTING_MODE, mode);
    return this;
  }

  /** The same as {@link CheckpointConfig.getCheckpointingMode}, under Flink's new name. */
  getCheckpointingConsistencyMode(): CheckpointingMode {
    return this.getCheckpointingMode();
  }

  /** The same as {@link CheckpointConfig.setCheckpointingMode}, under Flink's new name. */
  setCheckpointingConsistencyMode(mode: CheckpointingMode): this {
    return this.setCheckpointingMode(mode);
  }

  /** False also when they are switched on and the mode is `AT_LEAST_ONCE`, which waits for no barriers anyway. */
  isUnalignedCheckpointsEnabled(): boolean {
    return isUnaligned(this.#configuration);
  }

  /**
   * Whether checkpoints go on without waiting for barriers behind the records of slow channels; those records become a part
   * of the checkpoint. Only one checkpoint is taken at a time then.
   *
   * @example
   * env.getCheckpointConfig().enableUnalignedCheckpoints().setAlignedCheckpointTimeout("5 s");
   */
  enableUnalignedCheckpoints(isEnabled: boolean = true): this {
    this.#configuration.set(UNALIGNED_CHECKPOINTS, isEnabled);
    return this;
  }

  getAlignedCheckpointTimeout(): number {
    return this.#configuration.get(ALIGNED_CHECKPOINT_TIMEOUT);
  }

  /** How long an unaligned checkpoint waits for barriers first; 0, the default: not at all. */
  setAlignedCheckpointTimeout(timeout: Duration): this {
    this.#configuration.set(ALIGNED_CHECKPOINT_TIMEOUT, timeout);
    return this;
  }

  isForceUnalignedCheckpoints(): boolean {
    return this.#configuration.get(UNALIGNED_FORCED);
  }

  /** Takes unaligned checkpoints also of jobs with custom partitioners or iterations, see `MR_UNALIGNED_UNSUPPORTED`. */
  setForceUnalignedCheckpoints(isForced: boolean): this {
    this.#configuration.set(UNALIGNED_FORCED, isForced);
    return this;
  }

  isForceCheckpointing(): boolean {
    return this.#configuration.get(CHECKPOINTING_ITERATIONS_FORCED);
  }

  /** Whether jobs with iterations are checkpointed: the records in a loop are then lost when the job fails. */
  setForceCheckpointing(isForced: boolean): this {
    this.#configuration.set(CHECKPOINTING_ITERATIONS_FORCED, isForced);
    return this;
  }

  getCheckpointTimeout(): number {
    return this.#configuration.get(CHECKPOINTING_TIMEOUT);
  }

  setCheckpointTimeout(timeout: Duration): this {
    this.#configuration.set(CHECKPOINTING_TIMEOUT, timeout);
    return this;
  }

  getMinPauseBetweenCheckpoints(): number {
    return this.#configuration.get(CHECKPOINTING_MIN_PAUSE);
  }

  setMinPauseBetweenCheckpoints(pause: Duration): this {
    this.#configuration.set(CHECKPOINTING_MIN_PAUSE, pause);
    return this;
  }

  getMaxConcurrentCheckpoints(): number {
    return this.#configuration.get(CHECKPOINTING_MAX_CONCURRENT);
  }

  setMaxConcurrentCheckpoints(count: number): this {
    this.#configuration.set(CHECKPOINTING_MAX_CONCURRENT, count);
    return this;
  }

  getTolerableCheckpointFailureNumber(): number {
    return this.#configuration.get(CHECKPOINTING_TOLERABLE_FAILURES);
  }

  setTolerableCheckpointFailureNumber(count: number): this {
    this.#configuration.set(CHECKPOINTING_TOLERABLE_FAILURES, count);
    return this;
  }

  /**
   * Where checkpoints are kept.
   *
   * @param storage - A directory as a path or a `file:` URL, which stands for a {@link FileSystemCheckpointStorage}; or a storage.
   * @throws MillraceError `MR_CONFIG_INVALID`, and `MR_CONFIG_UNSUPPORTED` for a URL of another file system
   * @example
   * env.getCheckpointConfig().setCheckpointStorage("file:///my/checkpoint/dir");
   */
  setCheckpointStorage(storage: string | CheckpointStorageConfiguration): this {
    const { settings } = typeof storage === "string" ? new FileSystemCheckpointStorage(storage) : storage;
    this.#configuration.setAll(settings);
    return this;
  }

  /** Whether checkpoints outlive a job that fails or is cancelled. */
  isExternalizedCheckpointsEnabled(): boolean {
    return this.getExternalizedCheckpointRetention() !== "NO_EXTERNALIZED_CHECKPOINTS";
  }

  getExternalizedCheckpointRetention(): ExternalizedCheckpointRetention {
    return this.#configuration.get(EXTERNALIZED_CHECKPOINT_RETENTION);
  }

  setExternalizedCheckpointRetention(retention: ExternalizedCheckpointRetention): this {
    this.#configuration.set(EXTERNALIZED_CHECKPOINT_RETENTION, retention);
    return this;
  }

  /** The older name of {@link CheckpointConfig.setExternalizedCheckpointRetention}. */
  enableExternalizedCheckpoints(cleanup: ExternalizedCheckpointRetention): this {
    return this.setExternalizedCheckpointRetention(cleanup);
  }

  /** The older name of {@link CheckpointConfig.setExternalizedCheckpointRetention}. */
  setExternalizedCheckpointCleanup(cleanup: ExternalizedCheckpointRetention): this {
    return this.setExternalizedCheckpointRetention(cleanup);
  }
}
