import type { ColumnFamily, SortedKv } from "../kv/sorted-kv.ts";

/**
 * What all stores of a process may use together outside of the JavaScript heap. `isPerSlot`: what the stores of the calling
 * thread add to it.
 * @public
 */
export interface StoreMemory {
  /** Blocks that were read; what writes take is charged to it, too. */
  readonly cacheBytes: number;
  /** Writes that are not in files yet: above it they go there. 0 for no bound. */
  readonly writeBufferBytes: number;
  /** The share of the cache for indexes and filters; the first one of a process counts. */
  readonly highPriorityShare: number;
  readonly isPerSlot: boolean;
}

/**
 * Sorted stores on this machine's disk (kv/sorted-kv.ts), for state that outgrows memory. All calls but `load` are synchronous;
 * a store belongs to the thread that opened it. Paths are absolute.
 * @public
 */
export interface Stores {
  /** Settles when stores can be opened. @throws MillraceError `MR_ROCKSDB_UNAVAILABLE` when there is no store on this machine */
  load(): Promise<void>;
  /** Once stores are loaded, before one is opened; takes effect for those that are open, too. */
  configureMemory(memory: StoreMemory): void;
  /** Opens the store in a directory, or makes an empty one; its parents must be there. @internal */
  open(directory: string, families: readonly ColumnFamily[]): SortedKv;
  /** Makes a directory with its parents; one that is there is fine. */
  makeDirectory(directory: string): void;
  /** Gives a file a second name in another directory of the same disk, or copies it where that cannot be. */
  link(from: string, to: string): void;
  /** Removes a directory of stores and snapshots with all that is in it; one that is not there is fine. */
  remove(directory: string): void;
}
