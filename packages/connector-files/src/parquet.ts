import type { MillraceError, Platform, ReaderOutput, Type } from "millrace";
import { readFailure, recordUnreadable } from "./file-errors.ts";
import type { FileSplit, SplitProgress } from "./file-split.ts";
import { BadCell } from "./parquet-cells.ts";
import { ParquetColumnCursor } from "./parquet-column.ts";
import { chunkOf, corrupt, fieldsOf, flatColumns, openParquet, type ParquetFile, readRange } from "./parquet-file.ts";
import { BLOCK_RECORDS, type CursorOpener, type FileReadFormat, type SplitCursor } from "./read-format.ts";
import { type RecordMaker, recordMaker } from "./record-maker.ts";

/** From this share of a row group on, the next one is asked for. */
const NEAR_END_SHARE = 0.75;

/**
 * Parquet files; row groups are splits, and only the columns that the type names are read. Each is decompressed and
 * decoded page by page, when its rows are due.
 *
 * | declared            | column                                                                     |
 * |---------------------|----------------------------------------------------------------------------|
 * | timestamp           | TIMESTAMP of any unit, DATE, INT96 (without a zone taken as UTC), integers as epoch ms |
 * | int32, int64, bigint| INT32, INT64, signed or unsigned; a value that does not fit is unreadable   |
 * | float64             | FLOAT, DOUBLE, DECIMAL, integers                                            |
 * | string, bytes, json | BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY, UUID                                      |
 * | boolean, literal    | BOOLEAN; the column of the values' type                                     |
 *
 * Null needs `t.nullable`; a null elsewhere, as every value that is not of the declared type, makes its row an
 * unreadable record. Nested and repeated columns cannot be read.
 *
 * @throws MillraceError `MR_FORMAT_TYPE_UNSUPPORTED` when the type is no `t.object`.
 *
 * @example
 * const Flight = t.object({ date: t.timestamp, delay: t.int32, origin: t.string });
 * const source = FileSource.of("flights-3m.parquet", parquet(Flight));
 * @public
 */
export function parquet<T>(type: Type<T>): FileReadFormat<T> {
  const fields = fieldsOf(type);
  return {
    kind: "parquet",
    options: { columns: fields.map(({ name }) => name) },
    async planRanges(platform, file) {
      try {
        const opened = await openParquet(platform.fs, file.path);
        await opened.file.close();
        flatColumns(opened, fields);
        const groups = opened.metadata.row_groups.map((group, start) => ({
          start,
          end: start + 1,
          rows: Number(group.num_rows),
        }));
        return groups.filter(({ rows }) => rows > 0).map(({ start, end }) => ({ start, end }));
      } catch (error) {
        throw readFailure(file.path, error);
      }
    },
    createOpener: (platform) => new ParquetOpener(platform, type),
  };
}

class ParquetOpener<T> implements CursorOpener<T> {
  readonly #platform: Platform;
  readonly #type: Type<T>;

  constructor(platform: Platform, type: Type<T>) {
    this.#platform = platform;
    this.#type = type;
  }

  async open(split: FileSplit): Promise<SplitCursor<T>> {
    try {
      return new ParquetCursor(this.#platform, split, await openParquet(this.#platform.fs, split.path), this.#type);
    } catch (error) {
      throw readFailure(split.path, error);
    }
  }
}

class ParquetCursor<T> implements SplitCursor<T> {
  readonly #platform: Platform;
  readonly #split: FileSplit;
  readonly #parquet: ParquetFile;
  readonly #type: Type<T>;
  readonly #rowCount: number;
  #columns: ParquetColumnCursor[] | undefined;
  /** The values of one block, by column. */
  #block: unknown[][] = [];
  #make: RecordMaker<T>;
  #row: number;

  constructor(platform: Platform, split: FileSplit, parquetFile: ParquetFile, type: Type<T>) {
    this.#platform = platform;
    this.#split = split;
    this.#parquet = parquetFile;
    this.#type = type;
    this.#row = Math.max(0, split.position);
    this.#rowCount = Number(parquetFile.metadata.row_groups[split.start]?.num_rows ?? 0);
    this.#make = recordMaker<T>([]);
  }

  get isReady(): boolean {
    return this.#columns !== undefined;
  }

  get isFinished(): boolean {
    return this.#row >= this.#rowCount;
  }

  get isNearEnd(): boolean {
    return this.#row >= this.#rowCount * NEAR_END_SHARE;
  }

  get progress(): SplitProgress {
    return { position: this.#row, recordIndex: this.#row };
  }

  async fill(): Promise<void> {
    const { file, path } = this.#parquet;
    try {
      const columns = flatColumns(this.#parquet, fieldsOf(this.#type));
      const cursors = await Promise.all(
        columns.map(async (column) => {
          const meta = chunkOf(this.#parquet, this.#split.start, column.name);
          const start = Number(meta.dictionary_page_offset ?? meta.data_page_offset);
          const bytes = await readRange(file, path, start, start + Number(meta.total_compressed_size));
          return new ParquetColumnCursor(column, meta, new Uint8Array(bytes));
        }),
      );
      // A page takes milliseconds: the event loop has its turn between the first pages of the columns.
      for (const cursor of cursors) {
        await this.#turn();
        this.#decoding(cursor, () => cursor.goTo(this.#row));
      }
      this.#make = recordMaker<T>(columns.map(({ name }) => name));
      this.#block = columns.map(() => []);
      this.#columns = cursors;
    } catch (error) {
      throw readFailure(path, error);
    }
  }

  emit(output: ReaderOutput<T>): void {
    const blockLeft = BLOCK_RECORDS - (this.#row % BLOCK_RECORDS);
    const count = Math.min(blockLeft, output.remaining, this.#rowCount - this.#row);
    const cursors = this.#columns!;
    const block = this.#block;
    let mayBeBad = false;
    try {
      for (let column = 0; column < cursors.length; column++) {
        if (cursors[column]!.fill(block[column]!, count)) mayBeBad = true;
      }
    } catch (error) {
      throw this.#corrupt(error, "a readable column");
    }
    if (mayBeBad) this.#collectGood(output, count);
    else collectAll(output, this.#make, block, count);
    this.#row += count;
  }

  close(): Promise<void> {
    return this.#parquet.file.close();
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#platform.clock.soon(resolve);
    });
  }

  #collectGood(output: ReaderOutput<T>, count: number): void {
    for (let row = 0; row < count; row++) {
      const bad = this.#block.findIndex((values) => values[row] instanceof BadCell);
      if (bad < 0) output.collect(this.#make(this.#block, row));
      else this.#poison(output, row, bad);
    }
  }

  #poison(output: ReaderOutput<T>, row: number, column: number): void {
    const name = this.#columns![column]!.column.name;
    const where = { file: this.#split.path, rowGroup: this.#split.start, row: this.#row + row, field: name };
    // The cast holds: the search found it there.
    const { found } = this.#block[column]![row] as BadCell;
    const cells = this.#columns!.map((cursor, index) => `${cursor.column.name}=${rawCell(this.#block[index]![row])}`);
    const error = recordUnreadable(where, { found, expected: `a value of the declared type in column ${name}` });
    output.poison({ error, raw: cells.join(" ").slice(0, 4096), where });
  }

  #decoding(cursor: ParquetColumnCursor, action: () => void): void {
    try {
      action();
    } catch (error) {
      throw this.#corrupt(error, `a readable column ${cursor.column.name}`);
    }
  }

  #corrupt(error: unknown, expected: string): MillraceError {
    return corrupt(this.#split.path, error, `${expected} in row group ${this.#split.start}`);
  }
}

function collectAll<T>(
  output: ReaderOutput<T>,
  make: RecordMaker<T>,
  block: readonly (readonly unknown[])[],
  count: number,
): void {
  for (let row = 0; row < count; row++) output.collect(make(block, row));
}

function rawCell(value: unknown): string {
  if (value instanceof BadCell) return value.found;
  return typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? "null");
}
