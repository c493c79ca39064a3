/**
 * Any value of a state as JSON that people read. Different values give different texts. What JSON has no notation for is an
 * object with one property whose name begins with `$`:
 *
 *     bigint         {"$bigint": "12"}             Date        {"$date": "2026-01-02T03:04:05.678Z"}
 *     bytes          {"$bytes": "<hex>"}        undefined   {"$undefined": true}
 *     Map            {"$map": [[key, value]]}      Set         {"$set": [item]}
 *     NaN, ±Infinity, -0   {"$number": "NaN"}      typed array {"$Float64Array": [1, 2]}
 *
 * An object with one property that begins with `$` itself is put into `{"$object": …}`. An invalid Date has null for its time. A field that is
 * undefined is left out, as absent and undefined are the same in declared objects.
 */
import { toHex } from "../base/hex.ts";
import { setOwn } from "../types/plain-object.ts";
import { isTypedArray } from "../types/typed-arrays.ts";

/** @internal */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** @internal */
export function toReadableJson(value: unknown): Json {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? "-0" : `${value}` };
    case "bigint":
      return { $bigint: String(value) };
    case "undefined":
      return { $undefined: true };
    default:
      return value === null ? null : objectJson(value as object);
  }
}

function objectJson(value: object): Json {
  if (Array.isArray(value)) return value.map(toReadableJson);
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? null : value.toISOString() };
  if (value instanceof Map)
    return { $map: [...value].map(([key, item]) => [toReadableJson(key), toReadableJson(item)]) };
  if (value instanceof Set) return { $set: [...value].map(toReadableJson) };
  if (value instanceof Uint8Array) return { $bytes: toHex(value) };
  if (isTypedArray(value)) {
    return { [`$${value.constructor.name}`]: Array.from(value as Iterable<unknown>, toReadableJson) };
  }
  const fields: Record<string, Json> = {};
  for (const [name, item] of Object.entries(value)) {
    if (item !== undefined) setOwn(fields, name, toReadableJson(item));
  }
  return markOf(fields) === undefined ? fields : { $object: fields };
}

/** The `$name` of an object that is only that. */
function markOf(fields: object): string | undefined {
  const [name, ...others] = Object.keys(fields);
  return name?.startsWith("$") === true && others.length === 0 ? name : undefined;
}

/**
 * The keys that a text may mean, the likeliest first: the value that it is as JSON, with `{"$bigint": "12"}` for a bigint; and the
 * text itself. `12` may be a number, a bigint or a string.
 *
 * @internal
 */
export function keysMeantBy(text: string): readonly unknown[] {
  let parsed: unknown;
  try {
    parsed = keyOf(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [text];
  }
  return /^-?\d+$/.test(text) ? [parsed, BigInt(text), text] : parsed === text ? [text] : [parsed, text];
}

function keyOf(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(keyOf);
  const mark = markOf(json);
  const inner = mark === undefined ? undefined : (json as Readonly<Record<string, unknown>>)[mark];
  if (mark === "$bigint" && typeof inner === "string") return BigInt(inner);
  const fields: Record<string, unknown> = {};
  const own = mark === "$object" && typeof inner === "object" && inner !== null ? inner : json;
  for (const [name, item] of Object.entries(own)) setOwn(fields, name, keyOf(item));
  return fields;
}
