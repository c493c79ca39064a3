/**
 * What a checkpoint is made of: handles to bytes, by operator and subtask. Plain data that can be sent between threads and
 * stored; docs/internals/checkpoint-metadata.md shows how it lies in `_metadata`.
 */

/** Where some bytes of state are. Few bytes travel in the handle, and end up in the metadata. @internal */
export type StateHandle =
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | {
      readonly kind: "file";
      /**
       * Name in the checkpoint's directory, so that the directory can be moved as a whole; or `../shared/<name>`, in the directory
       * of its job (snapshot-files.ts), which moves as a whole then.
       */
      readonly name: string;
      readonly sizeBytes: number;
      /** Of all the bytes, unsigned. */
      readonly crc32c: number;
    };

/** A handle whose bytes are in a file. @internal */
export type FileHandle = StateHandle & { readonly kind: "file" };

/** Keyed state as the files of a local store. @internal */
export interface StoreHandle {
  readonly kind: "store";
  /** See `StoreSnapshot`. */
  readonly storeId: string;
  readonly header: StateHandle;
  readonly files: readonly StoreFileHandle[];
}

/** @internal */
export interface StoreFileHandle {
  /** In the store's directory, without a path. */
  readonly name: string;
  readonly isImmutable: boolean;
  readonly handle: StateHandle;
}

/** @internal */
export type KeyedStateHandle = StateHandle | StoreHandle;

/** The state of one operator in one subtask. @internal */
export interface OperatorSubtaskState {
  readonly uid: string;
  /** A container of keyed state (state/keyed-snapshot-format.ts) or a store, when the operator has any. */
  readonly keyed: KeyedStateHandle | undefined;
  /** The operator's list states, see operator-lists.ts. */
  readonly lists: StateHandle;
  /** All of the lists are split lists, and in a file: at the same parallelism no other subtask needs it. */
  readonly areListsOwn?: true;
  /** Elements on their way to the operator, of an unaligned checkpoint. Left out: there were none. */
  readonly channels?: ChannelStateHandle;
}

/** The elements of a subtask's channels (exchange/channel-state.ts). @internal */
export interface ChannelStateHandle {
  readonly handle: StateHandle;
  /** Keys of the edges that have elements in it (graph/edge-keys.ts). */
  readonly edges: readonly string[];
}

/** One operator in a completed checkpoint. @internal */
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

/** In whose terms a savepoint is written: independent of the state backend, or the backend's own. @public */
export type SavepointFormatType = "CANONICAL" | "NATIVE";

/** What makes a snapshot a savepoint. @internal */
export interface SavepointProperties {
  readonly format: SavepointFormatType;
  /** Whether the job had been brought to the end of its event time: windows are flushed, and later records would be late. */
  readonly isDrained: boolean;
}

/** A completed checkpoint. @internal */
export interface CheckpointMetadata {
  readonly jobId: string;
  readonly jobName: string;
  readonly checkpointId: number;
  /** Epoch ms of the trigger. */
  readonly timestampMs: number;
  /** Of the job graph that wrote it; a difference is no error. */
  readonly graphHash: string;
  /** Undefined for a checkpoint. */
  readonly savepoint?: SavepointProperties;
  readonly operators: readonly OperatorStateMetadata[];
  /** Enumerator state by source uid. */
  readonly coordinators: readonly { readonly uid: string; readonly handle: StateHandle }[];
}
