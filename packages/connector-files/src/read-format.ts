import type { Platform, ReaderOutput } from "millrace";
import type { FileSplit, SplitProgress } from "./file-split.ts";

/**
 * Records are emitted in blocks of this many, counted from the start of the split, and a `pollNext` never crosses a
 * block's end. So the batches, and with them the watermarks, fall between the same records in every run and after
 * every restore, whatever the disk's timing.
 */
export const BLOCK_RECORDS = 256;

/** One file that a source has found. @public */
export interface FileToRead {
  readonly path: string;
  readonly sizeBytes: number;
}

/** The part of a file that becomes a split; its meaning belongs to the format. @public */
export interface FileRange {
  readonly start: number;
  readonly end: number;
}

/** How files of one kind are cut into splits and read. @public */
export interface FileReadFormat<T> {
  readonly kind: string;
  /** For plans: plain JSON. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Runs in the enumerator, and finds what is wrong with the file as a whole. */
  planRanges(
    platform: Platform,
    file: FileToRead,
    options: { readonly splitBytes: number },
  ): Promise<readonly FileRange[]>;
  /** One per reader. */
  createOpener(platform: Platform): CursorOpener<T>;
}

/** Opens splits; may keep what several splits of a file share. @public */
export interface CursorOpener<T> {
  open(split: FileSplit): Promise<SplitCursor<T>>;
}

/** An open split. @public */
export interface SplitCursor<T> {
  /** A whole block is in memory, or the end of the split has been found. */
  readonly isReady: boolean;
  /** No record follows. */
  readonly isFinished: boolean;
  /** The rest of the split is in memory or being read: time to ask for the next one. */
  readonly isNearEnd: boolean;
  readonly progress: SplitProgress;
  /** Does I/O until `isReady`. Called when it is not, and not again before the promise has settled. */
  fill(): Promise<void>;
  /** Emits the block, or as much of it as the output takes. Called only when `isReady`. */
  emit(output: ReaderOutput<T>): void;
  close(): Promise<void>;
}
