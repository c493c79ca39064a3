import { MillraceError } from "../base/errors.ts";
import type { KvFiles } from "../kv/kv-files.ts";
import { MemorySortedKv } from "../kv/memory-sorted-kv.ts";
import type { ColumnFamily, SortedKv } from "../kv/sorted-kv.ts";
import { FileSystemError } from "./platform.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import type { Stores } from "./stores.ts";

/**
 * The reference store with its files on a simulated disk: written at once and durably, in no simulated time. Only a full
 * disk can fail them: what a store has is never more than what a checkpoint has, so nothing is lost with it.
 * @internal
 */
export class SimulatedStores implements Stores {
  readonly #disk: SimulatedDisk;
  readonly #files: KvFiles;
  readonly #nowMs: () => number;

  constructor(disk: SimulatedDisk, nowMs: () => number) {
    this.#disk = disk;
    this.#nowMs = nowMs;
    this.#files = new SimulatedKvFiles(disk, nowMs);
  }

  async load(): Promise<void> {}

  configureMemory(): void {}

  open(directory: string, columnFamilies: readonly ColumnFamily[]): SortedKv {
    return MemorySortedKv.open({ files: this.#files, directory, columnFamilies });
  }

  makeDirectory(directory: string): void {
    stored(directory, () => this.#disk.makeDirectory(directory, this.#nowMs()));
  }

  link(from: string, to: string): void {
    this.#files.link(from, to);
  }

  remove(directory: string): void {
    this.#disk.removeTree(directory, this.#nowMs());
  }
}

class SimulatedKvFiles implements KvFiles {
  readonly #disk: SimulatedDisk;
  readonly #nowMs: () => number;

  constructor(disk: SimulatedDisk, nowMs: () => number) {
    this.#disk = disk;
    this.#nowMs = nowMs;
  }

  read(path: string): Uint8Array | undefined {
    if (this.#disk.stat(path)?.kind !== "file") return undefined;
    const file = this.#disk.open(path, "read", this.#nowMs());
    const bytes = new Uint8Array(file.contents.sizeBytes);
    file.contents.read(bytes, 0);
    this.#disk.close(file);
    return bytes;
  }

  write(path: string, bytes: Uint8Array): void {
    const nowMs = this.#nowMs();
    stored(path, () => {
      const file = this.#disk.open(path, "create", nowMs);
      try {
        this.#disk.write(file, path, { source: bytes, position: 0, nowMs, client: "" });
        file.sync();
      } finally {
        this.#disk.close(file);
      }
    });
  }

  link(from: string, to: string): void {
    const bytes = this.read(from);
    if (bytes === undefined) throw failed(from, "no such file", undefined);
    this.write(to, bytes);
  }

  remove(path: string): void {
    this.#disk.remove(path, this.#nowMs());
  }

  makeDirectory(path: string): void {
    if (this.#disk.stat(path) !== undefined) throw failed(path, "it exists already", undefined);
    stored(path, () => this.#disk.makeDirectory(path, this.#nowMs()));
  }

  list(path: string): readonly string[] | undefined {
    return this.#disk.stat(path)?.kind === "directory" ? this.#disk.list(path) : undefined;
  }
}

function stored(path: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (error instanceof FileSystemError) throw failed(path, error.message, error);
    throw error;
  }
}

function failed(path: string, found: string, cause: FileSystemError | undefined): MillraceError {
  const isFull = cause?.errno === "ENOSPC";
  return new MillraceError(isFull ? "MR_DISK_FULL" : "MR_STATE_STORE_FAILED", {
    what: isFull ? "The disk of a state store is full" : "A state store could not be read or written",
    where: { path },
    found,
    todo: "Look at the disk of the working directory; the job restarts from its last checkpoint",
    cause,
  });
}
