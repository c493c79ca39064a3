/** What a checkpoint is made of: handles to bytes, by operator and subtask. Plain data that can be sent and stored. */

/** Where some bytes of state are. Few bytes travel in the handle, and end up in the metadata. */
export type StateHandle =
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | {
      readonly kind: "file";
      /** Name in the checkpoint's directory. */
      readonly name: string;
      readonly sizeBytes: number;
      readonly crc32c: number;
    };

/** The state of one operator in one subtask. */
export interface OperatorSubtaskState {
  readonly uid: string;
  /** A container of keyed state (state/keyed-snapshot-format.ts), when the operator has any. */
  readonly keyed: StateHandle | undefined;
  /** The operator's list states, see operator-lists.ts. */
  readonly lists: StateHandle;
}

/** One operator in a completed checkpoint. */
export interface OperatorStateMetadata {
  readonly uid: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** Whether the operator keeps anything that would be lost without it. */
  readonly isStateful: boolean;
  /** By subtask index. */
  readonly subtasks: readonly OperatorSubtaskState[];
}

/** A completed checkpoint. */
export interface CheckpointMetadata {
  readonly jobId: string;
  readonly jobName: string;
  readonly checkpointId: number;
  /** Epoch ms of the trigger. */
  readonly timestampMs: number;
  readonly graphHash: string;
  readonly operators: readonly OperatorStateMetadata[];
  /** Enumerator state by source uid. */
  readonly coordinators: readonly { readonly uid: string; readonly handle: StateHandle }[];
}
