/**
 * Tells when an input has been silent for so long that it counts as idle (`WatermarkStrategy.withIdleness`).
 *
 * Pure: the caller brings the monotonic time, in milliseconds.
 *
 * - I1. An input is idle once no record has come for the idle time; one record makes it active again.
 * - I2. Time during which the input could not be read (back-pressure, alignment) does not count: an input is silent only
 *   while somebody listens.
 * - I3. It may be found idle later than it fell silent, by at most the time between two checks, and never earlier.
 */
import { invariant } from "../base/errors.ts";

/** @internal */
export class IdlenessTimer {
  readonly #idlenessMs: number;
  #silentSinceMs: number;
  #hasActivity = false;
  #pausedAtMs: number | undefined;

  /** Starts active: an input that never gets a record falls idle after the idle time. */
  constructor(idlenessMs: number, nowMs: number) {
    invariant(idlenessMs > 0, `I1: the idle time must be positive, not ${idlenessMs}`);
    this.#idlenessMs = idlenessMs;
    this.#silentSinceMs = nowMs;
  }

  /** A record or a whole batch has come. Cheap: the time is taken at the next check. */
  onActivity(): void {
    this.#hasActivity = true;
  }

  /** The input is not read from now on (I2). */
  pause(nowMs: number): void {
    this.#noteActivity(nowMs);
    this.#pausedAtMs ??= nowMs;
  }

  /** The input is read again; the silence goes on where it was when `pause` was called. */
  resume(nowMs: number): void {
    if (this.#pausedAtMs === undefined) return;
    this.#silentSinceMs += nowMs - this.#pausedAtMs;
    this.#pausedAtMs = undefined;
  }

  /** Whether the input is idle at this time, which must not lie before that of an earlier call. */
  isIdleAt(nowMs: number): boolean {
    this.#noteActivity(nowMs);
    return (this.#pausedAtMs ?? nowMs) - this.#silentSinceMs >= this.#idlenessMs;
  }

  /** The earliest time at which the input can be found idle without further activity; undefined while paused. */
  get idleAtMs(): number | undefined {
    return this.#pausedAtMs === undefined ? this.#silentSinceMs + this.#idlenessMs : undefined;
  }

  #noteActivity(nowMs: number): void {
    if (!this.#hasActivity) return;
    this.#hasActivity = false;
    this.#silentSinceMs = this.#pausedAtMs ?? nowMs;
  }
}
