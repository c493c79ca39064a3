/** What a configuration means for one job: read once, when the job starts. */

import { MillraceError } from "../base/errors.ts";
import {
  type CheckpointStorage,
  FileSystemCheckpointStorage,
  MemoryCheckpointStorage,
} from "../checkpoint/checkpoint-storage.ts";
import type { CoordinatorConfig } from "../checkpoint/coordinator.ts";
import { createSavepointDirectory } from "../checkpoint/savepoint.ts";
import type { SnapshotDirectory } from "../checkpoint/snapshot-directory.ts";
import {
  CHECKPOINTING_INTERVAL,
  CHECKPOINTING_MAX_CONCURRENT,
  CHECKPOINTING_MIN_PAUSE,
  CHECKPOINTING_TIMEOUT,
  CHECKPOINTING_TOLERABLE_FAILURES,
  CHECKPOINTS_DIRECTORY,
  CREATE_CHECKPOINT_SUBDIRECTORY,
  DATA_INLINE_THRESHOLD,
  SAVEPOINT_DIRECTORY,
} from "../config/checkpointing-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { CACHED_FILES } from "../config/pipeline-options.ts";
import { BUFFERS_PER_CHANNEL } from "../config/taskmanager-options.ts";
import type { Platform } from "../platform/platform.ts";
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

export function storageOf(configuration: Configuration, platform: Platform, jobId: string): CheckpointStorage {
  const directory = configuration.get(CHECKPOINTS_DIRECTORY);
  if (directory === undefined) return new MemoryCheckpointStorage();
  return new FileSystemCheckpointStorage({
    fs: platform.fs,
    random: platform.random,
    directory,
    jobId,
    hasJobDirectory: configuration.get(CREATE_CHECKPOINT_SUBDIRECTORY),
    inlineBelowBytes: configuration.get(DATA_INLINE_THRESHOLD),
  });
}

/** The directory that has the checkpoints of one job, and of no other; undefined when there is none. */
export function checkpointDirectoryOf(
  configuration: Configuration,
  platform: Platform,
  jobId: string,
): string | undefined {
  const directory = configuration.get(CHECKPOINTS_DIRECTORY);
  if (directory === undefined || !configuration.get(CREATE_CHECKPOINT_SUBDIRECTORY)) return undefined;
  return platform.fs.resolve(directory, jobId);
}

/**
 * Makes the directory of a savepoint.
 *
 * @param given - Where the caller wants it; undefined: where the configuration says.
 * @throws MillraceError `MR_SAVEPOINT_DIRECTORY_MISSING`, and what `createSavepointDirectory` throws
 */
export function savepointDirectoryOf(
  configuration: Configuration,
  platform: Platform,
  jobId: string,
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
  const { fs, random } = platform;
  const inlineBelowBytes = configuration.get(DATA_INLINE_THRESHOLD);
  return createSavepointDirectory({ fs, random, parent, jobId, inlineBelowBytes });
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
