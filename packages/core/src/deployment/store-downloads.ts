/**
 * Brings the state of a checkpoint to this process, and local stores back to this machine's disk: from the copies that are here
 * already (taskmanager/local-state-copies.ts), and what is not among them from the checkpoint directory.
 */
import { crc32c } from "../base/crc32c.ts";
import { MillraceError } from "../base/errors.ts";
import { type LoadedCheckpoint, readState } from "../checkpoint/checkpoint-reader.ts";
import type { FileSystems } from "../checkpoint/file-systems.ts";
import { LocalFileSystem } from "../checkpoint/local-file-system.ts";
import { stateSizeOf } from "../checkpoint/snapshot-files.ts";
import type { StateHandle, StoreFileHandle, StoreHandle } from "../checkpoint/state-handles.ts";
import { readParts } from "../checkpoint/state-source.ts";
import { FileSystemError, type LocalFs, type OpenFile, type Platform, type Random } from "../platform/platform.ts";
import type { Stores } from "../platform/stores.ts";
import type { RestoredStore } from "../state/store-snapshot.ts";
import type { LocalStateCopies } from "../taskmanager/local-state-copies.ts";
import { localDirectoryOf, removeLocal } from "../taskmanager/subtask-state.ts";
import type { TaskSettings } from "../taskmanager/task-settings.ts";

export interface StoreDownloadsOptions {
  readonly files: FileSystems;
  readonly fs: LocalFs;
  readonly stores: Pick<Stores, "link">;
  readonly random: Random;
  /** On this machine's disk, of one job in one process. Made when it is needed, removed by `close`. */
  readonly directory: string;
  /** What is read first. */
  readonly copies?: LocalStateCopies | undefined;
}

/** Those of one job in one process. */
export function storeDownloadsOf(
  files: FileSystems,
  platform: Platform,
  settings: Pick<TaskSettings, "localDirectory">,
  jobId: string,
  copies?: LocalStateCopies,
): StoreDownloads {
  const random = platform.random.fork("restored stores");
  // Another process of the machine may have the job, too.
  const directory = localDirectoryOf(platform, settings, `${jobId}-restored-${random.uuid()}`);
  const { fs, stores } = platform;
  return new StoreDownloads({ files, fs, stores, random, directory, copies });
}

type FileHandle = StateHandle & { readonly kind: "file" };

export class StoreDownloads {
  readonly #options: StoreDownloadsOptions;
  /** Of state, in files. */
  readonly #bytes = { remote: 0, local: 0 };
  #isUsed = false;

  constructor(options: StoreDownloadsOptions) {
    this.#options = options;
  }

  /** Read from checkpoint storage since the job began here. */
  get downloadedBytes(): number {
    return this.#bytes.remote;
  }

  /** Read from local copies since the job began here. */
  get localBytes(): number {
    return this.#bytes.local;
  }

  /** The bytes of a handle. @throws MillraceError as `readState` */
  read(checkpoint: LoadedCheckpoint, handle: StateHandle): Promise<Uint8Array> {
    const { files, copies } = this.#options;
    if (handle.kind === "file" && copies !== undefined) return this.#readCopied(copies, checkpoint, handle);
    if (handle.kind === "file") this.#bytes.remote += handle.sizeBytes;
    return readState(files, checkpoint.directory, handle);
  }

  /**
   * Copies the files of a store into a directory of their own, each verified (R2).
   *
   * @param limited - Runs the copying of each file: not too many at a time.
   * @throws MillraceError as `readState`, and `MR_DISK_FULL`, `MR_STATE_STORE_FAILED` for the local disk
   */
  async download(
    checkpoint: LoadedCheckpoint,
    { storeId, header, files }: StoreHandle,
    limited: <T>(action: () => Promise<T>) => Promise<T>,
  ): Promise<Omit<RestoredStore, "keyGroupStart" | "keyGroupEnd">> {
    const { fs, random } = this.#options;
    const directory = fs.resolve(this.#options.directory, random.uuid());
    this.#isUsed = true;
    await onLocalDisk(directory, () => fs.makeDirectory(directory));
    const copying = files.map((file) => limited(() => this.#copy(checkpoint, file, fs.resolve(directory, file.name))));
    const reading = limited(() => this.read(checkpoint, header));
    const failed = (await Promise.allSettled<unknown>([reading, ...copying])).find(
      (each) => each.status === "rejected",
    );
    if (failed !== undefined) {
      await removeLocal(fs, directory);
      throw failed.reason;
    }
    return {
      storeId,
      header: await reading,
      directory,
      files: files.map(({ name, isImmutable, handle }) => ({ name, isImmutable, sizeBytes: stateSizeOf(handle) })),
    };
  }

  /** Removes what nobody has taken over. */
  async close(): Promise<void> {
    if (this.#isUsed) await removeLocal(this.#options.fs, this.#options.directory);
  }

  async #readCopied(copies: LocalStateCopies, checkpoint: LoadedCheckpoint, handle: FileHandle): Promise<Uint8Array> {
    const { directory, metadata } = checkpoint;
    const copied = await copies.read(metadata.checkpointId, handle);
    this.#bytes[copied === undefined ? "remote" : "local"] += handle.sizeBytes;
    return copied ?? readState(this.#options.files, directory, handle);
  }

  async #copy(checkpoint: LoadedCheckpoint, { isImmutable, handle }: StoreFileHandle, to: string): Promise<void> {
    if (handle.kind === "inline") {
      await onLocalDisk(to, () => this.#write(to, (file) => file.write(handle.bytes, 0)));
      return;
    }
    const { copies } = this.#options;
    if (copies !== undefined) {
      const local = await copies.pathOf(checkpoint.metadata.checkpointId, handle);
      if (local !== undefined && (await this.#takesCopy(local, handle, isImmutable, to))) {
        this.#bytes.local += handle.sizeBytes;
        return;
      }
    }
    this.#bytes.remote += handle.sizeBytes;
    const from = this.#options.files.resolve(checkpoint.directory, handle.name);
    if (await this.#copiesVerified(this.#options.files, from, handle, to)) return;
    // Whoever reads all of it at once tries again, and says what is wrong.
    const bytes = await readState(this.#options.files, checkpoint.directory, handle);
    await onLocalDisk(to, () => this.#write(to, (file) => file.write(bytes, 0)));
  }

  /** False when it is gone, or the disk has no second name for it: then it is read like any other. */
  async #takesCopy(from: string, handle: FileHandle, isImmutable: boolean, to: string): Promise<boolean> {
    const { fs, stores } = this.#options;
    // What a store may write to must stay what it is.
    if (!isImmutable) return this.#copiesVerified(new LocalFileSystem(fs), from, handle, to);
    try {
      stores.link(from, to);
      return true;
    } catch {
      await fs.remove(to);
      return false;
    }
  }

  /** False when the file is not what was written, or its disk does not say. */
  async #copiesVerified(
    files: Pick<FileSystems, "open">,
    from: string,
    { sizeBytes, crc32c: expected }: FileHandle,
    to: string,
  ): Promise<boolean> {
    const source = await unlessUnreadable(() => files.open(from));
    if (source === undefined) return false;
    let checksum = 0;
    let copiedBytes = 0;
    try {
      await this.#write(to, (file) =>
        readParts(source, async (part, position) => {
          checksum = crc32c(part, 0, part.length, checksum);
          copiedBytes += part.length;
          await onLocalDisk(to, () => file.write(part, position));
        }),
      );
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      return false;
    } finally {
      await source.close();
    }
    return copiedBytes === sizeBytes && source.sizeBytes === sizeBytes && checksum === expected;
  }

  async #write(path: string, fill: (file: OpenFile) => Promise<void>): Promise<void> {
    const file = await onLocalDisk(path, () => this.#options.fs.open(path, "create"));
    try {
      await fill(file);
    } finally {
      await file.close();
    }
  }
}

async function unlessUnreadable<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof FileSystemError) return undefined;
    throw error;
  }
}

async function onLocalDisk<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
    const isFull = error.errno === "ENOSPC" || error.errno === "EDQUOT";
    throw new MillraceError(isFull ? "MR_DISK_FULL" : "MR_STATE_STORE_FAILED", {
      what: isFull
        ? "The local disk has no room for the state that is restored"
        : "State that is restored could not be written to the local disk",
      where: { path },
      found: error.message,
      todo: "Look at the disk of the working directory, or set state.backend.rocksdb.localdir to another one",
      cause: error,
    });
  }
}
