/**
 * What may change between the schema that wrote a state and the one that reads it:
 *
 * - E1. An optional field may be added; it reads as undefined. A field may be removed; its values are dropped.
 * - E2. A required field may become optional, `T` may become `nullable(T)`. The reverse loses values and is refused.
 * - E3. int32 widens to int64 and float64, int64 to float64: every value stays the same number.
 * - E4. A literal may get more values, and may become the string, boolean or number type that holds them.
 * - E5. Everything that was declared, and json, may become `any`; nothing becomes declared later.
 * - E6. Fields may change their order.
 */
import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { type ErrorWhere, MillraceError } from "../base/errors.ts";
import { compileType } from "./compiled-type.ts";
import { pathOf } from "./plain-object.ts";
import { quoteProperty, quoteRead } from "./quote.ts";
import { describeSchema, sameSchema } from "./schema.ts";
import type { Schema, SchemaField, Serializer } from "./type.ts";

/** One place where the schemas do not fit. @internal */
export interface SchemaDifference {
  /** Empty for the value itself; `[]` stands for every element, `{key}` and `{}` for a map's keys and values. */
  readonly path: string;
  readonly written: string;
  readonly current: string;
}

/** @internal */
export type SchemaCompatibility =
  | { readonly kind: "as-is" }
  | { readonly kind: "after-migration" }
  | { readonly kind: "incompatible"; readonly differences: readonly SchemaDifference[] };

/** How many differences a message lists. */
const DIFFERENCES_SHOWN_MAX = 10;

/** Compares the schema that wrote values with the one that is to read them. @internal */
export function compareSchemas(written: Schema, current: Schema): SchemaCompatibility {
  if (sameSchema(written, current)) return { kind: "as-is" };
  const differences: SchemaDifference[] = [];
  migrationOf(written, current, "", differences);
  return differences.length === 0 ? { kind: "after-migration" } : { kind: "incompatible", differences };
}

/**
 * A serializer that reads what `written` wrote as values of the current type, and writes the current type.
 *
 * @param where - What is read, for the message: operator, uid, state.
 * @throws MillraceError `MR_STATE_SCHEMA_INCOMPATIBLE` listing the fields that do not fit
 * @internal
 */
export function migratingSerializer<T>(written: Schema, current: Serializer<T>, where: ErrorWhere = {}): Serializer<T> {
  if (sameSchema(written, current.schema)) return current;
  const differences: SchemaDifference[] = [];
  const migrate = migrationOf(written, current.schema, "", differences);
  if (differences.length > 0) throw incompatible(differences, where);
  const { read } = compileType(written);
  return {
    schema: current.schema,
    write: (value: T, out: BinaryWriter): void => current.write(value, out),
    // The comparison has found that every value of the written schema becomes one of the current type.
    read: (input: BinaryReader): T => migrated(migrate, read(input)) as T,
  };
}

/** Turns a value of the written schema into one of the current; undefined stands for "it is one already". */
type Migrate = ((value: never) => unknown) | undefined;

function migrationOf(written: Schema, current: Schema, path: string, differences: SchemaDifference[]): Migrate {
  if (current.kind === "any" || isWider(written, current)) return undefined;
  if (current.kind === "nullable") return nullableMigration(written, current.item, path, differences);
  if (written.kind === "object" && current.kind === "object") {
    return objectMigration(written.fields, current.fields, path, differences);
  }
  if (written.kind === "tuple" && current.kind === "tuple" && written.items.length === current.items.length) {
    const parts = current.items.map((item, at) => migrationOf(written.items[at]!, item, `${path}[${at}]`, differences));
    if (!parts.some(isNeeded)) return undefined;
    return (value: readonly unknown[]) => value.map((part, at) => migrated(parts[at], part));
  }
  if (written.kind === "array" && current.kind === "array") {
    const part = migrationOf(written.item, current.item, `${path}[]`, differences);
    return part && ((value: readonly unknown[]) => value.map((item) => migrated(part, item)));
  }
  if (written.kind === "set" && current.kind === "set") {
    const part = migrationOf(written.item, current.item, `${path}{}`, differences);
    return part && ((value: ReadonlySet<unknown>) => new Set([...value].map((item) => migrated(part, item))));
  }
  if (written.kind === "map" && current.kind === "map") {
    const key = migrationOf(written.key, current.key, `${path}{key}`, differences);
    const part = migrationOf(written.value, current.value, `${path}{}`, differences);
    if (!isNeeded(key) && !isNeeded(part)) return undefined;
    return (value: ReadonlyMap<unknown, unknown>) =>
      new Map([...value].map(([oldKey, oldPart]) => [migrated(key, oldKey), migrated(part, oldPart)]));
  }
  differences.push({ path, written: describeSchema(written), current: describeSchema(current) });
  return undefined;
}

/** True when every value of the written schema is one of the current, as it is. */
function isWider(written: Schema, current: Schema): boolean {
  if (written.kind === "literal") {
    if (current.kind === "literal") return written.values.every((value) => current.values.includes(value));
    return written.values.every((value) => isLiteralOf(value, current));
  }
  if (written.kind === "int32") return ["int32", "int64", "float64"].includes(current.kind);
  if (written.kind === "int64") return ["int64", "float64"].includes(current.kind);
  return sameSchema(written, current);
}

function isLiteralOf(value: string | number | boolean, current: Schema): boolean {
  return typeof value === "number" ? current.kind === "float64" : current.kind === typeof value;
}

function nullableMigration(written: Schema, item: Schema, path: string, differences: SchemaDifference[]): Migrate {
  const part = migrationOf(written.kind === "nullable" ? written.item : written, item, path, differences);
  return part && ((value: unknown) => (value === null ? null : migrated(part, value)));
}

function objectMigration(
  written: readonly SchemaField[],
  current: readonly SchemaField[],
  path: string,
  differences: SchemaDifference[],
): Migrate {
  const writtenByName = new Map(written.map((field) => [field.name, field]));
  const parts: Migrate[] = [];
  const properties = current.map((field, at) => {
    const fieldPath = pathOf(path, field.name);
    const before = writtenByName.get(field.name);
    if (before === undefined) {
      if (!field.optional) {
        differences.push({ path: fieldPath, written: "no such field", current: describeSchema(field.schema) });
      }
      return quoteProperty(field.name, "undefined");
    }
    if (before.optional && !field.optional) {
      differences.push({ path: fieldPath, written: "an optional field", current: "a required one" });
    }
    const part = migrationOf(before.schema, field.schema, fieldPath, differences);
    parts[at] = part;
    const read = quoteRead("value", field.name);
    return quoteProperty(field.name, part === undefined ? read : `migrated(parts[${at}], ${read})`);
  });
  const isSame =
    !parts.some(isNeeded) &&
    current.length === written.length &&
    current.every((field, at) => field.name === written[at]!.name);
  if (isSame) return undefined;
  // One literal, so that migrated objects have the shape of those that the job makes anew.
  const source = `"use strict"; return (value) => ({ ${properties.join(", ")} });`;
  return new Function("hasOwn", "migrated", "parts", source)(Object.hasOwn, migrated, parts) as Migrate;
}

function isNeeded(part: Migrate): boolean {
  return part !== undefined;
}

/** An absent optional field stays absent. */
function migrated(part: Migrate, value: unknown): unknown {
  // Reading has made the value by the schema that the part was made for.
  return part === undefined || value === undefined ? value : part(value as never);
}

function incompatible(differences: readonly SchemaDifference[], where: ErrorWhere): MillraceError {
  const shown = differences.slice(0, DIFFERENCES_SHOWN_MAX);
  const more = differences.length > shown.length ? [`and ${differences.length - shown.length} more`] : [];
  const list = (side: "written" | "current"): string => {
    const each = shown.map((one) => (one.path === "" ? one[side] : `${one.path} as ${one[side]}`));
    return [...each, ...more].join("; ");
  };
  return new MillraceError("MR_STATE_SCHEMA_INCOMPATIBLE", {
    what: "The state was written with a type that the job's type cannot read",
    where,
    found: `written ${list("written")}`,
    expected: list("current"),
    todo: "Restore with the old type and migrate in a map, make new fields optional, or give the state another name",
  });
}
