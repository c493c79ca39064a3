import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import type { SortedKv } from "../kv/sorted-kv.ts";
import { FamilyScan } from "./family-scan.ts";
import { prefixEnd } from "./stored-keys.ts";

/** Rows of one value are read in smaller pages than whole states: few values have many. */
const PAGE_BYTES = 16 * 1024;
const VALUE_BYTES = 1024;

/** What a store is to rows. Writes are collected; reads see what is flushed. */
export interface RowStore {
  readonly kv: SortedKv;
  /** Made when there is none. */
  namedFamily(name: string): number;
  flush(): void;
  putStored(family: number, stored: Uint8Array, value: Uint8Array): void;
  deleteStored(family: number, stored: Uint8Array): void;
  deleteStoredRange(family: number, from: Uint8Array, to: Uint8Array): void;
}

/** One row. The bytes are valid until the next one is asked for. */
export interface StoredRow {
  /** Behind the prefix. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * A column family in which a value has many rows: under the value's key, which begins no other key, the keys of its rows. What is read is
 * as it was written last.
 */
export class RowFamily {
  readonly #store: RowStore;
  readonly #family: number;
  readonly #key = new BinaryWriter(256);
  readonly #reader = new BinaryReader(new Uint8Array(0));
  #read = new Uint8Array(VALUE_BYTES);

  constructor(store: RowStore, family: number) {
    this.#store = store;
    this.#family = family;
  }

  /** A row's value, valid until the next call; undefined when there is none. */
  get(prefix: Uint8Array, key: Uint8Array): BinaryReader | undefined {
    this.#store.flush();
    const { kv } = this.#store;
    const stored = this.#keyOf(prefix, key);
    let length = kv.get(this.#family, stored, stored.length, this.#read);
    if (length < 0) return undefined;
    if (length > this.#read.length) {
      this.#read = new Uint8Array(Math.max(length, 2 * this.#read.length));
      length = kv.get(this.#family, stored, stored.length, this.#read);
    }
    this.#reader.reset(this.#read, 0, length);
    return this.#reader;
  }

  put(prefix: Uint8Array, key: Uint8Array, value: Uint8Array): void {
    this.#store.putStored(this.#family, this.#keyOf(prefix, key), value);
  }

  delete(prefix: Uint8Array, key: Uint8Array): void {
    this.#store.deleteStored(this.#family, this.#keyOf(prefix, key));
  }

  /** Deletes all rows of a value. */
  clear(prefix: Uint8Array): void {
    this.#store.deleteStoredRange(this.#family, prefix, prefixEnd(prefix));
  }

  /** The rows of a value in ascending order. What is written meanwhile may or may not be among them. */
  *rows(prefix: Uint8Array): Generator<StoredRow> {
    this.#store.flush();
    yield* rowsOf(this.#store.kv, this.#family, prefix);
  }

  #keyOf(prefix: Uint8Array, key: Uint8Array): Uint8Array {
    const out = this.#key;
    out.reset();
    out.rawBytes(prefix);
    out.rawBytes(key);
    return out.written();
  }
}

/** The rows under a prefix, in ascending order. */
export function* rowsOf(kv: SortedKv, family: number, prefix: Uint8Array): Generator<StoredRow> {
  const scan = new FamilyScan(kv, family, prefix, prefixEnd(prefix), PAGE_BYTES);
  while (scan.nextPage()) {
    const { cursor, page } = scan;
    while (cursor.next()) {
      yield {
        key: page.subarray(cursor.keyStart + prefix.length, cursor.keyEnd),
        value: page.subarray(cursor.valueStart, cursor.valueEnd),
      };
    }
  }
}
