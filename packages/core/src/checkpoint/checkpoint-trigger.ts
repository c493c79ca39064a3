/** A checkpoint as its tasks hear of it. @internal */
export interface CheckpointTrigger {
  readonly checkpointId: number;
  /** Epoch ms at which the coordinator triggered it. */
  readonly timestampMs: number;
  /** How long barriers are waited for: 0 not at all, Infinity for as long as it takes. See `CheckpointBarrier`. */
  readonly unalignedAfterMs: number;
}
