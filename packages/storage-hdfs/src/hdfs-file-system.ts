import {
  type ByteSource,
  type FileStat,
  type FileSystem,
  FileSystemError,
  type Random,
  type ReadableFile,
} from "millrace";
import { fileSystemError, HdfsAnswerError, isMissing } from "./hdfs-error.ts";
import { SourceTooShort } from "./web-request.ts";
import type { HdfsStatus, WebHdfsClient } from "./webhdfs-client.ts";

/** Files that are removed at the same time. */
const REMOVED_AT_ONCE_MAX = 8;

/**
 * Snapshots in HDFS. A new file is written under a name of its own and renamed, which the NameNode does for one of several only.
 * What was answered is in the NameNode's journal, and the bytes are with as many DataNodes as the cluster is set to.
 * @internal
 */
export class HdfsFileSystem implements FileSystem {
  readonly #client: WebHdfsClient;
  readonly #random: Random;

  constructor(client: WebHdfsClient, random: Random) {
    this.#client = client;
    this.#random = random;
  }

  write(path: string, source: Uint8Array | ByteSource): Promise<void> {
    return explained("write", path, async () => {
      await this.#writeWhole(path, source);
    });
  }

  writeNew(path: string, bytes: Uint8Array): Promise<void> {
    return explained("create", path, async () => {
      const inProgress = `${path}.${this.#random.uuid()}.inprogress`;
      const { fileId } = await this.#writeWhole(inProgress, bytes);
      if (await this.#client.rename(inProgress, path)) return;
      // It may have been renamed by an earlier try, whose answer was lost.
      const there = await this.#statusOrNone(path);
      if (there?.fileId === fileId) return;
      await this.#client.delete(inProgress, false);
      if (there === undefined) throw new HdfsAnswerError("the NameNode did not rename it, and does not say why");
      throw new FileSystemError("EEXIST", "create", path);
    });
  }

  open(path: string): Promise<ReadableFile> {
    return explained("open", path, async () => {
      const { type, sizeBytes } = await this.#client.status(path);
      if (type !== "FILE") throw new FileSystemError("EISDIR", "open", path);
      return {
        sizeBytes,
        read: (target, position) => this.#read(path, sizeBytes, target, position),
        close: () => Promise.resolve(),
      };
    });
  }

  stat(path: string): Promise<FileStat | undefined> {
    return explained("stat", path, async () => {
      const status = await this.#statusOrNone(path);
      if (status === undefined) return undefined;
      const { type, sizeBytes, modifiedMs } = status;
      return { kind: type === "FILE" ? "file" : "directory", sizeBytes, modifiedMs };
    });
  }

  list(path: string): Promise<readonly string[]> {
    return explained("list", path, async () => {
      const entries = await this.#client.list(path);
      // A file is listed as one that has no name.
      if (entries.some(({ name }) => name === "")) throw new FileSystemError("ENOTDIR", "list", path);
      return entries.map(({ name }) => name).sort();
    });
  }

  makeDirectory(path: string): Promise<void> {
    return explained("make the directory", path, async () => {
      if (!(await this.#client.makeDirectories(path))) throw new HdfsAnswerError("the NameNode did not make it");
    });
  }

  removeFiles(directory: string, names: readonly string[]): Promise<void> {
    return explained("remove files of", directory, async () => {
      for (let start = 0; start < names.length; start += REMOVED_AT_ONCE_MAX) {
        const some = names.slice(start, start + REMOVED_AT_ONCE_MAX);
        await Promise.all(some.map((name) => this.#client.delete(`${directory}/${name}`, false)));
      }
    });
  }

  removeTree(path: string): Promise<void> {
    return explained("remove", path, async () => {
      await this.#client.delete(path, true);
    });
  }

  /** The NameNode answers when it has written what was done. */
  syncDirectory(_path: string): Promise<void> {
    return Promise.resolve();
  }

  /** What lies there afterwards is as long as it should be: a DataNode that lost its connection may have taken a part for all. */
  async #writeWhole(path: string, source: Uint8Array | ByteSource): Promise<HdfsStatus> {
    const sizeBytes = source instanceof Uint8Array ? source.length : source.sizeBytes;
    try {
      await this.#client.create(path, source);
    } catch (error) {
      // A part of it is no use, and whoever failed hears of that.
      await this.#client.delete(path, false).catch(() => {});
      throw error;
    }
    const status = await this.#client.status(path);
    if (status.sizeBytes === sizeBytes) return status;
    throw new HdfsAnswerError(`${status.sizeBytes} bytes are there instead of ${sizeBytes}`);
  }

  async #statusOrNone(path: string): Promise<HdfsStatus | undefined> {
    try {
      return await this.#client.status(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  #read(path: string, sizeBytes: number, target: Uint8Array, position: number): Promise<number> {
    const length = Math.min(target.length, sizeBytes - position);
    if (length <= 0) return Promise.resolve(0);
    return explained("read", path, async () => {
      target.set(await this.#client.read(path, position, length));
      return length;
    });
  }
}

/** Failures in the words of file systems. */
async function explained<T>(operation: string, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof SourceTooShort) throw new FileSystemError("EIO", "read what is written to", path, error);
    throw fileSystemError(error, operation, path);
  }
}
