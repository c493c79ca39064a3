/**
 * Where the checkpoints of a job are kept: in a directory of a file system (file-systems.ts),
 *
 *     <directory>/<job id>/chk-<n>/              one checkpoint, see snapshot-directory.ts
 *     <directory>/<job id>/shared, taskowned     reserved
 *
 * or in memory; and where its savepoints are.
 */
import { MillraceError } from "../base/errors.ts";
import type { Random } from "../platform/platform.ts";
import { type LoadedCheckpoint, loadCheckpoint } from "./checkpoint-reader.ts";
import type { FileSystems } from "./file-systems.ts";
import { METADATA_FILE, removeSnapshot, SnapshotDirectory } from "./snapshot-directory.ts";
import type { CheckpointMetadata, StateHandle } from "./state-handles.ts";
import { checkStateSize, type StateLimits } from "./state-limits.ts";
import { abortedError, storageError } from "./storage-errors.ts";

/** Discarded checkpoints whose late writes are still recognised; far more than can be under way at once. */
const DISCARDED_REMEMBERED_MAX = 1024;

/** Where the JobMaster and the tasks keep checkpoints. @internal */
export interface CheckpointStorage {
  initialize(): Promise<void>;
  /**
   * Makes the place that other processes write the state of a checkpoint to; returns its directory, undefined when state has
   * to come with the acknowledgement.
   */
  prepare(checkpointId: number): Promise<string | undefined>;
  /**
   * Makes bytes durable as part of a checkpoint. They must not change until the promise settles, and inline ones never.
   */
  write(checkpointId: number, bytes: Uint8Array): Promise<StateHandle>;
  /** Completes a checkpoint; returns its directory, undefined when it is only in memory. */
  storeMetadata(metadata: CheckpointMetadata): Promise<string | undefined>;
  /** Removes a checkpoint, completed or not. */
  discard(checkpointId: number): Promise<void>;
  removeIfEmpty(): Promise<void>;
}

/** @internal */
export interface DirectoryStorageOptions {
  readonly fs: FileSystems;
  readonly random: Random;
  /** `execution.checkpointing.dir`. */
  readonly directory: string;
  readonly jobId: string;
  /** `execution.checkpointing.create-subdir`. */
  readonly hasJobDirectory: boolean;
  readonly limits: StateLimits;
}

/**
 * One job's checkpoints in a directory. Its methods may overlap.
 *
 * @throws MillraceError what {@link SnapshotDirectory} throws
 * @internal
 */
export class DirectoryCheckpointStorage implements CheckpointStorage {
  readonly #options: DirectoryStorageOptions;
  readonly #directory: string;
  /** Of pending and completed checkpoints, by id. */
  readonly #directories = new Map<number, SnapshotDirectory>();
  readonly #discarded = new Set<number>();

  constructor(options: DirectoryStorageOptions) {
    this.#options = options;
    const { fs, directory, jobId, hasJobDirectory } = options;
    this.#directory = hasJobDirectory ? fs.resolve(directory, jobId) : fs.resolve(directory);
  }

  /** Creates the directories of the job, so that a place that cannot be written to fails before the job runs. */
  async initialize(): Promise<void> {
    const { fs } = this.#options;
    try {
      for (const name of ["shared", "taskowned"]) await fs.makeDirectory(fs.resolve(this.#directory, name));
    } catch (error) {
      throw storageError(error, this.#directory, "execution.checkpointing.dir");
    }
  }

  pathOf(checkpointId: number): string {
    return this.#options.fs.resolve(this.#directory, `chk-${checkpointId}`);
  }

  async prepare(checkpointId: number): Promise<string> {
    return this.#directoryOf(checkpointId).prepare(checkpointId);
  }

  async write(checkpointId: number, bytes: Uint8Array): Promise<StateHandle> {
    return this.#directoryOf(checkpointId).write(checkpointId, bytes);
  }

  async storeMetadata(metadata: CheckpointMetadata): Promise<string> {
    return this.#directoryOf(metadata.checkpointId).storeMetadata(metadata);
  }

  async discard(checkpointId: number): Promise<void> {
    const directory = this.#directories.get(checkpointId) ?? this.#createDirectory(checkpointId);
    this.#rememberDiscarded(checkpointId);
    this.#directories.delete(checkpointId);
    await directory.discard();
  }

  /** Removes the job's directory when no checkpoint is left in it. */
  async removeIfEmpty(): Promise<void> {
    const { fs, hasJobDirectory } = this.#options;
    if (hasJobDirectory) await removeIfWithoutCheckpoints(fs, this.#directory);
  }

  #directoryOf(checkpointId: number): SnapshotDirectory {
    const known = this.#directories.get(checkpointId);
    if (known !== undefined) return known;
    if (this.#discarded.has(checkpointId)) throw abortedError(checkpointId);
    const created = this.#createDirectory(checkpointId);
    this.#directories.set(checkpointId, created);
    return created;
  }

  #createDirectory(checkpointId: number): SnapshotDirectory {
    const { fs, random, limits } = this.#options;
    const path = this.pathOf(checkpointId);
    return new SnapshotDirectory({ fs, random, path, limits, setting: "execution.checkpointing.dir" });
  }

  #rememberDiscarded(checkpointId: number): void {
    this.#discarded.add(checkpointId);
    if (this.#discarded.size <= DISCARDED_REMEMBERED_MAX) return;
    for (const oldest of this.#discarded) {
      this.#discarded.delete(oldest);
      return;
    }
  }
}

/** Removes a job's directory in which no checkpoint is left. @internal */
export async function removeIfWithoutCheckpoints(fs: FileSystems, jobDirectory: string): Promise<void> {
  if ((await fs.stat(jobDirectory)) === undefined) return;
  const names = await fs.list(jobDirectory);
  if (names.every((name) => name === "shared" || name === "taskowned")) await fs.removeTree(jobDirectory);
}

/** What is a job's own in its directory. @internal */
export interface OwnCheckpoints {
  readonly jobId: string;
  /** Epoch ms: what is older was left by another job that had the same id, and belongs to its user. */
  readonly submittedMs: number;
  /** The checkpoint that the job goes on from; 0 when it has none of its own. */
  readonly newestId: number;
}

/**
 * Removes from the directory of a job that is taken over every checkpoint that is not complete, or is newer than the one that
 * the job goes on from: nobody has heard of it. Returns the highest id that was used, and the job's own that are left, oldest
 * first.
 * @internal
 */
export async function takeOverCheckpoints(
  fs: FileSystems,
  jobDirectory: string,
  { jobId, submittedMs, newestId }: OwnCheckpoints,
): Promise<{ readonly lastId: number; readonly own: readonly LoadedCheckpoint[] }> {
  const own: LoadedCheckpoint[] = [];
  let lastId = 0;
  if ((await fs.stat(jobDirectory)) === undefined) return { lastId, own };
  for (const name of await fs.list(jobDirectory)) {
    const id = Number(/^chk-(\d+)$/.exec(name)?.[1] ?? 0);
    if (id === 0) continue;
    lastId = Math.max(lastId, id);
    const path = fs.resolve(jobDirectory, name);
    if ((await fs.stat(fs.resolve(path, METADATA_FILE))) === undefined) {
      await fs.removeTree(path);
      continue;
    }
    const checkpoint = await loadIfReadable(fs, path);
    if (checkpoint?.metadata.jobId !== jobId || checkpoint.metadata.timestampMs < submittedMs) continue;
    if (id <= newestId) {
      own.push(checkpoint);
      continue;
    }
    await removeSnapshot(fs, path);
  }
  return { lastId, own: own.sort((left, right) => left.metadata.checkpointId - right.metadata.checkpointId) };
}

/** Undefined when nobody can say whose it is: it is left alone. */
async function loadIfReadable(fs: FileSystems, path: string): Promise<LoadedCheckpoint | undefined> {
  try {
    return await loadCheckpoint(fs, path);
  } catch (error) {
    if (error instanceof MillraceError) return undefined;
    throw error;
  }
}

/** For jobs without a checkpoint directory: survives failures of the job, not of the process. @internal */
export class MemoryCheckpointStorage implements CheckpointStorage {
  readonly #stateBytesMax: number;

  constructor(stateBytesMax: number) {
    this.#stateBytesMax = stateBytesMax;
  }

  async initialize(): Promise<void> {}

  async prepare(_checkpointId: number): Promise<undefined> {
    return undefined;
  }

  async write(_checkpointId: number, bytes: Uint8Array): Promise<StateHandle> {
    checkStateSize(bytes, this.#stateBytesMax);
    return { kind: "inline", bytes };
  }

  async storeMetadata(_metadata: CheckpointMetadata): Promise<undefined> {
    return undefined;
  }

  async discard(_checkpointId: number): Promise<void> {}

  async removeIfEmpty(): Promise<void> {}
}

/** Checkpoints in one storage, and each savepoint in a directory of its own. @internal */
export class JobSnapshotStorage implements CheckpointStorage {
  readonly #checkpoints: CheckpointStorage;
  /** By checkpoint id: savepoints that are being taken. */
  readonly #savepoints = new Map<number, SnapshotDirectory>();

  constructor(checkpoints: CheckpointStorage) {
    this.#checkpoints = checkpoints;
  }

  /** From now on everything of this checkpoint goes into the savepoint's directory. */
  assignSavepoint(checkpointId: number, directory: SnapshotDirectory): void {
    this.#savepoints.set(checkpointId, directory);
  }

  initialize(): Promise<void> {
    return this.#checkpoints.initialize();
  }

  prepare(checkpointId: number): Promise<string | undefined> {
    return (this.#savepoints.get(checkpointId) ?? this.#checkpoints).prepare(checkpointId);
  }

  write(checkpointId: number, bytes: Uint8Array): Promise<StateHandle> {
    return (this.#savepoints.get(checkpointId) ?? this.#checkpoints).write(checkpointId, bytes);
  }

  async storeMetadata(metadata: CheckpointMetadata): Promise<string | undefined> {
    const savepoint = this.#savepoints.get(metadata.checkpointId);
    if (savepoint === undefined) return this.#checkpoints.storeMetadata(metadata);
    const path = await savepoint.storeMetadata(metadata);
    // It is its user's now: nobody removes it from here any more.
    this.#savepoints.delete(metadata.checkpointId);
    return path;
  }

  async discard(checkpointId: number): Promise<void> {
    // A savepoint that was given up stays known: what is still written for it must not become a checkpoint.
    const savepoint = this.#savepoints.get(checkpointId);
    await (savepoint === undefined ? this.#checkpoints.discard(checkpointId) : savepoint.discard());
  }

  removeIfEmpty(): Promise<void> {
    return this.#checkpoints.removeIfEmpty();
  }
}
