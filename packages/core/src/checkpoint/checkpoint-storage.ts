/**
 * Where the checkpoints of a job are kept: in a directory of a file system (file-systems.ts),
 *
 *     <directory>/<job id>/chk-<n>/              one checkpoint, see snapshot-directory.ts
 *     <directory>/<job id>/shared/               files of several of them, see shared-files.ts
 *     <directory>/<job id>/taskowned             reserved
 *
 * or in memory; and where its savepoints are.
 */
import type { Random } from "../platform/platform.ts";
import { type LoadedCheckpoint, loadIfReadable } from "./checkpoint-reader.ts";
import type { FileSystems } from "./file-systems.ts";
import { removeSharedFiles, sweepSharedFiles } from "./shared-files.ts";
import { METADATA_FILE, removeSnapshot, SnapshotDirectory } from "./snapshot-directory.ts";
import { SHARED_DIRECTORY } from "./snapshot-files.ts";
import type { CheckpointMetadata, StateHandle } from "./state-handles.ts";
import { checkStateSize, type StateLimits } from "./state-limits.ts";
import { type StateSource, wholeOf } from "./state-source.ts";
import { abortedError, storageError } from "./storage-errors.ts";

/** What a job's directory has beside its checkpoints. */
const JOB_DIRECTORIES: readonly string[] = [SHARED_DIRECTORY, "taskowned"];

/** Discarded checkpoints whose late writes are still recognised; far more than can be under way at once. */
const DISCARDED_REMEMBERED_MAX = 1024;

/** Where the state of one checkpoint goes. Plain data. @internal */
export interface CheckpointLocation {
  readonly directory: string;
  /** Where files go that later checkpoints may refer to as well; undefined: into `directory`, like everything else. */
  readonly sharedDirectory: string | undefined;
  /** The completed checkpoint whose shared files this one may refer to (S2 of shared-state-registry.ts). */
  readonly baseId: number | undefined;
}

/** What tasks write the state of a checkpoint with. @internal */
export interface StateWriter {
  /** Makes bytes durable as part of a checkpoint. They must not change until the promise settles, and inline ones never. */
  write(checkpointId: number, bytes: Uint8Array): Promise<StateHandle>;
  /** As `write`, from a file. @param isShared - Later checkpoints may refer to it. */
  writeFile(checkpointId: number, source: StateSource, isShared: boolean): Promise<StateHandle>;
  /** See {@link CheckpointLocation}. */
  baseOf(checkpointId: number): number | undefined | Promise<number | undefined>;
  /** Removes shared files that were written for a checkpoint and that nobody has heard of. */
  removeShared(checkpointId: number, names: readonly string[]): Promise<void>;
}

/** Where the JobMaster and the tasks keep checkpoints. @internal */
export interface CheckpointStorage extends StateWriter {
  initialize(): Promise<void>;
  /**
   * Makes the place that other processes write the state of a checkpoint to; undefined when state has to come with the
   * acknowledgement.
   */
  prepare(checkpointId: number): Promise<CheckpointLocation | undefined>;
  /** Completes a checkpoint; returns its directory, undefined when it is only in memory. */
  storeMetadata(metadata: CheckpointMetadata): Promise<string | undefined>;
  /** Removes a checkpoint, completed or not. */
  discard(checkpointId: number): Promise<void>;
  /** See `sweepSharedFiles`. */
  sweepShared(isHeld: (name: string) => boolean, mayGoOn: () => boolean): Promise<void>;
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
      for (const name of JOB_DIRECTORIES) await fs.makeDirectory(fs.resolve(this.#directory, name));
    } catch (error) {
      throw storageError(error, this.#directory, "execution.checkpointing.dir");
    }
  }

  get #sharedDirectory(): string {
    return this.#options.fs.resolve(this.#directory, SHARED_DIRECTORY);
  }

  pathOf(checkpointId: number): string {
    return this.#options.fs.resolve(this.#directory, `chk-${checkpointId}`);
  }

  async prepare(checkpointId: number): Promise<CheckpointLocation> {
    const directory = await this.#directoryOf(checkpointId).prepare(checkpointId);
    return { directory, sharedDirectory: this.#sharedDirectory, baseId: undefined };
  }

  async write(checkpointId: number, bytes: Uint8Array): Promise<StateHandle> {
    return this.#directoryOf(checkpointId).write(checkpointId, bytes);
  }

  async writeFile(checkpointId: number, source: StateSource, isShared: boolean): Promise<StateHandle> {
    return this.#directoryOf(checkpointId).writeFile(checkpointId, source, isShared);
  }

  baseOf(_checkpointId: number): undefined {
    return undefined;
  }

  async removeShared(_checkpointId: number, names: readonly string[]): Promise<void> {
    await removeSharedFiles(this.#options.fs, this.#directory, names);
  }

  /** In a directory that jobs have in common nothing is swept: a file may be another job's. */
  async sweepShared(isHeld: (name: string) => boolean, mayGoOn: () => boolean): Promise<void> {
    const { fs, hasJobDirectory } = this.#options;
    if (hasJobDirectory) await sweepSharedFiles(fs, this.#directory, isHeld, mayGoOn);
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
    const setting = "execution.checkpointing.dir";
    return new SnapshotDirectory({ fs, random, path, sharedPath: this.#sharedDirectory, limits, setting });
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
  if (names.every((name) => JOB_DIRECTORIES.includes(name))) await fs.removeTree(jobDirectory);
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
    checkStateSize(bytes.length, this.#stateBytesMax);
    return { kind: "inline", bytes };
  }

  async writeFile(_checkpointId: number, source: StateSource, _isShared: boolean): Promise<StateHandle> {
    checkStateSize(source.sizeBytes, this.#stateBytesMax);
    return { kind: "inline", bytes: await wholeOf(source) };
  }

  baseOf(_checkpointId: number): undefined {
    return undefined;
  }

  async removeShared(_checkpointId: number, _names: readonly string[]): Promise<void> {}

  async sweepShared(_isHeld: (name: string) => boolean, _mayGoOn: () => boolean): Promise<void> {}

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
  /** By checkpoint id, of those that are pending. */
  readonly #bases = new Map<number, number>();

  constructor(checkpoints: CheckpointStorage) {
    this.#checkpoints = checkpoints;
  }

  /** The checkpoint may refer to the shared files of this one. */
  assignBase(checkpointId: number, baseId: number): void {
    this.#bases.set(checkpointId, baseId);
  }

  /** From now on everything of this checkpoint goes into the savepoint's directory. */
  assignSavepoint(checkpointId: number, directory: SnapshotDirectory): void {
    this.#savepoints.set(checkpointId, directory);
  }

  initialize(): Promise<void> {
    return this.#checkpoints.initialize();
  }

  async prepare(checkpointId: number): Promise<CheckpointLocation | undefined> {
    const savepoint = this.#savepoints.get(checkpointId);
    if (savepoint !== undefined) {
      return { directory: await savepoint.prepare(checkpointId), sharedDirectory: undefined, baseId: undefined };
    }
    const location = await this.#checkpoints.prepare(checkpointId);
    return location === undefined ? undefined : { ...location, baseId: this.baseOf(checkpointId) };
  }

  baseOf(checkpointId: number): number | undefined {
    return this.#bases.get(checkpointId);
  }

  writeFile(checkpointId: number, source: StateSource, isShared: boolean): Promise<StateHandle> {
    return (this.#savepoints.get(checkpointId) ?? this.#checkpoints).writeFile(checkpointId, source, isShared);
  }

  removeShared(checkpointId: number, names: readonly string[]): Promise<void> {
    return this.#checkpoints.removeShared(checkpointId, names);
  }

  sweepShared(isHeld: (name: string) => boolean, mayGoOn: () => boolean): Promise<void> {
    return this.#checkpoints.sweepShared(isHeld, mayGoOn);
  }

  write(checkpointId: number, bytes: Uint8Array): Promise<StateHandle> {
    return (this.#savepoints.get(checkpointId) ?? this.#checkpoints).write(checkpointId, bytes);
  }

  async storeMetadata(metadata: CheckpointMetadata): Promise<string | undefined> {
    const savepoint = this.#savepoints.get(metadata.checkpointId);
    // All of its tasks have written what they write.
    this.#bases.delete(metadata.checkpointId);
    if (savepoint === undefined) return this.#checkpoints.storeMetadata(metadata);
    const path = await savepoint.storeMetadata(metadata);
    // It is its user's now: nobody removes it from here any more.
    this.#savepoints.delete(metadata.checkpointId);
    return path;
  }

  async discard(checkpointId: number): Promise<void> {
    // A savepoint that was given up stays known: what is still written for it must not become a checkpoint.
    const savepoint = this.#savepoints.get(checkpointId);
    this.#bases.delete(checkpointId);
    await (savepoint === undefined ? this.#checkpoints.discard(checkpointId) : savepoint.discard());
  }

  removeIfEmpty(): Promise<void> {
    return this.#checkpoints.removeIfEmpty();
  }
}
