/**
 * The bytes of a state that may be larger than memory: verified once from the beginning to the end (R2), and then read in
 * pieces.
 */
import type { ReadableFile } from "../platform/file-system.ts";
import { FileSystemError } from "../platform/platform.ts";
import { readState } from "./checkpoint-reader.ts";
import type { FileSystems } from "./file-systems.ts";
import type { FileHandle, StateHandle } from "./state-handles.ts";
import { checksumOf } from "./state-source.ts";

/** What is read at a time: also what a small piece costs, so that pieces one behind the other cost one read. */
const PAGE_BYTES = 64 * 2 ** 10;
/** Up to this size a file is read at once. */
const WHOLE_BYTES_MAX = 2 ** 20;

/** @internal */
export interface StateBytes {
  readonly sizeBytes: number;
  /** The bytes from `start` to `end`, or to the last one. They must not be changed. */
  read(start: number, end: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Verifies all bytes of a handle and returns them for reading in pieces. At most one page and what is asked for is in memory.
 *
 * @throws MillraceError as `readState`
 * @internal
 */
export async function openState(fs: FileSystems, directory: string, handle: StateHandle): Promise<StateBytes> {
  if (handle.kind === "inline" || handle.sizeBytes <= WHOLE_BYTES_MAX) {
    return new WholeState(await readState(fs, directory, handle));
  }
  const file = await openVerified(fs, fs.resolve(directory, handle.name), handle);
  // Whoever reads all of it says what is wrong, in the words that every reader of checkpoints uses.
  if (file === undefined) return new WholeState(await readState(fs, directory, handle));
  return new PagedState(file, handle.sizeBytes, () => readState(fs, directory, handle));
}

/** Undefined when the file is not what was written, or the disk does not say. */
async function openVerified(
  fs: FileSystems,
  path: string,
  { sizeBytes, crc32c: expected }: FileHandle,
): Promise<ReadableFile | undefined> {
  let file: ReadableFile | undefined;
  try {
    file = await fs.open(path);
    if (file.sizeBytes === sizeBytes && (await checksumOf(file)) === expected) return file;
  } catch (error) {
    if (!(error instanceof FileSystemError)) throw error;
  }
  await file?.close();
  return undefined;
}

class WholeState implements StateBytes {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    return this.#bytes.subarray(start, end);
  }

  async close(): Promise<void> {}
}

/**
 * A file that was verified, or that this process has written.
 *
 * @param reread - Called for what cannot be read any more: reads all of it, or says in the words for people what is wrong.
 * @internal
 */
export function pagedBytes(file: ReadableFile, reread: () => Promise<Uint8Array>): StateBytes {
  return new PagedState(file, file.sizeBytes, reread);
}

class PagedState implements StateBytes {
  readonly sizeBytes: number;
  readonly #file: ReadableFile;
  readonly #readWhole: () => Promise<Uint8Array>;
  #page: Uint8Array = new Uint8Array(0);
  #pageStart = 0;

  /** @param readWhole - Reads and verifies all of it, with the failures that are told to people. */
  constructor(file: ReadableFile, sizeBytes: number, readWhole: () => Promise<Uint8Array>) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
    this.#readWhole = readWhole;
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    const last = Math.min(end, this.sizeBytes);
    if (last - start > PAGE_BYTES) return this.#readPiece(start, last);
    if (start < this.#pageStart || last > this.#pageStart + this.#page.length) {
      this.#page = await this.#readPiece(start, Math.min(start + PAGE_BYTES, this.sizeBytes));
      this.#pageStart = start;
    }
    return this.#page.subarray(start - this.#pageStart, last - this.#pageStart);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #readPiece(start: number, end: number): Promise<Uint8Array> {
    const piece = new Uint8Array(end - start);
    try {
      if ((await this.#file.read(piece, start)) === piece.length) return piece;
    } catch (error) {
      if (!(error instanceof FileSystemError)) throw error;
    }
    // It could be read before: the disk has failed since, or the file has changed.
    return (await this.#readWhole()).subarray(start, end);
  }
}
