/**
 * Second copies of the state that a job's subtasks in this process have written, on the machine's own disk: what a restart
 * reads instead of the checkpoint directory. Flink's task-local recovery.
 *
 * - L1. A copy is used only when its size and checksum are those of the checkpoint's handle. Whatever goes wrong with copies
 *   fails no checkpoint and no job.
 * - L2. A copy has the name of its handle, which is random and used once, under the number of its checkpoint: no two states
 *   can have the same (FLINK-12296), and who restores looks for what he needs.
 * - L3. When a checkpoint is complete the copies of those before it go; when it is given up, its own.
 *
 *     <directory>/chk-<n>/<name of the handle's file>
 */
import { crc32c } from "../base/crc32c.ts";
import type { CheckpointTrigger } from "../checkpoint/checkpoint-trigger.ts";
import { LocalFileSystem } from "../checkpoint/local-file-system.ts";
import type { FileHandle, StateHandle, StoreHandle } from "../checkpoint/state-handles.ts";
import { checksumOf, readParts, wholeOf } from "../checkpoint/state-source.ts";
import type { ReadableFile } from "../platform/file-system.ts";
import { FileSystemError, type LocalFs } from "../platform/platform.ts";
import { removeLocal } from "./subtask-state.ts";

/** What a handle's file may be called to have a copy: nothing that leads out of a directory. */
const PLAIN_NAME = /^[\w-]+$/;
const COPIES_NAME = /^chk-(\d+)$/;

export interface LocalStateCopiesOptions {
  readonly fs: LocalFs;
  /** On this machine's disk, of this job only; checkpoints take turns. At least one. */
  readonly directories: readonly string[];
  readonly onWarning: (text: string) => void;
}

export class LocalStateCopies {
  readonly #options: LocalStateCopiesOptions;
  readonly #files: LocalFileSystem;
  /** Checkpoints that may have copies. */
  readonly #kept = new Set<number>();
  /** Of which none are to be made: nobody restarts from a savepoint that was just taken. */
  readonly #skipped = new Set<number>();
  #removing: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(options: LocalStateCopiesOptions) {
    this.#options = options;
    this.#files = new LocalFileSystem(options.fs);
  }

  /** Takes over what an earlier process has left in the directories. */
  async open(): Promise<void> {
    const { fs, directories } = this.#options;
    for (const directory of directories) {
      if ((await fs.stat(directory)) === undefined) continue;
      for (const name of await fs.list(directory)) {
        const id = COPIES_NAME.exec(name)?.[1];
        if (id !== undefined) this.#kept.add(Number(id));
      }
    }
  }

  /** No copies are made of a savepoint, which has a format. */
  notifyTriggered({ checkpointId, format }: CheckpointTrigger): void {
    if (format !== undefined) this.#skipped.add(checkpointId);
  }

  /** Copies bytes when they have been written under a handle, which is returned (L1). */
  async writing(checkpointId: number, written: Promise<StateHandle>, bytes: Uint8Array): Promise<StateHandle> {
    const handle = await written;
    await this.write(checkpointId, handle, bytes);
    return handle;
  }

  /** Copies bytes that were written under the handle (L1). */
  async write(checkpointId: number, handle: StateHandle, bytes: Uint8Array): Promise<void> {
    await this.#copy(checkpointId, handle, (to) => this.#fill(to, (write) => write(bytes, 0)));
  }

  /** Makes the files of a store's snapshot the copies of what was written under the handle; what is left of its directory stays. */
  async take(checkpointId: number, { files }: StoreHandle, directory: string): Promise<void> {
    const { fs } = this.#options;
    for (const { name, handle } of files) {
      await this.#copy(checkpointId, handle, (to) => this.#move(fs.resolve(directory, name), to));
    }
  }

  /** L3. */
  notifyComplete(checkpointId: number): void {
    for (const id of this.#kept) if (id < checkpointId) this.#remove(id);
    for (const id of this.#skipped) if (id <= checkpointId) this.#skipped.delete(id);
  }

  /** L3. */
  notifyAborted(checkpointId: number): void {
    this.#skipped.delete(checkpointId);
    if (this.#kept.has(checkpointId)) this.#remove(checkpointId);
  }

  /** The bytes of a handle; undefined when there is no intact copy (L1). */
  async read(checkpointId: number, handle: FileHandle): Promise<Uint8Array | undefined> {
    return this.#whenIntact(checkpointId, handle, async (file) => {
      const bytes = await wholeOf(file);
      return crc32c(bytes) === handle.crc32c ? bytes : undefined;
    });
  }

  /** Where the intact copy of a handle is; undefined when there is none (L1). It must not be written to. */
  async pathOf(checkpointId: number, handle: FileHandle): Promise<string | undefined> {
    return this.#whenIntact(checkpointId, handle, async (file, path) =>
      (await checksumOf(file)) === handle.crc32c ? path : undefined,
    );
  }

  /** Removes all of them: the job has ended. */
  async discard(): Promise<void> {
    await this.#removing;
    for (const directory of this.#options.directories) await removeLocal(this.#options.fs, directory);
  }

  /** Settles when nothing is being removed. */
  async settled(): Promise<void> {
    await this.#removing;
  }

  async #copy(checkpointId: number, handle: StateHandle, make: (to: string) => Promise<void>): Promise<void> {
    // What is in the metadata comes with it.
    if (handle.kind === "inline" || this.#skipped.has(checkpointId)) return;
    const to = this.#placeOf(checkpointId, handle);
    if (to === undefined) return;
    try {
      if (!this.#kept.has(checkpointId)) await this.#options.fs.makeDirectory(this.#directoryOf(checkpointId));
      this.#kept.add(checkpointId);
      await make(to);
      this.#hasFailed = false;
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
      this.#warn(checkpointId, error);
    }
  }

  async #whenIntact<T>(
    checkpointId: number,
    handle: FileHandle,
    use: (file: ReadableFile, path: string) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const path = this.#placeOf(checkpointId, handle);
    if (path === undefined || !this.#kept.has(checkpointId)) return undefined;
    try {
      const file = await this.#files.open(path);
      try {
        const used = file.sizeBytes === handle.sizeBytes ? await use(file, path) : undefined;
        if (used === undefined)
          this.#options.onWarning(`${path} is damaged: state is read from the checkpoint instead`);
        return used;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (error instanceof FileSystemError) return undefined;
      throw error;
    }
  }

  async #move(from: string, to: string): Promise<void> {
    try {
      await this.#options.fs.rename(from, to);
    } catch (error) {
      if (!(error instanceof FileSystemError) || error.errno !== "EXDEV") throw error;
      const source = await this.#files.open(from);
      try {
        await this.#fill(to, (write) => readParts(source, write));
      } finally {
        await source.close();
      }
    }
  }

  /** Not synced: what a loss of power leaves of a copy has another checksum. */
  async #fill(
    path: string,
    fill: (write: (part: Uint8Array, position: number) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const file = await this.#options.fs.open(path, "create");
    try {
      await fill((part, position) => file.write(part, position));
    } finally {
      await file.close();
    }
  }

  #directoryOf(checkpointId: number): string {
    const { fs, directories } = this.#options;
    return fs.resolve(directories[checkpointId % directories.length]!, `chk-${checkpointId}`);
  }

  #placeOf(checkpointId: number, { name }: FileHandle): string | undefined {
    const plain = name.slice(name.lastIndexOf("/") + 1);
    return PLAIN_NAME.test(plain) ? this.#options.fs.resolve(this.#directoryOf(checkpointId), plain) : undefined;
  }

  #remove(checkpointId: number): void {
    this.#kept.delete(checkpointId);
    const directory = this.#directoryOf(checkpointId);
    this.#removing = this.#removing.then(() => removeLocal(this.#options.fs, directory));
  }

  /** A part of a copy is of no use, and its room may be what is missing. */
  #warn(checkpointId: number, error: FileSystemError): void {
    this.notifyAborted(checkpointId);
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.onWarning(`no local copy of the state of checkpoint ${checkpointId} could be kept: ${error.message}`);
  }
}
