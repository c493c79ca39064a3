import type { Random } from "../platform/platform.ts";
import type { Stores } from "../platform/stores.ts";

/** @internal */
export interface StoredTableOptions {
  readonly stores: Stores;
  /** The table's own, absolute: made when it is needed, removed by `close`. */
  readonly directory: string;
  /** Entries with values that are in memory at a time, about; and as many entries of large maps and lists. */
  readonly cacheEntriesMax: number;
  /** What they take in the store, about; as objects it is a multiple. */
  readonly cacheBytesMax: number;
  /** Maps and lists with more entries are put into rows. Default 64. */
  readonly wholeEntriesMax?: number;
  /** Whether checkpoints have the files of the store; otherwise they have all state in the canonical format. */
  readonly isIncremental: boolean;
  /** Makes the names of stores. */
  readonly random: Pick<Random, "uuid">;
}

/** Entries, or as it says. @internal */
export interface StoredTableTraffic {
  /** From the store. */
  readonly read: number;
  readonly written: number;
  /** With values in memory. */
  readonly cached: number;
  /** For eviction. */
  readonly listed: number;
  /** Entries of large maps and lists that are in memory. */
  readonly held: number;
}
