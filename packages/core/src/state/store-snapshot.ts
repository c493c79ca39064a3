/** Keyed state that lies in a local store of files (kv/sorted-kv.ts), on its way into a checkpoint and back. Plain data. */
import { MillraceError } from "../base/errors.ts";
import type { KvFile } from "../kv/sorted-kv.ts";

/**
 * A frozen copy of a local store, as files. Immutable files may be shared with other checkpoints: the same store and the
 * same name stand for the same bytes.
 * @internal
 */
export interface StoreSnapshot {
  /**
   * Random. Within it a file's name stands for one content (V3 of kv/sorted-kv.ts). A store that was opened from exactly one
   * {@link RestoredStore}, with its files as they are, may go on under the id of that one: the names stay taken.
   */
  readonly storeId: string;
  /** On this machine's disk. It belongs to whoever gets the snapshot, and is removed when it is not needed any more. */
  readonly directory: string;
  /** All files in the directory. */
  readonly files: readonly KvFile[];
  /** What is in the store (states, kinds, schemas, key groups): the table's own. */
  readonly header: Uint8Array;
}

/**
 * What one subtask of a checkpoint had in its store, as files on this machine again, each found to have the right size and
 * checksum.
 * @internal
 */
export interface RestoredStore {
  readonly storeId: string;
  readonly header: Uint8Array;
  /**
   * The files, under the names they had. It belongs to whoever restores, who takes files out of it by renaming or linking and
   * then removes it; immutable files must not be written to.
   */
  readonly directory: string;
  readonly files: readonly KvFile[];
  /** The key groups of the subtask that wrote it: at another parallelism more than are wanted here, or less. */
  readonly keyGroupStart: number;
  readonly keyGroupEnd: number;
}

/** Whether keyed state is written for every backend, or as the files of its own. @internal */
export type SnapshotFormat = "CANONICAL" | "NATIVE";

/** A snapshot of keyed state that goes on between records, as a checkpoint sees it. @internal */
export interface RunningKeyedSnapshot {
  /** Nothing that happens to the state from now on changes what `encode` returns. */
  readonly isWritten: boolean;
  /** Writes up to `entriesMax` entries; returns true when it is written. */
  step(entriesMax: number): boolean;
  /**
   * All of it; called once, when it is written. What it returns is the caller's. Files of a store may be on their way until the
   * `durable` of the operator's snapshot has settled.
   */
  encode(): Uint8Array | StoreSnapshot;
  /** Called instead of `encode` when nobody wants it any more. It is stepped to its end all the same. */
  discard?(): void;
}

/** State that was written by a local store meets a job that keeps its state on the heap. @internal */
export function backendDiffers(operator: { readonly operatorName: string; readonly uid: string }): MillraceError {
  return new MillraceError("MR_STATE_BACKEND_DIFFERS", {
    what: "The checkpoint has keyed state as the files of another state backend",
    where: { operator: operator.operatorName, uid: operator.uid },
    found: "files of a local store in the checkpoint, state.backend.type: hashmap in the job",
    expected: "the state backend that wrote it, or a canonical savepoint, which every backend reads",
    todo: "Start the job with state.backend.type: rocksdb; to change the backend, take a canonical savepoint with it and start from that",
  });
}
