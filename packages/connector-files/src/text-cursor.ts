/**
 * Reads the records of a text file between two byte offsets, in blocks.
 *
 * - T1. A record belongs to the split that holds its first byte; the split's reader reads on behind its end for the
 *   rest of the last record.
 * - T2. A block ends at the next multiple of `BLOCK_RECORDS` records of the split, or with the record that makes it
 *   `BLOCK_BYTES_MAX` long, or with the split. None of the three depends on how the bytes arrived.
 */
import { MillraceError, type OpenFile, type ReaderOutput } from "millrace";
import { ChunkWindow } from "./chunk-window.ts";
import { readFailure, recordUnreadable } from "./file-errors.ts";
import type { FileSplit, SplitProgress } from "./file-split.ts";
import { BLOCK_RECORDS, type SplitCursor } from "./read-format.ts";

/** @internal */
export const BLOCK_BYTES_MAX: number = 1024 * 1024;
/** @internal */
export const RECORD_BYTES_MAX: number = 16 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const RAW_CHARS_MAX = 4096;

/** What the cursor must know about a text format. @internal */
export interface TextRecords<T> {
  /** The index behind the record that starts at `from`, its line end included; -1 when its end is not in the bytes. */
  findEnd(bytes: Uint8Array, from: number): number;
  /** The value of a record (without its line end), or undefined for an empty line. @throws when it cannot be decoded */
  decode(text: string): T | undefined;
  /** Whether `where.line` can be told from the number of records. */
  readonly isLineBased: boolean;
}

/** @internal */
export interface TextCursorOptions<T> {
  readonly file: OpenFile;
  readonly split: FileSplit;
  readonly sizeBytes: number;
  /** Where to begin: a record's first byte, or with `skipPartial` any byte. */
  readonly position: number;
  /** The record that `position` lies in belongs to the split before. */
  readonly skipPartial: boolean;
  readonly records: TextRecords<T>;
  readonly chunkBytes?: number;
}

/** @internal */
export class TextCursor<T> implements SplitCursor<T> {
  readonly #split: FileSplit;
  readonly #records: TextRecords<T>;
  readonly #window: ChunkWindow;
  readonly #decoder: InstanceType<typeof TextDecoder> = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #skipPartial: boolean;
  #recordIndex: number;
  /** The next record to emit, as a file offset. */
  #position: number;
  /** File offsets behind the records of the block that is being gathered or emitted. */
  #ends: number[] = [];
  #emitted = 0;
  #isBlockComplete = false;
  #isAtEnd = false;

  constructor(options: TextCursorOptions<T>) {
    this.#split = options.split;
    this.#records = options.records;
    this.#position = options.position;
    this.#recordIndex = options.split.recordIndex;
    this.#skipPartial = options.skipPartial;
    const chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
    this.#window = new ChunkWindow(options.file, { start: options.position, sizeBytes: options.sizeBytes, chunkBytes });
    if (options.position >= options.split.end) this.#isAtEnd = true;
  }

  get isReady(): boolean {
    return this.#isBlockComplete || this.#isAtEnd;
  }

  get isFinished(): boolean {
    return this.#isAtEnd && this.#emitted === this.#ends.length;
  }

  get isNearEnd(): boolean {
    return this.#isAtEnd || this.#window.end >= this.#split.end;
  }

  get progress(): SplitProgress {
    const isFresh = this.#skipPartial || (this.#recordIndex === 0 && this.#split.position < 0);
    return { position: isFresh ? -1 : this.#position, recordIndex: this.#recordIndex };
  }

  async fill(): Promise<void> {
    while (!this.isReady) {
      let state: "extended" | "end-of-file";
      try {
        state = await this.#window.extend();
      } catch (error) {
        throw readFailure(this.#split.path, error);
      }
      this.#gather(state === "end-of-file" || this.#window.isAtEndOfFile);
      if (!this.isReady && this.#window.bytes.length > RECORD_BYTES_MAX) throw this.#recordTooLong();
    }
    if (this.#window.end < this.#split.end) this.#window.readAhead();
  }

  emit(output: ReaderOutput<T>): void {
    while (output.remaining > 0 && this.#emitted < this.#ends.length) {
      const end = this.#ends[this.#emitted]!;
      this.#emitRecord(output, end);
      this.#position = end;
      this.#recordIndex++;
      this.#emitted++;
      // A poisoned record takes no room in the output, but belongs to its block all the same.
    }
    if (this.#emitted === this.#ends.length && !this.#isAtEnd) this.#startBlock();
  }

  close(): Promise<void> {
    return this.#window.close();
  }

  #startBlock(): void {
    this.#window.dropBefore(this.#position);
    this.#ends = [];
    this.#emitted = 0;
    this.#isBlockComplete = false;
    this.#gather(this.#window.isAtEndOfFile);
  }

  /** Finds the ends of records until the block is complete or the bytes in memory are used up. */
  #gather(isEndOfFile: boolean): void {
    const { bytes, start } = this.#window;
    if (this.#skipPartial && !this.#skipTo(isEndOfFile)) return;
    let from = (this.#ends.at(-1) ?? this.#position) - start;
    const recordsMax = BLOCK_RECORDS - (this.#recordIndex % BLOCK_RECORDS);
    while (true) {
      if (start + from >= this.#split.end || (isEndOfFile && from >= bytes.length)) {
        this.#isAtEnd = true;
        return;
      }
      let end = this.#records.findEnd(bytes, from);
      if (end < 0 && isEndOfFile) end = bytes.length;
      if (end < 0) return;
      this.#ends.push(start + end);
      from = end;
      if (this.#ends.length === recordsMax || start + end - this.#position >= BLOCK_BYTES_MAX) {
        this.#isBlockComplete = true;
        return;
      }
    }
  }

  /** Moves behind the line end at or after the position. False when it is not in memory. */
  #skipTo(isEndOfFile: boolean): boolean {
    const end = this.#window.bytes.indexOf(0x0a);
    if (end < 0 && !isEndOfFile) {
      this.#window.dropBefore(this.#window.end);
      this.#position = this.#window.end;
      return false;
    }
    this.#position = end < 0 ? this.#window.end : this.#window.start + end + 1;
    this.#window.dropBefore(this.#position);
    this.#skipPartial = false;
    // The bytes have moved: look again from the first record.
    this.#gather(isEndOfFile);
    return false;
  }

  #emitRecord(output: ReaderOutput<T>, end: number): void {
    const { bytes, start } = this.#window;
    const record = bytes.subarray(this.#position - start, lineEnd(bytes, this.#position - start, end - start));
    let value: T | undefined;
    try {
      value = this.#records.decode(this.#text(record));
    } catch (error) {
      output.poison({ error: this.#unreadable(error), raw: rawText(record), where: this.#where() });
      return;
    }
    if (value !== undefined) output.collect(value);
  }

  #text(record: Uint8Array): string {
    const text = this.#decoder.decode(record);
    return this.#position === 0 && text.startsWith("\uFEFF") ? text.slice(1) : text;
  }

  #where(): Record<string, string | number> {
    const number =
      this.#split.start === 0 ? { [this.#records.isLineBased ? "line" : "record"]: this.#recordIndex + 1 } : {};
    return { file: this.#split.path, ...number, offset: this.#position };
  }

  #unreadable(error: unknown): MillraceError {
    const known = error instanceof MillraceError;
    return recordUnreadable(this.#where(), {
      found: known ? `${error.message}` : error instanceof TypeError ? "bytes that are no UTF-8" : String(error),
      expected: "a record of the declared type",
      cause: error,
    });
  }

  #recordTooLong(): MillraceError {
    return new MillraceError("MR_RECORD_TOO_LONG", {
      what: "A record does not end",
      where: this.#where(),
      found: `more than ${RECORD_BYTES_MAX} bytes without a line end`,
      expected: `at most ${RECORD_BYTES_MAX} bytes`,
      todo: "Check that the source names the file's real format; split longer records",
    });
  }
}

/** Where a record ends without its `\n` or `\r\n`. */
function lineEnd(bytes: Uint8Array, start: number, end: number): number {
  if (end > start && bytes[end - 1] === 0x0a) end--;
  if (end > start && bytes[end - 1] === 0x0d) end--;
  return end;
}

function rawText(record: Uint8Array): string {
  return new TextDecoder().decode(record.subarray(0, RAW_CHARS_MAX * 4)).slice(0, RAW_CHARS_MAX);
}
