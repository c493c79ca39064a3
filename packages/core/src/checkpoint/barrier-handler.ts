/** What decides when one subtask may snapshot, and what the subtask does about it. */

/** What the subtask has to do, in this order. @internal */
export type AlignmentAction =
  /** Read nothing from the channel until the next snapshot or abort. */
  | { readonly kind: "block"; readonly channel: number }
  /** The checkpoint is given up before its snapshot: unblock every channel. */
  | { readonly kind: "abort"; readonly checkpointId: number }
  /** The checkpoint is given up after its snapshot: forget that and what was captured for it. */
  | { readonly kind: "discard"; readonly checkpointId: number }
  /**
   * Take the snapshot, forward the barrier, unblock every channel. What is in the channels of `capture`, and what comes there
   * up to the barrier, belongs to the checkpoint.
   */
  | {
      readonly kind: "snapshot";
      readonly checkpointId: number;
      /** Barriers were not waited for, and must not be downstream. */
      readonly isUnaligned: boolean;
      readonly capture: readonly number[];
    }
  /** The barrier of the checkpoint is there: what the channel delivers from now on does not belong to it. */
  | { readonly kind: "captured"; readonly checkpointId: number; readonly channel: number };

/** Owned by one subtask and called on its thread. Channels are numbered from 0. @internal */
export interface BarrierHandler {
  /**
   * The barrier is next on the channel and has been removed from it.
   * @param isUnaligned - Nobody is to wait for the checkpoint's other barriers.
   */
  onBarrier(channel: number, checkpointId: number, isUnaligned: boolean): readonly AlignmentAction[];
  /** The barrier was seen in the channel, behind other elements, and is going to be delivered. */
  onBarrierAhead(channel: number, checkpointId: number): readonly AlignmentAction[];
  /** The checkpoint exists and must not wait for barriers, whether any of them has come or not. */
  onUnaligned(checkpointId: number): readonly AlignmentAction[];
  /** The coordinator has given the checkpoint up. */
  onAborted(checkpointId: number): readonly AlignmentAction[];
  /** The channel delivers nothing more, no barriers either. Its barriers so far still count. */
  onChannelClosed(channel: number): readonly AlignmentAction[];
  /** The checkpoint whose barrier has come on some channels and not on these; undefined when there is none. */
  readonly missing: { readonly checkpointId: number; readonly channels: readonly number[] } | undefined;
}
