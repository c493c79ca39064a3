import { MillraceError } from "../base/errors.ts";
import { DeclaredType } from "./declared-type.ts";
import { describeValue } from "./plain-object.ts";
import type { Infer, Schema, SchemaField, Type } from "./type.ts";
import { evolutionOf, evolvedField, evolvedSchema, type FieldEvolution, fieldEvolutionOf } from "./type-evolution.ts";
import { findProblem } from "./value-problem.ts";

/** A value that JSON can hold. @public */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

/** A field that may be absent; made by `t.optional` and understood by `t.object`. @public */
export interface OptionalField<T> {
  readonly optional: true;
  readonly type: Type<T>;
}

/** A field that is always there, with what is read where it was not written, or with names that it had; understood by `t.object`. @public */
export interface RequiredField<T> {
  readonly optional: false;
  readonly type: Type<T>;
}

/** The fields of `t.object`. @public */
export type ObjectFields = Readonly<Record<string, Type<unknown> | OptionalField<unknown> | RequiredField<unknown>>>;

/** The value type of an object with these fields; optional ones become optional properties. @public */
export type ObjectOf<F extends ObjectFields> = {
  [K in keyof F as F[K] extends OptionalField<unknown> ? never : K]: F[K] extends RequiredField<infer T>
    ? T
    : Infer<F[K]>;
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
  /**
   * A field of `t.object` that state may have been written without: then it is read as this value.
   *
   * @param value - Each object gets a copy of its own.
   * @throws MillraceError `MR_TYPE_INVALID` when it is no value of the type
   * @example
   * const Order = t.object({ price: t.float64, currency: t.defaulted(t.string, "EUR") });
   */
  defaulted<T>(type: Type<T>, value: NoInfer<T>): RequiredField<T>;
  /**
   * A field of `t.object` that state may have been written with under other names.
   *
   * @param aliases - Names that no field of the object has; the latest first.
   * @example
   * const Order = t.object({ price: t.float64, customer: t.renamed(t.optional(t.string), "client") });
   */
  renamed<T>(type: OptionalField<T>, ...aliases: readonly [string, ...string[]]): OptionalField<T>;
  renamed<T>(type: Type<T> | RequiredField<T>, ...aliases: readonly [string, ...string[]]): RequiredField<T>;
  /**
   * A type whose values state may have been written with as those of an earlier type.
   *
   * @param from - The earlier type, exactly as it was declared. It may be one that `t.migrated` has made.
   * @param migrate - Called for every value that was written so, when it is read. It must be synchronous.
   * @example
   * const Euros = t.object({ amount: t.float64 });
   * const Cents = t.migrated(t.object({ cents: t.int64 }), Euros, ({ amount }) => ({ cents: Math.round(amount * 100) }));
   */
  migrated<T, Old>(type: Type<T>, from: Type<Old>, migrate: (value: Old) => T): Type<T>;
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
  object: (fields) => declare({ kind: "object", fields: fieldsOf(fields) }),
  optional: (type) => ({ optional: true, type }),
  defaulted: (type, value) => new DescribedField(false, type, { aliases: [], makeDefault: defaultOf(type, value) }),
  renamed: renamedField,
  migrated: (type, from, migrate) => {
    checkMigrated(type, migrate);
    // It is called with values of `from` only.
    return declare(evolvedSchema(type.schema, { from: from.schema, migrate: migrate as (value: unknown) => unknown }));
  },
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

/** A field with more to say than its type. */
class DescribedField<T, O extends boolean> {
  readonly optional: O;
  readonly type: Type<T>;
  readonly evolution: FieldEvolution;

  constructor(optional: O, type: Type<T>, evolution: FieldEvolution) {
    this.optional = optional;
    this.type = type;
    this.evolution = evolution;
  }
}

type AnyField<T> = Type<T> | OptionalField<T> | RequiredField<T>;

// The overloads say which of the two kinds of fields comes out.
function renamedField<T>(field: AnyField<T>, ...aliases: readonly string[]): never {
  const isOptional = "optional" in field && field.optional;
  const type = "optional" in field ? field.type : field;
  const before = field instanceof DescribedField ? field.evolution : { aliases: [], makeDefault: undefined };
  const evolution = { ...before, aliases: [...aliases, ...before.aliases] };
  return new DescribedField(isOptional, type, evolution) as never;
}

function defaultOf<T>(type: Type<T>, value: T): () => unknown {
  const problem = findProblem(type.schema, value, "");
  if (problem === undefined) return () => type.copy(value);
  throw new MillraceError("MR_TYPE_INVALID", {
    what: "The default of a field is no value of its type",
    ...(problem.path === "" ? {} : { where: { path: problem.path } }),
    found: problem.found,
    expected: problem.expected,
    todo: "Correct the value given to t.defaulted",
  });
}

function checkMigrated(type: Type<unknown>, migrate: unknown): void {
  const isAsync = Object.prototype.toString.call(migrate) === "[object AsyncFunction]";
  if (typeof migrate === "function" && !isAsync && evolutionOf(type.schema) === undefined) return;
  throw new MillraceError("MR_TYPE_INVALID", {
    what: "t.migrated was called with something it cannot use",
    found:
      evolutionOf(type.schema) !== undefined
        ? "a type that t.migrated has made"
        : isAsync
          ? "an async function"
          : describeValue(migrate),
    expected: "a type, the earlier type, and a function that returns a value of the type",
    todo: "To migrate over several versions, give the one that t.migrated has made as the earlier type",
  });
}

function fieldsOf(fields: ObjectFields): readonly SchemaField[] {
  const declared = Object.entries(fields).map(fieldOf);
  const names = [...Object.keys(fields), ...declared.flatMap((field) => fieldEvolutionOf(field).aliases)];
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return declared;
  throw new MillraceError("MR_TYPE_INVALID", {
    what: "A name stands for two fields of an object",
    found: `${JSON.stringify(twice)} as a name, and as one that another field had`,
    expected: "names that tell fields apart, those of t.renamed included",
    todo: "Correct the names given to t.renamed",
  });
}

function fieldOf([name, field]: [string, AnyField<unknown>]): SchemaField {
  if (!("optional" in field)) return { name, optional: false, schema: field.schema };
  const plain: SchemaField = { name, optional: field.optional, schema: field.type.schema };
  return field instanceof DescribedField ? evolvedField(plain, field.evolution) : plain;
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
