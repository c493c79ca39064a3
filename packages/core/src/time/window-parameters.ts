/** The checks that all window assigners share. */
import { type Duration, durationMs } from "../base/duration.ts";
import { MillraceError } from "../base/errors.ts";
import { NO_TIMESTAMP } from "./timestamps.ts";

/**
 * The longest window, slide or gap: 10,000 years. Any timestamp that a JavaScript date can hold plus this is a safe
 * integer below `MAX_WATERMARK`, so every window has an exact end and fires at the end of input.
 * @internal
 */
export const WINDOW_LENGTH_MAX_MS: number = 315_360_000_000_000;

/** The milliseconds of a size, slide or gap. Throws `MR_WINDOW_SIZE_INVALID` outside 1 … {@link WINDOW_LENGTH_MAX_MS}. @internal */
export function windowLengthMs(assigner: string, parameter: "size" | "slide" | "gap", length: Duration): number {
  const lengthMs = durationMs(length);
  if (lengthMs >= 1 && lengthMs <= WINDOW_LENGTH_MAX_MS) return lengthMs;
  throw new MillraceError("MR_WINDOW_SIZE_INVALID", {
    what: `The ${parameter} of ${assigner} is out of range`,
    found: `${lengthMs} ms`,
    expected: "at least 1 ms and at most 10,000 years",
    todo: `Pass a ${parameter} such as "1 h"`,
  });
}

/** The milliseconds of an offset. Throws `MR_WINDOW_SIZE_INVALID` unless |offset| is less than a step of the grid. @internal */
export function windowOffsetMs(assigner: string, offset: Duration, step: "size" | "slide", stepMs: number): number {
  const offsetMs = durationMs(offset);
  if (Math.abs(offsetMs) < stepMs) return offsetMs;
  throw new MillraceError("MR_WINDOW_SIZE_INVALID", {
    what: `The offset of ${assigner} does not fit its ${step}`,
    found: `an offset of ${offsetMs} ms with a ${step} of ${stepMs} ms`,
    expected: `an offset between -${step} and ${step}, both excluded`,
    todo: `Pass the offset modulo the ${step}`,
  });
}

/** Throws `MR_TIMESTAMP_MISSING` for an element that cannot be in any window. @internal */
export function requireTimestamp(assigner: string, timestampMs: number): void {
  if (timestampMs > NO_TIMESTAMP) return;
  throw new MillraceError("MR_TIMESTAMP_MISSING", {
    what: `An element without event time has no window in ${assigner}`,
    found: timestampMs === NO_TIMESTAMP ? "no timestamp" : String(timestampMs),
    expected: "a timestamp in epoch milliseconds",
    todo: "Give the source a WatermarkStrategy with a timestamp assigner, or call assignTimestampsAndWatermarks",
  });
}

/** Throws `MR_WINDOW_SIZE_INVALID` outside 1 ms … {@link WINDOW_LENGTH_MAX_MS}. @internal */
export function requireInterval(owner: string, intervalMs: number): number {
  if (intervalMs >= 1 && intervalMs <= WINDOW_LENGTH_MAX_MS) return intervalMs;
  throw new MillraceError("MR_WINDOW_SIZE_INVALID", {
    what: `The time span of ${owner} is out of range`,
    found: `${intervalMs} ms`,
    expected: "at least 1 ms and at most 10,000 years",
    todo: 'Pass one such as "10 s"',
  });
}
