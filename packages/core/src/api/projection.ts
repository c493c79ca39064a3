/** `project`: some fields of every record, as a record of their own. */
import { MillraceError } from "../base/errors.ts";
import { describeValue, invalidArgument } from "./argument-checks.ts";
import type { UserCall } from "./call-site.ts";
import type { FieldOf } from "./field-aggregations.ts";

/** The fields that a record of type `T` has: names of an object, positions of a tuple. @public */
export type ProjectableField<T> = FieldOf<T, unknown>;

/**
 * What is left of a record: an object with the named fields, or a tuple of the positions in the order in which they were
 * given.
 *
 * @example
 * type Short = Projected<{ user: string; price: number; at: number }, ["user", "price"]>; // { user: string; price: number }
 * type Turned = Projected<[string, number], [1, 0]>; // [number, string]
 * @public
 */
export type Projected<T, F extends readonly unknown[]> = [T] extends [readonly unknown[]]
  ? { -readonly [I in keyof F]: T[F[I] & keyof T] }
  : Pick<T, F[number] & keyof T>;

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function projectionOf(call: UserCall, fields: readonly unknown[]): (record: unknown) => unknown {
  const isPosition = (field: unknown): field is number => Number.isInteger(field) && Number(field) >= 0;
  const isName = (field: unknown): field is string => typeof field === "string" && field !== "";
  if (fields.length > 0 && fields.every(isPosition)) return positions(call, fields);
  if (fields.length > 0 && fields.every(isName)) return names(call, fields);
  const found = fields.length === 0 ? "nothing" : fields.map(describeValue).join(", ");
  throw invalidArgument(call, found, "names of an object's fields, or positions of a tuple", 'Pass one such as "user"');
}

function positions(call: UserCall, fields: readonly number[]): (record: unknown) => unknown {
  return (record) => {
    if (!Array.isArray(record)) throw unusable(call, record, "a tuple");
    return fields.map((field) => {
      if (field >= record.length) throw unusable(call, record, `a tuple with position ${field}`);
      return record[field] as unknown;
    });
  };
}

// An optional field that a record lacks is missing in the result as well.
function names(call: UserCall, fields: readonly string[]): (record: unknown) => unknown {
  const mayAssign = !fields.includes("__proto__");
  return (record) => {
    if (typeof record !== "object" || record === null) throw unusable(call, record, "an object");
    const all = record as Readonly<Record<string, unknown>>;
    const present = fields.filter((field) => Object.hasOwn(all, field));
    if (!mayAssign) return Object.fromEntries(present.map((field) => [field, all[field]]));
    const projected: Record<string, unknown> = {};
    for (const field of present) projected[field] = all[field];
    return projected;
  };
}

function unusable(call: UserCall, record: unknown, expected: string): MillraceError {
  return new MillraceError("MR_FIELD_INVALID", {
    what: `${call.method} cannot choose fields of a record`,
    where: { method: call.method, at: call.callSite },
    found: describeValue(record),
    expected,
    todo: "Correct or filter the records before, or use map",
  });
}
