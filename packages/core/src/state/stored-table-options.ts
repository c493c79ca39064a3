import type { Random } from "../platform/platform.ts";
import type { Stores } from "../platform/stores.ts";

/** Up to here a map or a list that is read and written as a whole is the faster one. */
export const WHOLE_ENTRIES_MAX = 64;

/** Entries that were touched or removed, and are not written, before what of them is nothing any more is let go. */
export const REMEMBERED_MAX = 65_536;

/** @internal */
export interface StoredTableOptions {
  readonly stores: Stores;
  /** The table's own, absolute: made when it is needed, removed by `close`. */
  readonly directory: string;
  /** Entries with values that are in memory at a time, about; and as many entries of large maps and lists. */
  readonly cacheEntriesMax: number;
  /** What they take in the store, about; as objects it is a multiple. */
  readonly cacheBytesMax: number;
  /** Maps and lists with more entries are put into rows. Default `WHOLE_ENTRIES_MAX`. */
  readonly wholeEntriesMax?: number;
  /** Default `REMEMBERED_MAX`. */
  readonly rememberedMax?: number;
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
