/**
 * The user's functions of an operator and what can be read in their text, without calling any of them. What is found is
 * enough for plans and warnings; what is not found is no proof of anything, since a function may call others.
 */
import { functionsWithin } from "../operators/clone-function.ts";
import { emitFunctions, foldFunctions, type OperatorSpec } from "../operators/operator-spec.ts";

/** Functions and function objects, key selectors included; those of the user's, not what we put around them. */
export function userFunctionsOf(spec: OperatorSpec): readonly unknown[] {
  return functionsOf(spec).flatMap(functionsWithin);
}

function functionsOf(spec: OperatorSpec): readonly unknown[] {
  switch (spec.kind) {
    case "map":
    case "filter":
    case "flatMap":
    case "keyedProcess":
    case "keyedReduce":
      return [spec.key, spec.fn];
    case "process":
      return [spec.fn];
    case "co":
    case "intervalJoin":
      return [...(spec.keys ?? []), spec.fn];
    case "window":
      return [spec.key, ...foldFunctions(spec.fold), ...emitFunctions(spec.emit)];
    case "transform":
      return [...spec.keys, ...(spec.functions ?? [])];
    default:
      return [];
  }
}

/** The text of a function, or of an object's class and own methods, without comments. */
export function sourceTextOf(fn: unknown): string {
  return textsOf(fn).map(withoutComments).join("\n");
}

/** The same without the contents of quoted strings: what is left is code. */
export function codeOf(fn: unknown): string {
  return textsOf(fn)
    .map((text) => withoutComments(text).replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, '""'))
    .join("\n");
}

function textsOf(fn: unknown): readonly string[] {
  if (typeof fn === "function") return [Function.prototype.toString.call(fn)];
  if (typeof fn !== "object" || fn === null) return [];
  const texts: string[] = [];
  for (const value of Object.values(fn))
    if (typeof value === "function") texts.push(Function.prototype.toString.call(value));
  for (
    let prototype: unknown = Object.getPrototypeOf(fn);
    typeof prototype === "object" && prototype !== null && prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const { constructor: own } = prototype;
    if (typeof own === "function") texts.push(Function.prototype.toString.call(own));
  }
  return texts;
}

// Strings are matched too, so that a "//" in one of them starts no comment.
function withoutComments(text: string): string {
  return text.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_match, string: string | undefined) => string ?? " ",
  );
}
