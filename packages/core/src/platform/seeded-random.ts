import { toHex } from "../base/hex.ts";
import type { Random } from "./platform.ts";

/**
 * A small fast generator (sfc32 by Chris Doty-Humphrey: 128 bits of state, at least 2^32 numbers before it repeats)
 * for simulations and for reproducible streams. Not for secrets.
 *
 * A fork depends on the seed and the label only, never on how many numbers were drawn: one consumer that draws more
 * leaves all others as they were.
 * @internal
 */
export class SeededRandom implements Random {
  readonly seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string | number) {
    this.seed = String(seed);
    this.#a = hashText(this.seed, 0x9e3779b9);
    this.#b = hashText(this.seed, 0x243f6a88);
    this.#c = hashText(this.seed, 0xb7e15162);
    // The first outputs still show the structure of the seed.
    for (let round = 0; round < 16; round++) this.u32();
  }

  u32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** A number in [0, 1) with 32 random bits. */
  fraction(): number {
    return this.u32() / 2 ** 32;
  }

  /** An integer in [0, end). The bias is below end / 2^32, which no simulation can notice. */
  below(end: number): number {
    return Math.floor(this.fraction() * end);
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let start = 0; start < count; start += 4) {
      const word = this.u32();
      for (let offset = 0; offset < 4 && start + offset < count; offset++) {
        bytes[start + offset] = word >>> (8 * offset);
      }
    }
    return bytes;
  }

  uuid(): string {
    const bytes = this.bytes(16);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    const hex = toHex(bytes);
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  fork(label: string): SeededRandom {
    // The length keeps fork("a/b") apart from fork("a").fork("b").
    return new SeededRandom(`${this.seed}/${label.length}:${label}`);
  }
}

/** 32 bits of a text: FNV-1a over its code units, then the finalizer of MurmurHash3 to spread short texts. */
function hashText(text: string, basis: number): number {
  let hash = basis | 0;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
