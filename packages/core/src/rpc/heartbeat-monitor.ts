import { invariant } from "../base/errors.ts";

/** @internal */
export interface HeartbeatTimes {
  /** How often this side gives a sign of life. */
  readonly intervalMs: number;
  /** A peer that gave none for this long is taken for dead. */
  readonly timeoutMs: number;
}

/** What is due, and when to ask again. @internal */
export type HeartbeatAction =
  | { readonly kind: "wait"; readonly nextMs: number }
  | { readonly kind: "beat"; readonly nextMs: number }
  | { readonly kind: "lost"; readonly silentMs: number };

/**
 * Decides when to give a sign of life and when the other side has given none for too long. Anything that comes from it
 * is one. Pure: the caller has the clock, in monotonic milliseconds.
 *
 * - H1. A peer is lost no later than `timeoutMs` after its last sign, as long as this side is awake to notice.
 * - H2. Time in which this side did not run does not count against the other: its signs may lie unread. It gets one
 *   interval to be heard after such a gap.
 * @internal
 */
export class HeartbeatMonitor {
  readonly #times: HeartbeatTimes;
  #lastSignMs: number;
  #deadlineMs: number;
  #nextBeatMs: number;
  #askedForMs: number;

  constructor(times: HeartbeatTimes, nowMs: number) {
    invariant(times.timeoutMs > times.intervalMs, "a heartbeat timeout is longer than its interval");
    this.#times = times;
    this.#lastSignMs = nowMs;
    this.#deadlineMs = nowMs + times.timeoutMs;
    this.#nextBeatMs = nowMs + times.intervalMs;
    this.#askedForMs = this.#nextMs();
  }

  /** When to call {@link HeartbeatMonitor.tick} for the first time. */
  get firstTickMs(): number {
    return this.#askedForMs;
  }

  /** When something came from the other side, last; at first, when the monitor was made. */
  get lastSignMs(): number {
    return this.#lastSignMs;
  }

  /** Something came from the other side. */
  onSign(nowMs: number): void {
    this.#lastSignMs = nowMs;
    this.#deadlineMs = nowMs + this.#times.timeoutMs;
  }

  /** To be called at the time that the action before asked for, or later. */
  tick(nowMs: number): HeartbeatAction {
    const { intervalMs } = this.#times;
    const wasAway = nowMs - this.#askedForMs > intervalMs;
    if (wasAway) this.#deadlineMs = Math.max(this.#deadlineMs, nowMs + intervalMs);
    if (nowMs >= this.#deadlineMs) return { kind: "lost", silentMs: nowMs - this.#lastSignMs };
    const isBeatDue = nowMs >= this.#nextBeatMs;
    if (isBeatDue) this.#nextBeatMs = nowMs + intervalMs;
    this.#askedForMs = this.#nextMs();
    return { kind: isBeatDue ? "beat" : "wait", nextMs: this.#askedForMs };
  }

  #nextMs(): number {
    return Math.min(this.#nextBeatMs, this.#deadlineMs);
  }
}
