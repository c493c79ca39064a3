/**
 * Decides when one subtask may snapshot, from the order in which checkpoint barriers arrive on its input channels
 * (Carbone et al. 2015, algorithm 1).
 *
 * Pure: no clock, no I/O, no threads; the task blocks and unblocks.
 *
 * - A1. A channel that delivered barrier n delivers no record before n is snapshotted or aborted.
 * - A2. Checkpoint ids never go back: a barrier older than the newest is dropped, and no checkpoint is taken twice.
 * - A3. An open channel is waited for, also one whose input has ended: a finished subtask keeps forwarding barriers.
 *   A closed channel delivers nothing more and is not waited for.
 *
 * Two checkpoints are never aligned at once: the barrier of a newer one gives up the older, whose missing barriers were
 * overtaken or will never come.
 */
import { invariant } from "../base/errors.ts";

/** @internal */
export type AlignmentAction =
  /** Nothing changes. */
  | { readonly kind: "ignore" }
  /** Read nothing from the channel until the next snapshot. With `abortedId`, unblock all the others first. */
  | { readonly kind: "block"; readonly channel: number; readonly abortedId?: number }
  /** Take the snapshot, forward the barrier, then unblock every channel. */
  | { readonly kind: "snapshot"; readonly checkpointId: number };

/** Owned by one subtask and called on its thread. @internal */
export class BarrierAligner {
  readonly #arrived = new Set<number>();
  readonly #open: Set<number>;
  /** The newest id seen; being aligned while `#arrived` is not empty, else over. */
  #checkpointId = 0;

  /** @param channelCount - Inputs that deliver barriers, numbered from 0. */
  constructor(channelCount: number) {
    this.#open = new Set(Array.from({ length: channelCount }, (_, channel) => channel));
  }

  /** The checkpoint whose barrier has come on some channels and not on these; undefined when there is none. */
  get missing(): { readonly checkpointId: number; readonly channels: readonly number[] } | undefined {
    if (this.#arrived.size === 0) return undefined;
    const channels = [...this.#open].filter((channel) => !this.#arrived.has(channel));
    return { checkpointId: this.#checkpointId, channels };
  }

  onBarrier(channel: number, checkpointId: number): AlignmentAction {
    invariant(
      this.#open.has(channel),
      `barrier ${checkpointId} on channel ${channel}, which is closed or unknown (A3)`,
    );
    if (checkpointId < this.#checkpointId) return { kind: "ignore" };
    if (checkpointId === this.#checkpointId && this.#arrived.size === 0) return { kind: "ignore" };

    const abortedId = this.#startIfNewer(checkpointId);
    invariant(!this.#arrived.has(channel), `second barrier ${checkpointId} on channel ${channel} (A1)`);
    this.#arrived.add(channel);
    if (this.#isAligned()) return this.#snapshot();
    return abortedId === undefined ? { kind: "block", channel } : { kind: "block", channel, abortedId };
  }

  /** The channel delivers nothing more, no barriers either. Its barrier of the current checkpoint, if any, still counts. */
  onChannelClosed(channel: number): AlignmentAction {
    invariant(this.#open.delete(channel), `channel ${channel} was closed twice or is unknown (A3)`);
    return this.#arrived.size > 0 && this.#isAligned() ? this.#snapshot() : { kind: "ignore" };
  }

  /** Returns the checkpoint that the newer one gives up, if any. */
  #startIfNewer(checkpointId: number): number | undefined {
    if (checkpointId === this.#checkpointId) return undefined;
    const abortedId = this.#arrived.size > 0 ? this.#checkpointId : undefined;
    this.#arrived.clear();
    this.#checkpointId = checkpointId;
    return abortedId;
  }

  #isAligned(): boolean {
    for (const channel of this.#open) {
      if (!this.#arrived.has(channel)) return false;
    }
    return true;
  }

  #snapshot(): AlignmentAction {
    this.#arrived.clear();
    return { kind: "snapshot", checkpointId: this.#checkpointId };
  }
}
