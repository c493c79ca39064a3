import { InvalidArgumentError } from "commander";
import type { EngineName } from "./engine-options.ts";

const ENGINES: readonly EngineName[] = ["millrace", "heap", "hand", "flink"];

/** A parser of whole numbers from `min` to `max`, such as 4000000, 200K or 20M. @internal */
export function whole(min: number, max: number): (text: string) => number {
  return (text) => parseWhole(text, min, max);
}

function parseWhole(text: string, min: number, max: number): number {
  const match = /^(-?\d+(?:\.\d+)?)([KM]?)$/i.exec(text.replaceAll("_", ""));
  const unit = { "": 1, K: 1000, M: 1_000_000 }[match?.[2]?.toUpperCase() ?? ""] ?? 1;
  // 1.3M is 1,300,000 although 1.3 * 1e6 need not be exactly that.
  const value = match === null ? Number.NaN : Number((Number(match[1]) * unit).toFixed(3));
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(
    `Expected a whole number from ${min} to ${max}, with K or M for thousands or millions.`,
  );
}

/** @internal */
export function parseShare(text: string): number {
  const share = text.trim() === "" ? Number.NaN : Number(text);
  if (share >= 0 && share < 1) return share;
  throw new InvalidArgumentError("Expected a share from 0 up to but not including 1, such as 0.3.");
}

/** @internal */
export function parseEngines(text: string): EngineName[] {
  const names = text.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!ENGINES.includes(name as EngineName)) {
      throw new InvalidArgumentError(`There is no engine "${name}". Expected a list of ${ENGINES.join(", ")}.`);
    }
  }
  return [...new Set(names as EngineName[])];
}

/** Collects `key=value`. @internal */
export function parseSetting(text: string, settings: readonly string[]): readonly string[] {
  if (/^[^=\s]+=/.test(text)) return [...settings, text];
  throw new InvalidArgumentError("Expected a setting as key=value.");
}

/** @internal */
export function parseHeap(text: string): string {
  if (/^\d+[kmg]$/i.test(text)) return text;
  throw new InvalidArgumentError("Expected a size such as 3g or 800m.");
}
