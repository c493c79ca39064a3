/**
 * The container of every state file and blob: named sections of bytes, each with the schema of what is in it.
 *
 *     offset  bytes
 *     0       4      magic "MRSC"
 *     4       2      u16 format version
 *     6       2      u16 key encoding version
 *     8       4      u32 length of the directory
 *     12      4      u32 CRC-32C of bytes [0, 12)
 *     16      ...    directory: varint section count, then for each section
 *                      string name, string kind, string schema (JSON), varint length, u32 CRC-32C of its bytes
 *             4      u32 CRC-32C of the directory
 *             ...    the bytes of the sections, in the order of the directory
 *             4      u32 CRC-32C of everything before
 *
 * All numbers are little-endian. docs/internals/state-container.md has a worked example.
 *
 * - F1. Nothing is decoded before a checksum over it was found right, this format's or one of the file that it was read from.
 * - F2. Every byte is covered by a checksum; a container has no gaps and ends with the last one.
 * - F3. A version other than the reader's is refused by name, before anything that another version may lay out differently.
 */

import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { combineCrc32c, crc32c } from "../base/crc32c.ts";
import { type ErrorWhere, MillraceError } from "../base/errors.ts";
import { u32Hex } from "../base/hex.ts";
import { KEY_ENCODING_VERSION } from "./key-encoding.ts";
import { parseSchema } from "./schema.ts";
import type { Schema } from "./type.ts";

/** "MRSC" as a little-endian u32. */
const MAGIC = 0x4353524d;
/** @internal */
export const CONTAINER_FORMAT_VERSION = 1;
/** @internal */
export const HEADER_BYTES = 16;
const CRC_BYTES = 4;
/** Three string headers, a length and a checksum. */
const DIRECTORY_ENTRY_BYTES_MIN = 8;

/** One section; `kind` tells the owner how to read the bytes. @internal */
export interface ContainerSection {
  readonly name: string;
  readonly kind: string;
  readonly schema: Schema;
  readonly bytes: Uint8Array;
}

/** A section whose bytes lie in pieces, one behind the other. @internal */
export type SectionInParts = Omit<ContainerSection, "bytes"> & { readonly parts: readonly Uint8Array[] };

/** Puts the sections into one container. Equal sections give equal bytes. @internal */
export function encodeContainer(sections: readonly ContainerSection[]): Uint8Array {
  return encodeContainerOfParts(sections.map(({ bytes, ...section }) => ({ ...section, parts: [bytes] })));
}

/** As `encodeContainer`; copies every piece once and looks at every byte once. @internal */
export function encodeContainerOfParts(sections: readonly SectionInParts[]): Uint8Array {
  const directory = new BinaryWriter();
  directory.varint(sections.length);
  const measured = sections.map((section) => {
    const bytes = section.parts.reduce((sum, part) => sum + part.length, 0);
    directory.string(section.name);
    directory.string(section.kind);
    directory.string(JSON.stringify(section.schema));
    directory.varint(bytes);
    const crc = section.parts.reduce((seed, part) => crc32c(part, 0, part.length, seed), 0);
    directory.u32(crc);
    return { ...section, bytes, crc };
  });
  const head = new BinaryWriter(HEADER_BYTES + directory.position + CRC_BYTES);
  head.u32(MAGIC);
  head.u16(CONTAINER_FORMAT_VERSION);
  head.u16(KEY_ENCODING_VERSION);
  head.u32(directory.position);
  head.u32(crc32c(head.buffer, 0, head.position));
  head.rawBytes(directory.written());
  head.u32(crc32c(directory.buffer, 0, directory.position));
  let whole = crc32c(head.buffer, 0, head.position);
  for (const { bytes, crc } of measured) whole = combineCrc32c(whole, crc, bytes);
  const tail = new BinaryWriter(CRC_BYTES);
  tail.u32(whole);
  return joined([head.written(), ...measured.flatMap(({ parts }) => parts), tail.written()]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * Reads a container. The sections' bytes are views of `blob`, which must not change while they are used.
 *
 * @param where - What the blob is, for messages: file, operator, uid.
 * @param isVerified - Whether another checksum over all of the bytes was found right: those of the sections are not looked
 *   at then. State may be large.
 * @throws MillraceError `MR_DATA_CORRUPT` with the offset when anything is missing, added or changed
 * @throws MillraceError `MR_FORMAT_VERSION_UNSUPPORTED` when another version of Millrace wrote it
 * @internal
 */
export function decodeContainer(
  blob: Uint8Array,
  where: ErrorWhere = {},
  isVerified: boolean = false,
): readonly ContainerSection[] {
  const sections = readContainerHead(blob, blob.length, where);
  if (!isVerified) checkSections(blob, sections, where);
  return sections.map(({ name, kind, schema, start, end }) => ({
    name,
    kind,
    schema,
    bytes: blob.subarray(start, end),
  }));
}

/**
 * The sections of a container whose bytes are not at hand: from its first bytes, as many as `containerHeadBytes` says.
 *
 * @param sizeBytes - Of the container.
 * @throws MillraceError as `decodeContainer`
 * @internal
 */
export function readContainerHead(
  head: Uint8Array,
  sizeBytes: number,
  where: ErrorWhere = {},
): readonly SectionEntry[] {
  const payloadStart = containerHeadBytes(head, where);
  const directoryEnd = payloadStart - CRC_BYTES;
  if (payloadStart + CRC_BYTES > sizeBytes) {
    throw corrupt(where, sizeBytes, `${sizeBytes} bytes`, `at least ${payloadStart + CRC_BYTES} bytes`);
  }
  checkCrc(head, { start: HEADER_BYTES, end: directoryEnd, storedAt: directoryEnd, part: "the directory" }, where);
  const sections = readDirectory(head, directoryEnd, payloadStart, where);
  const sectionsEnd = sections.at(-1)?.end ?? payloadStart;
  if (sectionsEnd !== sizeBytes - CRC_BYTES) {
    throw corrupt(where, Math.min(sectionsEnd, sizeBytes), `${sizeBytes} bytes`, `${sectionsEnd + CRC_BYTES} bytes`);
  }
  return sections;
}

/** How long the part before the sections' bytes is. @param head - At least `HEADER_BYTES`, where there are so many. @internal */
export function containerHeadBytes(head: Uint8Array, where: ErrorWhere = {}): number {
  return HEADER_BYTES + readHeader(head, where) + CRC_BYTES;
}

function checkSections(blob: Uint8Array, sections: readonly SectionEntry[], where: ErrorWhere): void {
  const payloadEnd = blob.length - CRC_BYTES;
  const payloadStart = sections[0]?.start ?? payloadEnd;
  let whole = crc32c(blob, 0, payloadStart);
  for (const { name, start, end, crc } of sections) {
    const found = crc32c(blob, start, end);
    if (found !== crc)
      throw badCrc(where, start, { part: `the section ${JSON.stringify(name)}`, found, expected: crc });
    // State may be large: its bytes are looked at once.
    whole = combineCrc32c(whole, found, end - start);
  }
  const expected = new BinaryReader(blob, payloadEnd).u32();
  if (whole !== expected) throw badCrc(where, 0, { part: "the container", found: whole, expected });
}

/** Checks the fixed part and returns the length of the directory. */
function readHeader(blob: Uint8Array, where: ErrorWhere): number {
  if (blob.length < HEADER_BYTES)
    throw corrupt(where, blob.length, `${blob.length} bytes`, `at least ${HEADER_BYTES} bytes`);
  const header = new BinaryReader(blob, 0, HEADER_BYTES);
  const magic = header.u32();
  if (magic !== MAGIC) throw corrupt(where, 0, `the magic ${hex(magic)}`, `${hex(MAGIC)}, "MRSC"`);
  // Before the versions: a flipped bit in them must not read as "newer".
  checkCrc(
    blob,
    { start: 0, end: HEADER_BYTES - CRC_BYTES, storedAt: HEADER_BYTES - CRC_BYTES, part: "the header" },
    where,
  );
  checkVersion("container format", header.u16(), CONTAINER_FORMAT_VERSION, { ...where, offset: 4 });
  checkVersion("key encoding", header.u16(), KEY_ENCODING_VERSION, { ...where, offset: 6 });
  return header.u32();
}

/** One section, and where in the container its bytes are. @internal */
export interface SectionEntry {
  readonly name: string;
  readonly kind: string;
  readonly schema: Schema;
  readonly start: number;
  readonly end: number;
  readonly crc: number;
}

function readDirectory(
  blob: Uint8Array,
  end: number,
  payloadStart: number,
  where: ErrorWhere,
): readonly SectionEntry[] {
  const input = new BinaryReader(blob, HEADER_BYTES, end);
  const sections: SectionEntry[] = [];
  let start = payloadStart;
  for (let left = input.count(DIRECTORY_ENTRY_BYTES_MIN); left > 0; left--) {
    const name = input.string();
    const kind = input.string();
    const at = input.position;
    const schema = parseSchema(input.string());
    if (schema === undefined) throw corrupt(where, at, `a schema of ${JSON.stringify(name)} that is none`, "a schema");
    const length = input.varint();
    sections.push({ name, kind, schema, start, end: start + length, crc: input.u32() });
    start += length;
  }
  if (input.remaining > 0)
    throw corrupt(where, input.position, `${input.remaining} more bytes`, "the end of the directory");
  return sections;
}

interface CheckedPart {
  readonly start: number;
  readonly end: number;
  readonly storedAt: number;
  readonly part: string;
}

function checkCrc(blob: Uint8Array, { start, end, storedAt, part }: CheckedPart, where: ErrorWhere): void {
  const expected = new BinaryReader(blob, storedAt).u32();
  const found = crc32c(blob, start, end);
  if (found !== expected) throw badCrc(where, start, { part, found, expected });
}

function checkVersion(what: string, found: number, supported: number, where: ErrorWhere): void {
  if (found === supported) return;
  throw new MillraceError("MR_FORMAT_VERSION_UNSUPPORTED", {
    what: `This state was written with another version of the ${what}`,
    where,
    found: `version ${found}`,
    expected: `version ${supported}`,
    todo:
      found > supported
        ? "Run the job with the newer Millrace that wrote it"
        : "Restore it with an older Millrace and write a savepoint",
  });
}

function badCrc(
  where: ErrorWhere,
  offset: number,
  crc: { part: string; found: number; expected: number },
): MillraceError {
  return corrupt(where, offset, `checksum ${hex(crc.found)} over ${crc.part}`, hex(crc.expected));
}

function corrupt(where: ErrorWhere, offset: number, found: string, expected: string): MillraceError {
  return new MillraceError("MR_DATA_CORRUPT", {
    what: "The state is damaged",
    where: { ...where, offset },
    found,
    expected,
    todo: "Restore from another copy of the file or from another checkpoint",
  });
}

function hex(value: number): string {
  return `0x${u32Hex(value)}`;
}
