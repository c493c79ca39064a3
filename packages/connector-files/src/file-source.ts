import {
  MillraceError,
  type Serializer,
  type Source,
  type SourceReaderContext,
  type SplitEnumeratorContext,
} from "millrace";
import { FileEnumerator } from "./file-enumerator.ts";
import { FileReader } from "./file-reader.ts";
import {
  type FileEnumeratorState,
  type FileSplit,
  fileEnumeratorStateSerializer,
  fileSplitSerializer,
} from "./file-split.ts";
import type { FileReadFormat } from "./read-format.ts";

const SPLIT_BYTES_DEFAULT = 64 * 1024 * 1024;

/** How files are found and cut into splits. @public */
export interface FileSourceOptions {
  /** Length of a split of a file that can be cut anywhere (JSON lines), in bytes; 64 MiB by default. */
  readonly splitBytes?: number;
}

/**
 * Reads files once, from the first to the last record, at any parallelism.
 *
 * Splits are handed out in file and offset order, so an input sorted by time stays nearly sorted; within a split the
 * order of the records is kept. Checkpoints hold byte offsets (row indices for Parquet): a restored job goes on exactly
 * after the last emitted record. Files must not change while a job, or a checkpoint of it, still needs them.
 *
 * A record that cannot be decoded is reported with its file and offset, and handled by the source's error policy.
 *
 * @example
 * const Flight = t.object({ date: t.timestamp, delay: t.int32, origin: t.string });
 * const flights = FileSource.of("flights-3m.parquet", parquet(Flight));
 * const corrections = FileSource.of(["corrections/2026-01", "corrections/2026-02"], jsonLines(Flight));
 * @public
 */
export class FileSource<T> implements Source<T, FileSplit, FileEnumeratorState> {
  readonly description: Source<T>["description"];
  readonly boundedness: "bounded" = "bounded";
  readonly splitSerializer: Serializer<FileSplit> = fileSplitSerializer;
  readonly enumeratorStateSerializer: Serializer<FileEnumeratorState> = fileEnumeratorStateSerializer;
  readonly #paths: readonly string[];
  readonly #format: FileReadFormat<T>;
  readonly #splitBytes: number;

  private constructor(paths: readonly string[], format: FileReadFormat<T>, splitBytes: number) {
    this.#paths = paths;
    this.#format = format;
    this.#splitBytes = splitBytes;
    this.description = { kind: "files", options: { paths, format: format.kind, ...format.options, splitBytes } };
  }

  /**
   * @param paths - Files and directories. Directories are read recursively, sorted by name; names that start with `.`
   *   or `_` are left out.
   * @param format - `jsonLines(type)`, `csv(type)` or `parquet(type)`.
   * @throws MillraceError `MR_SOURCE_OPTION_INVALID` without a path, or with a split length that is no positive integer.
   *   The running job reports `MR_FILE_NOT_FOUND`, `MR_FILE_UNREADABLE`, `MR_FILE_CORRUPT`, `MR_COLUMN_MISSING` and
   *   `MR_COLUMN_TYPE_MISMATCH`.
   */
  static of<T>(
    paths: string | readonly string[],
    format: FileReadFormat<T>,
    options: FileSourceOptions = {},
  ): FileSource<T> {
    const list = typeof paths === "string" ? [paths] : [...paths];
    const splitBytes = options.splitBytes ?? SPLIT_BYTES_DEFAULT;
    if (list.length === 0 || list.includes(""))
      throw invalid("paths", JSON.stringify(list), "at least one path, none of them empty");
    if (!Number.isSafeInteger(splitBytes) || splitBytes < 1)
      throw invalid("splitBytes", String(splitBytes), "a positive integer");
    return new FileSource(list, format, splitBytes);
  }

  createReader(context: SourceReaderContext): FileReader<T> {
    return new FileReader(context, this.#format.createOpener(context.platform));
  }

  createEnumerator(context: SplitEnumeratorContext<FileSplit>): FileEnumerator {
    return new FileEnumerator({ context, format: this.#format, paths: this.#paths, splitBytes: this.#splitBytes });
  }

  restoreEnumerator(context: SplitEnumeratorContext<FileSplit>, state: FileEnumeratorState): FileEnumerator {
    const options = { context, format: this.#format, paths: this.#paths, splitBytes: this.#splitBytes };
    return new FileEnumerator(options, state);
  }
}

function invalid(option: string, found: string, expected: string): MillraceError {
  return new MillraceError("MR_SOURCE_OPTION_INVALID", {
    what: `A file source cannot have this option: ${option}`,
    found,
    expected,
    todo: "Correct the call of FileSource.of",
  });
}
