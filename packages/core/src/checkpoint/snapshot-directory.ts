/**
 * The directory of one checkpoint or savepoint:
 *
 *     <directory>/_metadata     written last, atomically; a snapshot without it does not exist
 *     <directory>/<uuid>        state that is too large for the metadata
 *     <shared>/<uuid>           the same, for this checkpoint and those after it (shared-files.ts)
 *
 * - F1. A handle is given out only when its bytes are durable: written, synced, and their name synced.
 * - F2. `_metadata` appears at once, as a whole, after everything it points to is durable.
 * - F3. Discarding removes `_metadata` first: a snapshot that is half gone is not listed.
 * - F4. A discarded snapshot stays gone: discarding waits for the writes that are under way, later ones are refused.
 * - F5. A completed snapshot that somebody else stored, a job before this one in the same directory or a JobManager that does
 *   not know yet that another one leads, is neither overwritten nor discarded.
 */
import { crc32c } from "../base/crc32c.ts";
import { MillraceError } from "../base/errors.ts";
import { FileSystemError, type Random } from "../platform/platform.ts";
import type { FileSystems } from "./file-systems.ts";
import { encodeMetadata } from "./metadata-codec.ts";
import { sharedHandleName } from "./snapshot-files.ts";
import type { CheckpointMetadata, StateHandle } from "./state-handles.ts";
import { checkStateSize, type StateLimits } from "./state-limits.ts";
import { type StateSource, wholeOf } from "./state-source.ts";
import { abortedError, type StorageSetting, storageError } from "./storage-errors.ts";

/** @internal */
export const METADATA_FILE = "_metadata";

/** @internal */
export interface SnapshotDirectoryOptions {
  readonly fs: FileSystems;
  readonly random: Random;
  /** Its parent exists and is durable. */
  readonly path: string;
  readonly limits: StateLimits;
  /** What a message about the directory tells to change. */
  readonly setting: StorageSetting;
  /** The shared directory beside it; undefined for what has to have all of its files in its own directory. */
  readonly sharedPath?: string | undefined;
  /** The directories have been made by another process, which also removes them. Default false. */
  readonly isPrepared?: boolean;
}

/**
 * One snapshot on disk, from its first byte to its end. Its methods may overlap.
 *
 * @throws MillraceError from writing and storing: `MR_DISK_FULL`, `MR_CHECKPOINT_STORAGE_FAILED`, `MR_CHECKPOINT_EXISTS`
 *   (F5), `MR_CHECKPOINT_ABORTED` (F4), `MR_STATE_TOO_LARGE_FOR_MEMORY`. The caller then discards the snapshot.
 * @internal
 */
export class SnapshotDirectory {
  readonly path: string;
  readonly #options: SnapshotDirectoryOptions;
  readonly #writing = new Set<Promise<unknown>>();
  #prepared: Promise<void> | undefined;
  #sharedPrepared: Promise<void> | undefined;
  /** Whether the metadata there has been written, or begun to be written, by this object. */
  #isOwn = false;
  #isDiscarded = false;

  constructor(options: SnapshotDirectoryOptions) {
    this.#options = options;
    this.path = options.path;
    if (options.isPrepared === true) this.#prepared = this.#sharedPrepared = Promise.resolve();
  }

  /** Makes the directory, for other processes to write to; returns it. */
  prepare(checkpointId: number): Promise<string> {
    return this.#whileWriting(checkpointId, async () => {
      await this.#prepare();
      if (this.#options.sharedPath !== undefined) await this.#prepareShared(this.#options.sharedPath);
      return this.path;
    });
  }

  /** Makes bytes durable as part of the snapshot (F1); few of them stay inline. */
  write(checkpointId: number, bytes: Uint8Array): Promise<StateHandle> {
    return this.#whileWriting(checkpointId, () => this.#write(bytes));
  }

  /**
   * As `write`, from a file. What is discarded with the snapshot is only what is in its own directory.
   * @param isShared - Into the shared directory, when there is one.
   */
  writeFile(checkpointId: number, source: StateSource, isShared: boolean): Promise<StateHandle> {
    return this.#whileWriting(checkpointId, () => this.#writeFile(source, isShared));
  }

  /** Completes the snapshot (F2); returns its directory. */
  storeMetadata(metadata: CheckpointMetadata): Promise<string> {
    return this.#whileWriting(metadata.checkpointId, () => this.#storeMetadata(metadata));
  }

  /** Removes the snapshot, completed or not (F3, F4, F5). */
  async discard(): Promise<void> {
    const { fs } = this.#options;
    this.#isDiscarded = true;
    await Promise.allSettled(this.#writing);
    if ((await fs.stat(this.path)) === undefined) return;
    if (!this.#isOwn && (await fs.stat(fs.resolve(this.path, METADATA_FILE))) !== undefined) return;
    await removeSnapshot(fs, this.path);
  }

  async #whileWriting<T>(checkpointId: number, action: () => Promise<T>): Promise<T> {
    if (this.#isDiscarded) throw abortedError(checkpointId);
    const written = action();
    this.#writing.add(written);
    try {
      return await written;
    } finally {
      this.#writing.delete(written);
    }
  }

  async #write(bytes: Uint8Array): Promise<StateHandle> {
    const { fs, random, limits } = this.#options;
    checkStateSize(bytes.length, limits.stateBytesMax);
    if (bytes.length < limits.inlineBelowBytes) return { kind: "inline", bytes };
    await this.#prepare();
    const name = random.uuid();
    try {
      await fs.write(fs.resolve(this.path, name), bytes);
    } catch (error) {
      throw this.#failed(error);
    }
    return { kind: "file", name, sizeBytes: bytes.length, crc32c: crc32c(bytes) };
  }

  async #writeFile(source: StateSource, isShared: boolean): Promise<StateHandle> {
    const { fs, random, limits, sharedPath } = this.#options;
    checkStateSize(source.sizeBytes, limits.stateBytesMax);
    if (source.sizeBytes < limits.inlineBelowBytes) return { kind: "inline", bytes: await wholeOf(source) };
    const name = random.uuid();
    const directory = isShared ? sharedPath : undefined;
    await (directory === undefined ? this.#prepare() : this.#prepareShared(directory));
    try {
      await fs.write(fs.resolve(directory ?? this.path, name), source);
    } catch (error) {
      throw this.#failed(error);
    }
    const { sizeBytes, crc32c } = source;
    return { kind: "file", name: directory === undefined ? name : sharedHandleName(name), sizeBytes, crc32c };
  }

  #prepareShared(path: string): Promise<void> {
    this.#sharedPrepared ??= this.#options.fs.makeDirectory(path).catch((error) => {
      throw this.#failed(error);
    });
    return this.#sharedPrepared;
  }

  async #storeMetadata(metadata: CheckpointMetadata): Promise<string> {
    const { fs } = this.#options;
    await this.#prepare();
    // Before it is written: when the outcome is unknown, what may be there is to be discarded like the rest.
    this.#isOwn = true;
    try {
      await fs.writeNew(fs.resolve(this.path, METADATA_FILE), encodeMetadata(metadata));
    } catch (error) {
      if (!(error instanceof FileSystemError) || error.errno !== "EEXIST") throw this.#failed(error);
      this.#isOwn = false;
      throw existsError(this.path);
    }
    return this.path;
  }

  #prepare(): Promise<void> {
    this.#prepared ??= this.#create();
    return this.#prepared;
  }

  async #create(): Promise<void> {
    const { fs } = this.#options;
    try {
      if ((await fs.stat(fs.resolve(this.path, METADATA_FILE))) !== undefined) throw existsError(this.path);
      // What an attempt of the same number left behind before a crash was never completed.
      await fs.removeTree(this.path);
      await fs.makeDirectory(this.path);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): unknown {
    return storageError(error, this.path, this.#options.setting);
  }
}

/**
 * Removes a snapshot with everything in its directory, completed or not (F3). May be repeated.
 * @internal
 */
export async function removeSnapshot(fs: FileSystems, directory: string): Promise<void> {
  await fs.removeFiles(directory, [METADATA_FILE]);
  await fs.removeTree(directory);
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
