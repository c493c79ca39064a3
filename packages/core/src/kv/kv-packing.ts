import { BinaryWriter } from "../base/binary-writer.ts";
import { invariant } from "../base/errors.ts";
import { KV_OP, KV_PAGE_HEADER_BYTES } from "./sorted-kv.ts";

const EMPTY = new Uint8Array(0);

/**
 * Collects packed operations for `SortedKv.writeBatch`. Reused: `reset` keeps the memory.
 * @internal
 */
export class KvBatch {
  readonly #writer = new BinaryWriter();
  #opCount = 0;

  get opCount(): number {
    return this.#opCount;
  }

  /** Bytes of what was added. */
  get length(): number {
    return this.#writer.position;
  }

  put(family: number, key: Uint8Array, value: Uint8Array): void {
    this.#add(KV_OP.put, family, key, value);
  }

  delete(family: number, key: Uint8Array): void {
    this.#add(KV_OP.delete, family, key, EMPTY);
  }

  /** Deletes `[from, to)`. */
  deleteRange(family: number, from: Uint8Array, to: Uint8Array): void {
    this.#add(KV_OP.deleteRange, family, from, to);
  }

  merge(family: number, key: Uint8Array, operand: Uint8Array): void {
    this.#add(KV_OP.merge, family, key, operand);
  }

  /** The packed operations: a view, valid until something is added. */
  packed(): Uint8Array {
    return this.#writer.written();
  }

  reset(): void {
    this.#writer.reset();
    this.#opCount = 0;
  }

  #add(kind: number, family: number, key: Uint8Array, value: Uint8Array): void {
    const writer = this.#writer;
    writer.u8(kind);
    writer.u16(family);
    writer.u32(key.length);
    writer.u32(value.length);
    writer.rawBytes(key);
    writer.rawBytes(value);
    this.#opCount++;
  }
}

/**
 * Walks over packed entries: a page, or the entries of a sorted file. After `next` the places of key and value are in the fields;
 * nothing is copied. Start it on what `SortedKv.scan` has written, with the length that it returned.
 * @internal
 */
export class KvEntryCursor {
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  #view: DataView = new DataView(EMPTY.buffer);
  #end = 0;
  #nextBytes = 0;

  /** See `SortedKv.scan`. */
  get nextBytes(): number {
    return this.#nextBytes;
  }

  startPage(page: Uint8Array, length: number): void {
    this.startEntries(page, length, KV_PAGE_HEADER_BYTES);
    this.#nextBytes = this.#view.getUint32(4, true);
  }

  startEntries(entries: Uint8Array, length: number, start: number = 0): void {
    this.#view = new DataView(entries.buffer, entries.byteOffset, length);
    this.#end = length;
    this.#nextBytes = 0;
    this.valueEnd = start;
  }

  next(): boolean {
    const at = this.valueEnd;
    if (at >= this.#end) return false;
    invariant(at + 8 <= this.#end, "packed entries are cut off");
    this.keyStart = at + 8;
    this.keyEnd = this.keyStart + this.#view.getUint32(at, true);
    this.valueStart = this.keyEnd;
    this.valueEnd = this.valueStart + this.#view.getUint32(at + 4, true);
    invariant(this.valueEnd <= this.#end, "packed entries are cut off");
    return true;
  }
}

/** Appends one packed entry. @internal */
export function packEntry(writer: BinaryWriter, key: Uint8Array, value: Uint8Array): void {
  writer.u32(key.length);
  writer.u32(value.length);
  writer.rawBytes(key);
  writer.rawBytes(value);
}

/** Appends one packed key, for `SortedKv.multiGet`. @internal */
export function packKey(writer: BinaryWriter, key: Uint8Array): void {
  writer.u32(key.length);
  writer.rawBytes(key);
}

/** Below 0, 0 or above 0: the order of a `SortedKv`. @internal */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index++) {
    const difference = left[index]! - right[index]!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
