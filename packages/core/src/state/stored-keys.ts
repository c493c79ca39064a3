/**
 * Keys of keyed state in a sorted store: the key group, two bytes with the higher one first, and the key's canonical bytes.
 * So a key group is a range, and all of a table's state in one order.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { decodeKey, encodeKey, hashKey, keyGroup } from "../types/key-encoding.ts";

export const GROUP_BYTES = 2;

/** Appends the key of the store. @throws MillraceError `MR_KEY_INVALID` */
export function writeStoredKey(key: unknown, maxParallelism: number, out: BinaryWriter): void {
  writeGroup(keyGroup(hashKey(key), maxParallelism), out);
  encodeKey(key, out);
}

export function writeGroup(group: number, out: BinaryWriter): void {
  out.u8(group >>> 8);
  out.u8(group & 0xff);
}

/** The first key of a key group; of the one after the last: where the last one ends. */
export function groupStart(group: number): Uint8Array {
  return Uint8Array.of(group >>> 8, group & 0xff);
}

export function groupOf(bytes: Uint8Array, start: number): number {
  return (bytes[start]! << 8) | bytes[start + 1]!;
}

export function readStoredKey(bytes: Uint8Array, start: number, end: number): unknown {
  return decodeKey(new BinaryReader(bytes, start + GROUP_BYTES, end));
}

/** The end of the keys that begin with these bytes. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  const end = prefix.slice(0, length);
  if (length > 0) end[length - 1]!++;
  return end;
}
