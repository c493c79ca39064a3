import type { OpenFile } from "millrace";

const EMPTY = new Uint8Array(0);

/**
 * A window over a file that moves forward: bytes in memory, and one chunk that is read ahead.
 * @internal
 */
export class ChunkWindow {
  readonly #file: OpenFile;
  readonly #sizeBytes: number;
  readonly #chunkBytes: number;
  #ahead: Promise<Uint8Array> | undefined;
  /** The bytes from `start`, an offset in the file. */
  bytes: Uint8Array = EMPTY;
  start: number;

  constructor(file: OpenFile, options: { start: number; sizeBytes: number; chunkBytes: number }) {
    this.#file = file;
    this.#sizeBytes = options.sizeBytes;
    this.#chunkBytes = options.chunkBytes;
    this.start = options.start;
  }

  /** File offset behind the bytes in memory. */
  get end(): number {
    return this.start + this.bytes.length;
  }

  get isAtEndOfFile(): boolean {
    return this.end >= this.#sizeBytes;
  }

  /** Forgets everything before the offset, which lies in the window. */
  dropBefore(offset: number): void {
    this.bytes = this.bytes.subarray(offset - this.start);
    this.start = offset;
  }

  /** Starts reading the next chunk, if there is one and it is not being read already. */
  readAhead(): void {
    if (this.#ahead !== undefined || this.isAtEndOfFile) return;
    const ahead = this.#read(this.end);
    // The failure is reported by `extend`; until then it must not count as unhandled.
    ahead.catch(() => {});
    this.#ahead = ahead;
  }

  /** Appends the next chunk. A file that has become shorter just ends. */
  async extend(): Promise<"extended" | "end-of-file"> {
    this.readAhead();
    const ahead = this.#ahead;
    if (ahead === undefined) return "end-of-file";
    const chunk = await ahead;
    this.#ahead = undefined;
    if (chunk.length === 0) return "end-of-file";
    const joined = this.bytes.length === 0 ? chunk : new Uint8Array(this.bytes.length + chunk.length);
    if (joined !== chunk) {
      joined.set(this.bytes, 0);
      joined.set(chunk, this.bytes.length);
    }
    this.bytes = joined;
    return "extended";
  }

  async close(): Promise<void> {
    await this.#ahead?.catch(() => {});
    await this.#file.close();
  }

  async #read(position: number): Promise<Uint8Array> {
    const target = new Uint8Array(Math.min(this.#chunkBytes, this.#sizeBytes - position));
    const count = await this.#file.read(target, position);
    return target.subarray(0, count);
  }
}
