import { InvariantViolation } from "./errors.ts";

/** The largest value of a varint: every unsigned safe integer. */
const U53_MAX: number = Number.MAX_SAFE_INTEGER;
/** A safe integer takes at most this many bytes as a varint (8 x 7 = 56 bits). */
export const VARINT_BYTES_MAX = 8;
const INITIAL_BYTES = 256;
/** From here on a call into the host costs less than a loop over the characters. */
const HOST_ENCODE_UNITS_MIN = 32;
const utf8Encoder = new TextEncoder();

/**
 * A growable little-endian byte buffer.
 *
 * - Integers: fixed width, `varint` (LEB128, 7 bits a byte, lowest first, unsigned safe integers) and `zigzag`
 *   (a varint of `2v` or `-2v - 1`, any safe integer).
 * - Strings: varint `byteLength * 2 + isUtf8`, then the bytes. Without the flag every byte is one ASCII character. With
 *   it they are UTF-8, in which a lone surrogate is written as its three-byte pattern, so every JavaScript string
 *   reads back as it was.
 *
 * The caller guarantees ranges; only `varint` and `zigzag` check them, because a wrong one there would not be noticed.
 *
 * @example
 * const out = new BinaryWriter();
 * out.varint(300);
 * out.string("grüezi");
 * const bytes = out.finish();
 * @public
 */
export class BinaryWriter {
  /**
   * What a codec remembers about the stream it writes, such as the shapes that are already defined in it. Belongs to
   * one stream: from one `reset` to the next.
   * @internal
   */
  streamContext: unknown = undefined;
  /** @internal Owned by the writer: replaced when it grows. */
  buffer: Uint8Array;
  #view: DataView;
  #position = 0;

  constructor(initialBytes: number = INITIAL_BYTES) {
    this.buffer = new Uint8Array(Math.max(initialBytes, 16));
    this.#view = new DataView(this.buffer.buffer);
  }

  /** Bytes written so far, and where the next one goes. */
  get position(): number {
    return this.#position;
  }

  /** Starts a new, empty stream in the same memory. */
  reset(): void {
    this.#position = 0;
    this.streamContext = undefined;
  }

  /** A copy of everything written. */
  finish(): Uint8Array {
    return this.buffer.slice(0, this.#position);
  }

  /** The bytes written, without a copy; valid until the next write or `reset`. */
  written(): Uint8Array {
    return this.buffer.subarray(0, this.#position);
  }

  u8(value: number): void {
    if (this.#position === this.buffer.length) this.#grow(1);
    this.buffer[this.#position++] = value;
  }

  u16(value: number): void {
    this.ensure(2);
    this.#view.setUint16(this.#position, value, true);
    this.#position += 2;
  }

  u32(value: number): void {
    this.ensure(4);
    this.#view.setUint32(this.#position, value, true);
    this.#position += 4;
  }

  i32(value: number): void {
    this.ensure(4);
    this.#view.setInt32(this.#position, value, true);
    this.#position += 4;
  }

  f64(value: number): void {
    this.ensure(8);
    this.#view.setFloat64(this.#position, value, true);
    this.#position += 8;
  }

  /** An integer from 0 to 2^53 - 1. */
  varint(value: number): void {
    this.ensure(VARINT_BYTES_MAX);
    if (value < 0x80 && value >= 0 && Number.isInteger(value)) {
      this.buffer[this.#position++] = value;
      return;
    }
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new InvariantViolation(`a varint holds 0 to ${U53_MAX}, not ${value}`);
    }
    this.#position = putVarint(this.buffer, this.#position, value);
  }

  /** Any safe integer; small magnitudes are short. Minus zero is written as zero. */
  zigzag(value: number): void {
    const int32 = value | 0;
    if (int32 === value) {
      this.ensure(VARINT_BYTES_MAX);
      this.#position = putZigzag32(this.buffer, this.#position, int32);
      return;
    }
    if (!Number.isSafeInteger(value)) throw new InvariantViolation(`zigzag holds safe integers, not ${value}`);
    // 2v does not fit a double any more: the lowest byte is split off before doubling.
    const magnitude = value < 0 ? -value - 1 : value;
    this.ensure(VARINT_BYTES_MAX + 1);
    const low = (magnitude % 64) * 2 + (value < 0 ? 1 : 0);
    this.buffer[this.#position++] = low | 0x80;
    this.#position = putVarint(this.buffer, this.#position, Math.floor(magnitude / 64));
  }

  /** A tag and an int32 as `zigzag`, with one check for room. */
  taggedInt32(tag: number, value: number): void {
    this.ensure(1 + VARINT_BYTES_MAX);
    this.buffer[this.#position] = tag;
    this.#position = putZigzag32(this.buffer, this.#position + 1, value);
  }

  /** A tag and an `f64`, with one check for room. */
  taggedF64(tag: number, value: number): void {
    this.ensure(9);
    this.buffer[this.#position] = tag;
    this.#view.setFloat64(this.#position + 1, value, true);
    this.#position += 9;
  }

  string(value: string): void {
    const length = value.length;
    // Room for the worst case, so that neither loop checks: three bytes a UTF-16 unit.
    this.ensure(VARINT_BYTES_MAX + length * 3);
    if (length >= HOST_ENCODE_UNITS_MIN && this.#longAscii(value)) return;
    const start = this.#position;
    const buffer = this.buffer;
    let at = length < 64 ? start + 1 : putVarint(buffer, start, length * 2);
    buffer[start] = length < 64 ? length * 2 : (buffer[start] as number);
    let seen = 0;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      seen |= unit;
      buffer[at++] = unit;
    }
    this.#position = seen < 0x80 ? at : putUtf8String(buffer, start, value);
  }

  /** Lets the host encode; false, and nothing written, when the text is not ASCII. */
  #longAscii(value: string): boolean {
    const at = putVarint(this.buffer, this.#position, value.length * 2);
    const { written } = utf8Encoder.encodeInto(value, this.buffer.subarray(at));
    // Every other character takes more bytes than units, or is replaced by one that does.
    if (written !== value.length) return false;
    this.#position = at + written;
    return true;
  }

  /** A varint length, then the bytes. */
  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.rawBytes(value);
  }

  /** The bytes alone: the reader must know how many. */
  rawBytes(value: Uint8Array): void {
    this.ensure(value.length);
    this.buffer.set(value, this.#position);
    this.#position += value.length;
  }

  /** Overwrites four bytes that were written before, for lengths and checksums known afterwards. */
  patchU32(at: number, value: number): void {
    if (at < 0 || at + 4 > this.#position) throw new InvariantViolation(`patch at ${at} of ${this.#position} bytes`);
    this.#view.setUint32(at, value, true);
  }

  /** Makes sure that `count` more bytes fit, so that many small writes grow the memory once. */
  ensure(count: number): void {
    if (this.#position + count > this.buffer.length) this.#grow(count);
  }

  #grow(count: number): void {
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.#position + count));
    grown.set(this.buffer.subarray(0, this.#position));
    this.buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Writes an int32 as zigzag and returns the position behind it; the caller has checked room. All in 32-bit integers. */
function putZigzag32(buffer: Uint8Array, start: number, int32: number): number {
  let at = start;
  let rest = (int32 << 1) ^ (int32 >> 31);
  while ((rest & ~0x7f) !== 0) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}

/** Writes an unsigned safe integer and returns the position behind it; the caller has checked room and range. */
function putVarint(buffer: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  // Bit operations work on 32 bits only; above them a division takes the place of the shift.
  while (rest > 0x7fffffff) {
    buffer[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}

/** The flagged form of a string with its header; `buffer` has room for three bytes a unit. */
function putUtf8String(buffer: Uint8Array, start: number, value: string): number {
  const at = putVarint(buffer, start, utf8Length(value) * 2 + 1);
  return putUtf8(buffer, at, value);
}

/** Bytes of a string as UTF-8 with lone surrogates as three bytes each. @internal */
export function utf8Length(value: string): number {
  let bytes = value.length;
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    if (unit >= 0x80) bytes += unit >= 0x800 ? 2 : 1;
    // A pair is four bytes, two a unit: its second half is already counted as one and adds one more here.
    if (isHighSurrogate(unit) && isLowSurrogate(value.charCodeAt(index + 1))) index++;
  }
  return bytes;
}

/** Writes a string as UTF-8 and returns the position behind it. @internal */
export function putUtf8(buffer: Uint8Array, start: number, value: string): number {
  let at = start;
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    if (unit < 0x80) {
      buffer[at++] = unit;
    } else if (unit < 0x800) {
      buffer[at++] = 0xc0 | (unit >> 6);
      buffer[at++] = 0x80 | (unit & 0x3f);
    } else {
      const next = value.charCodeAt(index + 1);
      if (isHighSurrogate(unit) && isLowSurrogate(next)) {
        const point = 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00);
        buffer[at++] = 0xf0 | (point >> 18);
        buffer[at++] = 0x80 | ((point >> 12) & 0x3f);
        buffer[at++] = 0x80 | ((point >> 6) & 0x3f);
        buffer[at++] = 0x80 | (point & 0x3f);
        index++;
      } else {
        buffer[at++] = 0xe0 | (unit >> 12);
        buffer[at++] = 0x80 | ((unit >> 6) & 0x3f);
        buffer[at++] = 0x80 | (unit & 0x3f);
      }
    }
  }
  return at;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** False for NaN, which is what `charCodeAt` gives behind the end. */
function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
