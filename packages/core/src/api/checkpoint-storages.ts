import {
  CHECKPOINT_STORAGE,
  CHECKPOINTS_DIRECTORY,
  type CheckpointStorageType,
  JOBMANAGER_STORAGE_MAX_STATE_SIZE,
} from "../config/checkpointing-options.ts";
import type { ConfigEntry } from "../config/option-registry.ts";

/** Where checkpoints are kept, for `setCheckpointStorage`. @public */
export interface CheckpointStorageConfiguration {
  /** The settings that it stands for. */
  readonly settings: readonly ConfigEntry[];
}

/**
 * Checkpoints in files below a directory; short for `execution.checkpointing.dir`.
 *
 * @example
 * env.getCheckpointConfig().setCheckpointStorage(new FileSystemCheckpointStorage("file:///data/checkpoints"));
 * @public
 */
export class FileSystemCheckpointStorage implements CheckpointStorageConfiguration {
  readonly settings: readonly ConfigEntry[];

  /** @param directory - A path or a `file:` URL. Checked when it is set. */
  constructor(directory: string) {
    this.settings = storedIn("filesystem", { key: CHECKPOINTS_DIRECTORY.key, value: directory });
  }
}

/**
 * Checkpoints in the memory of the process that coordinates the job: they survive failures of the job, not of that process.
 * For small state, and for trying things out.
 *
 * @example
 * env.getCheckpointConfig().setCheckpointStorage(new JobManagerCheckpointStorage(1024 * 1024));
 * @public
 */
export class JobManagerCheckpointStorage implements CheckpointStorageConfiguration {
  /** Bytes: 5 MiB. */
  static readonly DEFAULT_MAX_STATE_SIZE: number = JOBMANAGER_STORAGE_MAX_STATE_SIZE.default;
  readonly settings: readonly ConfigEntry[];

  /** @param maxStateSize - The largest state of one operator's subtask, bytes; at most `pekko.framesize`. Checked when it is set. */
  constructor(maxStateSize: number = JobManagerCheckpointStorage.DEFAULT_MAX_STATE_SIZE) {
    this.settings = storedIn("jobmanager", { key: JOBMANAGER_STORAGE_MAX_STATE_SIZE.key, value: maxStateSize });
  }
}

function storedIn(type: CheckpointStorageType, entry: ConfigEntry): readonly ConfigEntry[] {
  return [{ key: CHECKPOINT_STORAGE.key, value: type }, entry];
}
