import { type LocalFs, MillraceError, type Platform, type Type } from "millrace";
import { type CsvColumn, csvColumns, formatCell, parseCell } from "./csv-cells.ts";
import { findCsvRecordEnd, isEmptyCsvLine, quoteCsvField, splitCsvRecord } from "./csv-records.ts";
import { columnMissing, fileCorrupt, readFailure } from "./file-errors.ts";
import type { FileSplit } from "./file-split.ts";
import { openText } from "./open-text.ts";
import type { CursorOpener, FileReadFormat, SplitCursor } from "./read-format.ts";
import { RECORD_BYTES_MAX, TextCursor } from "./text-cursor.ts";
import type { FileWriteFormat } from "./write-format.ts";

const HEADER_CHUNK_BYTES = 64 * 1024;

/** How a CSV file is laid out. @public */
export interface CsvOptions {
  /** The first record names the columns; default true. Without it the fields of the type stand for the columns in order. */
  readonly header?: boolean;
  /** One ASCII character; default a comma. */
  readonly delimiter?: string;
  /**
   * The text of null and of a missing optional field; default the empty text. A text that is equal to it, quoted or
   * not, reads as null where the type allows null.
   */
  readonly nullValue?: string;
}

/** How rows of a CSV file are read. Made by `csv`. @public */
export interface CsvFormat<T> extends FileReadFormat<T>, FileWriteFormat<T> {}

/**
 * CSV as RFC 4180 writes it, in UTF-8. A file is one split: a line end inside quotes makes any other cut a guess.
 *
 * Columns are found by name; those that the type does not name are ignored. Timestamps are epoch milliseconds or
 * ISO 8601 text (UTC without a zone), bytes Base64, `t.json` any JSON. With column names in place of a type the format
 * only writes.
 *
 * @throws MillraceError `MR_FORMAT_TYPE_UNSUPPORTED` when a field fits in no cell, `MR_FORMAT_OPTION_INVALID` for a
 *   delimiter that is not one ASCII character or no columns.
 *
 * @example
 * const source = FileSource.of("airports.csv", csv(t.object({ iata: t.string, latitude: t.float64 })));
 * const sink = FileSink.to("out/totals", csv(["airport", "flights"]));
 * @public
 */
export function csv<T>(type: Type<T>, options?: CsvOptions): CsvFormat<T>;
/** @public */
export function csv(
  columns: readonly string[],
  options?: CsvOptions,
): FileWriteFormat<Readonly<Record<string, unknown>>>;
export function csv<T>(typeOrColumns: Type<T> | readonly string[], options: CsvOptions = {}): unknown {
  const settings = {
    header: options.header ?? true,
    delimiter: options.delimiter ?? ",",
    nullValue: options.nullValue ?? "",
  };
  if (!/^(\t|[ -!#-~])$/.test(settings.delimiter)) {
    throw invalid("delimiter", JSON.stringify(settings.delimiter), "one ASCII character that is no quote");
  }
  if (isNames(typeOrColumns)) return writeFormat(typeOrColumns, settings);
  const columns = csvColumns(typeOrColumns);
  return {
    ...writeFormat(
      columns.map(({ name }) => name),
      settings,
    ),
    ...readFormat<T>(columns, settings),
  };
}

type CsvSettings = Required<CsvOptions>;

function isNames(value: Type<unknown> | readonly string[]): value is readonly string[] {
  return Array.isArray(value);
}

function writeFormat(
  names: readonly string[],
  settings: CsvSettings,
): FileWriteFormat<Readonly<Record<string, unknown>>> {
  const { header, delimiter, nullValue } = settings;
  if (names.length === 0) throw invalid("columns", "none", "at least one column");
  const quoted = names.map((name) => quoteCsvField(name, delimiter));
  return {
    kind: "csv",
    options: { columns: names, ...settings },
    extension: "csv",
    header: header ? `${quoted.join(delimiter)}\n` : "",
    encode(value) {
      let line = "";
      for (let index = 0; index < names.length; index++) {
        const cell = value[names[index]!];
        if (index > 0) line += delimiter;
        line +=
          cell === null || cell === undefined ? nullValue : quoteCsvField(formatCell(cell, names[index]!), delimiter);
      }
      // A lone empty cell would read as an empty line.
      return line === "" ? '""\n' : `${line}\n`;
    },
  };
}

function readFormat<T>(columns: readonly CsvColumn[], settings: CsvSettings): FileReadFormat<T> {
  return {
    kind: "csv",
    options: { columns: columns.map(({ name }) => name), ...settings },
    async planRanges(platform, file) {
      if (file.sizeBytes === 0) return [];
      const head = await readHead(platform.fs, file.path, settings);
      columnPlaces(file.path, columns, head.names);
      return head.end >= file.sizeBytes ? [] : [{ start: 0, end: file.sizeBytes }];
    },
    createOpener: (platform) => new CsvOpener<T>(platform, columns, settings),
  };
}

class CsvOpener<T> implements CursorOpener<T> {
  readonly #platform: Platform;
  readonly #columns: readonly CsvColumn[];
  readonly #settings: CsvSettings;

  constructor(platform: Platform, columns: readonly CsvColumn[], settings: CsvSettings) {
    this.#platform = platform;
    this.#columns = columns;
    this.#settings = settings;
  }

  async open(split: FileSplit): Promise<SplitCursor<T>> {
    try {
      const head = await readHead(this.#platform.fs, split.path, this.#settings);
      const places = columnPlaces(split.path, this.#columns, head.names);
      const { file, sizeBytes } = await openText(this.#platform.fs, split);
      const records = {
        isLineBased: false,
        findEnd: (bytes: Uint8Array, from: number) =>
          findCsvRecordEnd(bytes, from, this.#settings.delimiter.charCodeAt(0)),
        // The cast holds: every field was parsed by the schema of the type.
        decode: (text: string) =>
          decodeRecord(text, this.#columns, places, this.#settings, head.names?.length) as T | undefined,
      };
      const position = split.position < 0 ? head.end : split.position;
      return new TextCursor({ file, split, sizeBytes, position, skipPartial: false, records });
    } catch (error) {
      throw readFailure(split.path, error);
    }
  }
}

interface Head {
  /** Undefined without a header. */
  readonly names: readonly string[] | undefined;
  /** The offset of the first record. */
  readonly end: number;
}

async function readHead(fs: LocalFs, path: string, { header, delimiter }: CsvSettings): Promise<Head> {
  if (!header) return { names: undefined, end: 0 };
  try {
    const bytes = await readFirstRecord(fs, path, delimiter.charCodeAt(0));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
    return { names: splitCsvRecord(text, delimiter), end: bytes.length };
  } catch (error) {
    const failure = readFailure(path, error);
    if (failure !== error || error instanceof MillraceError) throw failure;
    throw fileCorrupt(path, {
      found: String(error),
      expected: "a first record with the names of the columns",
      cause: error,
    });
  }
}

async function readFirstRecord(fs: LocalFs, path: string, delimiter: number): Promise<Uint8Array> {
  const file = await fs.open(path, "read");
  try {
    for (let size = HEADER_CHUNK_BYTES; ; size *= 4) {
      const chunk = new Uint8Array(size);
      const bytes = chunk.subarray(0, await file.read(chunk, 0));
      const end = findCsvRecordEnd(bytes, 0, delimiter);
      if (end >= 0) return bytes.subarray(0, end);
      if (bytes.length < size) return bytes;
      if (size > RECORD_BYTES_MAX) throw new Error("a first record that does not end");
    }
  } finally {
    await file.close();
  }
}

/** For each column of the type its place in a record, or -1 for an optional one that the file does not have. */
function columnPlaces(
  path: string,
  columns: readonly CsvColumn[],
  names: readonly string[] | undefined,
): readonly number[] {
  if (names === undefined) return columns.map((_, index) => index);
  return columns.map(({ name, isOptional }) => {
    const place = names.indexOf(name);
    if (place < 0 && !isOptional) throw columnMissing(path, name, names);
    return place;
  });
}

function decodeRecord(
  text: string,
  columns: readonly CsvColumn[],
  places: readonly number[],
  { delimiter, nullValue }: CsvSettings,
  width: number | undefined,
): Record<string, unknown> | undefined {
  if (isEmptyCsvLine(text)) return undefined;
  const cells = splitCsvRecord(text, delimiter);
  if (cells.length !== (width ?? cells.length)) throw new Error(`${cells.length} fields where the header has ${width}`);
  const record: Record<string, unknown> = {};
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index]!;
    const place = places[index]!;
    const cell = place < 0 ? undefined : cells[place];
    if (place >= 0 && cell === undefined) throw new Error(`${cells.length} fields, and none for column ${column.name}`);
    const isNull = cell === undefined || (cell === nullValue && (column.isNullable || column.isOptional));
    if (isNull && column.isNullable && place >= 0) record[column.name] = null;
    if (isNull) continue;
    const value = parseCell(column.schema, cell);
    if (value === undefined) throw badCell(column, cell);
    record[column.name] = value;
  }
  return record;
}

function badCell(column: CsvColumn, cell: string): Error {
  return new Error(`${JSON.stringify(cell.slice(0, 100))} in column ${column.name}, which is t.${column.schema.kind}`);
}

function invalid(option: string, found: string, expected: string): MillraceError {
  return new MillraceError("MR_FORMAT_OPTION_INVALID", {
    what: `A CSV format cannot have this option: ${option}`,
    found,
    expected,
    todo: "Correct the call of csv",
  });
}
