/** How times, spans and places are written in explanations. */
import { MAX_WATERMARK, MIN_WATERMARK } from "../../time/timestamps.ts";
import type { StallPlace } from "./stall-explanation.ts";

const DATE_MS_MAX = 8_640_000_000_000_000;

/** An event time or a time of the clock, in UTC: `2026-01-31 12:59:59.999`. */
export function formatTime(timestampMs: number): string {
  if (timestampMs <= MIN_WATERMARK) return "that before the first";
  if (timestampMs >= MAX_WATERMARK) return "the end of input";
  if (Math.abs(timestampMs) > DATE_MS_MAX) return `${timestampMs} ms`;
  return new Date(timestampMs)
    .toISOString()
    .replace("T", " ")
    .replace("Z", "")
    .replace(/\.000$/, "");
}

/** `[2026-01-31 12:00:00, 13:00:00)`: the date of the end only where it is another one. */
export function formatSpan({ start, end }: { readonly start: number; readonly end: number }): string {
  const [from, to] = [formatTime(start), formatTime(end)];
  const isSameDay = from.slice(0, 10) === to.slice(0, 10);
  return `[${from}, ${isSameDay ? to.slice(11) : to})`;
}

/** About how long: `340 ms`, `34 s`, `2 min 5 s`, `3 h 20 min`. */
export function formatAbout(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return join(minutes, "min", seconds % 60, "s");
  return join(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

function join(larger: number, unit: string, smaller: number, smallerUnit: string): string {
  return smaller === 0 ? `${larger} ${unit}` : `${larger} ${unit} ${smaller} ${smallerUnit}`;
}

/** `"flights" subtask 1/2`. */
export function formatPlace({ operator, subtaskIndex, parallelism }: StallPlace): string {
  return `"${operator}" subtask ${subtaskIndex + 1}/${parallelism}`;
}

/** `3 keys`, `1 key`, and `10,000+ keys` where there are more than were counted. */
export function formatCount(count: number, noun: string, hasMore = false): string {
  return `${count.toLocaleString("en-US")}${hasMore ? "+" : ""} ${noun}${count === 1 && !hasMore ? "" : "s"}`;
}

const SPLITS_SHOWN_MAX = 3;

/** `split part-3`, `splits part-3, part-4, part-5 and 2 more`. */
export function formatSplits(splits: readonly string[]): string {
  const shown = splits.slice(0, SPLITS_SHOWN_MAX).join(", ");
  const left = splits.length - SPLITS_SHOWN_MAX;
  return `${splits.length === 1 ? "split" : "splits"} ${shown}${left > 0 ? ` and ${left} more` : ""}`;
}
