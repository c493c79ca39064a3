/** Copy and equality of values without a declared type. */
import { isPlainObject } from "./plain-object.ts";
import { isTypedArray, type TypedArray, typedArrayBytes, typedArrayKind, typedArrayOf } from "./typed-arrays.ts";
import { throwUnserializable, VALUE_DEPTH_MAX } from "./value-problem.ts";

/**
 * A deep copy that shares nothing mutable with the value.
 *
 * @throws MillraceError `MR_VALUE_UNSERIALIZABLE` with the path of what cannot be copied
 * @internal
 */
export function copyValue<T>(value: T): T {
  // A copy of a value has the value's type.
  return copyPart(value, value, 0) as T;
}

/**
 * True when both are the same data: NaN equals NaN, 0 equals -0, fields may come in any order, entries of Maps and
 * Sets too.
 *
 * @throws MillraceError `MR_VALUE_UNSERIALIZABLE` when both contain themselves
 * @internal
 */
export function equalsValue(left: unknown, right: unknown): boolean {
  return equalsPart(left, right, left, 0);
}

/** Equality of primitives as a Map sees it. */
export function sameValue(left: unknown, right: unknown): boolean {
  return left === right || (Number.isNaN(left) && Number.isNaN(right));
}

/**
 * Pairs every element of `left` with an equal one of `right`; both have the same size. Quadratic: only for elements
 * that are objects themselves.
 */
export function pairsUp<T>(left: Iterable<T>, right: Iterable<T>, equal: (left: T, right: T) => boolean): boolean {
  const unpaired = [...right];
  for (const element of left) {
    const at = unpaired.findIndex((candidate) => equal(element, candidate));
    if (at < 0) return false;
    unpaired.splice(at, 1);
  }
  return true;
}

function copyPart(value: unknown, root: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) {
    if (typeof value === "function" || typeof value === "symbol") throwUnserializable({ kind: "any" }, root);
    return value;
  }
  if (depth >= VALUE_DEPTH_MAX) throwUnserializable({ kind: "any" }, root);
  if (Array.isArray(value)) return Array.from(value, (part) => copyPart(part, root, depth + 1));
  if (isPlainObject(value)) {
    // The spread keeps the shape; only parts that can be shared by mistake are replaced.
    const copied: Record<string, unknown> = { ...value };
    for (const name in copied) {
      const part = copied[name];
      if (typeof part === "object" || typeof part === "function" || typeof part === "symbol") {
        copied[name] = copyPart(part, root, depth + 1);
      }
    }
    return copied;
  }
  return copyInstance(value, root, depth);
}

function copyInstance(value: object, root: unknown, depth: number): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (value instanceof Map && prototype === Map.prototype) {
    const copied = new Map<unknown, unknown>();
    for (const [key, part] of value) copied.set(copyPart(key, root, depth + 1), copyPart(part, root, depth + 1));
    return copied;
  }
  if (value instanceof Set && prototype === Set.prototype) {
    const copied = new Set<unknown>();
    for (const part of value) copied.add(copyPart(part, root, depth + 1));
    return copied;
  }
  if (value instanceof Date && prototype === Date.prototype) return new Date(value.getTime());
  if (isTypedArray(value)) return typedArrayOf(typedArrayKind(value), typedArrayBytes(value));
  return throwUnserializable({ kind: "any" }, root);
}

function equalsPart(left: unknown, right: unknown, root: unknown, depth: number): boolean {
  if (sameValue(left, right)) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (depth >= VALUE_DEPTH_MAX) throwUnserializable({ kind: "any" }, root);
  const equal = (one: unknown, other: unknown): boolean => equalsPart(one, other, root, depth + 1);
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false;
    return left.every((_, index) => equal(left[index], right[index]));
  }
  if (left instanceof Map) return right instanceof Map && equalsMap(left, right, equal);
  if (left instanceof Set) return right instanceof Set && equalsSet(left, right, equal);
  if (left instanceof Date) return right instanceof Date && sameValue(left.getTime(), right.getTime());
  if (isTypedArray(left)) return isTypedArray(right) && equalsTypedArray(left, right);
  if (!isPlainObject(left) || !isPlainObject(right)) return false;
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => Object.hasOwn(right, name) && equal(left[name], right[name]));
}

type Equal = (left: unknown, right: unknown) => boolean;

function equalsMap(left: ReadonlyMap<unknown, unknown>, right: ReadonlyMap<unknown, unknown>, equal: Equal): boolean {
  if (left.size !== right.size) return false;
  if (![...left.keys()].some(isObject)) {
    for (const [key, part] of left) if (!right.has(key) || !equal(part, right.get(key))) return false;
    return true;
  }
  return pairsUp(
    left,
    right,
    ([leftKey, leftPart], [rightKey, rightPart]) => equal(leftKey, rightKey) && equal(leftPart, rightPart),
  );
}

function equalsSet(left: ReadonlySet<unknown>, right: ReadonlySet<unknown>, equal: Equal): boolean {
  if (left.size !== right.size) return false;
  if ([...left].some(isObject)) return pairsUp(left, right, equal);
  for (const part of left) if (!right.has(part)) return false;
  return true;
}

function equalsTypedArray(left: TypedArray, right: TypedArray): boolean {
  if (typedArrayKind(left) !== typedArrayKind(right) || left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (!sameValue(left[index], right[index])) return false;
  return true;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
