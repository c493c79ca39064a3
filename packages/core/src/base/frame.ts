/**
 * A frame: a message of known length and type on a connection that only knows bytes.
 *
 *     offset  bytes
 *     0       4      u32 length of the payload
 *     4       1      u8 frame format version
 *     5       1      u8 type: what the payload is, for the protocol that is spoken
 *     6       2      reserved, zero
 *     8       4      u32 CRC-32C of bytes [0, 8)
 *     12      ...    payload
 *             4      u32 CRC-32C of the payload
 *
 * All numbers are little-endian. docs/internals/rpc.md has a worked example.
 *
 * - R1. The length is believed once the header's checksum was found right and it is not above the limit; even then memory
 *   grows with the bytes that have come, not with what the length promises.
 * - R2. A payload is handed out once its checksum was found right, in the order of the frames, each once.
 * - R3. After a refusal nothing more is read: behind damage nobody knows where a frame begins.
 */

import { BinaryReader } from "./binary-reader.ts";
import { crc32c } from "./crc32c.ts";
import { MillraceError } from "./errors.ts";
import { u32Hex } from "./hex.ts";

/** @internal */
export const FRAME_FORMAT_VERSION = 1;
/** Where the payload begins in a frame. @internal */
export const FRAME_HEADER_BYTES = 12;
const HEADER_CHECKED_BYTES = 8;
const CRC_BYTES = 4;

/** What a frame adds to its payload. @internal */
export const FRAME_OVERHEAD_BYTES: number = FRAME_HEADER_BYTES + CRC_BYTES;

/** @internal */
export interface Frame {
  /** 0 to 255. */
  readonly type: number;
  /** Belongs to whoever took the frame; may share memory with what was pushed. */
  readonly payload: Uint8Array;
}

/**
 * The bytes of one frame.
 * @throws MillraceError `MR_FRAME_TOO_LARGE` when the payload is above the limit, which the other side would refuse
 * @internal
 */
export function encodeFrame(type: number, payload: Uint8Array, payloadBytesMax: number): Uint8Array {
  checkFrameSize(payload.length, payloadBytesMax);
  const bytes = new Uint8Array(payload.length + FRAME_OVERHEAD_BYTES);
  bytes.set(payload, FRAME_HEADER_BYTES);
  sealFrame(bytes, 0, type, payload.length);
  return bytes;
}

/**
 * Makes a frame of a payload that is in its place already: writes the header at `start`, the payload's checksum behind it,
 * and returns where the frame ends. For those who would otherwise copy the payload once more; they check its size.
 * @internal
 */
export function sealFrame(bytes: Uint8Array, start: number, type: number, payloadBytes: number): number {
  const payloadStart = start + FRAME_HEADER_BYTES;
  const payloadEnd = payloadStart + payloadBytes;
  putU32(bytes, start, payloadBytes);
  bytes[start + 4] = FRAME_FORMAT_VERSION;
  bytes[start + 5] = type;
  bytes[start + 6] = 0;
  bytes[start + 7] = 0;
  putU32(bytes, start + HEADER_CHECKED_BYTES, crc32c(bytes, start, start + HEADER_CHECKED_BYTES));
  putU32(bytes, payloadEnd, crc32c(bytes, payloadStart, payloadEnd));
  return payloadEnd + CRC_BYTES;
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** @throws MillraceError `MR_FRAME_TOO_LARGE` @internal */
export function checkFrameSize(payloadBytes: number, payloadBytesMax: number): void {
  if (payloadBytes > payloadBytesMax) throw tooLarge(payloadBytes, payloadBytesMax);
}

/**
 * Puts frames together from bytes that come in pieces of any size. Take all frames with `next` after every `push`: then
 * no more is held than one frame and the last piece.
 *
 * @example
 * const decoder = new FrameDecoder({ payloadBytesMax: 1024 });
 * decoder.push(encodeFrame(7, Uint8Array.of(1, 2), 1024));
 * decoder.next()?.type; // 7
 * decoder.next(); // undefined
 * @internal
 */
export class FrameDecoder {
  readonly #payloadBytesMax: number;
  readonly #pieces: Uint8Array[] = [];
  /** Of the pieces, what was not handed out. */
  #heldBytes = 0;
  /** Bytes of frames that were handed out. */
  #offset = 0;
  #header: { readonly type: number; readonly payloadBytes: number } | undefined;
  #refusal: MillraceError | undefined;

  constructor({ payloadBytesMax }: { readonly payloadBytesMax: number }) {
    this.#payloadBytesMax = payloadBytesMax;
  }

  /** Bytes that have come and belong to no finished frame. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The bytes are the decoder's from now on. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#heldBytes += bytes.length;
  }

  /**
   * The next frame, or undefined until more bytes have come.
   * @throws MillraceError `MR_FRAME_CORRUPT` with the offset in the stream; from then on from every call
   * @throws MillraceError `MR_FRAME_TOO_LARGE` when the payload is above the limit
   * @throws MillraceError `MR_PROTOCOL_VERSION_UNSUPPORTED` when the frame has another format
   */
  next(): Frame | undefined {
    if (this.#refusal !== undefined) throw this.#refusal;
    try {
      return this.#next();
    } catch (error) {
      if (error instanceof MillraceError) this.#refusal = error;
      this.#pieces.length = 0;
      this.#heldBytes = 0;
      throw error;
    }
  }

  #next(): Frame | undefined {
    if (this.#header === undefined) {
      if (this.#heldBytes < FRAME_HEADER_BYTES) return undefined;
      this.#header = this.#readHeader(this.#peek(FRAME_HEADER_BYTES));
    }
    const { type, payloadBytes } = this.#header;
    const frameBytes = payloadBytes + FRAME_OVERHEAD_BYTES;
    if (this.#heldBytes < frameBytes) return undefined;
    const frame = this.#peek(frameBytes);
    const payload = frame.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + payloadBytes);
    this.#checkCrc("the payload", payload, new BinaryReader(frame, FRAME_HEADER_BYTES + payloadBytes).u32());
    this.#drop(frameBytes);
    this.#header = undefined;
    return { type, payload };
  }

  #readHeader(bytes: Uint8Array): { type: number; payloadBytes: number } {
    const header = new BinaryReader(bytes, 0, FRAME_HEADER_BYTES);
    const payloadBytes = header.u32();
    const version = header.u8();
    const type = header.u8();
    const reserved = header.u16();
    // Before anything else: a flipped bit must not read as another version or a great length.
    this.#checkCrc("the header", bytes.subarray(0, HEADER_CHECKED_BYTES), header.u32());
    if (version !== FRAME_FORMAT_VERSION) {
      throw new MillraceError("MR_PROTOCOL_VERSION_UNSUPPORTED", {
        what: "The other side sends frames of another format",
        where: { offset: this.#offset },
        found: `version ${version}`,
        expected: `version ${FRAME_FORMAT_VERSION}`,
        todo: "Run the same version of Millrace in all processes of a cluster",
      });
    }
    if (reserved !== 0) throw this.#corrupt(`${reserved} in the reserved bytes`, "0");
    if (payloadBytes > this.#payloadBytesMax) throw tooLarge(payloadBytes, this.#payloadBytesMax, this.#offset);
    return { type, payloadBytes };
  }

  /** The next `count` bytes, which are held, in one piece. */
  #peek(count: number): Uint8Array {
    const first = this.#pieces[0]!;
    if (first.length >= count) return first.subarray(0, count);
    // All that is held, so that a frame in many pieces is joined once for its header and once for the rest.
    const joined = new Uint8Array(this.#heldBytes);
    let at = 0;
    for (const piece of this.#pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    this.#pieces.splice(0, this.#pieces.length, joined);
    return joined.subarray(0, count);
  }

  #drop(count: number): void {
    // `#peek` has put them into the first piece.
    const rest = this.#pieces[0]!.subarray(count);
    if (rest.length === 0) this.#pieces.shift();
    else this.#pieces[0] = rest;
    this.#heldBytes -= count;
    this.#offset += count;
  }

  #checkCrc(part: string, bytes: Uint8Array, expected: number): void {
    const found = crc32c(bytes);
    if (found !== expected) throw this.#corrupt(`checksum ${hex(found)} over ${part}`, hex(expected));
  }

  #corrupt(found: string, expected: string): MillraceError {
    return new MillraceError("MR_FRAME_CORRUPT", {
      what: "What came over the network is not what was sent, or not from Millrace",
      where: { offset: this.#offset },
      found,
      expected,
      todo: "See who connects to this port; if it is a Millrace process, look for what changes bytes on the way",
    });
  }
}

function tooLarge(payloadBytes: number, payloadBytesMax: number, offset?: number): MillraceError {
  return new MillraceError("MR_FRAME_TOO_LARGE", {
    what: "A message is larger than the processes of a cluster accept from each other",
    ...(offset === undefined ? {} : { where: { offset } }),
    found: `${payloadBytes} bytes`,
    expected: `at most ${payloadBytesMax} bytes`,
    todo: "Make the message smaller, or raise pekko.framesize in all processes",
  });
}

function hex(value: number): string {
  return `0x${u32Hex(value)}`;
}
