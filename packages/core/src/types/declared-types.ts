import { MillraceError } from "../base/errors.ts";
import { DeclaredType } from "./declared-type.ts";
import type { Infer, Schema, SchemaField, Type } from "./type.ts";

/** A value that JSON can hold. @public */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

/** A field that may be absent; made by `t.optional` and understood by `t.object`. @public */
export interface OptionalField<T> {
  readonly optional: true;
  readonly type: Type<T>;
}

/** The fields of `t.object`. @public */
export type ObjectFields = Readonly<Record<string, Type<unknown> | OptionalField<unknown>>>;

/** The value type of an object with these fields; optional ones become optional properties. @public */
export type ObjectOf<F extends ObjectFields> = {
  [K in keyof F as F[K] extends OptionalField<unknown> ? never : K]: Infer<F[K]>;
} & {
  [K in keyof F as F[K] extends OptionalField<unknown> ? K : never]?: F[K] extends OptionalField<infer T>
    ? T | undefined
    : never;
} extends infer O
  ? { -readonly [K in keyof O]: O[K] }
  : never;

/**
 * Declares types.
 *
 * A declared type is exact about what it needs and silent about the rest: properties that an object has beyond its
 * fields are not part of the value and are neither written, copied nor compared. Fields whose values are absent are
 * present and undefined in objects that the engine makes.
 *
 * @example
 * const Flight = t.object({ date: t.timestamp, delay: t.int32, origin: t.string, gate: t.optional(t.string) });
 * type Flight = Infer<typeof Flight>; // { date: number; delay: number; origin: string; gate?: string | undefined }
 * @public
 */
export interface TypeBuilders {
  readonly string: Type<string>;
  readonly boolean: Type<boolean>;
  /** An integer from -2^31 to 2^31 - 1. */
  readonly int32: Type<number>;
  /** A safe integer, |n| < 2^53; use `bigint` beyond. */
  readonly int64: Type<number>;
  /** Any number, NaN, the infinities and -0 included. */
  readonly float64: Type<number>;
  readonly bigint: Type<bigint>;
  /** Epoch milliseconds, a safe integer. */
  readonly timestamp: Type<number>;
  /** A Uint8Array; Node's Buffer is accepted and reads back as a Uint8Array. */
  readonly bytes: Type<Uint8Array>;
  readonly json: Type<JsonValue>;
  /** Whatever the engine can write without a declaration. */
  readonly any: Type<unknown>;
  /** One of these values. @throws MillraceError `MR_TYPE_INVALID` without values, with NaN, -0 or one of them twice */
  literal<const V extends readonly [string | number | boolean, ...(string | number | boolean)[]]>(
    ...values: V
  ): Type<V[number]>;
  object<F extends ObjectFields>(fields: F): Type<ObjectOf<F>>;
  /** A field of `t.object` that may be absent. */
  optional<T>(type: Type<T>): OptionalField<T>;
  nullable<T>(type: Type<T>): Type<T | null>;
  array<T>(item: Type<T>): Type<T[]>;
  tuple<const I extends readonly Type<unknown>[]>(items: I): Type<{ -readonly [K in keyof I]: Infer<I[K]> }>;
  map<K, V>(key: Type<K>, value: Type<V>): Type<Map<K, V>>;
  set<T>(item: Type<T>): Type<Set<T>>;
}

/** Declares types: see {@link TypeBuilders}. @public */
export const t: TypeBuilders = {
  string: declare({ kind: "string" }),
  boolean: declare({ kind: "boolean" }),
  int32: declare({ kind: "int32" }),
  int64: declare({ kind: "int64" }),
  float64: declare({ kind: "float64" }),
  bigint: declare({ kind: "bigint" }),
  timestamp: declare({ kind: "timestamp" }),
  bytes: declare({ kind: "bytes" }),
  json: declare({ kind: "json" }),
  any: declare({ kind: "any" }),
  literal: (...values) => {
    checkLiterals(values);
    return declare({ kind: "literal", values });
  },
  object: (fields) => declare({ kind: "object", fields: Object.entries(fields).map(fieldOf) }),
  optional: (type) => ({ optional: true, type }),
  nullable: (type) =>
    type.schema.kind === "nullable" ? declare(type.schema) : declare({ kind: "nullable", item: type.schema }),
  array: (item) => declare({ kind: "array", item: item.schema }),
  tuple: (items) => declare({ kind: "tuple", items: items.map((item) => item.schema) }),
  map: (key, value) => declare({ kind: "map", key: key.schema, value: value.schema }),
  set: (item) => declare({ kind: "set", item: item.schema }),
};

/** The type that a schema describes, for tools that read state without the job's code. @internal */
export function typeOfSchema(schema: Schema): Type<unknown> {
  return declare(schema);
}

function declare<T>(schema: Schema): Type<T> {
  return new DeclaredType<T>(schema);
}

function fieldOf([name, field]: [string, Type<unknown> | OptionalField<unknown>]): SchemaField {
  if ("optional" in field) return { name, optional: true, schema: field.type.schema };
  return { name, optional: false, schema: field.schema };
}

function checkLiterals(values: readonly unknown[]): void {
  const isSound = values.length > 0 && new Set(values).size === values.length;
  const odd = values.find((value) => typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)));
  if (isSound && odd === undefined) return;
  throw new MillraceError("MR_TYPE_INVALID", {
    what: "A literal type needs values that can be told apart",
    found:
      values.length === 0
        ? "no values"
        : values.map((value) => (Object.is(value, -0) ? "-0" : String(value))).join(", "),
    expected: "one or more different strings, finite numbers or booleans",
    todo: "Correct the values of t.literal",
  });
}
