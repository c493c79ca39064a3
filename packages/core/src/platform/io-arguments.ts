import { invariant } from "../base/errors.ts";

/**
 * Refuses what the operating system would quietly read as something else: a negative position means "the current
 * one" to `pread`, and a fraction is cut off.
 * @internal
 */
export function checkFileOffset(name: string, offset: number): void {
  invariant(Number.isSafeInteger(offset) && offset >= 0, `file ${name} must be an integer from 0, got ${offset}`);
}

/** Refuses NaN and infinite delays, which timers would quietly read as 1 ms. @internal */
export function checkDelay(delayMs: number): void {
  invariant(Number.isFinite(delayMs), `timer delay must be finite, got ${delayMs}`);
}
