/**
 * Sources and sinks on files: JSON lines, CSV and Parquet.
 * @packageDocumentation
 */

export { type CsvFormat, type CsvOptions, csv } from "./csv.ts";
export { FileSink, type FileSinkOptions, type RollingPolicy } from "./file-sink.ts";
export type { EarlierPart, FileCommittable, FileWriterState, LeftoverPart } from "./file-sink-state.ts";
export { FileSource, type FileSourceOptions } from "./file-source.ts";
export type { FileEnumeratorState, FileSplit } from "./file-split.ts";
export { type JsonLinesFormat, jsonLines } from "./json-lines.ts";
export { parquet } from "./parquet.ts";
export type { CursorOpener, FileRange, FileReadFormat, FileToRead, SplitCursor } from "./read-format.ts";
export type { FileWriteFormat } from "./write-format.ts";
