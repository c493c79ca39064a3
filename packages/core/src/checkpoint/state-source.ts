/** Files on their way into a checkpoint, and out of one: read from the beginning to the end, in parts. */
import { crc32c } from "../base/crc32c.ts";
import type { ByteSource } from "../platform/file-system.ts";

/** Between parts the process answers others. */
const PART_BYTES = 2 ** 20;

/** A file that becomes state. @internal */
export interface StateSource extends ByteSource {
  /** Of all bytes. */
  readonly crc32c: number;
}

/**
 * Hands on all bytes in their order. A source that has become shorter ends early.
 *
 * @param onPart - The part is overwritten when the promise has settled.
 * @internal
 */
export async function readParts(
  source: ByteSource,
  onPart: (part: Uint8Array, position: number) => Promise<void> | void,
): Promise<void> {
  const buffer = new Uint8Array(Math.min(PART_BYTES, source.sizeBytes));
  for (let position = 0; position < source.sizeBytes; ) {
    const wanted = Math.min(buffer.length, source.sizeBytes - position);
    const count = await source.read(buffer.subarray(0, wanted), position);
    if (count === 0) return;
    await onPart(buffer.subarray(0, count), position);
    position += count;
  }
}

/** CRC-32C of all bytes. @internal */
export async function checksumOf(source: ByteSource): Promise<number> {
  let checksum = 0;
  await readParts(source, (part) => {
    checksum = crc32c(part, 0, part.length, checksum);
  });
  return checksum;
}

/** All bytes, of a small file. @internal */
export async function wholeOf(source: ByteSource): Promise<Uint8Array> {
  const bytes = new Uint8Array(source.sizeBytes);
  await readParts(source, (part, position) => bytes.set(part, position));
  return bytes;
}
