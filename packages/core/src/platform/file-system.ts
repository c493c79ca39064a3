/** What checkpoints and savepoints need of the place they are kept in: a disk, an object store, HDFS. */
import type { FileStat } from "./platform.ts";

/** Bytes that are read when they are needed, such as an `OpenFile` of a local disk with its size. @public */
export interface ByteSource {
  readonly sizeBytes: number;
  /** Fills `target` from `position`; returns the number of bytes, less than asked only at the end. */
  read(target: Uint8Array, position: number): Promise<number>;
}

/** A file that is read. Calls may overlap; `close` waits for none of them. @public */
export interface ReadableFile extends ByteSource {
  close(): Promise<void>;
}

/**
 * One kind of place for checkpoints and savepoints. Called from the threads that write and read snapshots; calls may overlap,
 * also those of several processes.
 *
 * Paths are what a user gives, with names added after a "/": `s3://bucket/checkpoints/<job id>/chk-7/_metadata`. There is no
 * "." or ".." in them, no empty segment, and no "/" at the end.
 *
 * Failures are `FileSystemError` with the errno that says most: ENOENT, EEXIST, EACCES, ENOSPC, EINVAL. What passes by itself
 * is tried again in here, a limited number of times, and then EREMOTEIO: nobody tries it once more.
 * @public
 */
export interface FileSystem {
  /**
   * Writes a whole file under a name that nobody else uses. When the promise settles its bytes and its name outlive a crash;
   * after a failure any part of it may be there.
   *
   * @param source - Must not change until the promise settles. Larger ones than memory come as a {@link ByteSource}.
   */
  write(path: string, source: Uint8Array | ByteSource): Promise<void>;
  /**
   * Writes a whole file that is not there yet: nobody ever sees a part of it, and of several that try, one succeeds. Durable as
   * `write`.
   *
   * @throws FileSystemError EEXIST when somebody else has written it; the file is then theirs. After any other failure it may
   *   be there, as a whole.
   */
  writeNew(path: string, bytes: Uint8Array): Promise<void>;
  /** Opens a file that does not change any more. Each read asks for as many bytes as its target has. */
  open(path: string): Promise<ReadableFile>;
  /** Undefined when nothing is there. Where there are no directories, what has a file below it is one. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Names of files and directories in the directory, sorted by UTF-16 code unit. Without directories, none is an error. */
  list(path: string): Promise<readonly string[]>;
  /**
   * Creates the directory and its parents, durably; existing ones are not an error. Where there are no directories, makes sure
   * that something can be written there.
   */
  makeDirectory(path: string): Promise<void>;
  /** Removes files of a directory. When the promise settles they stay gone; missing ones are not an error. */
  removeFiles(directory: string, names: readonly string[]): Promise<void>;
  /** Removes a directory with all it holds; a missing one is not an error. */
  removeTree(path: string): Promise<void>;
  /** Makes what another process has begun to name or remove in the directory outlive a crash. */
  syncDirectory(path: string): Promise<void>;
}
