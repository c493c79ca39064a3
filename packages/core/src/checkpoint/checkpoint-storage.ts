/**
 * Checkpoints in a directory of a file system:
 *
 *     <directory>/<job id>/chk-<n>/_metadata     written last, atomically; a checkpoint without it does not exist
 *     <directory>/<job id>/chk-<n>/<uuid>        state that is too large for the metadata
 *     <directory>/<job id>/shared, taskowned     reserved
 *
 * - F1. A handle is given out only when its bytes are durable: written, synced, and their name synced.
 * - F2. `_metadata` appears by a rename after everything it points to is durable.
 * - F3. Discarding removes `_metadata` first: a checkpoint that is half gone is not listed.
 * - F4. A discarded checkpoint stays gone: discarding waits for the writes that are under way, later ones are refused.
 * - F5. A completed checkpoint that somebody else stored, a job before this one in the same directory, is neither
 *   overwritten nor discarded.
 */
import { crc32c } from "../base/crc32c.ts";
import { MillraceError } from "../base/errors.ts";
import { FileSystemError, type LocalFs, type Random } from "../platform/platform.ts";
import { encodeMetadata } from "./metadata-codec.ts";
import type { CheckpointMetadata, StateHandle } from "./state-handles.ts";

/** @internal */
export const METADATA_FILE = "_metadata";
/** Discarded checkpoints whose late writes are still recognised; far more than can be under way at once. */
const DISCARDED_REMEMBERED_MAX = 1024;

/** Where the JobMaster and the tasks keep checkpoints. @internal */
export interface CheckpointStorage {
  initialize(): Promise<void>;
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
export interface FileSystemStorageOptions {
  readonly fs: LocalFs;
  readonly random: Random;
  /** `execution.checkpointing.dir`. */
  readonly directory: string;
  readonly jobId: string;
  /** `execution.checkpointing.create-subdir`. */
  readonly hasJobDirectory: boolean;
  /** `execution.checkpointing.data-inline-threshold`, bytes. */
  readonly inlineBelowBytes: number;
}

/**
 * One job's checkpoints in a directory. Its methods may overlap.
 *
 * @throws MillraceError from writing and storing: `MR_DISK_FULL`, `MR_CHECKPOINT_STORAGE_FAILED`, `MR_CHECKPOINT_EXISTS`
 *   (F5), `MR_CHECKPOINT_ABORTED` (F4). The caller then discards the checkpoint.
 * @internal
 */
export class FileSystemCheckpointStorage implements CheckpointStorage {
  readonly #options: FileSystemStorageOptions;
  readonly #directory: string;
  /** Directories of pending and completed checkpoints, by id. */
  readonly #prepared = new Map<number, Promise<string>>();
  /** Writes under way, by checkpoint id. */
  readonly #writing = new Map<number, Set<Promise<unknown>>>();
  /** Checkpoints whose metadata this storage has written or begun to write. */
  readonly #own = new Set<number>();
  readonly #discarded = new Set<number>();

  constructor(options: FileSystemStorageOptions) {
    this.#options = options;
    const { fs, directory, jobId, hasJobDirectory } = options;
    this.#directory = hasJobDirectory ? fs.resolve(directory, jobId) : fs.resolve(directory);
  }

  /** Creates the directories of the job, so that a place that cannot be written to fails before the job runs. */
  async initialize(): Promise<void> {
    const { fs } = this.#options;
    try {
      for (const name of ["shared", "taskowned"]) await makeDirectoryDurably(fs, fs.resolve(this.#directory, name));
    } catch (error) {
      throw storageError(error, this.#directory);
    }
  }

  pathOf(checkpointId: number): string {
    return this.#options.fs.resolve(this.#directory, `chk-${checkpointId}`);
  }

  /** Makes bytes durable as part of a checkpoint (F1). */
  write(checkpointId: number, bytes: Uint8Array): Promise<StateHandle> {
    return this.#whileWriting(checkpointId, () => this.#write(checkpointId, bytes));
  }

  /** Completes a checkpoint (F2); returns its directory. */
  storeMetadata(metadata: CheckpointMetadata): Promise<string> {
    return this.#whileWriting(metadata.checkpointId, () => this.#storeMetadata(metadata));
  }

  /** Removes a checkpoint, completed or not (F3, F4, F5). */
  async discard(checkpointId: number): Promise<void> {
    const { fs } = this.#options;
    const directory = this.pathOf(checkpointId);
    this.#rememberDiscarded(checkpointId);
    await Promise.allSettled(this.#writing.get(checkpointId) ?? []);
    this.#prepared.delete(checkpointId);
    const metadataFile = fs.resolve(directory, METADATA_FILE);
    if ((await fs.stat(directory)) === undefined) return;
    if (!this.#own.delete(checkpointId) && (await fs.stat(metadataFile)) !== undefined) return;
    await fs.remove(metadataFile);
    await fs.syncDirectory(directory);
    await fs.removeTree(directory);
  }

  /** Removes the job's directory when no checkpoint is left in it. */
  async removeIfEmpty(): Promise<void> {
    const { fs, hasJobDirectory } = this.#options;
    if (!hasJobDirectory || (await fs.stat(this.#directory)) === undefined) return;
    const names = await fs.list(this.#directory);
    if (names.every((name) => name === "shared" || name === "taskowned")) await fs.removeTree(this.#directory);
  }

  async #whileWriting<T>(checkpointId: number, action: () => Promise<T>): Promise<T> {
    if (this.#discarded.has(checkpointId)) throw abortedError(checkpointId);
    const running = this.#writing.get(checkpointId) ?? new Set();
    this.#writing.set(checkpointId, running);
    const written = action();
    running.add(written);
    try {
      return await written;
    } finally {
      running.delete(written);
      if (running.size === 0) this.#writing.delete(checkpointId);
    }
  }

  async #write(checkpointId: number, bytes: Uint8Array): Promise<StateHandle> {
    if (bytes.length < this.#options.inlineBelowBytes) return { kind: "inline", bytes };
    const { fs, random } = this.#options;
    const directory = await this.#prepare(checkpointId);
    const name = random.uuid();
    try {
      await writeDurably(fs, fs.resolve(directory, name), bytes);
      await fs.syncDirectory(directory);
    } catch (error) {
      throw storageError(error, directory);
    }
    return { kind: "file", name, sizeBytes: bytes.length, crc32c: crc32c(bytes) };
  }

  async #storeMetadata(metadata: CheckpointMetadata): Promise<string> {
    const { fs } = this.#options;
    const directory = await this.#prepare(metadata.checkpointId);
    const inProgress = fs.resolve(directory, `${METADATA_FILE}.inprogress`);
    try {
      await writeDurably(fs, inProgress, encodeMetadata(metadata));
      // Before the rename: when its outcome is unknown, what may be there is to be discarded like the rest.
      this.#own.add(metadata.checkpointId);
      await fs.rename(inProgress, fs.resolve(directory, METADATA_FILE));
      await fs.syncDirectory(directory);
    } catch (error) {
      throw storageError(error, directory);
    }
    return directory;
  }

  #rememberDiscarded(checkpointId: number): void {
    this.#discarded.add(checkpointId);
    if (this.#discarded.size <= DISCARDED_REMEMBERED_MAX) return;
    for (const oldest of this.#discarded) {
      this.#discarded.delete(oldest);
      return;
    }
  }

  #prepare(checkpointId: number): Promise<string> {
    let prepared = this.#prepared.get(checkpointId);
    if (prepared === undefined) {
      prepared = this.#createDirectory(checkpointId);
      this.#prepared.set(checkpointId, prepared);
    }
    return prepared;
  }

  async #createDirectory(checkpointId: number): Promise<string> {
    const { fs } = this.#options;
    const directory = this.pathOf(checkpointId);
    try {
      if ((await fs.stat(fs.resolve(directory, METADATA_FILE))) !== undefined) throw existsError(directory);
      // What an attempt of the same number left behind before a crash was never completed.
      await fs.removeTree(directory);
      await fs.makeDirectory(directory);
      await fs.syncDirectory(this.#directory);
    } catch (error) {
      throw storageError(error, directory);
    }
    return directory;
  }
}

/** For jobs without a checkpoint directory: survives failures of the job, not of the process. @internal */
export class MemoryCheckpointStorage implements CheckpointStorage {
  async initialize(): Promise<void> {}

  async write(_checkpointId: number, bytes: Uint8Array): Promise<StateHandle> {
    return { kind: "inline", bytes };
  }

  async storeMetadata(_metadata: CheckpointMetadata): Promise<undefined> {
    return undefined;
  }

  async discard(_checkpointId: number): Promise<void> {}

  async removeIfEmpty(): Promise<void> {}
}

/** A new directory is durable when its parent is synced; so are the parents that had to be made. */
async function makeDirectoryDurably(fs: LocalFs, path: string): Promise<void> {
  const parent = fs.resolve(path, "..");
  if (parent !== path && (await fs.stat(parent)) === undefined) await makeDirectoryDurably(fs, parent);
  await fs.makeDirectory(path);
  await fs.syncDirectory(parent);
}

async function writeDurably(fs: LocalFs, path: string, bytes: Uint8Array): Promise<void> {
  const file = await fs.open(path, "create");
  try {
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

function abortedError(checkpointId: number): MillraceError {
  return new MillraceError("MR_CHECKPOINT_ABORTED", {
    what: "A task's state came too late for its checkpoint, which has been given up",
    where: { checkpoint: checkpointId },
    todo: "Nothing is lost. If it happens often, raise execution.checkpointing.timeout",
  });
}

function existsError(directory: string): MillraceError {
  return new MillraceError("MR_CHECKPOINT_EXISTS", {
    what: "The checkpoint directory already holds a completed checkpoint with this number",
    where: { directory },
    found: "a checkpoint of a job that ran before",
    expected: "no checkpoint; a completed one is never overwritten",
    todo: "Give the job its own execution.checkpointing.dir, leave execution.checkpointing.create-subdir on, or restore from the newest checkpoint in the directory",
  });
}

function storageError(error: unknown, directory: string): unknown {
  if (!(error instanceof FileSystemError)) return error;
  if (error.errno === "ENOSPC" || error.errno === "EDQUOT") {
    return new MillraceError("MR_DISK_FULL", {
      what: "The checkpoint directory has no room left",
      where: { directory },
      found: error.message,
      expected: "room for one more checkpoint",
      todo: "Free space, or set execution.checkpointing.dir to another disk; completed checkpoints are untouched",
      cause: error,
    });
  }
  return new MillraceError("MR_CHECKPOINT_STORAGE_FAILED", {
    what: "The checkpoint directory cannot be written to",
    where: { directory },
    found: error.message,
    expected: "a directory that can be created and written",
    todo: "Check execution.checkpointing.dir and its permissions",
    cause: error,
  });
}
