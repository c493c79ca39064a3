/**
 * Every subtask and every attempt works on its own instance of a function object, as in Flink, so that plain fields
 * start afresh and subtasks share nothing. A plain function cannot be copied and is shared: it should keep no state.
 */
import { MillraceError } from "../base/errors.ts";
import { isAccumulator } from "./accumulators/accumulator.ts";
import { isCheckpointed } from "./checkpointed-function.ts";
import type { FunctionContext } from "./function-states.ts";
import type { RichFunction } from "./functions.ts";
import { declaresPrivateMember } from "./private-members.ts";

/** A function of ours around a user's function. */
export abstract class FunctionWrapper {
  /** One that holds a copy of the user's function. */
  abstract copyWrapped(copy: <F>(fn: F) => F): FunctionWrapper;
}

/** What a plain function of ours calls, where that is the user's. */
const CALLED: unique symbol = Symbol("called functions");

/** Says which functions of the user's a plain function of ours calls, for those who read their text. Returns `fn`. */
export function calling<F extends object>(fn: F, ...called: readonly unknown[]): F {
  return Object.assign(fn, { [CALLED]: called });
}

/** The user's own functions behind what an operator was given: itself, unless that is one of ours around them. */
export function functionsWithin(fn: unknown): readonly unknown[] {
  if (fn instanceof FunctionWrapper) {
    const wrapped: unknown[] = [];
    fn.copyWrapped((inner) => {
      wrapped.push(inner);
      return inner;
    });
    return wrapped;
  }
  if (typeof fn !== "function" || !(CALLED in fn)) return [fn];
  return fn[CALLED] as readonly unknown[];
}

/** A fresh instance with the same prototype and (deeply copied) plain fields; plain functions are returned as they are. */
export function cloneFunction<F>(fn: F, operatorName: string): F {
  if (typeof fn !== "object" || fn === null) return fn;
  // What the wrapper makes is of its own class, and that is F.
  if (fn instanceof FunctionWrapper) return fn.copyWrapped((inner) => cloneFunction(inner, operatorName)) as F;
  const prototype: unknown = Object.getPrototypeOf(fn);
  if (hasPrivateFields(prototype)) {
    throw new MillraceError("MR_FUNCTION_NOT_COPYABLE", {
      what: "A function object with #private fields cannot be copied for every subtask",
      where: { operator: operatorName },
      found: `class ${(prototype as { constructor?: { name?: string } }).constructor?.name ?? "?"} with #private fields`,
      expected: "a class whose fields are ordinary properties",
      todo: "Declare the fields with the TypeScript keyword private instead of #, or set them in open()",
    });
  }
  const copy: unknown = Object.create(prototype as object);
  for (const [name, value] of Object.entries(fn)) (copy as Record<string, unknown>)[name] = copyField(value);
  return copy as F;
}

// Plain data and accumulators are copied; everything else (functions, descriptors, connections made outside) is shared.
function copyField(value: unknown): unknown {
  if (isAccumulator(value)) return value.clone();
  if (Array.isArray(value)) return value.map(copyField);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [copyField(key), copyField(item)]));
  if (value instanceof Set) return new Set([...value].map(copyField));
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copyField(item)]));
  }
  return value;
}

/**
 * Whether a class, or one it extends, has #private fields. They leave no trace on the instance: the source of the class is
 * the only place where they show.
 */
export function hasPrivateFields(prototype: unknown): boolean {
  for (let level = prototype; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    const creator = (level as { constructor?: unknown }).constructor;
    if (typeof creator !== "function") continue;
    const source = Function.prototype.toString.call(creator);
    if (source.startsWith("class") && declaresPrivateMember(source)) return true;
  }
  return false;
}

/** Gives a function its operator state back and opens it. */
export function invokeOpen(fn: unknown, context: FunctionContext): void {
  if (typeof fn !== "object" || fn === null) return;
  if (isCheckpointed(fn)) context.functionStates.initialize(fn);
  (fn as RichFunction).open?.(context);
}

export function invokeClose(fn: unknown): void {
  if (typeof fn === "object" && fn !== null) (fn as RichFunction).close?.();
}
