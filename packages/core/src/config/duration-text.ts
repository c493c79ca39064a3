import { type Parsed, parsed, refused } from "./parsed.ts";

const DURATION_EXPECTED =
  'milliseconds, or a number with a unit (ms, s, min, h, d), or ISO-8601, such as 250, "10 s" or "PT1M"';

const unitMs: ReadonlyMap<string, number> = new Map(
  (
    [
      [1, ["", "ms", "milli", "millis", "millisecond", "milliseconds"]],
      [1000, ["s", "sec", "secs", "second", "seconds"]],
      [60_000, ["m", "min", "mins", "minute", "minutes"]],
      [3_600_000, ["h", "hour", "hours"]],
      [86_400_000, ["d", "day", "days"]],
    ] as const
  ).flatMap(([ms, names]) => names.map((name): [string, number] => [name, ms])),
);

/**
 * Reads a duration as Flink's configuration files write it and returns whole milliseconds, never negative.
 * A number is milliseconds. A fraction is fine as long as it comes to whole milliseconds: `"1.5 h"`.
 * @internal
 */
export function parseDuration(raw: unknown): Parsed<number> {
  const ms = typeof raw === "number" ? raw : typeof raw === "string" ? textMs(raw.trim()) : Number.NaN;
  return Number.isSafeInteger(ms) && ms >= 0 ? parsed(ms) : refused(DURATION_EXPECTED);
}

function textMs(text: string): number {
  const simple = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(text.toLowerCase());
  if (simple !== null) return toMs(simple[1]!, unitMs.get(simple[2]!) ?? Number.NaN);
  const iso = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i.exec(text);
  if (iso === null || text.toUpperCase().endsWith("T") || text.length < 3) return Number.NaN;
  const [, days = "0", hours = "0", minutes = "0", seconds = "0"] = iso;
  return Number(days) * 86_400_000 + Number(hours) * 3_600_000 + Number(minutes) * 60_000 + toMs(seconds, 1000);
}

// Scales by digits first, so that "0.001 s" is exactly 1 and not 1 give or take a rounding.
function toMs(digits: string, scale: number): number {
  const [whole = "", fraction = ""] = digits.split(".");
  return (Number(whole + fraction) * scale) / 10 ** fraction.length;
}
