import { MillraceError } from "../../base/errors.ts";

/** Two classes under one name. @internal */
export function differentTypes(name: string, types: readonly [string, string], operator?: string): MillraceError {
  return new MillraceError("MR_ACCUMULATOR_CONFLICT", {
    what: `The accumulators "${name}" cannot be merged`,
    where: { accumulator: name, ...(operator === undefined ? {} : { operator }) },
    found: `one of class ${types[0]} and one of class ${types[1]}`,
    expected: "one class for each name, in all operators of the job",
    todo: "Give one of them another name",
  });
}

/** @internal */
export function alreadyThere(name: string, operator: string): MillraceError {
  return new MillraceError("MR_ACCUMULATOR_EXISTS", {
    what: `The accumulator "${name}" is there already and cannot be added`,
    where: { accumulator: name, operator },
    expected:
      "a name that no function of the same task has added, be it of the same operator or of another one in its chain",
    todo: "Choose another name, or take the one that is there with getAccumulator",
  });
}

/** @internal */
export function noAccumulator(name: unknown, operator: string, found: string): MillraceError {
  return new MillraceError("MR_ACCUMULATOR_INVALID", {
    what: "Something was added that cannot be used as an accumulator",
    where: { accumulator: typeof name === "string" ? name : typeof name, operator },
    found,
    expected:
      "a name, and an object with add, getLocalValue, resetLocal, merge and clone whose fields are ordinary properties",
    todo: "Implement Accumulator; declare its fields with the TypeScript keyword private instead of #",
  });
}

/** The user's methods, or the values they gave, could not be used when the result was made. @internal */
export function mergeFailed(name: string, type: string, cause: unknown): MillraceError {
  return new MillraceError("MR_ACCUMULATOR_FAILED", {
    what: `The accumulator "${name}" has no result: ${cause instanceof Error ? cause.message : String(cause)}`,
    where: { accumulator: name, class: type },
    expected: "methods that do not throw, and fields and a result that are plain data",
    todo: "Correct the accumulator; the job itself is not affected",
    cause,
  });
}

/** @internal */
export function wrongNumber(type: string, found: number, expected: string): MillraceError {
  return new MillraceError("MR_ACCUMULATOR_VALUE_INVALID", {
    what: `${type} got a number that it cannot hold`,
    found: `${found}`,
    expected,
    todo: "Use a LongCounter for larger integers, and the Double classes for fractions",
  });
}
