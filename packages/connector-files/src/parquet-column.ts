import type { ColumnMetaData, PageHeader } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import {
  type DecodedPage,
  type Dictionary,
  decodeDataPage,
  decodeDictionary,
  type FlatColumn,
} from "./parquet-page.ts";

/**
 * The values of one column of one row group, in order. Holds the compressed bytes of the column and one decoded page;
 * a page is decoded when its first row is asked for.
 * @internal
 */
export class ParquetColumnCursor {
  readonly #column: FlatColumn;
  readonly #meta: ColumnMetaData;
  readonly #bytes: Uint8Array;
  readonly #reader: { view: DataView; offset: number };
  #dictionary: Dictionary | undefined;
  #page: DecodedPage | undefined;
  #next = 0;

  constructor(column: FlatColumn, meta: ColumnMetaData, bytes: Uint8Array) {
    this.#column = column;
    this.#meta = meta;
    this.#bytes = bytes;
    this.#reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  }

  get column(): FlatColumn {
    return this.#column;
  }

  /** Copies the next `count` values to the front of `target`. True when one of them may be a BadCell. */
  fill(target: unknown[], count: number): boolean {
    let mayBeBad = false;
    for (let filled = 0; filled < count; ) {
      if (this.#page === undefined || this.#next === this.#page.count) this.#loadPage(0);
      const page = this.#page!;
      const taken = Math.min(count - filled, page.count - this.#next);
      copyValues(page, this.#next, target, filled, taken);
      mayBeBad ||= page.mayBeBad;
      filled += taken;
      this.#next += taken;
    }
    return mayBeBad;
  }

  /** Decodes the page that holds a row, before anything was read; pages in front of it are left alone. */
  goTo(row: number): void {
    this.#loadPage(row);
  }

  /** Decodes the page that holds the row `rows` behind the end of the current page. */
  #loadPage(rows: number): void {
    let left = rows;
    while (true) {
      if (this.#reader.offset >= this.#bytes.length) throw new Error("fewer values than rows");
      const header = parquetHeader(this.#reader);
      const compressed = this.#take(header.compressed_page_size);
      if (header.type === "DICTIONARY_PAGE") {
        this.#dictionary = decodeDictionary(this.#column, this.#meta, header, compressed);
      } else if (header.type === "DATA_PAGE" || header.type === "DATA_PAGE_V2") {
        const count = valueCount(header);
        if (left < count) {
          this.#page = decodeDataPage(this.#column, this.#meta, header, compressed, this.#dictionary);
          this.#next = left;
          return;
        }
        left -= count;
      }
    }
  }

  #take(byteCount: number): Uint8Array {
    const start = this.#reader.offset;
    if (!(byteCount >= 0) || start + byteCount > this.#bytes.length)
      throw new Error("a page beyond the end of the column");
    this.#reader.offset += byteCount;
    return this.#bytes.subarray(start, start + byteCount);
  }
}

function valueCount(header: PageHeader): number {
  return header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values ?? 0;
}

function copyValues(page: DecodedPage, from: number, target: unknown[], to: number, count: number): void {
  const { values, indices } = page;
  if (indices === undefined) for (let index = 0; index < count; index++) target[to + index] = values[from + index];
  else for (let index = 0; index < count; index++) target[to + index] = values[indices[from + index]!];
}
