/** The odd number nearest to 2^32 divided by the golden ratio: spreads consecutive salts over all 32 bits. @internal */
export const GOLDEN: number = 0x9e3779b1 | 0;

/** Murmur3's finalizer: every input bit reaches every output bit. Takes and returns an int32. @internal */
export function fmix32(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * Maps the 32 bits of `hash` evenly to 0 … n - 1, for n < 2^21: the product stays below 2^53 and the result below
 * 2^31, so the cut to an integer is the floor.
 * @internal
 */
export function below(hash: number, n: number): number {
  return ((hash >>> 0) * n * 2 ** -32) | 0;
}

/**
 * The `salt`-th random number of the event that `key` stands for.
 *
 * {@link fmix32} written out: a bid draws nine times, and V8 stops inlining nested calls before the last of them.
 * @internal
 */
export function draw(key: number, salt: number): number {
  let h = (key + Math.imul(salt, GOLDEN)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
