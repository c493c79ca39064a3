import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { checkFileOffset } from "./io-arguments.ts";
import { type FileStat, FileSystemError, type LocalFs, type OpenFile, type OpenMode } from "./platform.ts";

const OPEN_FLAGS: Readonly<Record<OpenMode, string>> = { read: "r", create: "w", createNew: "wx", update: "r+" };

/** How often the removal of a directory is begun again, after a delay that grows each time by {@link REMOVAL_RETRY_MS}. */
const REMOVALS_RETRIED_MAX = 5;
const REMOVAL_RETRY_MS = 10;

/** The operating system's files. @internal */
export class NodeFs implements LocalFs {
  async open(filePath: string, mode: OpenMode): Promise<OpenFile> {
    const handle = await translated("open", filePath, () => fs.open(filePath, OPEN_FLAGS[mode]));
    return new NodeOpenFile(handle, filePath);
  }

  async rename(from: string, to: string): Promise<void> {
    await translated("rename", `${from} to ${to}`, () => fs.rename(from, to));
  }

  async remove(filePath: string): Promise<void> {
    try {
      await fs.unlink(filePath);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === "ENOENT") return;
      // Linux says EISDIR for a directory, other systems EPERM, which also stands for a missing permission.
      if (errno === "EPERM" && (await this.stat(filePath))?.kind === "directory") {
        throw new FileSystemError("EISDIR", "remove", filePath, error);
      }
      throw toFileSystemError("remove", filePath, error);
    }
  }

  /** Again where it was not empty when its turn came: another process may still have been writing into it. */
  async removeTree(directory: string): Promise<void> {
    const options = { recursive: true, force: true, maxRetries: REMOVALS_RETRIED_MAX, retryDelay: REMOVAL_RETRY_MS };
    await translated("remove tree", directory, () => fs.rm(directory, options));
  }

  async makeDirectory(directory: string): Promise<void> {
    await translated("make directory", directory, () => this.#makeDirectories(path.resolve(directory)));
  }

  /** One level at a time: Node's own `recursive` never returns where a parent refuses to hold directories, as in /proc. */
  async #makeDirectories(directory: string): Promise<void> {
    try {
      await fs.mkdir(directory);
    } catch (error) {
      const parent = path.dirname(directory);
      if (errnoOf(error) !== "ENOENT" || parent === directory) return acceptDirectory(directory, error);
      // Another thread may have made the parent since; where it was there before, the file system will not have this one.
      if ((await this.stat(parent)) === undefined) await this.#makeDirectories(parent);
      await fs.mkdir(directory).catch((again: unknown) => acceptDirectory(directory, again));
    }
  }

  async list(directory: string): Promise<readonly string[]> {
    // The default order of sort() is by UTF-16 code unit.
    return (await translated("list", directory, () => fs.readdir(directory))).sort();
  }

  async stat(anyPath: string): Promise<FileStat | undefined> {
    try {
      const found = await fs.stat(anyPath);
      return {
        kind: found.isDirectory() ? "directory" : "file",
        sizeBytes: found.size,
        modifiedMs: found.mtimeMs,
      };
    } catch (error) {
      const errno = errnoOf(error);
      // ENOTDIR: a parent is a file, so nothing can be there.
      if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
      throw toFileSystemError("stat", anyPath, error);
    }
  }

  async syncDirectory(directory: string): Promise<void> {
    // Windows can neither open nor flush a directory; NTFS journals its names.
    if (process.platform === "win32") return;
    await translated("sync directory", directory, async () => {
      const handle = await fs.open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  async freeBytes(anyPath: string): Promise<number> {
    const found = await translated("free space", anyPath, () => fs.statfs(anyPath));
    return found.bavail * found.bsize;
  }

  resolve(...parts: readonly string[]): string {
    return path.resolve(...parts);
  }
}

class NodeOpenFile implements OpenFile {
  readonly #handle: fs.FileHandle;
  readonly #path: string;

  constructor(handle: fs.FileHandle, filePath: string) {
    this.#handle = handle;
    this.#path = filePath;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    checkFileOffset("position", position);
    return translated("read", this.#path, async () => {
      let filled = 0;
      while (filled < target.length) {
        const { bytesRead } = await this.#handle.read(target, filled, target.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    });
  }

  write(source: Uint8Array, position: number): Promise<void> {
    checkFileOffset("position", position);
    return translated("write", this.#path, async () => {
      let written = 0;
      while (written < source.length) {
        const rest = source.length - written;
        written += (await this.#handle.write(source, written, rest, position + written)).bytesWritten;
      }
    });
  }

  truncate(sizeBytes: number): Promise<void> {
    checkFileOffset("size", sizeBytes);
    return translated("truncate", this.#path, () => this.#handle.truncate(sizeBytes));
  }

  sizeBytes(): Promise<number> {
    return translated("size", this.#path, async () => (await this.#handle.stat()).size);
  }

  sync(): Promise<void> {
    return translated("sync", this.#path, () => this.#handle.sync());
  }

  close(): Promise<void> {
    return translated("close", this.#path, () => this.#handle.close());
  }
}

/** What could not be made may be there already. */
async function acceptDirectory(directory: string, error: unknown): Promise<void> {
  if (errnoOf(error) !== "EEXIST" || !(await fs.stat(directory)).isDirectory()) throw error;
}

async function translated<T>(operation: string, filePath: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw toFileSystemError(operation, filePath, error);
  }
}

/** What is no failure of the file system (a wrong argument, say) stays what it is. */
function toFileSystemError(operation: string, filePath: string, error: unknown): unknown {
  const errno = errnoOf(error);
  return errno === undefined ? error : new FileSystemError(errno, operation, filePath, error);
}

function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  // Node refuses a NUL in a path itself; rm() has its own name for what the system calls ENOTDIR and so on.
  if (error.code === "ERR_INVALID_ARG_VALUE") return "EINVAL";
  return error.code.startsWith("ERR_") ? undefined : error.code;
}
