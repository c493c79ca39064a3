import { expect, test } from "vitest";
import { KeyedStateTable } from "./keyed-state-table.ts";

test("files of a local store are refused by a table on the heap, and not lost", () => {
  const table = new KeyedStateTable({ operatorName: "counts", uid: "counts-1" }, 128);
  const store = {
    storeId: "store",
    header: new Uint8Array(),
    directory: "/local/store",
    files: [],
    keyGroupStart: 0,
    keyGroupEnd: 128,
  };
  expect(() => table.restoreStores([store], 0, 128)).toThrow(/MR_STATE_BACKEND_DIFFERS.*uid counts-1/s);
  expect(() => table.restoreStores([], 0, 128)).not.toThrow();
});
