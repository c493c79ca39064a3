/**
 * Merges the accumulators of a job without ever having all of them in one place: what has been merged goes, as data, from
 * slot to slot, and each adds its own. Whoever asked needs no class of the user's, and gets the value beside the fields.
 *
 * - A1. The accumulators of the subtasks are not changed: what is merged are copies.
 * - A2. One that cannot be merged has an error for its result, and the others have theirs.
 * - A3. What goes on as data is all there is: an instance made of it has the same value, or there is an error. This is
 *   checked in one slot as well, so that a job that works in one thread works in many.
 */
import { BinaryReader } from "../../base/binary-reader.ts";
import { BinaryWriter } from "../../base/binary-writer.ts";
import { type ErrorMessage, toErrorMessage } from "../../base/error-message.ts";
import { learnedSerializer } from "../../types/learned-type.ts";
import { equalsValue } from "../../types/value-operations.ts";
import { type AnyAccumulator, accumulatorType } from "./accumulator.ts";
import { differentTypes, mergeFailed } from "./accumulator-errors.ts";
import type { AccumulatorRegistry } from "./accumulator-registry.ts";

/** One accumulator of the job, as far as it has been merged. Plain data. @internal */
export interface MergedAccumulator {
  readonly name: string;
  /** The name of its class. */
  readonly type: string;
  readonly outcome:
    | { readonly kind: "merged"; readonly fields: Uint8Array; readonly value: Uint8Array }
    | { readonly kind: "failed"; readonly error: ErrorMessage };
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Adds the accumulators of some subtasks to what has been merged before.
 *
 * @param merged - From other slots; those that no subtask here has are passed on as they are.
 * @internal
 */
export function mergeAccumulators(
  merged: readonly MergedAccumulator[],
  subtasks: Iterable<AccumulatorRegistry>,
): readonly MergedAccumulator[] {
  const own = new Map<string, AnyAccumulator[]>();
  for (const registry of subtasks) {
    for (const [name, accumulator] of registry.entries()) own.set(name, [...(own.get(name) ?? []), accumulator]);
  }
  const known = new Map(merged.map((each) => [each.name, each]));
  for (const [name, accumulators] of own) known.set(name, mergeOne(name, known.get(name), accumulators));
  return [...known.values()];
}

/** The value of one that has been merged. @internal */
export function mergedValue(value: Uint8Array): unknown {
  return learnedSerializer().read(new BinaryReader(value));
}

function mergeOne(
  name: string,
  before: MergedAccumulator | undefined,
  own: readonly AnyAccumulator[],
): MergedAccumulator {
  if (before?.outcome.kind === "failed") return before;
  const first = own[0]!;
  const type = before?.type ?? accumulatorType(first);
  try {
    checkTypes(name, type, own);
    const [base, ...others] = before === undefined ? own : [revived(fieldsIn(before.outcome.fields), first), ...own];
    const all = base!.clone();
    for (const other of others) all.merge(other.clone());
    return { name, type, outcome: { kind: "merged", ...encoded(all) } };
  } catch (error) {
    return { name, type, outcome: { kind: "failed", error: toErrorMessage(asFailure(name, type, error)) } };
  }
}

// Across threads classes have nothing in common but their names; within one they are the same or they are not.
function checkTypes(name: string, type: string, own: readonly AnyAccumulator[]): void {
  const first = own[0]!;
  const other = own.find((each) => each.constructor !== first.constructor || accumulatorType(each) !== type);
  if (other !== undefined) throw differentTypes(name, [type, accumulatorType(other)]);
}

function encoded(accumulator: AnyAccumulator): { readonly fields: Uint8Array; readonly value: Uint8Array } {
  const fields = bytesOf(fieldsOf(accumulator));
  const value = accumulator.getLocalValue();
  const again = revived(fieldsIn(fields), accumulator).getLocalValue();
  if (!equalsValue(value, again)) throw new Error("its fields do not hold all that was added");
  return { fields, value: bytesOf(value) };
}

/** An accumulator of the same class that knows what the fields say, and nothing else. */
function revived(fields: Fields, like: AnyAccumulator): AnyAccumulator {
  const accumulator = like.clone();
  accumulator.resetLocal();
  return Object.assign(accumulator, fields);
}

function fieldsOf(accumulator: AnyAccumulator): Fields {
  return Object.fromEntries(Object.entries(accumulator).filter(([, value]) => typeof value !== "function"));
}

function fieldsIn(bytes: Uint8Array): Fields {
  // What `fieldsOf` has made.
  return mergedValue(bytes) as Fields;
}

function bytesOf(value: unknown): Uint8Array {
  const out = new BinaryWriter();
  learnedSerializer().write(value, out);
  return out.finish();
}

function asFailure(name: string, type: string, error: unknown): Error {
  const isConflict = error instanceof Error && "code" in error && error.code === "MR_ACCUMULATOR_CONFLICT";
  return isConflict ? error : mergeFailed(name, type, error);
}
