/** What a configuration means for one job: read once, when the job starts. */

import { formatDuration } from "../base/duration.ts";
import { MillraceError } from "../base/errors.ts";
import {
  type CheckpointStorage,
  DirectoryCheckpointStorage,
  MemoryCheckpointStorage,
} from "../checkpoint/checkpoint-storage.ts";
import type { CoordinatorConfig } from "../checkpoint/coordinator.ts";
import type { FileSystems } from "../checkpoint/file-systems.ts";
import { createSavepointDirectory } from "../checkpoint/savepoint.ts";
import type { SnapshotDirectory } from "../checkpoint/snapshot-directory.ts";
import type { StateLimits } from "../checkpoint/state-limits.ts";
import {
  CHECKPOINT_STORAGE,
  CHECKPOINTING_INTERVAL,
  CHECKPOINTING_MAX_CONCURRENT,
  CHECKPOINTING_MIN_PAUSE,
  CHECKPOINTING_TIMEOUT,
  CHECKPOINTING_TOLERABLE_FAILURES,
  CHECKPOINTS_DIRECTORY,
  CREATE_CHECKPOINT_SUBDIRECTORY,
  DATA_INLINE_THRESHOLD,
  JOBMANAGER_STORAGE_MAX_STATE_SIZE,
  SAVEPOINT_DIRECTORY,
} from "../config/checkpointing-options.ts";
import { FRAME_SIZE } from "../config/cluster-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { CACHED_FILES } from "../config/pipeline-options.ts";
import { BUFFERS_PER_CHANNEL } from "../config/taskmanager-options.ts";
import type { Platform, Random } from "../platform/platform.ts";
import { cachedFilePaths } from "../taskmanager/cached-file-paths.ts";

export function coordinatorConfigOf(configuration: Configuration): CoordinatorConfig {
  return {
    intervalMs: configuration.get(CHECKPOINTING_INTERVAL),
    timeoutMs: configuration.get(CHECKPOINTING_TIMEOUT),
    minPauseMs: configuration.get(CHECKPOINTING_MIN_PAUSE),
    maxConcurrent: configuration.get(CHECKPOINTING_MAX_CONCURRENT),
    tolerableFailures: configuration.get(CHECKPOINTING_TOLERABLE_FAILURES),
  };
}

/** What can be meant, and probably is not. */
export function settingWarnings(configuration: Configuration): readonly string[] {
  const intervalMs = configuration.get(CHECKPOINTING_INTERVAL);
  const pauseMs = configuration.get(CHECKPOINTING_MIN_PAUSE);
  if (intervalMs === undefined || pauseMs < intervalMs) return [];
  const pause = formatDuration(pauseMs);
  return [
    `${CHECKPOINTING_MIN_PAUSE.key} (${pause}) is not shorter than ${CHECKPOINTING_INTERVAL.key} (${formatDuration(intervalMs)}): every checkpoint starts ${pause} after the one before has ended`,
  ];
}

/** Where the snapshots of one job are. */
export interface SnapshotPlace {
  readonly files: FileSystems;
  readonly random: Random;
  readonly jobId: string;
}

export function storageOf(configuration: Configuration, { files, random, jobId }: SnapshotPlace): CheckpointStorage {
  const directory = configuration.get(CHECKPOINTS_DIRECTORY);
  const limits = stateLimitsOf(configuration);
  if (directory === undefined) {
    if (configuration.get(CHECKPOINT_STORAGE) === "filesystem") throw directoryMissing(configuration);
    return new MemoryCheckpointStorage(limits.stateBytesMax);
  }
  return new DirectoryCheckpointStorage({
    fs: files,
    random,
    directory,
    jobId,
    hasJobDirectory: configuration.get(CREATE_CHECKPOINT_SUBDIRECTORY),
    limits,
  });
}

/** Of checkpoints. */
export function stateLimitsOf(configuration: Configuration): StateLimits {
  const hasDirectory = configuration.get(CHECKPOINTS_DIRECTORY) !== undefined;
  const storage = configuration.get(CHECKPOINT_STORAGE) ?? (hasDirectory ? "filesystem" : "jobmanager");
  if (storage === "filesystem") return fileLimitsOf(configuration);
  const stateBytesMax = Math.min(configuration.get(JOBMANAGER_STORAGE_MAX_STATE_SIZE), configuration.get(FRAME_SIZE));
  return { inlineBelowBytes: Number.POSITIVE_INFINITY, stateBytesMax };
}

/** Of what is kept in files, as savepoints are always. */
export function fileLimitsOf(configuration: Configuration): StateLimits {
  return { inlineBelowBytes: configuration.get(DATA_INLINE_THRESHOLD), stateBytesMax: Number.POSITIVE_INFINITY };
}

function directoryMissing(configuration: Configuration): MillraceError {
  return new MillraceError("MR_CONFIG_INVALID", {
    what: "Checkpoints are to be kept in files, and nobody says where",
    found: `${configuration.originOf(CHECKPOINT_STORAGE)}: ${CHECKPOINT_STORAGE.key}: filesystem, without ${CHECKPOINTS_DIRECTORY.key}`,
    expected: "a directory",
    todo: `Set ${CHECKPOINTS_DIRECTORY.key}, or call setCheckpointStorage with a path`,
  });
}

/** The directory that has the checkpoints of one job, and of no other; undefined when there is none. */
export function checkpointDirectoryOf(
  configuration: Configuration,
  files: FileSystems,
  jobId: string,
): string | undefined {
  const directory = configuration.get(CHECKPOINTS_DIRECTORY);
  if (directory === undefined || !configuration.get(CREATE_CHECKPOINT_SUBDIRECTORY)) return undefined;
  return files.resolve(directory, jobId);
}

/**
 * Makes the directory of a savepoint.
 *
 * @param given - Where the caller wants it; undefined: where the configuration says.
 * @throws MillraceError `MR_SAVEPOINT_DIRECTORY_MISSING`, and what `createSavepointDirectory` throws
 */
export function savepointDirectoryOf(
  configuration: Configuration,
  { files, random, jobId }: SnapshotPlace,
  given: string | undefined,
): Promise<SnapshotDirectory> {
  const parent = given ?? configuration.get(SAVEPOINT_DIRECTORY);
  if (parent === undefined) {
    throw new MillraceError("MR_SAVEPOINT_DIRECTORY_MISSING", {
      what: "Nobody says where the savepoint is to be written",
      found: "no directory with the request, and no execution.checkpointing.savepoint-dir",
      expected: "one of the two",
      todo: "Give a directory, or set execution.checkpointing.savepoint-dir",
    });
  }
  return createSavepointDirectory({ fs: files, random, parent, jobId, limits: fileLimitsOf(configuration) });
}

/** @throws MillraceError `MR_CACHED_FILE_NOT_FOUND` with all cached files that are missing */
export async function checkCachedFiles(configuration: Configuration, { fs }: Platform): Promise<void> {
  const missing: string[] = [];
  for (const [name, path] of cachedFilePaths(configuration.get(CACHED_FILES), fs)) {
    if ((await fs.stat(path)) === undefined) missing.push(`"${name}" at ${path}`);
  }
  if (missing.length === 0) return;
  throw new MillraceError("MR_CACHED_FILE_NOT_FOUND", {
    what: "Files that the job's functions want to read are not there",
    found: `nothing for ${missing.join(", ")}`,
    expected: "an existing file or directory for every name",
    todo: "Correct the paths given to registerCachedFile or in pipeline.cached-files; relative ones belong to the directory the job is started in",
  });
}

/** Segments of a ring between two threads. */
export function ringSegmentsOf(configuration: Configuration): number {
  return 2 ** Math.ceil(Math.log2(configuration.get(BUFFERS_PER_CHANNEL)));
}
