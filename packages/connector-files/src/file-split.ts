/**
 * A part of one file that one reader reads at a time, and how far it has come.
 *
 * | format     | `start`, `end`                    | `position`                         |
 * |------------|-----------------------------------|------------------------------------|
 * | JSON lines | bytes; a line belongs to the range that holds its first byte | byte offset of the next line |
 * | CSV        | bytes 0 and the file's size       | byte offset of the next record     |
 * | Parquet    | row group `start`, `end = start + 1` | index of the next row in the group |
 */
import { type Serializer, type SourceSplit, t } from "millrace";

/** A part of one file, which one reader reads. @public */
export interface FileSplit extends SourceSplit {
  readonly splitId: string;
  /** Absolute path. */
  readonly path: string;
  /** Place among all splits of the source: files in order of their names, then offsets. */
  readonly ordinal: number;
  readonly start: number;
  readonly end: number;
  /** Where to go on, or -1 before the first record. */
  readonly position: number;
  /** Records behind `position` in this split, unreadable ones included. */
  readonly recordIndex: number;
}

/** What no reader has been given yet, in order. @public */
export interface FileEnumeratorState {
  readonly remaining: readonly FileSplit[];
}

/** How far a split has been read. @internal */
export interface SplitProgress {
  readonly position: number;
  readonly recordIndex: number;
}

const splitType = t.object({
  splitId: t.string,
  path: t.string,
  ordinal: t.int64,
  start: t.int64,
  end: t.int64,
  position: t.int64,
  recordIndex: t.int64,
});

/** @internal */
export const fileSplitSerializer: Serializer<FileSplit> = splitType.serializer;

/** @internal */
export const fileEnumeratorStateSerializer: Serializer<FileEnumeratorState> = t.object({
  remaining: t.array(splitType),
}).serializer;

/** @internal */
export function bySplitOrder(left: FileSplit, right: FileSplit): number {
  return left.ordinal - right.ordinal;
}
