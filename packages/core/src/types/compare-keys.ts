/**
 * A total order of keys: false before true, numbers and bigints by value, strings by UTF-16 code units, tuples and objects
 * part by part. Keys of different kinds are ordered by their kind.
 */

const KINDS: readonly string[] = ["boolean", "number", "bigint", "string", "object"];

/** Below zero when `left` comes first, 0 when the keys are the same key. Objects compare their fields in the order of their names. */
export function compareKeys(left: unknown, right: unknown): number {
  if (typeof left !== typeof right) return KINDS.indexOf(typeof left) - KINDS.indexOf(typeof right);
  if (typeof left === "object") return compareParts(partsOf(left), partsOf(right));
  // Of one primitive type, which JavaScript orders.
  const [a, b] = [left as number, right as number];
  return a < b ? -1 : a > b ? 1 : 0;
}

function partsOf(key: unknown): readonly unknown[] {
  if (Array.isArray(key)) return key;
  return Object.entries(key as Readonly<Record<string, unknown>>)
    .sort(([left], [right]) => compareKeys(left, right))
    .flat();
}

function compareParts(left: readonly unknown[], right: readonly unknown[]): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const order = compareKeys(left[index], right[index]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
