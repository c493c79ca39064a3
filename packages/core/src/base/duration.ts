import { MillraceError } from "./errors.ts";

type Unit = "ms" | "s" | "min" | "h" | "d";

/**
 * Milliseconds, or a literal with a unit: `"250 ms"`, `"10 s"`, `"1 min"`, `"6 h"`, `"1 d"`.
 * @public
 */
export type Duration = number | `${number} ${Unit}`;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Converts a duration to whole milliseconds.
 *
 * @throws MillraceError `MR_DURATION_INVALID` when the text has no known unit or the number is not finite.
 * @example
 * durationMs("90 s"); // 90_000
 * @public
 */
export function durationMs(duration: Duration): number {
  if (typeof duration === "number" && Number.isFinite(duration)) return Math.trunc(duration);
  const match = typeof duration === "string" ? /^(-?\d+(?:\.\d+)?) ?(ms|s|min|h|d)$/.exec(duration) : null;
  if (match === null) {
    throw new MillraceError("MR_DURATION_INVALID", {
      what: "A duration could not be read",
      found: JSON.stringify(duration) ?? String(duration),
      expected: "a number of milliseconds or a number with one of the units ms, s, min, h, d",
      todo: 'Write it like "10 s", "1 min" or 250',
    });
  }
  return Math.trunc(Number(match[1]) * (unitMs[match[2]!] ?? Number.NaN));
}

/** The shortest exact literal for a number of milliseconds, as used in plans and messages. @internal */
export function formatDuration(ms: number): string {
  for (const [unit, size] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1000],
  ] as const) {
    if (ms !== 0 && ms % size === 0) return `${ms / size} ${unit}`;
  }
  return `${ms} ms`;
}
