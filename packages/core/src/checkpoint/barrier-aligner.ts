/**
 * Decides when one subtask may snapshot so that every record counts once: behind the barriers of all its channels (Carbone
 * et al. 2015, algorithm 1), or, unaligned, at once, with what is still in the channels as a part of the checkpoint (Chandy
 * and Lamport 1985).
 *
 * Pure: no clock, no I/O, no threads; the task blocks, unblocks and looks into channels.
 *
 * - A1. A channel that delivered barrier n delivers no record before n is snapshotted or aborted.
 * - A2. Checkpoint ids never go back: a barrier older than the newest is dropped, and no checkpoint is taken twice.
 * - A3. An open channel is waited for, also one whose input has ended: a finished subtask keeps forwarding barriers.
 *   A closed channel delivers nothing more and is not waited for.
 * - A4. An unaligned snapshot comes with the channels whose barrier has not come. Each of them is captured up to its barrier,
 *   or the checkpoint is aborted.
 * - A5. A channel that is always aligned is waited for by unaligned snapshots too, and is never captured.
 *
 * Two checkpoints are never aligned at once: the barrier of a newer one gives up the older, whose missing barriers were
 * overtaken or will never come. Channels may still be captured for an older one meanwhile: that waits for nobody.
 */
import { invariant } from "../base/errors.ts";
import type { AlignmentAction, BarrierHandler } from "./barrier-handler.ts";

interface Alignment {
  readonly checkpointId: number;
  readonly arrived: Set<number>;
  isUnaligned: boolean;
}

/** @internal */
export class BarrierAligner implements BarrierHandler {
  readonly #open: Set<number>;
  readonly #alwaysAligned: ReadonlySet<number>;
  /** The newest id that was snapshotted, given up, or is being aligned. */
  #newestId = 0;
  #alignment: Alignment | undefined;
  /** Of snapshots that have been taken: the channels whose barrier has not come. */
  readonly #captures = new Map<number, Set<number>>();
  /** Given up before any of their barriers came. */
  readonly #abortedIds = new Set<number>();

  /**
   * @param channelCount - Inputs that deliver barriers, numbered from 0.
   * @param alwaysAligned - See A5.
   */
  constructor(channelCount: number, alwaysAligned: ReadonlySet<number> = new Set()) {
    this.#open = new Set(Array.from({ length: channelCount }, (_, channel) => channel));
    this.#alwaysAligned = alwaysAligned;
  }

  get missing(): { readonly checkpointId: number; readonly channels: readonly number[] } | undefined {
    if (this.#alignment === undefined) return undefined;
    const { checkpointId, arrived } = this.#alignment;
    return { checkpointId, channels: [...this.#open].filter((channel) => !arrived.has(channel)) };
  }

  onBarrier(channel: number, checkpointId: number, isUnaligned: boolean): readonly AlignmentAction[] {
    this.#checkOpen(channel, checkpointId);
    const actions = this.#endCaptures(channel, checkpointId);
    const alignment = this.#alignmentOf(checkpointId, actions);
    if (alignment === undefined) return actions;
    invariant(!alignment.arrived.has(channel), `second barrier ${checkpointId} on channel ${channel} (A1)`);
    alignment.arrived.add(channel);
    if (isUnaligned) alignment.isUnaligned = true;
    if (!this.#snapshotWhenReady(actions)) actions.push({ kind: "block", channel });
    return actions;
  }

  onBarrierAhead(channel: number, checkpointId: number): readonly AlignmentAction[] {
    this.#checkOpen(channel, checkpointId);
    return this.#endCaptures(channel, checkpointId);
  }

  onUnaligned(checkpointId: number): readonly AlignmentAction[] {
    const actions: AlignmentAction[] = [];
    const alignment = this.#alignmentOf(checkpointId, actions);
    if (alignment === undefined) return actions;
    alignment.isUnaligned = true;
    this.#snapshotWhenReady(actions);
    return actions;
  }

  onAborted(checkpointId: number): readonly AlignmentAction[] {
    if (checkpointId > this.#newestId) this.#abortedIds.add(checkpointId);
    if (this.#captures.delete(checkpointId)) return [{ kind: "discard", checkpointId }];
    if (this.#alignment?.checkpointId !== checkpointId) return [];
    this.#alignment = undefined;
    return [{ kind: "abort", checkpointId }];
  }

  onChannelClosed(channel: number): readonly AlignmentAction[] {
    invariant(this.#open.delete(channel), `channel ${channel} was closed twice or is unknown (A3)`);
    const actions: AlignmentAction[] = [];
    for (const checkpointId of this.#captures.keys()) this.#endCapture(channel, checkpointId, actions);
    const alignment = this.#alignment;
    // With no barrier at all nothing says that the checkpoint is to be taken now.
    if (alignment !== undefined && (alignment.isUnaligned || alignment.arrived.size > 0))
      this.#snapshotWhenReady(actions);
    return actions;
  }

  #checkOpen(channel: number, checkpointId: number): void {
    invariant(
      this.#open.has(channel),
      `barrier ${checkpointId} on channel ${channel}, which is closed or unknown (A3)`,
    );
  }

  /** The alignment of the checkpoint, begun if it is new; undefined when the checkpoint is over (A2). */
  #alignmentOf(checkpointId: number, actions: AlignmentAction[]): Alignment | undefined {
    if (checkpointId <= this.#newestId) {
      return this.#alignment?.checkpointId === checkpointId ? this.#alignment : undefined;
    }
    if (this.#alignment !== undefined) actions.push({ kind: "abort", checkpointId: this.#alignment.checkpointId });
    this.#newestId = checkpointId;
    const isAborted = this.#abortedIds.has(checkpointId);
    for (const id of this.#abortedIds) if (id <= checkpointId) this.#abortedIds.delete(id);
    this.#alignment = isAborted ? undefined : { checkpointId, arrived: new Set(), isUnaligned: false };
    return this.#alignment;
  }

  /** True when the snapshot was due. */
  #snapshotWhenReady(actions: AlignmentAction[]): boolean {
    const { checkpointId, arrived, isUnaligned } = this.#alignment!;
    const capture = [...this.#open].filter((channel) => !arrived.has(channel));
    const mayCapture = isUnaligned && !capture.some((channel) => this.#alwaysAligned.has(channel));
    if (capture.length > 0 && !mayCapture) return false;
    this.#alignment = undefined;
    if (capture.length > 0) this.#captures.set(checkpointId, new Set(capture));
    actions.push({ kind: "snapshot", checkpointId, isUnaligned, capture });
    return true;
  }

  /** A barrier is the end of what was before it, and the proof that no older one is to come. */
  #endCaptures(channel: number, checkpointId: number): AlignmentAction[] {
    const actions: AlignmentAction[] = [];
    for (const [id, channels] of this.#captures) {
      if (id === checkpointId) this.#endCapture(channel, id, actions);
      else if (id < checkpointId && channels.has(channel)) {
        this.#captures.delete(id);
        actions.push({ kind: "discard", checkpointId: id });
      }
    }
    return actions;
  }

  #endCapture(channel: number, checkpointId: number, actions: AlignmentAction[]): void {
    const channels = this.#captures.get(checkpointId)!;
    if (!channels.delete(channel)) return;
    if (channels.size === 0) this.#captures.delete(checkpointId);
    actions.push({ kind: "captured", checkpointId, channel });
  }
}
