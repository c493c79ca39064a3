/**
 * Finds out why a value was refused: the slow walk that runs once something is known to be wrong. The generated code
 * only answers yes or no, so that it carries no path.
 */
import { InvariantViolation, MillraceError } from "../base/errors.ts";
import { describeValue, isPlainObject, pathOf } from "./plain-object.ts";
import { describeSchema } from "./schema.ts";
import type { Schema } from "./type.ts";
import { isTypedArray } from "./typed-arrays.ts";

/** Values may be nested this deep; the codecs stop here, so a cycle ends as well. */
export const VALUE_DEPTH_MAX = 256;

/** @internal */
export interface ValueProblem {
  readonly path: string;
  readonly found: string;
  readonly expected: string;
}

/** The first part of a value that its schema does not allow, in the order of the schema. */
export function findProblem(schema: Schema, value: unknown, path: string): ValueProblem | undefined {
  switch (schema.kind) {
    case "any":
      return findAnyProblem(value, path, "any", []);
    case "json":
      return findAnyProblem(value, path, "json", []);
    case "nullable":
      return value === null ? undefined : findProblem(schema.item, value, path);
    case "object":
      if (!isPlainObject(value)) return mismatch(schema, value, path);
      return firstOf(schema.fields, (field) => {
        const part = Object.hasOwn(value, field.name) ? value[field.name] : undefined;
        return part === undefined && field.optional
          ? undefined
          : findProblem(field.schema, part, pathOf(path, field.name));
      });
    case "array":
      if (!Array.isArray(value)) return mismatch(schema, value, path);
      return firstOf(value, (part, index) => findProblem(schema.item, part, `${path}[${index}]`));
    case "tuple":
      if (!Array.isArray(value) || value.length !== schema.items.length) return mismatch(schema, value, path);
      return firstOf(schema.items, (item, index) => findProblem(item, value[index], `${path}[${index}]`));
    case "set":
      if (!(value instanceof Set)) return mismatch(schema, value, path);
      return firstOf([...value], (part, index) => findProblem(schema.item, part, `${path}{${index}}`));
    case "map":
      if (!(value instanceof Map)) return mismatch(schema, value, path);
      return firstOf(
        [...value],
        ([key, part], index) =>
          findProblem(schema.key, key, `${path}{key ${index}}`) ?? findProblem(schema.value, part, `${path}{${index}}`),
      );
    default:
      return isLeaf(schema, value) ? undefined : mismatch(schema, value, path);
  }
}

/** For a value that generated code refused. @throws MillraceError `MR_VALUE_UNSERIALIZABLE` */
export function throwUnserializable(schema: Schema, value: unknown): never {
  const { path, found, expected } = problemOf(schema, value, "");
  throw new MillraceError("MR_VALUE_UNSERIALIZABLE", {
    what: `A value cannot be written${path === "" ? "" : ` because of ${path}`}`,
    found,
    expected,
    todo: "Emit and store plain data of the declared type; turn instances of classes into plain objects first",
  });
}

/** For a value that generated code refused. @throws MillraceError `MR_VALUE_INVALID` */
export function throwInvalid(schema: Schema, value: unknown, parent: string): never {
  const { path, found, expected } = problemOf(schema, value, parent);
  throw new MillraceError("MR_VALUE_INVALID", {
    what: `A value does not have its declared type${path === "" ? "" : ` at ${path}`}`,
    found,
    expected,
    todo: "Correct the value or the declaration",
  });
}

function problemOf(schema: Schema, value: unknown, path: string): ValueProblem {
  const problem = findProblem(schema, value, path);
  if (problem === undefined) {
    throw new InvariantViolation(`a value was refused, but nothing is wrong with it as ${describeSchema(schema)}`);
  }
  return problem;
}

function findAnyProblem(
  value: unknown,
  path: string,
  kind: "any" | "json",
  ancestors: readonly unknown[],
): ValueProblem | undefined {
  if (typeof value !== "object" || value === null)
    return isAtom(value, kind) ? undefined : unsupported(value, path, kind);
  if (ancestors.includes(value))
    return { path, found: "a cycle: the value contains itself", expected: expectedOf(kind) };
  if (ancestors.length >= VALUE_DEPTH_MAX) {
    return { path, found: "more levels", expected: `at most ${VALUE_DEPTH_MAX} levels` };
  }
  const within = [...ancestors, value];
  if (Array.isArray(value))
    return firstOf(value, (part, index) => findAnyProblem(part, `${path}[${index}]`, kind, within));
  if (isPlainObject(value)) {
    return firstOf(Object.keys(value), (name) => findAnyProblem(value[name], pathOf(path, name), kind, within));
  }
  if (kind === "json") return unsupported(value, path, kind);
  if (value instanceof Map && Object.getPrototypeOf(value) === Map.prototype) {
    return firstOf(
      [...value],
      ([key, part], index) =>
        findAnyProblem(key, `${path}{key ${index}}`, kind, within) ??
        findAnyProblem(part, `${path}{${index}}`, kind, within),
    );
  }
  if (value instanceof Set && Object.getPrototypeOf(value) === Set.prototype) {
    return firstOf([...value], (part, index) => findAnyProblem(part, `${path}{${index}}`, kind, within));
  }
  if (value instanceof Date && Object.getPrototypeOf(value) === Date.prototype) return undefined;
  return isTypedArray(value) ? undefined : unsupported(value, path, kind);
}

function isAtom(value: unknown, kind: "any" | "json"): boolean {
  if (kind === "json") {
    if (typeof value === "number") return Number.isFinite(value);
    return value === null || typeof value === "string" || typeof value === "boolean";
  }
  return typeof value !== "function" && typeof value !== "symbol";
}

function isLeaf(schema: Schema, value: unknown): boolean {
  switch (schema.kind) {
    case "string":
    case "boolean":
    case "bigint":
      return typeof value === schema.kind;
    case "float64":
      return typeof value === "number";
    case "int32":
      return typeof value === "number" && (value | 0) === value;
    case "int64":
    case "timestamp":
      return Number.isSafeInteger(value);
    case "bytes":
      return value instanceof Uint8Array;
    case "literal":
      return schema.values.some((literal) => literal === value);
    default:
      throw new InvariantViolation(`${schema.kind} is no leaf`);
  }
}

function firstOf<T>(
  parts: readonly T[],
  problemOfPart: (part: T, index: number) => ValueProblem | undefined,
): ValueProblem | undefined {
  for (let index = 0; index < parts.length; index++) {
    const problem = problemOfPart(parts[index]!, index);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function mismatch(schema: Schema, value: unknown, path: string): ValueProblem {
  return { path, found: describeValue(value), expected: expectedWords(schema) };
}

function unsupported(value: unknown, path: string, kind: "any" | "json"): ValueProblem {
  return { path, found: describeValue(value), expected: expectedOf(kind) };
}

function expectedOf(kind: "any" | "json"): string {
  return kind === "json"
    ? "JSON: null, booleans, finite numbers, strings, arrays and plain objects"
    : "plain data: primitives, arrays, plain objects, Map, Set, Date, typed arrays";
}

function expectedWords(schema: Schema): string {
  if (schema.kind === "int64" || schema.kind === "timestamp") return `${schema.kind}, a safe integer`;
  return describeSchema(schema);
}
