/** MurmurHash3, 32 bits, in pieces: blocks of four little-endian bytes, a tail of up to three, a finish. */

export function mixBlock(hash: number, block: number): number {
  const mixed = hash ^ mixTail(block);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** What a block, or the tail filled up with zeros, contributes; xor it into the hash. */
export function mixTail(block: number): number {
  const scrambled = Math.imul(block, 0xcc9e2d51);
  return Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
}

/** Folds in the length in bytes and spreads every bit over the whole hash. */
export function finishHash(hash: number, byteLength: number): number {
  let mixed = hash ^ byteLength;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** The hash of `bytes[0, end)` with seed 0, as a signed 32-bit integer. */
export function murmur3(bytes: Uint8Array, end: number = bytes.length): number {
  let hash = 0;
  let at = 0;
  for (; at + 4 <= end; at += 4) {
    hash = mixBlock(hash, bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
  }
  let tail = 0;
  for (let shift = 0; at < end; at++, shift += 8) tail |= bytes[at]! << shift;
  return finishHash(hash ^ mixTail(tail), end);
}

/** The hash of bytes that come one by one; the same as {@link murmur3} of all of them. */
export class MurmurStream {
  #hash = 0;
  #block = 0;
  #shift = 0;
  #length = 0;

  u8(byte: number): void {
    this.#block |= byte << this.#shift;
    this.#shift += 8;
    this.#length++;
    if (this.#shift === 32) {
      this.#hash = mixBlock(this.#hash, this.#block);
      this.#block = 0;
      this.#shift = 0;
    }
  }

  i32(value: number): void {
    const shift = this.#shift;
    this.#hash = mixBlock(this.#hash, this.#block | (value << shift));
    // The upper bits of the value wait for the next bytes; a shift by 32 would be one by 0.
    this.#block = shift === 0 ? 0 : value >>> (32 - shift);
    this.#length += 4;
  }

  finish(): number {
    return finishHash(this.#hash ^ mixTail(this.#block), this.#length);
  }
}
