/**
 * Brings the state of a checkpoint to this process, and local stores back to this machine's disk: from the copies that are here
 * already (taskmanager/local-state-copies.ts), and what is not among them from the checkpoint directory.
 */
import { type LoadedCheckpoint, readState } from "../checkpoint/checkpoint-reader.ts";
import type { FileSystems } from "../checkpoint/file-systems.ts";
import { LocalFileSystem } from "../checkpoint/local-file-system.ts";
import { stateSizeOf } from "../checkpoint/snapshot-files.ts";
import { copyIntact, copyState, onLocalDisk } from "../checkpoint/state-copies.ts";
import type { FileHandle, StateHandle, StoreFileHandle, StoreHandle } from "../checkpoint/state-handles.ts";
import type { LocalFs, Platform, Random } from "../platform/platform.ts";
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
    const { files, fs, copies } = this.#options;
    if (handle.kind === "file" && copies !== undefined) {
      const local = await copies.pathOf(checkpoint.metadata.checkpointId, handle);
      if (local !== undefined && (await this.#takesCopy(local, handle, isImmutable, to))) {
        this.#bytes.local += handle.sizeBytes;
        return;
      }
    }
    if (handle.kind === "file") this.#bytes.remote += handle.sizeBytes;
    await copyState(files, checkpoint.directory, handle, { fs, path: to });
  }

  /** False when it is gone, or the disk has no second name for it: then it is read like any other. */
  async #takesCopy(from: string, handle: FileHandle, isImmutable: boolean, to: string): Promise<boolean> {
    const { fs, stores } = this.#options;
    // What a store may write to must stay what it is.
    if (!isImmutable) return copyIntact(new LocalFileSystem(fs), from, handle, { fs, path: to });
    try {
      stores.link(from, to);
      return true;
    } catch {
      await fs.remove(to);
      return false;
    }
  }
}
