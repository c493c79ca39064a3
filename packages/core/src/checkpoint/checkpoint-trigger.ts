import type { SnapshotFormat } from "../state/store-snapshot.ts";

/** A checkpoint as its tasks hear of it. @internal */
export interface CheckpointTrigger {
  readonly checkpointId: number;
  /** Epoch ms at which the coordinator triggered it. */
  readonly timestampMs: number;
  /** How long barriers are waited for: 0 not at all, Infinity for as long as it takes. See `CheckpointBarrier`. */
  readonly unalignedAfterMs: number;
  /** Of a savepoint; a checkpoint is in the format that the state backend is set to. */
  readonly format?: SnapshotFormat;
}
