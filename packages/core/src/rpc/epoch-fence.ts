import { MillraceError } from "../base/errors.ts";

/**
 * The highest epoch that this process has heard of. Every leadership has an epoch above all earlier ones, and every
 * message carries the epoch it was sent under; what comes from an earlier one is refused, so a leader that was replaced
 * and does not know it (it was paused, or cut off) changes nothing any more.
 *
 * One fence is shared by all sessions of an endpoint.
 *
 * - E1. The epoch never goes back.
 * - E2. Listeners hear of a newer epoch before anything that was sent under it runs.
 * @internal
 */
export class EpochFence {
  readonly #listeners: Set<(epoch: number) => void> = new Set();
  #epoch: number;

  /** @param epoch - A safe integer from 0; 0 when none is known yet. */
  constructor(epoch: number = 0) {
    this.#epoch = epoch;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Takes note of an epoch that somebody else knows of. */
  observe(epoch: number): "stale" | "current" | "newer" {
    if (epoch === this.#epoch) return "current";
    if (epoch < this.#epoch) return "stale";
    this.#epoch = epoch;
    for (const listener of [...this.#listeners]) listener(epoch);
    return "newer";
  }

  /** Calls the listener with every newer epoch; returns what ends that. */
  onNewer(listener: (epoch: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** @internal */
export function fencedError(what: string, found: number, current: number): MillraceError {
  return new MillraceError("MR_FENCED", {
    what,
    found: `epoch ${found}`,
    expected: `epoch ${current}`,
    todo: "Nothing has to be done: another process leads now. If the old one is still running, it may be stopped",
  });
}
