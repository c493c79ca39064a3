/**
 * Decodes the data pages of a flat column (no repetition, at most one definition level) into converted values.
 * Dictionary pages are converted once; their data pages are indices into them, so equal strings are one string.
 */
import type { ColumnMetaData, PageHeader, SchemaElement, SchemaTree } from "hyparquet";
import { decompressPage, readDataPage, readDataPageV2 } from "hyparquet/src/datapage.js";
import { readPlain } from "hyparquet/src/plain.js";
import { compressors } from "hyparquet-compressors";
import { BadCell, type CellConverter } from "./parquet-cells.ts";
import { decodeHybrid } from "./parquet-hybrid.ts";

/** What is known of a column before its pages are read. @internal */
export interface FlatColumn {
  readonly name: string;
  readonly element: SchemaElement;
  readonly schemaPath: SchemaTree[];
  readonly convert: CellConverter;
  /** What stands in a row whose cell is null. */
  readonly nullValue: unknown;
}

/** The values of a page: `values[row]`, or `values[indices[row]]`. @internal */
export interface DecodedPage {
  readonly count: number;
  readonly values: readonly unknown[];
  readonly indices: Int32Array | undefined;
  /** Whether a value may be a BadCell. */
  readonly mayBeBad: boolean;
}

/** A converted dictionary, with the column's null value behind its entries. @internal */
export interface Dictionary {
  readonly values: readonly unknown[];
  readonly entryCount: number;
  readonly hasBad: boolean;
}

const NO_REPETITION_BIT_WIDTH = 1;

/** @internal */
export function decodeDictionary(
  column: FlatColumn,
  meta: ColumnMetaData,
  header: PageHeader,
  compressed: Uint8Array,
): Dictionary {
  const count = header.dictionary_page_header!.num_values;
  const page = decompressPage(compressed, Number(header.uncompressed_page_size), meta.codec, compressors);
  const values = plainValues(column, meta, page, 0, count);
  const hasBad = values.some((value) => value instanceof BadCell);
  return { values: [...values, column.nullValue], entryCount: count, hasBad };
}

/** @internal */
export function decodeDataPage(
  column: FlatColumn,
  meta: ColumnMetaData,
  header: PageHeader,
  compressed: Uint8Array,
  dictionary: Dictionary | undefined,
): DecodedPage {
  const body =
    header.type === "DATA_PAGE"
      ? bodyOfV1(column, meta, header, compressed)
      : bodyOfV2(column, meta, header, compressed);
  const { encoding, levels, count } = body;
  const definedCount = levels === undefined ? count : countDefined(levels);
  if (encoding === "PLAIN") {
    return withNulls(column, levels, count, plainValues(column, meta, body.bytes, body.at, definedCount));
  }
  if (encoding === "RLE_DICTIONARY" || encoding === "PLAIN_DICTIONARY") {
    if (dictionary === undefined) throw new Error("a page of dictionary indices without a dictionary");
    return dictionaryPage(column, levels, count, dictionaryIndices(body.bytes, body.at, definedCount), dictionary);
  }
  return withNulls(column, levels, count, otherValues(column, meta, header, compressed));
}

interface PageBody {
  readonly bytes: Uint8Array;
  /** Where the values begin. */
  readonly at: number;
  readonly encoding: string;
  readonly count: number;
  /** 1 where a row has a value; undefined when all have. */
  readonly levels: Int32Array | undefined;
}

function bodyOfV1(column: FlatColumn, meta: ColumnMetaData, header: PageHeader, compressed: Uint8Array): PageBody {
  const { num_values: count, encoding } = header.data_page_header!;
  const bytes = decompressPage(compressed, Number(header.uncompressed_page_size), meta.codec, compressors);
  if (column.element.repetition_type !== "OPTIONAL") return { bytes, at: 0, encoding, count, levels: undefined };
  const levelBytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(0, true);
  const levels = definitionLevels(bytes.subarray(4, 4 + levelBytes), count);
  return { bytes, at: 4 + levelBytes, encoding, count, levels };
}

function bodyOfV2(column: FlatColumn, meta: ColumnMetaData, header: PageHeader, compressed: Uint8Array): PageBody {
  const page = header.data_page_header_v2!;
  const levelsStart = page.repetition_levels_byte_length;
  const levelsEnd = levelsStart + page.definition_levels_byte_length;
  const isOptional = column.element.repetition_type === "OPTIONAL";
  const levels = isOptional
    ? definitionLevels(compressed.subarray(levelsStart, levelsEnd), page.num_values)
    : undefined;
  const rest = compressed.subarray(levelsEnd);
  const restBytes = Number(header.uncompressed_page_size) - levelsEnd;
  const bytes = page.is_compressed === false ? rest : decompressPage(rest, restBytes, meta.codec, compressors);
  return { bytes, at: 0, encoding: page.encoding, count: page.num_values, levels };
}

function definitionLevels(bytes: Uint8Array, count: number): Int32Array | undefined {
  const levels = new Int32Array(count);
  decodeHybrid(bytes, 0, NO_REPETITION_BIT_WIDTH, levels);
  return countDefined(levels) === count ? undefined : levels;
}

function countDefined(levels: Int32Array): number {
  let count = 0;
  for (let index = 0; index < levels.length; index++) count += levels[index]!;
  return count;
}

function dictionaryIndices(bytes: Uint8Array, at: number, count: number): Int32Array {
  const indices = new Int32Array(count);
  if (count === 0) return indices;
  const bitWidth = bytes[at];
  if (bitWidth === undefined || bitWidth > 32) throw new Error(`a bit width of ${bitWidth}`);
  if (bitWidth > 0) decodeHybrid(bytes, at + 1, bitWidth, indices);
  return indices;
}

function dictionaryPage(
  column: FlatColumn,
  levels: Int32Array | undefined,
  count: number,
  defined: Int32Array,
  dictionary: Dictionary,
): DecodedPage {
  const { entryCount, values, hasBad } = dictionary;
  for (let index = 0; index < defined.length; index++) {
    // Compared unsigned: an index with 32 bits may look negative.
    if (defined[index]! >>> 0 >= entryCount) throw new Error(`dictionary index ${defined[index]} of ${entryCount}`);
  }
  if (levels === undefined) return { count, values, indices: defined, mayBeBad: hasBad };
  const indices = new Int32Array(count);
  for (let row = 0, next = 0; row < count; row++) indices[row] = levels[row] === 1 ? defined[next++]! : entryCount;
  return { count, values, indices, mayBeBad: hasBad || column.nullValue instanceof BadCell };
}

function withNulls(
  column: FlatColumn,
  levels: Int32Array | undefined,
  count: number,
  defined: readonly unknown[],
): DecodedPage {
  const hasBad = defined.some((value) => value instanceof BadCell);
  if (levels === undefined) return { count, values: defined, indices: undefined, mayBeBad: hasBad };
  const values: unknown[] = [];
  for (let row = 0, next = 0; row < count; row++) values.push(levels[row] === 1 ? defined[next++] : column.nullValue);
  return { count, values, indices: undefined, mayBeBad: hasBad || column.nullValue instanceof BadCell };
}

function plainValues(
  column: FlatColumn,
  meta: ColumnMetaData,
  bytes: Uint8Array,
  at: number,
  count: number,
): unknown[] {
  const { convert, element } = column;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: unknown[] = [];
  if (meta.type === "INT64") {
    for (let index = 0; index < count; index++) values.push(convert(int64(view, at + index * 8, isUnsigned(element))));
    return values;
  }
  const raws = readPlain({ view, offset: at }, meta.type, count, element.type_length);
  const unsigned = meta.type === "INT32" && isUnsigned(element);
  for (let index = 0; index < count; index++) values.push(convert(unsigned ? Number(raws[index]) >>> 0 : raws[index]));
  return values;
}

/** Encodings that are rare: the library's own decoder does them. */
function otherValues(column: FlatColumn, meta: ColumnMetaData, header: PageHeader, compressed: Uint8Array): unknown[] {
  const { convert, element, schemaPath } = column;
  const decoder = {
    ...meta,
    pathInSchema: [column.name],
    element,
    schemaPath,
    compressors,
    file: undefined,
    parsers: undefined,
  };
  // The cast holds: the decoders below use nothing but what is given here.
  const options = decoder as unknown as Parameters<typeof readDataPageV2>[2];
  const page =
    header.type === "DATA_PAGE"
      ? readDataPage(
          decompressPage(compressed, Number(header.uncompressed_page_size), meta.codec, compressors),
          header.data_page_header!,
          options,
        )
      : readDataPageV2(compressed, header, options);
  const unsigned = isUnsigned(element);
  return Array.from(page.dataPage as ArrayLike<unknown>, (raw) => convert(normalized(raw, unsigned)));
}

function isUnsigned({ converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  return converted?.startsWith("UINT_") === true || (logical?.type === "INTEGER" && !logical.isSigned);
}

/** A number where it is exact, a bigint elsewhere. */
function int64(view: DataView, at: number, unsigned: boolean): number | bigint {
  const high = unsigned ? view.getUint32(at + 4, true) : view.getInt32(at + 4, true);
  const value = high * 0x1_0000_0000 + view.getUint32(at, true);
  if (Number.isSafeInteger(value)) return value;
  return unsigned ? view.getBigUint64(at, true) : view.getBigInt64(at, true);
}

function normalized(raw: unknown, unsigned: boolean): unknown {
  if (typeof raw === "number") return unsigned ? raw >>> 0 : raw;
  if (typeof raw !== "bigint") return raw;
  const value = unsigned ? BigInt.asUintN(64, raw) : raw;
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
