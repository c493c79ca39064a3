/** What a body consists of: the path and type of every value in it. */

/** Keys that are ids, and not names. */
const ID = /^[0-9a-f]{32}$/;

/** Such as `jobs[].tasks.total:number`. */
export function keysOf(value: unknown, path = ""): ReadonlySet<string> {
  if (Array.isArray(value)) {
    return value.length === 0 ? new Set([`${path}[]`]) : union(value.map((each) => keysOf(each, `${path}[]`)));
  }
  if (typeof value !== "object" || value === null)
    return new Set([`${path}:${value === null ? "null" : typeof value}`]);
  const entries = Object.entries(value);
  if (entries.length === 0) return new Set([`${path}:{}`]);
  const prefix = path === "" ? "" : `${path}.`;
  return union(entries.map(([key, each]) => keysOf(each, `${prefix}${ID.test(key) ? "<id>" : key}`)));
}

function union(sets: readonly ReadonlySet<string>[]): ReadonlySet<string> {
  return new Set(sets.flatMap((set) => [...set]));
}
