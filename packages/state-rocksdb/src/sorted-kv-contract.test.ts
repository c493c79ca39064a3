import { InvariantViolation, type SortedKv } from "millrace/internal";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { getValue, getValues, hex, packEntries, put, scanAll, unhex, write } from "./testdata/kv-calls.ts";
import { type KvHost, MEMORY, ROCKSDB } from "./testdata/kv-hosts.ts";

const FAMILIES = [{ name: "a" }, { name: "b" }];

for (const kind of [MEMORY, ROCKSDB]) {
  describe.skipIf(!kind.isRunnable)(`sorted store contract: ${kind.name}`, () => {
    let host: KvHost;
    let store: SortedKv;

    beforeEach(() => {
      host = kind.start();
      store = host.open(host.path("store"), FAMILIES);
    });
    afterEach(() => {
      store.close();
      host.close();
    });

    const reopen = (): void => {
      store.close();
      store = host.open(host.path("store"), FAMILIES);
    };

    test("a value is read as it was written last, an absent key has none, an empty value is one", () => {
      put(store, 0, "01", "aaaa");
      put(store, 0, "01", "bb");
      put(store, 0, "02", "");
      put(store, 0, "", "cc");
      expect(getValue(store, 0, unhex("01"))).toBe("bb");
      expect(getValue(store, 0, unhex("02"))).toBe("");
      expect(getValue(store, 0, unhex(""))).toBe("cc");
      expect(getValue(store, 0, unhex("03"))).toBeUndefined();
    });

    test("a buffer that is too small tells the size and is left alone, a larger one is filled from its start", () => {
      put(store, 0, "01", "aabbcc");
      const small = unhex("ffff");
      expect(store.get(0, unhex("01ee"), 1, small)).toBe(3);
      expect(hex(small)).toBe("ffff");
      const large = unhex("ffffffffff");
      expect(store.get(0, unhex("01ee"), 1, large)).toBe(3);
      expect(hex(large)).toBe("aabbccffff");
    });

    test("many values come in the order of their keys in the call", () => {
      put(store, 0, "01", "aa");
      put(store, 0, "02", "");
      expect(getValues(store, 0, [unhex("02"), unhex("09"), unhex("01"), unhex("01")])).toEqual([
        "",
        undefined,
        "aa",
        "aa",
      ]);
      expect(getValues(store, 0, [])).toEqual([]);
    });

    test("the operations of a batch are applied in their order, over families", () => {
      write(store, (batch) => {
        batch.put(0, unhex("01"), unhex("aa"));
        batch.put(1, unhex("01"), unhex("bb"));
        batch.delete(0, unhex("01"));
        batch.put(0, unhex("02"), unhex("cc"));
        batch.deleteRange(0, unhex("02"), unhex("03"));
        batch.put(0, unhex("02"), unhex("dd"));
      });
      expect(scanAll(store, 0)).toEqual(["02=dd"]);
      expect(scanAll(store, 1)).toEqual(["01=bb"]);
    });

    test("a batch that is malformed changes nothing", () => {
      put(store, 0, "01", "aa");
      const batches: [string, Uint8Array][] = [
        ["cut off in a header", unhex("00 0000 01".replaceAll(" ", ""))],
        ["cut off in a value", unhex("00 0000 01000000 02000000 01 bb".replaceAll(" ", ""))],
        ["an unknown kind", unhex("04 0000 01000000 01000000 01 bb".replaceAll(" ", ""))],
        ["an unknown family", unhex("00 0900 01000000 01000000 01 bb".replaceAll(" ", ""))],
      ];
      const good = unhex("00 0000 01000000 01000000 01 bb".replaceAll(" ", ""));
      for (const [what, bad] of batches) {
        const both = new Uint8Array([...good, ...bad]);
        expect(() => store.writeBatch(both, both.length), what).toThrow(InvariantViolation);
        expect(getValue(store, 0, unhex("01")), what).toBe("aa");
      }
      expect(() => store.writeBatch(good, good.length + 1)).toThrow(InvariantViolation);
    });

    test("a merge appends, also to what is in a file, and puts where nothing is", () => {
      write(store, (batch) => {
        batch.merge(0, unhex("01"), unhex("aa"));
        batch.merge(0, unhex("01"), unhex("bbbb"));
      });
      store.flush();
      write(store, (batch) => batch.merge(0, unhex("01"), unhex("cc")));
      expect(getValue(store, 0, unhex("01"))).toBe("aabbbbcc");
      store.compact(0);
      expect(getValue(store, 0, unhex("01"))).toBe("aabbbbcc");
      write(store, (batch) => {
        batch.delete(0, unhex("01"));
        batch.merge(0, unhex("01"), unhex("dd"));
      });
      expect(scanAll(store, 0)).toEqual(["01=dd"]);
    });

    test("keys are ordered as unsigned bytes, a prefix first, in pages of any size", () => {
      const keys = ["", "00", "0000", "7f", "80", "80ff", "81", "ff", "ff00"];
      for (const key of [...keys].reverse()) put(store, 0, key, `${key}aabb`);
      const all = keys.map((key) => `${key}=${key}aabb`);
      for (const pageBytes of [8, 20, 33, 1000]) expect(scanAll(store, 0, { pageBytes })).toEqual(all);
      expect(scanAll(store, 0, { from: "0000", to: "81" })).toEqual(all.slice(2, 6));
      expect(scanAll(store, 0, { from: "82" })).toEqual(all.slice(7));
      expect(scanAll(store, 0, { from: "81", to: "80" })).toEqual([]);
    });

    test("a page tells the size of the entry that had no room, and 0 at the end of the range", () => {
      put(store, 0, "01", "aaaa");
      put(store, 0, "02", "bbbb");
      const page = new Uint8Array(8 + 11);
      const view = new DataView(page.buffer);
      expect(store.scan(0, unhex(""), unhex(""), page, false)).toBe(19);
      expect([view.getUint32(0, true), view.getUint32(4, true)]).toEqual([1, 11]);
      expect(store.scan(0, unhex("01"), unhex(""), page, true)).toBe(19);
      expect([view.getUint32(0, true), view.getUint32(4, true)]).toEqual([1, 0]);
      expect(() => store.scan(0, unhex(""), unhex(""), new Uint8Array(7), false)).toThrow(InvariantViolation);
    });

    test("a range is deleted without its end; a range that is empty or backward deletes nothing", () => {
      for (const key of ["01", "02", "03"]) put(store, 0, key, "aa");
      store.deleteRange(0, unhex("02"), unhex("02"));
      store.deleteRange(0, unhex("03"), unhex("01"));
      expect(scanAll(store, 0)).toHaveLength(3);
      store.flush();
      store.deleteRange(0, unhex("01"), unhex("03"));
      expect(scanAll(store, 0)).toEqual(["03=aa"]);
      expect(getValue(store, 0, unhex("01"))).toBeUndefined();
    });

    test("what was flushed is there after it is opened again, what was not is gone", () => {
      put(store, 0, "01", "aa");
      put(store, 1, "01", "bb");
      store.flush();
      put(store, 0, "02", "cc");
      reopen();
      expect([scanAll(store, 0), scanAll(store, 1)]).toEqual([["01=aa"], ["01=bb"]]);
    });

    test("a family may be added later, and is found again; those nobody names come last", () => {
      expect(store.addColumnFamily({ name: "c" })).toBe(2);
      put(store, 2, "01", "cc");
      store.flush();
      expect(() => store.addColumnFamily({ name: "a" })).toThrow(InvariantViolation);
      store.close();
      store = host.open(host.path("store"), [{ name: "d" }, { name: "b" }]);
      expect(store.columnFamilies.slice(0, 2)).toEqual(["d", "b"]);
      expect([...store.columnFamilies].sort()).toEqual(["a", "b", "c", "d"]);
      expect(scanAll(store, store.columnFamilies.indexOf("c"))).toEqual(["01=cc"]);
      put(store, 0, "05", "dd");
      store.flush();
      reopen();
      expect(scanAll(store, store.columnFamilies.indexOf("d"))).toEqual(["05=dd"]);
      expect(scanAll(store, store.columnFamilies.indexOf("c"))).toEqual(["01=cc"]);
    });

    test("a checkpoint has what was written before it, and opens as a store", () => {
      put(store, 0, "01", "aa");
      put(store, 1, "01", "bb");
      const files = store.checkpoint(host.path("checkpoint"));
      put(store, 0, "01", "later");
      expect(files.some((file) => file.isImmutable)).toBe(true);
      expect(files.every((file) => file.sizeBytes > 0)).toBe(true);
      store.compact(0);
      const restored = host.open(host.path("checkpoint"), FAMILIES);
      expect([scanAll(restored, 0), scanAll(restored, 1)]).toEqual([["01=aa"], ["01=bb"]]);
      put(restored, 0, "02", "cc");
      restored.close();
      expect(scanAll(store, 0)).toHaveLength(1);
    });

    test("a second checkpoint shares the immutable files that are still in use, by name", () => {
      for (let key = 0x10; key < 0x60; key++) put(store, 0, key.toString(16), "aa".repeat(20));
      store.compact(0);
      const first = store.checkpoint(host.path("first"));
      put(store, 0, "70", "bb");
      const second = store.checkpoint(host.path("second"));
      const before = new Set(first.filter((file) => file.isImmutable).map((file) => file.name));
      const added = second.filter((file) => file.isImmutable && !before.has(file.name));
      expect(added).toHaveLength(1);
      expect(
        store
          .liveFiles()
          .map((file) => file.name)
          .sort(),
      ).toEqual(
        second
          .filter((file) => file.isImmutable)
          .map((file) => file.name)
          .sort(),
      );
    });

    test("a checkpoint is not written over another", () => {
      store.checkpoint(host.path("checkpoint"));
      expect(() => store.checkpoint(host.path("checkpoint"))).toThrow(/MR_STATE_STORE_FAILED/);
    });

    test("ingested files replace what is there, keep the rest, and may come in any order", () => {
      put(store, 0, "01", "aa");
      put(store, 0, "03", "aa");
      const paths = [host.path("two"), host.path("one")];
      const [two, one] = paths.map((path) => store.createSortedFile(path));
      one!.add(packEntries([["01", "bb"]]));
      one!.add(packEntries([["02", ""]]));
      one!.finish();
      two!.add(packEntries([["05", "cc"]]));
      two!.finish();
      store.ingest(0, paths);
      expect(scanAll(store, 0)).toEqual(["01=bb", "02=", "03=aa", "05=cc"]);
      expect(scanAll(store, 1)).toEqual([]);
      reopen();
      expect(scanAll(store, 0)).toEqual(["01=bb", "02=", "03=aa", "05=cc"]);
    });

    test("a sorted file takes ascending keys only, and at least one", () => {
      const file = store.createSortedFile(host.path("file"));
      file.add(packEntries([["02", "aa"]]));
      expect(() => file.add(packEntries([["02", "aa"]]))).toThrow(InvariantViolation);
      expect(() => file.add(packEntries([["01", "aa"]]))).toThrow(InvariantViolation);
      expect(() => file.add(unhex("01000000"))).toThrow(InvariantViolation);
      expect(() => store.createSortedFile(host.path("empty")).finish()).toThrow(InvariantViolation);
    });

    test("a damaged sorted file is not ingested", () => {
      const path = host.path("file");
      const file = store.createSortedFile(path);
      file.add(packEntries([["02", "aa".repeat(200)]]));
      file.finish();
      host.damage(path);
      expect(() => store.ingest(0, [path])).toThrow(/MR_STATE_STORE_(DAMAGED|FAILED)/);
      expect(scanAll(store, 0)).toEqual([]);
    });

    test("a compaction drops values whose time is over, and only in families that expire", () => {
      const expiring = store.addColumnFamily({ name: "ttl", expires: true });
      const at = (ms: number): string => ms.toString(16).padStart(16, "0");
      put(store, expiring, "01", `${at(1000)}aa`);
      put(store, expiring, "02", `${at(1001)}bb`);
      put(store, expiring, "03", "00");
      put(store, 0, "01", `${at(1000)}aa`);
      store.compact(expiring);
      expect(scanAll(store, expiring)).toHaveLength(3);
      store.setExpiryNow(1000);
      store.compact(expiring);
      store.compact(0);
      expect(scanAll(store, expiring)).toEqual([`02=${at(1001)}bb`, "03=00"]);
      expect(scanAll(store, 0)).toHaveLength(1);
      expect(() => write(store, (batch) => batch.merge(expiring, unhex("02"), unhex("aa")))).toThrow(
        InvariantViolation,
      );
    });

    test("damage to an immutable file is found", () => {
      for (let key = 0x10; key < 0x60; key++) put(store, 0, key.toString(16), "aa".repeat(20));
      store.flush();
      const directory = host.path("store");
      const [name] = store.liveFiles().map((file) => file.name);
      store.verify();
      store.close();
      host.damage(`${directory}/${name}`);
      expect(() => {
        store = host.open(directory, FAMILIES);
        store.verify();
      }).toThrow(/MR_STATE_STORE_DAMAGED/);
    });

    test("properties are figures", () => {
      put(store, 0, "01", "aa");
      store.flush();
      expect(store.property("entries")).toBe(1);
      expect(store.property("file-bytes")).toBeGreaterThan(0);
      expect(store.property("memtable-bytes")).toBeGreaterThanOrEqual(0);
      expect(store.property("cache-bytes")).toBeGreaterThanOrEqual(0);
    });

    test("an unknown family and a closed store are misuse; closing twice is not", () => {
      expect(() => store.get(2, unhex("01"), 1, unhex(""))).toThrow(InvariantViolation);
      expect(() => store.get(0, unhex("01"), 2, unhex(""))).toThrow(InvariantViolation);
      store.close();
      store.close();
      const calls: (() => unknown)[] = [
        () => store.get(0, unhex("01"), 1, unhex("")),
        () => store.multiGet(0, unhex(""), 0, unhex("")),
        () => store.writeBatch(unhex(""), 0),
        () => store.deleteRange(0, unhex("01"), unhex("02")),
        () => store.scan(0, unhex(""), unhex(""), new Uint8Array(8), false),
        () => store.flush(),
        () => store.compact(0),
        () => store.setExpiryNow(1),
        () => store.checkpoint(host.path("closed")),
        () => store.liveFiles(),
        () => store.createSortedFile(host.path("closed")),
        () => store.ingest(0, []),
        () => store.verify(),
        () => store.property("entries"),
        () => store.addColumnFamily({ name: "z" }),
      ];
      for (const call of calls) expect(call, String(call)).toThrow(InvariantViolation);
    });
  });
}
