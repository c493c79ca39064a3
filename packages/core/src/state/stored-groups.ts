/** The files of a checkpoint become a table's store: all of them as they are, or the key groups that are wanted. */
import type { SortedKv } from "../kv/sorted-kv.ts";
import type { Stores } from "../platform/stores.ts";
import { FamilyScan } from "./family-scan.ts";
import type { RowStore } from "./row-family.ts";
import type { RestoredStore } from "./store-snapshot.ts";
import { groupStart } from "./stored-keys.ts";
import { INDEX_FAMILY, type StoredTimeIndex } from "./stored-time-index.ts";

/** Makes a store of the same files. */
export function linkStore(disk: Stores, { directory, files }: RestoredStore, target: string): void {
  disk.makeDirectory(target);
  for (const { name } of files) disk.link(`${directory}/${name}`, `${target}/${name}`);
}

/** Where the key groups `[groupStart, groupEnd)` of other stores go. */
export interface CopyTarget {
  readonly store: RowStore;
  readonly index: StoredTimeIndex | undefined;
  readonly groupStart: number;
  readonly groupEnd: number;
}

/**
 * Copies what a store has of the key groups, in all families, and closes it. Returns the number that comes next in the index;
 * undefined when there is no index.
 */
export function copyGroups(view: SortedKv, target: CopyTarget): number | undefined {
  let nextSeq: number | undefined;
  for (const [from, name] of view.columnFamilies.entries()) {
    if (name !== INDEX_FAMILY) copyFamily(view, from, target);
    else nextSeq = target.index?.copyFrom(view, from, target.groupStart, target.groupEnd);
  }
  target.store.flush();
  view.close();
  return nextSeq;
}

function copyFamily(view: SortedKv, from: number, target: CopyTarget): void {
  const { store } = target;
  const family = store.namedFamily(view.columnFamilies[from]!);
  const scan = new FamilyScan(view, from, groupStart(target.groupStart), groupStart(target.groupEnd));
  while (scan.nextPage()) {
    const { cursor, page } = scan;
    while (cursor.next()) {
      const key = page.subarray(cursor.keyStart, cursor.keyEnd);
      store.putStored(family, key, page.subarray(cursor.valueStart, cursor.valueEnd));
    }
  }
}
