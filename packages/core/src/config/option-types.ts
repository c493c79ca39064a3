import { formatDuration } from "../base/duration.ts";
import { parseDuration } from "./duration-text.ts";
import { formatMemorySize, parseMemorySize } from "./memory-size.ts";
import { type Parsed, parsed, refused } from "./parsed.ts";

/**
 * How the values of an option are written and read. `parse` takes what a YAML file, `-D key=value` (always text) or
 * code hands over; `format` writes a value so that `parse` reads it back.
 * @internal
 */
export interface OptionType<T> {
  /** As the reference prints it: "duration", "int", or the list of an enum's values. */
  readonly name: string;
  parse(raw: unknown): Parsed<T>;
  format(value: T): string;
}

/** Inclusive bounds, in the unit of the type: milliseconds, bytes, or the number itself. @internal */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** @internal */
export const stringType: OptionType<string> = {
  name: "string",
  parse: (raw) =>
    typeof raw === "string" && raw !== ""
      ? parsed(raw)
      : typeof raw === "number"
        ? parsed(`${raw}`)
        : refused("a text that is not empty"),
  format: (value) => value,
};

/** @internal */
export const booleanType: OptionType<boolean> = {
  name: "boolean",
  parse: (raw) => {
    const value = typeof raw === "string" ? raw.trim().toLowerCase() : raw;
    if (value === true || value === "true") return parsed(true);
    return value === false || value === "false" ? parsed(false) : refused("true or false");
  },
  format: String,
};

/** A duration, held in milliseconds. @internal */
export function durationType(bounds: Bounds = {}): OptionType<number> {
  return bounded({ name: "duration", parse: parseDuration, format: formatDuration }, bounds);
}

/** A memory size, held in bytes. @internal */
export function memorySizeType(bounds: Bounds = {}): OptionType<number> {
  return bounded({ name: "memory size", parse: parseMemorySize, format: formatMemorySize }, bounds);
}

/** A whole number; `infinite: true` also admits the word `infinite`. @internal */
export function intType(bounds: Bounds & { readonly infinite?: boolean } = {}): OptionType<number> {
  const parse = (raw: unknown): Parsed<number> => {
    if (bounds.infinite === true && (raw === "infinite" || raw === Number.POSITIVE_INFINITY))
      return parsed(Number.POSITIVE_INFINITY);
    const value = typeof raw === "string" && /^[+-]?\d+$/.test(raw.trim()) ? Number(raw) : raw;
    if (Number.isSafeInteger(value)) return parsed(Number(value));
    return refused(bounds.infinite === true ? "a whole number or infinite" : "a whole number");
  };
  const format = (value: number): string => (value === Number.POSITIVE_INFINITY ? "infinite" : String(value));
  return bounded({ name: "int", parse, format }, bounds);
}

/** A number with a fraction. @internal */
export function doubleType(bounds: Bounds = {}): OptionType<number> {
  const parse = (raw: unknown): Parsed<number> => {
    const value = typeof raw === "string" && /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(raw.trim()) ? Number(raw) : raw;
    return Number.isFinite(value) ? parsed(Number(value)) : refused("a number");
  };
  return bounded({ name: "double", parse, format: String }, bounds);
}

/**
 * One of some words. Case does not matter, nor does "-" against "_"; the value is always spelled as in `values`.
 *
 * @param synonyms - Other spellings, in lower case with "-", and the value each stands for.
 * @internal
 */
export function enumType<T extends string>(
  values: readonly T[],
  synonyms: Readonly<Record<string, T>> = {},
): OptionType<T> {
  const fold = (text: string): string => text.trim().toLowerCase().replaceAll("_", "-");
  const byFolded = new Map<string, T>(Object.entries(synonyms));
  for (const value of values) byFolded.set(fold(value), value);
  return {
    name: values.join(" | "),
    parse: (raw) => {
      const value = typeof raw === "string" ? byFolded.get(fold(raw)) : undefined;
      return value === undefined ? refused(`one of ${values.join(", ")}`) : parsed(value);
    },
    format: String,
  };
}

/** Several values of one type: a YAML list, or text separated by ";". @internal */
export function listType<T>(element: OptionType<T>): OptionType<readonly T[]> {
  const expected = `a list of ${element.name}, as text separated by ";"`;
  return {
    name: `list of ${element.name}`,
    parse: (raw) => {
      const parts = typeof raw === "string" ? raw.split(";").map((part) => part.trim()) : raw;
      if (!Array.isArray(parts)) return refused(expected);
      const values: T[] = [];
      for (const part of parts.filter((each: unknown) => each !== "")) {
        const result = element.parse(part);
        if (!result.ok) return refused(`${expected}; each ${result.expected}`);
        values.push(result.value);
      }
      return parsed(values);
    },
    format: (values) => values.map((value) => element.format(value)).join(";"),
  };
}

/** Names with values of one type: a YAML mapping, or text like "a:1,b:2". @internal */
export function mapType<T>(element: OptionType<T>): OptionType<ReadonlyMap<string, T>> {
  const expected = `a mapping to ${element.name}, as text like "name:value,name:value"`;
  return {
    name: `map of ${element.name}`,
    parse: (raw) => {
      const pairs = pairsOf(raw);
      if (pairs === undefined) return refused(expected);
      const values = new Map<string, T>();
      for (const [name, part] of pairs) {
        const result = element.parse(part);
        if (!result.ok) return refused(`${expected}; each value ${result.expected}`);
        if (values.has(name)) return refused(`${expected}; ${name} only once`);
        values.set(name, result.value);
      }
      return parsed(values);
    },
    format: (values) => [...values].map(([name, value]) => `${name}:${element.format(value)}`).join(","),
  };
}

function pairsOf(raw: unknown): readonly (readonly [string, unknown])[] | undefined {
  if (raw instanceof Map) return [...raw.keys()].every((name) => typeof name === "string") ? [...raw] : undefined;
  if (typeof raw === "object" && raw !== null && !Array.isArray(raw)) return Object.entries(raw);
  if (typeof raw !== "string") return undefined;
  const pairs: (readonly [string, string])[] = [];
  for (const part of raw.split(",").filter((each) => each.trim() !== "")) {
    const colon = part.indexOf(":");
    if (colon <= 0) return undefined;
    pairs.push([part.slice(0, colon).trim(), part.slice(colon + 1).trim()]);
  }
  return pairs;
}

function bounded(type: OptionType<number>, { min, max }: Bounds): OptionType<number> {
  const limits = [
    ...(min === undefined ? [] : [`at least ${type.format(min)}`]),
    ...(max === undefined ? [] : [`at most ${type.format(max)}`]),
  ].join(" and ");
  return {
    ...type,
    name: limits === "" ? type.name : `${type.name}, ${limits}`,
    parse: (raw) => {
      const result = type.parse(raw);
      if (!result.ok) return limits === "" ? result : refused(`${result.expected}; ${limits}`);
      const isInside =
        result.value >= (min ?? Number.NEGATIVE_INFINITY) && result.value <= (max ?? Number.POSITIVE_INFINITY);
      return isInside ? result : refused(limits);
    },
  };
}
