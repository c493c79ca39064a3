/**
 * Between JSON and the values of declared types. What JSON has no notation for is written as:
 *
 * | type      | in JSON                                                          |
 * |-----------|------------------------------------------------------------------|
 * | timestamp | epoch ms; ISO 8601 text is read as well, without a zone as UTC   |
 * | bigint    | text of decimal digits; an integer is read as well               |
 * | bytes     | Base64                                                           |
 * | set, map  | array of items; array of [key, value] pairs                      |
 */
import { MillraceError, type Schema, type SchemaField } from "millrace";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { parseTimestamp } from "./text-timestamp.ts";

/**
 * Turns what `JSON.parse` returned into a value of the schema as far as it can; the type's `validate` judges the
 * result. Objects get exactly the declared fields, in the declared order.
 * @internal
 */
export function fromJson(schema: Schema, value: unknown): unknown {
  switch (schema.kind) {
    case "timestamp":
      return typeof value === "string" ? (parseTimestamp(value) ?? value) : value;
    case "bigint":
      return isIntegerText(value) ? BigInt(value) : value;
    case "bytes":
      return typeof value === "string" ? (decodeBase64(value) ?? value) : value;
    case "nullable":
      return value === null ? null : fromJson(schema.item, value);
    case "object":
      return isRecord(value) ? objectFromJson(schema.fields, value) : value;
    case "array":
      return Array.isArray(value) ? value.map((item) => fromJson(schema.item, item)) : value;
    case "tuple":
      return Array.isArray(value) ? value.map((item, index) => itemFromJson(schema.items[index], item)) : value;
    case "set":
      return Array.isArray(value) ? new Set(value.map((item) => fromJson(schema.item, item))) : value;
    case "map":
      return isPairs(value)
        ? new Map(value.map(([key, item]) => [fromJson(schema.key, key), fromJson(schema.value, item)]))
        : value;
    default:
      return value;
  }
}

/**
 * A value that `JSON.stringify` writes without losing anything.
 * @throws MillraceError `MR_VALUE_UNSERIALIZABLE` with the path of a part that JSON cannot hold.
 * @internal
 */
export function toJson(value: unknown, path: string, depth = 0): unknown {
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) throw unserializable(path, String(value));
      return value;
    case "bigint":
      return value.toString();
    case "string":
    case "boolean":
    case "undefined":
      return value;
    case "object":
      if (depth > DEPTH_MAX) throw unserializable(path, `nesting deeper than ${DEPTH_MAX}, probably a cycle`);
      return value === null ? null : objectToJson(value, path, depth + 1);
    default:
      throw unserializable(path, `a ${typeof value}`);
  }
}

const DEPTH_MAX = 256;

function objectToJson(value: object, path: string, depth: number): unknown {
  if (value instanceof Date) return value.getTime();
  if (value instanceof Uint8Array) return encodeBase64(value);
  if (value instanceof Set) return [...value].map((item, index) => toJson(item, `${path}{${index}}`, depth));
  if (value instanceof Map) {
    return [...value].map(([key, item]) => [
      toJson(key, `${path}{key}`, depth),
      toJson(item, `${path}{${String(key)}}`, depth),
    ]);
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => (item === undefined ? null : toJson(item, `${path}[${index}]`, depth)));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw unserializable(path, "an instance of a class");
  // Most records are plain already: copy only from the first part that is not.
  const record = value as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const name in record) {
    const part = record[name];
    const converted = toJson(part, path === "" ? name : `${path}.${name}`, depth);
    if (converted !== part) copy ??= { ...record };
    if (copy !== undefined) define(copy, name, converted);
  }
  return copy ?? value;
}

function objectFromJson(
  fields: readonly SchemaField[],
  value: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const { name, schema, optional } of fields) {
    const part = Object.hasOwn(value, name) ? value[name] : undefined;
    if (part !== undefined) define(result, name, fromJson(schema, part));
    else if (!optional) define(result, name, undefined);
  }
  return result;
}

// Assigning to `__proto__` would change the prototype instead of adding a field.
function define(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__")
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  else target[name] = value;
}

function itemFromJson(schema: Schema | undefined, value: unknown): unknown {
  return schema === undefined ? value : fromJson(schema, value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPairs(value: unknown): value is [unknown, unknown][] {
  return Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2);
}

function isIntegerText(value: unknown): value is string | number {
  return typeof value === "string" ? /^-?\d+$/.test(value) : Number.isSafeInteger(value);
}

function unserializable(path: string, found: string): MillraceError {
  return new MillraceError("MR_VALUE_UNSERIALIZABLE", {
    what: `A value cannot be written as JSON${path === "" ? "" : ` because of ${path}`}`,
    found,
    expected: "plain data with finite numbers",
    todo: "Map the record to plain data before the sink",
  });
}
