/**
 * Rolling aggregations of one field: `sum`, `min`, `max`, `minBy`, `maxBy`. Each is a reduce that never changes the
 * records it is given.
 */
import { MillraceError } from "../base/errors.ts";
import type { UserCall } from "./call-site.ts";
import { copierWith } from "./copy-with.ts";

/**
 * The fields of `T` whose values are all of type `V`: names of an object, positions of a tuple. Optional fields are none
 * of them.
 *
 * @example
 * type Summable = FieldOf<{ user: string; price: number }, number>; // "price"
 * type Position = FieldOf<readonly [string, number], number>; // 1
 * @public
 */
export type FieldOf<T, V> = [T] extends [readonly unknown[]]
  ? { [P in keyof T & `${number}`]: T[P] extends V ? PositionOf<P> : never }[keyof T & `${number}`]
  : [T] extends [object]
    ? { [P in keyof T]-?: T[P] extends V ? P : never }[keyof T] & string
    : never;

type PositionOf<P> = P extends `${infer N extends number}` ? N : never;

/** What `sum` adds up. @public */
export type Summable = number | bigint;

/** What `min`, `max`, `minBy` and `maxBy` order. Strings are ordered by UTF-16 code unit. @public */
export type Orderable = number | bigint | string | boolean;

type Field = string | number;
type Fold = (accumulated: unknown, value: unknown) => unknown;

/** Adds the field up; the other fields stay those of the first record. @internal */
export function sumOf(call: UserCall, field: Field): Fold {
  const copyWith = copier(field);
  return (accumulated, value) => {
    const left = read(accumulated, field);
    const right = read(value, field);
    if (typeof left === "number" && typeof right === "number") return copyWith(accumulated, left + right);
    if (typeof left === "bigint" && typeof right === "bigint") return copyWith(accumulated, left + right);
    throw unusable(call, field, left, right, "numbers, or bigints");
  };
}

/** Keeps the extreme of the field; the other fields stay those of the first record. @internal */
export function extremeOf(call: UserCall, field: Field, direction: "min" | "max"): Fold {
  const wanted = direction === "min" ? -1 : 1;
  const copyWith = copier(field);
  return (accumulated, value) => {
    const candidate = read(value, field);
    return compareFields(call, field, candidate, read(accumulated, field)) === wanted
      ? copyWith(accumulated, candidate)
      : accumulated;
  };
}

/** Keeps the whole record with the extreme; among equal ones the first, or the last. @internal */
export function extremeRecordOf(call: UserCall, field: Field, direction: "min" | "max", first: boolean): Fold {
  const wanted = direction === "min" ? -1 : 1;
  return (accumulated, value) => {
    const order = compareFields(call, field, read(value, field), read(accumulated, field));
    return order === wanted || (order === 0 && !first) ? value : accumulated;
  };
}

function read(record: unknown, field: Field): unknown {
  return typeof record === "object" && record !== null
    ? (record as Readonly<Record<Field, unknown>>)[field]
    : undefined;
}

/** How a record is copied with another value in the field: objects by name, tuples by position. */
function copier(field: Field): (record: unknown, value: unknown) => unknown {
  const copyObject = copierWith(String(field));
  // Only records whose field was read before get here, and those are objects.
  return (record, value) =>
    Array.isArray(record)
      ? record.with(Number(field), value)
      : copyObject(record as Readonly<Record<string, unknown>>, value);
}

function compareFields(call: UserCall, field: Field, left: unknown, right: unknown): number {
  if (typeof left !== typeof right || !isOrderable(left) || !isOrderable(right)) {
    throw unusable(call, field, right, left, "numbers, bigints, strings or booleans, all of one kind");
  }
  if (left < right) return -1;
  if (left > right) return 1;
  if (left === right) return 0;
  // Only NaN is left. It is above every number, as in Flink, so that any number can replace it as a minimum.
  return Number.isNaN(left) ? (Number.isNaN(right) ? 0 : 1) : -1;
}

function isOrderable(value: unknown): value is Orderable {
  return (
    typeof value === "number" || typeof value === "string" || typeof value === "bigint" || typeof value === "boolean"
  );
}

function unusable(call: UserCall, field: Field, left: unknown, right: unknown, expected: string): MillraceError {
  return new MillraceError("MR_FIELD_INVALID", {
    what: `${call.method} cannot use the values of a field`,
    where: { method: call.method, field, at: call.callSite },
    found: `${kindOf(left)} and ${kindOf(right)} in two records of one key`,
    expected,
    todo: "Correct or filter the records before the aggregation, or use reduce",
  });
}

function kindOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}
