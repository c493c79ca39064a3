/** What of a value, or of a schema, is different in another one, field by field. */
import { isPlainObject, pathOf } from "../types/plain-object.ts";
import { describeSchema, sameSchema } from "../types/schema.ts";
import type { Schema, SchemaField } from "../types/type.ts";
import { type Json, toReadableJson } from "./readable-json.ts";

/** One field. What is not there is left out. @internal */
export interface FieldDifference {
  /** Empty for the value itself. */
  readonly path: string;
  readonly from?: Json;
  readonly to?: Json;
}

/** Of objects, arrays and maps each part, of others the value. A map's parts stand under their keys. @internal */
export function valueDifferences(from: unknown, to: unknown, path: string = ""): readonly FieldDifference[] {
  const left = partsOf(from);
  const right = partsOf(to);
  if (left === undefined || right === undefined || left.kind !== right.kind) {
    const [leftJson, rightJson] = [toReadableJson(from), toReadableJson(to)];
    return JSON.stringify(leftJson) === JSON.stringify(rightJson) ? [] : [{ path, from: leftJson, to: rightJson }];
  }
  const found: FieldDifference[] = [];
  for (const [name, value] of left.parts) {
    const at = left.pathOf(path, name);
    if (right.parts.has(name)) found.push(...valueDifferences(value, right.parts.get(name), at));
    else found.push({ path: at, from: toReadableJson(value) });
  }
  for (const [name, value] of right.parts) {
    if (!left.parts.has(name)) found.push({ path: left.pathOf(path, name), to: toReadableJson(value) });
  }
  return found;
}

interface Parts {
  readonly kind: string;
  readonly parts: ReadonlyMap<string, unknown>;
  pathOf(path: string, name: string): string;
}

function partsOf(value: unknown): Parts | undefined {
  const atIndex = (path: string, name: string): string => `${path}[${name}]`;
  if (Array.isArray(value)) {
    return { kind: "array", parts: new Map(value.map((item, at) => [String(at), item])), pathOf: atIndex };
  }
  if (value instanceof Map) {
    const parts = new Map([...value].map(([key, item]) => [JSON.stringify(toReadableJson(key)), item]));
    return { kind: "map", parts, pathOf: atIndex };
  }
  if (!isPlainObject(value)) return undefined;
  // Absent and undefined are the same.
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  return { kind: "object", parts: new Map(fields), pathOf };
}

/** In the words of declarations; whatever is migrated on a restore, and what cannot be. @internal */
export function schemaDifferences(from: Schema, to: Schema, path: string = ""): readonly FieldDifference[] {
  if (sameSchema(from, to)) return [];
  if (from.kind === "object" && to.kind === "object") return objectDifferences(from.fields, to.fields, path);
  if ((from.kind === "array" && to.kind === "array") || (from.kind === "set" && to.kind === "set")) {
    return schemaDifferences(from.item, to.item, `${path}[]`);
  }
  if (from.kind === "map" && to.kind === "map") {
    return [
      ...schemaDifferences(from.key, to.key, `${path}{key}`),
      ...schemaDifferences(from.value, to.value, `${path}{}`),
    ];
  }
  return [{ path, from: describeSchema(from), to: describeSchema(to) }];
}

function objectDifferences(
  from: readonly SchemaField[],
  to: readonly SchemaField[],
  path: string,
): readonly FieldDifference[] {
  const found: FieldDifference[] = [];
  for (const field of from) {
    const at = pathOf(path, field.name);
    const other = to.find(({ name }) => name === field.name);
    if (other === undefined) found.push({ path: at, from: describeField(field) });
    else if (other.optional !== field.optional)
      found.push({ path: at, from: describeField(field), to: describeField(other) });
    else found.push(...schemaDifferences(field.schema, other.schema, at));
  }
  for (const field of to) {
    if (!from.some(({ name }) => name === field.name)) {
      found.push({ path: pathOf(path, field.name), to: describeField(field) });
    }
  }
  // Then only the order of the fields is another one.
  return found;
}

function describeField({ optional, schema }: SchemaField): string {
  return optional ? `optional(${describeSchema(schema)})` : describeSchema(schema);
}
