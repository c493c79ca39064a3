/** Checks of what users pass while they build a pipeline: each failure names the method, the place, and what it expected. */
import { MillraceError } from "../base/errors.ts";
import { MAX_PARALLELISM_LIMIT } from "../config/pipeline-options.ts";
import type { UserCall } from "./call-site.ts";

/** @param found - Words; {@link describeValue} makes them of a value. @internal */
export function invalidArgument(call: UserCall, found: string, expected: string, todo: string): MillraceError {
  return new MillraceError("MR_ARGUMENT_INVALID", {
    what: `${call.method} was called with something it cannot use`,
    where: { method: call.method, at: call.callSite },
    found,
    expected,
    todo,
  });
}

/** Which functions a method takes. @internal */
export interface FunctionShape {
  /** The methods that an object must have. */
  readonly methods: readonly string[];
  /** Methods that an object may have and that must be synchronous too. */
  readonly optional?: readonly string[];
  /** What a plain function may be; left out: only objects are taken. */
  readonly plain?: "function" | "function or generator";
}

/**
 * Refuses what is no function of this shape, and asynchronous functions before the first record meets them.
 *
 * @throws MillraceError `MR_ARGUMENT_INVALID`, `MR_ASYNC_NOT_ALLOWED`
 * @internal
 */
export function checkFunction(call: UserCall, fn: unknown, shape: FunctionShape): void {
  if (typeof fn === "function") {
    checkPlainFunction(call, fn, shape);
    return;
  }
  const owner = typeof fn === "object" && fn !== null ? (fn as Readonly<Record<string, unknown>>) : {};
  if (shape.methods.length === 0 || shape.methods.some((method) => typeof owner[method] !== "function")) {
    throw invalidArgument(call, describeValue(fn), expectedOf(shape), `Pass ${expectedOf(shape)}`);
  }
  checkStateHooks(call, fn, owner);
  for (const method of [...shape.methods, ...(shape.optional ?? []), "open", "close", ...STATE_HOOKS]) {
    const member = owner[method];
    if (member === undefined) continue;
    if (typeof member !== "function")
      throw invalidArgument(call, describeValue(fn), `${method} to be a function`, "Make it a method");
    refuseAsync(call, member, `${method} of the function object`);
  }
}

const STATE_HOOKS = ["initializeState", "restoreState", "snapshotState"];

// One without the other would write state that nobody reads, or read what nobody has written.
function checkStateHooks(call: UserCall, fn: unknown, owner: Readonly<Record<string, unknown>>): void {
  const restores = owner["initializeState"] !== undefined || owner["restoreState"] !== undefined;
  if (restores === (owner["snapshotState"] !== undefined)) return;
  const expected = "snapshotState() together with initializeState() or restoreState()";
  throw invalidArgument(call, describeValue(fn), expected, "Implement CheckpointedFunction or ListCheckpointed");
}

function checkPlainFunction(call: UserCall, fn: object, shape: FunctionShape): void {
  if (/^class\b/.test(Function.prototype.toString.call(fn))) {
    const name = (fn as { readonly name: string }).name;
    throw invalidArgument(call, `the class ${name}`, expectedOf(shape), `Pass an instance: new ${name}()`);
  }
  refuseAsync(call, fn, "the function");
  if (shape.plain === undefined)
    throw invalidArgument(call, describeValue(fn), expectedOf(shape), `Pass ${expectedOf(shape)}`);
  if (shape.plain === "function" && kindOf(fn) === "GeneratorFunction") {
    throw invalidArgument(call, "a generator function", expectedOf(shape), "Use flatMap to emit several results");
  }
}

function refuseAsync(call: UserCall, fn: object, name: string): void {
  if (kindOf(fn) !== "AsyncFunction" && kindOf(fn) !== "AsyncGeneratorFunction") return;
  throw new MillraceError("MR_ASYNC_NOT_ALLOWED", {
    what: `${call.method} was given an async function`,
    where: { method: call.method, at: call.callSite },
    found: `${name} is async`,
    expected: "a function that returns its result: functions on the data path are synchronous",
    todo: "Do the waiting in mapAsync or flatMapAsync, or look the data up before the job starts",
  });
}

function expectedOf(shape: FunctionShape): string {
  const object = `an object with ${shape.methods.map((method) => `${method}()`).join(" and ")}`;
  if (shape.methods.length === 0) return "a function";
  return shape.plain === undefined ? object : `a function or ${object}`;
}

function kindOf(fn: object): string {
  return Object.prototype.toString.call(fn).slice("[object ".length, -1);
}

/**
 * A function that a window folds with: it is called from many windows, so it has no lifecycle, as in Flink.
 *
 * @throws MillraceError `MR_ARGUMENT_INVALID`, `MR_ASYNC_NOT_ALLOWED`
 * @internal
 */
export function checkFold(call: UserCall, fn: unknown, shape: FunctionShape): void {
  checkFunction(call, fn, shape);
  for (const method of ["open", "close"]) {
    if (typeof fn === "object" && (fn as Readonly<Record<string, unknown>>)[method] !== undefined) {
      const todo = "Move the lifecycle into a ProcessWindowFunction and pass that as the second argument";
      throw invalidArgument(call, `an object with ${method}()`, "a function without a lifecycle", todo);
    }
  }
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` unless every named member is a function. @internal */
export function checkMembers(call: UserCall, value: unknown, members: readonly string[], expected: string): void {
  const owner = typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  if (members.every((member) => typeof owner[member] === "function")) return;
  throw invalidArgument(call, describeValue(value), expected, `Pass ${expected}`);
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function checkText(call: UserCall, text: unknown, expected: string): void {
  if (typeof text === "string" && text.trim() !== "") return;
  throw invalidArgument(call, text === "" ? "an empty string" : describeValue(text), expected, `Pass ${expected}`);
}

/** @throws MillraceError `MR_PARALLELISM_INVALID` @internal */
export function checkParallelism(call: UserCall, parallelism: unknown, isNonParallel: boolean = false): void {
  const most = isNonParallel ? 1 : MAX_PARALLELISM_LIMIT;
  if (Number.isInteger(parallelism) && Number(parallelism) >= 1 && Number(parallelism) <= most) return;
  throw new MillraceError("MR_PARALLELISM_INVALID", {
    what: `${call.method} was given no usable parallelism`,
    where: { method: call.method, at: call.callSite },
    found: describeValue(parallelism),
    expected: isNonParallel ? "1: the operator sees all records" : `a whole number from 1 to ${MAX_PARALLELISM_LIMIT}`,
    todo: isNonParallel ? "Leave it out, or key the stream" : "Pass the number of subtasks",
  });
}

/** A value as a message shows it: short, and without the content of objects. @internal */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "function") return kindOf(value) === "Function" ? "a function" : `a function (${kindOf(value)})`;
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const name: unknown = (value as { readonly constructor?: { readonly name?: unknown } }).constructor?.name;
  const members = Object.keys(value).slice(0, 5).join(", ");
  return `${typeof name === "string" && name !== "Object" ? `a ${name}` : "an object"} with {${members}}`;
}
