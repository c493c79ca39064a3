/**
 * The names of the column families of a stored table. A state has one for its values and, when some of them are large, one for
 * the rows of these (paged-value.ts); the timers have their own.
 *
 * What users name their states is theirs: what would be taken for a name of ours, or of the store's, is marked.
 */
import { hashKey } from "../types/key-encoding.ts";
import { TIMERS_SECTION } from "./keyed-snapshot-format.ts";
import type { SlotCodec } from "./slot-codec.ts";

const MARK = "~";
/** RocksDB has one of this name that is its own. */
const TAKEN: ReadonlySet<string> = new Set([TIMERS_SECTION.name, "default"]);

/** Where the values of a state are. */
export function valuesFamilyName(name: string): string {
  return name.startsWith(MARK) || TAKEN.has(name) ? `${MARK}u:${name}` : name;
}

/**
 * Where the rows of a map's or a list's large values are; undefined when they have none. Rows of maps are ordered by their map
 * keys: written in another way they are in another family.
 */
export function rowsFamilyName({ name, schema }: Pick<SlotCodec, "name" | "schema">): string | undefined {
  if (schema.kind === "array") return `${MARK}l:${name}`;
  if (schema.kind !== "map") return undefined;
  const hash = (hashKey(JSON.stringify(schema.key)) >>> 0).toString(16);
  return `${MARK}m:${hash}:${name}`;
}
