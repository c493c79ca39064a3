import { MillraceError } from "./errors.ts";

// Stateless without `stream: true`. A byte order mark is data like any other character.
const utf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** Below this the characters are put together here: a call into the host costs more than they do. */
const HOST_DECODE_BYTES_MIN = 48;

/**
 * Reads what a `BinaryWriter` wrote. Every read is checked against the end and nothing is allocated from a count before
 * the bytes for it are known to be there, so hostile input costs no more memory than its own length.
 *
 * @throws MillraceError `MR_DATA_CORRUPT` with the offset, from every method.
 * @public
 */
export class BinaryReader {
  /** What a codec remembers about the stream it reads; see `BinaryWriter.streamContext`. @internal */
  streamContext: unknown = undefined;
  #bytes: Uint8Array;
  #view: DataView;
  #position: number;
  #end: number;

  /** Reads `bytes` from `start` to `end`; the memory stays the caller's and must not change meanwhile. */
  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = start;
    this.#end = Math.min(end, bytes.length);
  }

  /** Starts on other bytes, as a new stream. */
  reset(bytes: Uint8Array, start: number = 0, end: number = bytes.length): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#position = start;
    this.#end = Math.min(end, bytes.length);
    this.streamContext = undefined;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  u8(): number {
    if (this.#position >= this.#end) this.#short(1);
    return this.#bytes[this.#position++] as number;
  }

  u16(): number {
    const at = this.#take(2);
    return this.#view.getUint16(at, true);
  }

  u32(): number {
    const at = this.#take(4);
    return this.#view.getUint32(at, true);
  }

  /** What `u32` would return; the position stays. */
  peekU32(): number {
    const value = this.u32();
    this.#position -= 4;
    return value;
  }

  i32(): number {
    const at = this.#take(4);
    return this.#view.getInt32(at, true);
  }

  f64(): number {
    const at = this.#take(8);
    return this.#view.getFloat64(at, true);
  }

  /** An integer from 0 to 2^53 - 1. */
  varint(): number {
    const first = this.u8();
    return first < 0x80 ? first : this.#longVarint(first - 0x80, 7, Number.MAX_SAFE_INTEGER);
  }

  /** Any safe integer. */
  zigzag(): number {
    // Up to four bytes in 32-bit integers; anything longer, padded or near the end goes the careful way.
    const start = this.#position;
    if (this.#end - start >= 4) {
      const bytes = this.#bytes;
      let at = start;
      let byte = bytes[at++] as number;
      let bits = byte & 0x7f;
      for (let shift = 7; byte >= 0x80 && shift < 28; shift += 7) {
        byte = bytes[at++] as number;
        bits |= (byte & 0x7f) << shift;
      }
      if (byte < 0x80 && (byte !== 0 || at === start + 1)) {
        this.#position = at;
        return (bits >>> 1) ^ -(bits & 1);
      }
    }
    const first = this.u8();
    // The lowest bit is the sign, six bits of magnitude follow in the first byte.
    const low = (first & 0x7f) >> 1;
    const magnitude = first < 0x80 ? low : this.#longVarint(low, 6, Number.MAX_SAFE_INTEGER);
    if ((first & 1) === 0) return magnitude;
    if (magnitude === Number.MAX_SAFE_INTEGER) this.corrupt("an integer below the safe range", "a safe integer");
    return -magnitude - 1;
  }

  string(): string {
    const header = this.varint();
    const start = this.#take(Math.floor(header / 2));
    const end = this.#position;
    if (header % 2 === 1) return this.#utf8(start, end);
    return end - start < HOST_DECODE_BYTES_MIN ? this.#shortAscii(start, end) : this.#longAscii(start, end);
  }

  /** A copy of bytes behind a varint length. */
  bytes(): Uint8Array {
    return this.rawBytes(this.varint()).slice();
  }

  /** The next `count` bytes without a copy: a view of the caller's memory. */
  rawBytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /**
   * A varint count of things that take at least `bytesEach` each; refused when they cannot be in the rest, so a list of
   * that size may be allocated.
   */
  count(bytesEach: number = 1): number {
    const at = this.#position;
    const count = this.varint();
    if (count * bytesEach > this.remaining) {
      this.corrupt(`a count of ${count} with ${this.remaining} bytes left`, `at most ${this.remaining} bytes`, at);
    }
    return count;
  }

  /** Refuses what was read. The offset is the position behind it unless `at` says where it began. */
  corrupt(found: string, expected: string, at: number = this.#position): never {
    throw new MillraceError("MR_DATA_CORRUPT", {
      what: "The bytes are not what was written",
      where: { offset: at },
      found,
      expected,
      todo: "Use an intact copy of the data",
    });
  }

  #take(count: number): number {
    const at = this.#position;
    if (count > this.#end - at) this.#short(count);
    this.#position = at + count;
    return at;
  }

  #short(count: number): never {
    this.corrupt(`the end after ${this.remaining} bytes`, `${count} bytes`);
  }

  /** Continues a varint of which the lowest `bits` bits are known to be `low`. */
  #longVarint(low: number, bits: number, limit: number): number {
    const at = this.#position - 1;
    let value = low;
    let scale = 2 ** bits;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (value > limit) this.corrupt("an integer beyond the safe range", "at most 2^53 - 1", at);
      if (byte < 0x80) {
        // One way to write a number: a trailing zero byte is no padding.
        if (byte === 0) this.corrupt("a padded integer", "the shortest form", at);
        return value;
      }
      scale *= 128;
    }
  }

  #shortAscii(start: number, end: number): string {
    const bytes = this.#bytes;
    let text = "";
    let seen = 0;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const a = bytes[at] as number;
      const b = bytes[at + 1] as number;
      const c = bytes[at + 2] as number;
      const d = bytes[at + 3] as number;
      seen |= a | b | c | d;
      text += String.fromCharCode(a, b, c, d);
    }
    for (; at < end; at++) {
      const unit = bytes[at] as number;
      seen |= unit;
      text += String.fromCharCode(unit);
    }
    if (seen >= 0x80) this.corrupt("a byte above 127", "ASCII", start);
    return text;
  }

  #longAscii(start: number, end: number): string {
    const text = utf8Decoder.decode(this.#bytes.subarray(start, end));
    // Anything but ASCII is fewer characters than bytes, or replaced by U+FFFD.
    if (text.length !== end - start || text.includes("\ufffd")) this.corrupt("a byte above 127", "ASCII", start);
    return text;
  }

  #utf8(start: number, end: number): string {
    const parts: string[] = [];
    const units: number[] = [];
    let at = start;
    while (at < end) {
      const point = this.#codePoint(at, end);
      at += utf8Width(point);
      if (point >= 0x10000) units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
      else units.push(point);
      // The argument list of one call is limited.
      if (units.length >= 4096) parts.push(String.fromCharCode(...units.splice(0)));
    }
    parts.push(String.fromCharCode(...units));
    return parts.join("");
  }

  #codePoint(at: number, end: number): number {
    const first = this.#bytes[at] as number;
    if (first < 0x80) return first;
    const width = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
    if (width === 0 || first > 0xf4 || at + width > end) this.corrupt(`byte ${first}`, "UTF-8", at);
    let point = first & (0xff >> (width + 1));
    for (let offset = 1; offset < width; offset++) {
      const byte = this.#bytes[at + offset] as number;
      if ((byte & 0xc0) !== 0x80) this.corrupt(`byte ${byte} inside a character`, "UTF-8", at + offset);
      point = (point << 6) | (byte & 0x3f);
    }
    if (utf8Width(point) !== width || point > 0x10ffff) this.corrupt("an overlong character", "UTF-8", at);
    return point;
  }
}

function utf8Width(point: number): number {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}
