import type { ByteSource, FileSystem, ReadableFile } from "../platform/file-system.ts";
import { type FileStat, FileSystemError, type LocalFs, type OpenFile } from "../platform/platform.ts";
import { DurableDirectories } from "./durable-directory.ts";

/** A large source is written in parts of so many bytes. */
const PART_BYTES = 4 * 2 ** 20;

/**
 * Snapshots on a disk, or on what is mounted like one (NFS). A name is durable when its directory was synced, bytes when their
 * file was: both have happened before a promise settles.
 * @internal
 */
export class LocalFileSystem implements FileSystem {
  readonly #fs: LocalFs;
  readonly #directories: DurableDirectories;

  constructor(fs: LocalFs) {
    this.#fs = fs;
    this.#directories = new DurableDirectories(fs);
  }

  async write(path: string, source: Uint8Array | ByteSource): Promise<void> {
    await this.#writeSynced(path, source);
    await this.syncDirectory(this.#parentOf(path));
  }

  /** By a rename, which replaces: who looks for a file right before is as close as NFS and disks of all kinds come to "new". */
  async writeNew(path: string, bytes: Uint8Array): Promise<void> {
    const inProgress = `${path}.inprogress`;
    await this.#writeSynced(inProgress, bytes);
    if ((await this.#fs.stat(path)) !== undefined) throw new FileSystemError("EEXIST", "create", path);
    await this.#fs.rename(inProgress, path);
    await this.syncDirectory(this.#parentOf(path));
  }

  async open(path: string): Promise<ReadableFile> {
    const file = await this.#fs.open(path, "read");
    try {
      return new LocalReadableFile(file, await file.sizeBytes());
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  stat(path: string): Promise<FileStat | undefined> {
    return this.#fs.stat(path);
  }

  list(path: string): Promise<readonly string[]> {
    return this.#fs.list(path);
  }

  makeDirectory(path: string): Promise<void> {
    return this.#directories.make(path);
  }

  async removeFiles(directory: string, names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    for (const name of names) await this.#fs.remove(this.#fs.resolve(directory, name));
    await this.syncDirectory(directory);
  }

  removeTree(path: string): Promise<void> {
    return this.#fs.removeTree(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#fs.syncDirectory(path);
  }

  async #writeSynced(path: string, source: Uint8Array | ByteSource): Promise<void> {
    const file = await this.#fs.open(path, "create");
    try {
      if (source instanceof Uint8Array) await file.write(source, 0);
      else await copy(source, file, path);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  #parentOf(path: string): string {
    return this.#fs.resolve(path, "..");
  }
}

async function copy(source: ByteSource, file: OpenFile, path: string): Promise<void> {
  const part = new Uint8Array(Math.min(PART_BYTES, source.sizeBytes));
  for (let position = 0; position < source.sizeBytes; ) {
    const count = await source.read(part.subarray(0, Math.min(part.length, source.sizeBytes - position)), position);
    if (count === 0) throw new FileSystemError("EIO", "write", path, new Error("its source has become shorter"));
    await file.write(part.subarray(0, count), position);
    position += count;
  }
}

class LocalReadableFile implements ReadableFile {
  readonly sizeBytes: number;
  readonly #file: OpenFile;

  constructor(file: OpenFile, sizeBytes: number) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#file.read(target, position);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
