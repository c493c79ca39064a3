/**
 * What may change between the schema that wrote a state and the one that reads it:
 *
 * - E1. An optional field may be added; it reads as undefined. A field with a default may be added, and reads as that. A field
 *   may be removed; its values are dropped.
 * - E2. A required field may become optional, `T` may become `nullable(T)`. The reverse loses values and is refused; but an
 *   optional field may become one with a default.
 * - E3. int32 widens to int64 and float64, int64 to float64: every value stays the same number.
 * - E4. A literal may get more values, and may become the string, boolean or number type that holds them.
 * - E5. Everything that was declared, and json, may become `any`.
 * - E6. Fields may change their order.
 * - E7. A field may be renamed: it is read under its name or else under the latest of its other names that was written.
 * - E8. Values of an earlier type may be given to a function. It counts before the rules when the earlier type, or one before
 *   that, is the very one that was written; otherwise only where the rules alone refuse.
 * - E9. What was written without a declaration may be declared later: each value is looked at when it is read.
 */
import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { type ErrorWhere, MillraceError } from "../base/errors.ts";
import { compileType } from "./compiled-type.ts";
import { sameSchema } from "./schema.ts";
import { Comparison, migrated, migrationOf, type SchemaDifference, writtenField } from "./schema-migration.ts";
import type { Schema, Serializer } from "./type.ts";
import { evolutionOf } from "./type-evolution.ts";

/**
 * Whether values are read as they are; as they are once the names and bounds of the new type are known; one by one; or not at
 * all. @internal
 */
export type SchemaCompatibility =
  | { readonly kind: "as-is" }
  | { readonly kind: "after-reconfiguration" }
  | {
      readonly kind: "after-migration";
      /** Whether a value may still be refused when it is read: what was written had no declared type (E9). */
      readonly dependsOnValues: boolean;
    }
  | { readonly kind: "incompatible"; readonly differences: readonly SchemaDifference[] };

/** How many differences a message lists. */
const DIFFERENCES_SHOWN_MAX = 10;

/** Compares the schema that wrote values with the one that is to read them. @internal */
export function compareSchemas(written: Schema, current: Schema): SchemaCompatibility {
  if (sameSchema(written, current)) return { kind: "as-is" };
  if (haveSameBytes(written, current)) return { kind: "after-reconfiguration" };
  const found = new Comparison({});
  migrationOf(written, current, "", found);
  const { differences, dependsOnValues } = found;
  if (differences.length > 0) return { kind: "incompatible", differences };
  return { kind: "after-migration", dependsOnValues };
}

/**
 * A serializer that reads what `written` wrote as values of the current type, and writes the current type.
 *
 * @param where - What is read, for the message: operator, uid, state.
 * @throws MillraceError `MR_STATE_SCHEMA_INCOMPATIBLE` listing the fields that do not fit
 * @internal
 */
export function migratingSerializer<T>(written: Schema, current: Serializer<T>, where: ErrorWhere = {}): Serializer<T> {
  if (haveSameBytes(written, current.schema)) return current;
  const found = new Comparison(where);
  const migrate = migrationOf(written, current.schema, "", found);
  if (found.differences.length > 0) throw incompatible(found.differences, where);
  const { read } = compileType(written);
  return {
    schema: current.schema,
    write: (value: T, out: BinaryWriter): void => current.write(value, out),
    // The comparison has found that every value of the written schema becomes one of the current type.
    read: (input: BinaryReader): T => migrated(migrate, read(input)) as T,
  };
}

/** True when the values of both schemas have the same bytes, and mean the same but for the names of fields. @internal */
export function haveSameBytes(written: Schema, current: Schema): boolean {
  if (sameSchema(written, current)) return true;
  // Only the bytes: what a migration function makes of them is another value.
  if (evolutionOf(current) !== undefined) return false;
  if (written.kind === "object" && current.kind === "object") {
    const { fields } = current;
    return (
      written.fields.length === fields.length &&
      fields.every((field, at) => {
        const before = writtenField(written.fields, field);
        if (before === undefined || before !== written.fields[at]) return false;
        return before.optional === field.optional && haveSameBytes(before.schema, field.schema);
      })
    );
  }
  if (written.kind === "tuple" && current.kind === "tuple") {
    const { items } = current;
    return written.items.length === items.length && items.every((item, at) => haveSameBytes(written.items[at]!, item));
  }
  if (written.kind === "map" && current.kind === "map") {
    return haveSameBytes(written.key, current.key) && haveSameBytes(written.value, current.value);
  }
  if (written.kind === "literal" && current.kind === "literal") {
    return written.values.every((value, at) => current.values[at] === value);
  }
  if ("item" in written && "item" in current && written.kind === current.kind) {
    return haveSameBytes(written.item, current.item);
  }
  return (written.kind === "int32" && current.kind === "int64") || (written.kind === "json" && current.kind === "any");
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
    todo: "Give new fields a default or make them optional, name the old type and a function in t.migrated, or give the state another name",
  });
}
