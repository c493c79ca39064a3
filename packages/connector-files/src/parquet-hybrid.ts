/**
 * Parquet's mixture of runs and bit-packed groups, in which levels and dictionary indices are written:
 *
 *     varint header; lowest bit 0: a run of (header >> 1) copies of one value of ceil(bitWidth / 8) bytes
 *                    lowest bit 1: (header >> 1) groups of 8 values, bitWidth bits each, lowest bit first
 *
 * @internal
 */
export function decodeHybrid(bytes: Uint8Array, at: number, bitWidth: number, out: Int32Array): void {
  const count = out.length;
  let filled = 0;
  while (filled < count) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length || shift > 28) throw new Error("a run header beyond the end of the page");
      const byte = bytes[at++]!;
      header |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if ((header & 1) === 0) {
      let value = 0;
      for (let shift = 0; shift < bitWidth; shift += 8) value |= bytes[at++]! << shift;
      const end = Math.min(count, filled + (header >>> 1));
      if (at > bytes.length || end === filled) throw new Error("a run beyond the end of the page");
      out.fill(value, filled, end);
      filled = end;
    } else {
      const packedCount = Math.min(count - filled, (header >>> 1) * 8);
      if (packedCount === 0) throw new Error("an empty group of values");
      unpack(bytes, at, bitWidth, out, filled, packedCount);
      filled += packedCount;
      at += (header >>> 1) * bitWidth;
    }
  }
}

function unpack(bytes: Uint8Array, at: number, bitWidth: number, out: Int32Array, start: number, count: number): void {
  if (at + Math.ceil((count * bitWidth) / 8) > bytes.length) throw new Error("values beyond the end of the page");
  if (bitWidth > 24) {
    unpackWide(bytes, at, bitWidth, out, start, count);
    return;
  }
  const mask = 2 ** bitWidth - 1;
  let buffer = 0;
  let bits = 0;
  for (let index = start; index < start + count; index++) {
    while (bits < bitWidth) {
      buffer |= bytes[at++]! << bits;
      bits += 8;
    }
    out[index] = buffer & mask;
    buffer >>>= bitWidth;
    bits -= bitWidth;
  }
}

// Up to 32 bits do not fit beside a started byte in a 32-bit integer.
function unpackWide(
  bytes: Uint8Array,
  at: number,
  bitWidth: number,
  out: Int32Array,
  start: number,
  count: number,
): void {
  for (let index = 0; index < count; index++) {
    let value = 0;
    for (let bit = 0; bit < bitWidth; bit++) {
      const place = index * bitWidth + bit;
      value |= ((bytes[at + (place >>> 3)]! >>> (place & 7)) & 1) << bit;
    }
    out[start + index] = value;
  }
}
