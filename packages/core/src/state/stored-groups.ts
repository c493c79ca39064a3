import type { SortedKv } from "../kv/sorted-kv.ts";
import { FamilyScan } from "./family-scan.ts";
import type { RowStore } from "./row-family.ts";
import { groupStart } from "./stored-keys.ts";

/** Copies what a store has of the key groups `[from, to)`, in all families, and closes it. */
export function copyGroups(view: SortedKv, target: RowStore, from: number, to: number): void {
  for (const [index, name] of view.columnFamilies.entries()) {
    const family = target.namedFamily(name);
    const scan = new FamilyScan(view, index, groupStart(from), groupStart(to));
    while (scan.nextPage()) {
      const { cursor, page } = scan;
      while (cursor.next()) {
        const key = page.subarray(cursor.keyStart, cursor.keyEnd);
        target.putStored(family, key, page.subarray(cursor.valueStart, cursor.valueEnd));
      }
    }
  }
  target.flush();
  view.close();
}
