/**
 * Makes, of two schemas, the function that turns values of the one into values of the other, by the rules E1 to E9 of
 * `schema-compatibility.ts`; or says field by field why there is none.
 */
import { type ErrorWhere, MillraceError } from "../base/errors.ts";
import { compileType } from "./compiled-type.ts";
import { pathOf } from "./plain-object.ts";
import { quoteProperty, quoteRead } from "./quote.ts";
import { describeSchema, sameSchema } from "./schema.ts";
import type { Schema, SchemaField } from "./type.ts";
import { evolutionOf, fieldEvolutionOf, type TypeEvolution } from "./type-evolution.ts";
import { findProblem, type ValueProblem } from "./value-problem.ts";

/** One place where the schemas do not fit. @internal */
export interface SchemaDifference {
  /** Empty for the value itself; `[]` stands for every element, `{key}` and `{}` for a map's keys and values. */
  readonly path: string;
  readonly written: string;
  readonly current: string;
}

/** Turns a value of the written schema into one of the current; undefined stands for "it is one already". */
export type Migrate = ((value: never) => unknown) | undefined;

/** What is found out while two schemas are compared. */
export class Comparison {
  readonly differences: SchemaDifference[] = [];
  /** Whether each value decides for itself, since nobody declared what was written (E9). */
  dependsOnValues = false;
  readonly where: ErrorWhere;

  constructor(where: ErrorWhere) {
    this.where = where;
  }

  /** Takes over what was found in a comparison that is the one that counts. */
  take(other: Comparison): void {
    this.differences.push(...other.differences);
    if (other.dependsOnValues) this.dependsOnValues = true;
  }
}

export function migrationOf(written: Schema, current: Schema, path: string, found: Comparison): Migrate {
  const evolution = evolutionOf(current);
  if (evolution === undefined || sameSchema(written, current)) return byRules(written, current, path, found);
  if (isEarlier(written, evolution)) return afterEarlier(written, current, evolution, path, found);
  const direct = new Comparison(found.where);
  const migrate = byRules(written, current, path, direct);
  if (direct.differences.length > 0) {
    const earlier = new Comparison(found.where);
    const migrateEarlier = afterEarlier(written, current, evolution, path, earlier);
    if (earlier.differences.length === 0) {
      found.take(earlier);
      return migrateEarlier;
    }
  }
  found.take(direct);
  return migrate;
}

/** Applies what `migrationOf` has returned. An absent optional field stays absent. */
export function migrated(part: Migrate, value: unknown): unknown {
  // Reading has made the value by the schema that the part was made for.
  return part === undefined || value === undefined ? value : part(value as never);
}

/** Whether the schema is one that the type had, so that its migration is the one that was meant. */
function isEarlier(written: Schema, evolution: TypeEvolution): boolean {
  for (let each: TypeEvolution | undefined = evolution; each !== undefined; each = evolutionOf(each.from)) {
    if (sameSchema(written, each.from)) return true;
  }
  return false;
}

function afterEarlier(
  written: Schema,
  current: Schema,
  { from, migrate }: TypeEvolution,
  path: string,
  found: Comparison,
): Migrate {
  const before = migrationOf(written, from, path, found);
  const { where } = found;
  return (value: unknown): unknown => {
    let result: unknown;
    try {
      result = migrate(migrated(before, value));
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause;
      throw migrationFailed(where, { path, found: messageOf(cause), expected: describeSchema(current) }, cause);
    }
    const problem = findProblem(current, result, path);
    if (problem !== undefined) throw migrationFailed(where, problem, undefined);
    return result;
  };
}

function byRules(written: Schema, current: Schema, path: string, found: Comparison): Migrate {
  if (current.kind === "any" || isWider(written, current)) return undefined;
  if (written.kind === "any") return declaredLater(current, path, found);
  if (current.kind === "nullable") return nullableMigration(written, current.item, path, found);
  if (written.kind === "object" && current.kind === "object") {
    return objectMigration(written.fields, current.fields, path, found);
  }
  if (written.kind === "tuple" && current.kind === "tuple" && written.items.length === current.items.length) {
    const parts = current.items.map((item, at) => migrationOf(written.items[at]!, item, `${path}[${at}]`, found));
    if (!parts.some(isNeeded)) return undefined;
    return (value: readonly unknown[]) => value.map((part, at) => migrated(parts[at], part));
  }
  if (written.kind === "array" && current.kind === "array") {
    const part = migrationOf(written.item, current.item, `${path}[]`, found);
    return part && ((value: readonly unknown[]) => value.map((item) => migrated(part, item)));
  }
  if (written.kind === "set" && current.kind === "set") {
    const part = migrationOf(written.item, current.item, `${path}{}`, found);
    return part && ((value: ReadonlySet<unknown>) => new Set([...value].map((item) => migrated(part, item))));
  }
  if (written.kind === "map" && current.kind === "map") {
    const key = migrationOf(written.key, current.key, `${path}{key}`, found);
    const part = migrationOf(written.value, current.value, `${path}{}`, found);
    if (!isNeeded(key) && !isNeeded(part)) return undefined;
    return (value: ReadonlyMap<unknown, unknown>) =>
      new Map([...value].map(([oldKey, oldPart]) => [migrated(key, oldKey), migrated(part, oldPart)]));
  }
  found.differences.push({ path, written: describeSchema(written), current: describeSchema(current) });
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

function declaredLater(current: Schema, path: string, found: Comparison): Migrate {
  found.dependsOnValues = true;
  const { is, copy } = compileType(current);
  const { where } = found;
  return (value: unknown): unknown => {
    // The copy has the fields of the type and no others.
    if (is(value)) return copy(value);
    throw undeclaredValue(where, findProblem(current, value, path)!);
  };
}

function nullableMigration(written: Schema, item: Schema, path: string, found: Comparison): Migrate {
  const part = migrationOf(written.kind === "nullable" ? written.item : written, item, path, found);
  return part && ((value: unknown) => (value === null ? null : migrated(part, value)));
}

function objectMigration(
  written: readonly SchemaField[],
  current: readonly SchemaField[],
  path: string,
  found: Comparison,
): Migrate {
  const parts: Migrate[] = [];
  const defaults: ((() => unknown) | undefined)[] = [];
  const properties = current.map((field, at) => {
    const fieldPath = pathOf(path, field.name);
    const before = writtenField(written, field);
    const { makeDefault } = fieldEvolutionOf(field);
    defaults[at] = makeDefault;
    if (before === undefined) {
      if (makeDefault !== undefined) return quoteProperty(field.name, `defaults[${at}]()`);
      if (!field.optional) {
        found.differences.push({ path: fieldPath, written: "no such field", current: describeSchema(field.schema) });
      }
      return quoteProperty(field.name, "undefined");
    }
    const isLost = before.optional && !field.optional;
    if (isLost && makeDefault === undefined) {
      found.differences.push({ path: fieldPath, written: "an optional field", current: "a required one" });
    }
    const part = migrationOf(before.schema, field.schema, fieldPath, found);
    parts[at] = part;
    const read = quoteRead("value", before.name);
    const value = part === undefined ? read : `migrated(parts[${at}], ${read})`;
    return quoteProperty(field.name, isLost ? `${read} === undefined ? defaults[${at}]() : ${value}` : value);
  });
  const isSame =
    !parts.some(isNeeded) &&
    current.length === written.length &&
    current.every(({ name, optional }, at) => name === written[at]!.name && (optional || !written[at]!.optional));
  if (isSame) return undefined;
  // One literal, so that migrated objects have the shape of those that the job makes anew.
  const source = `"use strict"; return (value) => ({ ${properties.join(", ")} });`;
  const make = new Function("hasOwn", "migrated", "parts", "defaults", source);
  return make(Object.hasOwn, migrated, parts, defaults) as Migrate;
}

/** The field under its name, or else under the latest that it had and that was written. */
export function writtenField(written: readonly SchemaField[], field: SchemaField): SchemaField | undefined {
  for (const name of [field.name, ...fieldEvolutionOf(field).aliases]) {
    const found = written.find((each) => each.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isNeeded(part: Migrate): boolean {
  return part !== undefined;
}

function undeclaredValue(where: ErrorWhere, { path, found, expected }: ValueProblem): MillraceError {
  return new MillraceError("MR_STATE_SCHEMA_INCOMPATIBLE", {
    what: "The state was written without a declared type, and one of its values does not have the type that the job declares now",
    where: { ...where, ...(path === "" ? {} : { field: path }) },
    found,
    expected,
    todo: "Declare what the values are, with t.optional or t.nullable for what is missing in some of them, or give the state another name",
  });
}

function migrationFailed(where: ErrorWhere, { path, found, expected }: ValueProblem, cause: unknown): MillraceError {
  return new MillraceError("MR_STATE_MIGRATION_FAILED", {
    what: "The function given to t.migrated has not made a value of the new type",
    where: { ...where, ...(path === "" ? {} : { field: path }) },
    found,
    expected,
    todo: "Correct the function; the checkpoint is as it was",
    cause,
  });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
