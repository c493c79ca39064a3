import { INCREMENTAL_CHECKPOINTS } from "../config/checkpointing-options.ts";
import type { ConfigEntry } from "../config/option-registry.ts";
import { STATE_BACKEND_TYPE, type StateBackendType } from "../config/state-options.ts";
import { invalidArgument } from "./argument-checks.ts";
import { userCall } from "./call-site.ts";
import { FileSystemCheckpointStorage, JobManagerCheckpointStorage } from "./checkpoint-storages.ts";

/** Where keyed state lives while the job runs, for `env.setStateBackend`. @public */
export interface StateBackendConfiguration {
  /** The settings that it stands for. */
  readonly settings: readonly ConfigEntry[];
}

/**
 * Keyed state as objects in memory, the default; short for `state.backend.type: hashmap`.
 *
 * @example
 * env.setStateBackend(new HashMapStateBackend());
 * @public
 */
export class HashMapStateBackend implements StateBackendConfiguration {
  readonly settings: readonly ConfigEntry[] = [backend("hashmap")];
}

/**
 * Keyed state in RocksDB on the machine's disk, with a cache of objects in front, for state that outgrows memory; short for
 * `state.backend.type: rocksdb`. Needs the package `@millrace/state-rocksdb` on every machine that runs tasks, otherwise the job
 * fails with `MR_ROCKSDB_UNAVAILABLE`.
 *
 * What leaves memory are values of process functions and of rolling reduces. Windows and interval joins keep their state
 * in memory and in the store.
 *
 * @example
 * env.setStateBackend(new EmbeddedRocksDBStateBackend(true));
 * @public
 */
export class EmbeddedRocksDBStateBackend implements StateBackendConfiguration {
  readonly settings: readonly ConfigEntry[];

  /** @param enableIncrementalCheckpointing - Whether a checkpoint has only what is new since the one before. */
  constructor(enableIncrementalCheckpointing: boolean = false) {
    this.settings = [backend("rocksdb"), incremental(enableIncrementalCheckpointing)];
  }
}

/**
 * The older name of two settings: {@link HashMapStateBackend}, and checkpoints kept by {@link JobManagerCheckpointStorage}.
 *
 * @example
 * env.setStateBackend(new MemoryStateBackend(5 * 1024 * 1024));
 * @public
 */
export class MemoryStateBackend implements StateBackendConfiguration {
  readonly settings: readonly ConfigEntry[];

  /**
   * @param maxStateSize - The largest state of one operator's subtask, bytes.
   * @param asynchronousSnapshots - Snapshots are always written while records are processed, so only true can be given.
   * @throws MillraceError `MR_ARGUMENT_INVALID`
   */
  constructor(
    maxStateSize: number = JobManagerCheckpointStorage.DEFAULT_MAX_STATE_SIZE,
    asynchronousSnapshots: boolean = true,
  ) {
    checkAsynchronous("MemoryStateBackend", asynchronousSnapshots);
    this.settings = [backend("hashmap"), ...new JobManagerCheckpointStorage(maxStateSize).settings];
  }
}

/**
 * The older name of two settings: {@link HashMapStateBackend}, and checkpoints kept by {@link FileSystemCheckpointStorage}.
 *
 * @example
 * env.setStateBackend(new FsStateBackend("file:///data/checkpoints"));
 * @public
 */
export class FsStateBackend implements StateBackendConfiguration {
  readonly settings: readonly ConfigEntry[];

  /**
   * @param directory - A path or a `file:` URL.
   * @param asynchronousSnapshots - As for {@link MemoryStateBackend}.
   * @throws MillraceError `MR_ARGUMENT_INVALID`
   */
  constructor(directory: string, asynchronousSnapshots: boolean = true) {
    checkAsynchronous("FsStateBackend", asynchronousSnapshots);
    this.settings = [backend("hashmap"), ...new FileSystemCheckpointStorage(directory).settings];
  }
}

/**
 * The older name of two settings: {@link EmbeddedRocksDBStateBackend}, and checkpoints kept by {@link FileSystemCheckpointStorage}.
 *
 * @example
 * env.setStateBackend(new RocksDBStateBackend("file:///data/checkpoints", true));
 * @public
 */
export class RocksDBStateBackend implements StateBackendConfiguration {
  readonly settings: readonly ConfigEntry[];

  constructor(directory: string, enableIncrementalCheckpointing: boolean = false) {
    this.settings = [
      ...new EmbeddedRocksDBStateBackend(enableIncrementalCheckpointing).settings,
      ...new FileSystemCheckpointStorage(directory).settings,
    ];
  }
}

function backend(value: StateBackendType): ConfigEntry {
  return { key: STATE_BACKEND_TYPE.key, value };
}

function incremental(value: boolean): ConfigEntry {
  return { key: INCREMENTAL_CHECKPOINTS.key, value };
}

function checkAsynchronous(name: string, isAsynchronous: boolean): void {
  if (isAsynchronous) return;
  throw invalidArgument(
    userCall(`new ${name}`),
    "snapshots that are not asynchronous",
    "true, or nothing: state is copied at the barrier and written while records are processed",
    "Leave the argument out",
  );
}
