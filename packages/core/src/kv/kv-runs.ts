/**
 * The files of a {@link MemorySortedKv}. Every file ends with the CRC-32C of what comes before it, u32.
 *
 *     NNNNNN.run = familyCount u32 | family*      family = index u32 | entryCount u32 | entry*
 *     entry      = isPresent u8 | key bytes | value bytes (when present)        bytes = length varint | bytes
 *     MANIFEST   = nextNumber u32 | familyCount u32 | name string* | runCount u32 | runNumber u32*
 *
 * A run holds, for each family that changed since the run before it, the keys that changed with their new values, or that they
 * are gone. Runs are applied in the manifest's order; files that the manifest does not name are left over.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { crc32c } from "../base/crc32c.ts";
import { MillraceError } from "../base/errors.ts";
import type { KvFiles } from "./kv-files.ts";
import type { SortedEntry } from "./sorted-entries.ts";

const CRC_BYTES = 4;

/** @internal */
export const MANIFEST_NAME = "MANIFEST";

/** Undefined: the key is gone. @internal */
export type RunEntry = SortedEntry<Uint8Array | undefined>;

/** @internal */
export interface KvManifest {
  readonly nextNumber: number;
  readonly families: readonly string[];
  readonly runs: readonly number[];
}

/** @internal */
export function runName(number: number): string {
  return `${String(number).padStart(6, "0")}.run`;
}

/** @internal */
export function encodeRun(families: ReadonlyMap<number, readonly RunEntry[]>): Uint8Array {
  const writer = new BinaryWriter();
  writer.u32(families.size);
  for (const [index, entries] of families) {
    writer.u32(index);
    writer.u32(entries.length);
    for (const { key, value } of entries) {
      writer.u8(value === undefined ? 0 : 1);
      writer.bytes(key);
      if (value !== undefined) writer.bytes(value);
    }
  }
  return withChecksum(writer);
}

/** Calls `apply` for each entry in its order. @internal */
export function decodeRun(bytes: Uint8Array, apply: (family: number, entry: RunEntry) => void): void {
  const reader = new BinaryReader(bytes);
  for (let families = reader.u32(); families > 0; families--) {
    const index = reader.u32();
    for (let entries = reader.u32(); entries > 0; entries--) {
      const isPresent = reader.u8() === 1;
      const key = reader.bytes().slice();
      apply(index, { key, value: isPresent ? reader.bytes().slice() : undefined });
    }
  }
}

/** @internal */
export function encodeManifest(manifest: KvManifest): Uint8Array {
  const writer = new BinaryWriter();
  writer.u32(manifest.nextNumber);
  writer.u32(manifest.families.length);
  for (const name of manifest.families) writer.string(name);
  writer.u32(manifest.runs.length);
  for (const run of manifest.runs) writer.u32(run);
  return withChecksum(writer);
}

/** @internal */
export function decodeManifest(bytes: Uint8Array): KvManifest {
  const reader = new BinaryReader(bytes);
  const nextNumber = reader.u32();
  const families = Array.from({ length: reader.u32() }, () => reader.string());
  const runs = Array.from({ length: reader.u32() }, () => reader.u32());
  return { nextNumber, families, runs };
}

/**
 * The file without its checksum.
 * @throws MillraceError `MR_STATE_STORE_DAMAGED` when it is missing or another one than was written.
 * @internal
 */
export function readChecked(files: KvFiles, path: string): Uint8Array {
  const bytes = files.read(path);
  if (bytes === undefined) throw damaged(path, "no such file");
  const end = bytes.length - CRC_BYTES;
  if (end < 0) throw damaged(path, `${bytes.length} bytes`);
  const written = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true);
  if (crc32c(bytes, 0, end) !== written) throw damaged(path, "another checksum than was written");
  return bytes.subarray(0, end);
}

function withChecksum(writer: BinaryWriter): Uint8Array {
  writer.u32(crc32c(writer.written()));
  return writer.finish();
}

function damaged(path: string, found: string): MillraceError {
  return new MillraceError("MR_STATE_STORE_DAMAGED", {
    what: "A file of a state store is damaged",
    where: { path },
    found,
    expected: "the file as it was written",
    todo: "Look at the disk; start from a checkpoint, which has copies of its own",
  });
}
