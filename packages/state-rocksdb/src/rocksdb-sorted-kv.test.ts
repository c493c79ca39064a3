import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import type { SortedKv } from "millrace/internal";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addonPath, loadAddon } from "./native-addon.ts";
import { toStoreError } from "./rocksdb-errors.ts";
import { RocksDbSortedKv } from "./rocksdb-sorted-kv.ts";
import { getValue, getValues, packEntries, put, scanAll, unhex, write } from "./testdata/kv-calls.ts";
import { HAS_ROCKSDB, type KvHost, MEMORY, ROCKSDB } from "./testdata/kv-hosts.ts";

const FAMILIES = [{ name: "a" }, { name: "b" }];

test("without the addon the error says what to install and to run", () => {
  expect(() => loadAddon("/nowhere/millrace-rocksdb.node")).toThrow(
    /MR_ROCKSDB_UNAVAILABLE .*apt-get install librocksdb-dev g\+\+ && npm run build:native/,
  );
});

test("each status of RocksDB becomes the error that its reader can act on", () => {
  const codeOf = (code: string): string =>
    toStoreError(Object.assign(new Error("x"), { code }), "/dir").message.split(" ")[0]!;
  expect(["Corruption", "Locked", "NoSpace", "IOError", "NotFound", "Misuse"].map(codeOf)).toEqual([
    "MR_STATE_STORE_DAMAGED",
    "MR_STATE_STORE_IN_USE",
    "MR_DISK_FULL",
    "MR_STATE_STORE_FAILED",
    "MR_STATE_STORE_FAILED",
    "invariant",
  ]);
  const foreign = new Error("not of the addon");
  expect(toStoreError(foreign, "/dir")).toBe(foreign);
});

/** What a sequence does next; keys are few and short, so that operations meet. */
type Step =
  | { readonly kind: "put" | "merge"; readonly family: number; readonly key: string; readonly value: string }
  | { readonly kind: "delete"; readonly family: number; readonly key: string }
  | { readonly kind: "deleteRange"; readonly family: number; readonly key: string; readonly to: string }
  | { readonly kind: "ingest"; readonly family: number; readonly keys: readonly string[]; readonly value: string }
  | { readonly kind: "flush" | "compact" | "reopen" | "checkpoint" };

const family = fc.nat({ max: 1 });
const key = fc.array(fc.constantFrom("00", "01", "7f", "80", "ff"), { maxLength: 3 }).map((parts) => parts.join(""));
const value = fc.integer({ min: 0, max: 60 }).map((bytes) => "ab".repeat(bytes));
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constantFrom("put" as const, "merge" as const), family, key, value }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("delete" as const), family, key }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("deleteRange" as const), family, key, to: key }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("ingest" as const),
        family,
        keys: fc.uniqueArray(key, { minLength: 1, maxLength: 4 }),
        value,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constantFrom("flush", "compact", "reopen", "checkpoint") }) as fc.Arbitrary<Step>,
    },
  ),
  { maxLength: 40 },
);

/** A store with its host, driven by steps. */
class Driven {
  readonly #host: KvHost;
  #directory: string;
  #count = 0;
  store: SortedKv;

  constructor(host: KvHost) {
    this.#host = host;
    this.#directory = host.path("store");
    this.store = host.open(this.#directory, FAMILIES);
  }

  take(step: Step): void {
    const { store } = this;
    switch (step.kind) {
      case "put":
        put(store, step.family, step.key, step.value);
        break;
      case "merge":
        write(store, (batch) => batch.merge(step.family, unhex(step.key), unhex(step.value)));
        break;
      case "delete":
        write(store, (batch) => batch.delete(step.family, unhex(step.key)));
        break;
      case "deleteRange":
        store.deleteRange(step.family, unhex(step.key), unhex(step.to));
        break;
      case "ingest":
        this.#ingest(step);
        break;
      case "flush":
        store.flush();
        break;
      case "compact":
        store.compact(0);
        break;
      default:
        this.#restore(step.kind === "checkpoint");
    }
  }

  /** From the same directory, or from a checkpoint of it. */
  #restore(isFromCheckpoint: boolean): void {
    if (isFromCheckpoint) {
      const directory = this.#path();
      this.store.checkpoint(directory);
      this.#directory = directory;
    } else this.store.flush();
    this.store.close();
    this.store = this.#host.open(this.#directory, FAMILIES);
  }

  #ingest(step: Step & { readonly kind: "ingest" }): void {
    const path = this.#path();
    const file = this.store.createSortedFile(path);
    // Hexadecimal text has the order of the bytes.
    file.add(packEntries([...step.keys].sort().map((added) => [added, step.value])));
    file.finish();
    this.store.ingest(step.family, [path]);
  }

  #path(): string {
    return this.#host.path(`other-${this.#count++}`);
  }
}

describe.skipIf(!HAS_ROCKSDB)("RocksDB", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "millrace-rocksdb-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test("gives what the store in memory gives, after any sequence of operations", () => {
    fc.assert(
      fc.property(steps, fc.array(key, { maxLength: 5 }), key, key, (sequence, asked, from, to) => {
        const hosts = [MEMORY.start(), ROCKSDB.start()];
        try {
          const [expected, found] = hosts.map((host) => new Driven(host)) as [Driven, Driven];
          for (const step of sequence) {
            expected.take(step);
            found.take(step);
          }
          const keys = asked.map(unhex);
          for (const index of [0, 1]) {
            expect(scanAll(found.store, index)).toEqual(scanAll(expected.store, index));
            expect(scanAll(found.store, index, { from, to })).toEqual(scanAll(expected.store, index, { from, to }));
            expect(getValues(found.store, index, keys)).toEqual(getValues(expected.store, index, keys));
            for (const one of keys)
              expect(getValue(found.store, index, one)).toBe(getValue(expected.store, index, one));
          }
        } finally {
          for (const host of hosts) host.close();
        }
      }),
      { numRuns: 40 },
    );
  });

  test("a directory has one store at a time", () => {
    const store = RocksDbSortedKv.open({ directory, columnFamilies: FAMILIES });
    expect(() => RocksDbSortedKv.open({ directory, columnFamilies: FAMILIES })).toThrow(/MR_STATE_STORE_IN_USE/);
    store.close();
    RocksDbSortedKv.open({ directory, columnFamilies: FAMILIES }).close();
  });

  test("files without their CURRENT are not begun anew", () => {
    const store = RocksDbSortedKv.open({ directory, columnFamilies: FAMILIES });
    put(store, 0, "01", "aa");
    store.flush();
    store.close();
    rmSync(join(directory, "CURRENT"));
    expect(() => RocksDbSortedKv.open({ directory, columnFamilies: FAMILIES })).toThrow(/MR_STATE_STORE_/);
    expect(readdirSync(directory).some((name) => name.endsWith(".sst"))).toBe(true);
  });

  test("a path that cannot be written to is an error of the disk", () => {
    const store = RocksDbSortedKv.open({ directory, columnFamilies: FAMILIES });
    expect(() => store.checkpoint(join(directory, "no", "such", "parent"))).toThrow(/MR_STATE_STORE_FAILED/);
    expect(() => store.createSortedFile(join(directory, "missing", "file"))).toThrow(/MR_STATE_STORE_FAILED/);
    store.close();
  });

  test("S30: the memory of all stores is what was said last, or the sum of what slots bring", () => {
    const store = RocksDbSortedKv.open({ directory, columnFamilies: FAMILIES });
    const capacity = (): number => Number(store.nativeProperty(0, "rocksdb.block-cache-capacity"));
    RocksDbSortedKv.configureMemory({ cacheBytes: 40 << 20, writeBufferBytes: 8 << 20 });
    expect(capacity()).toBe(40 << 20);
    for (let attempt = 0; attempt < 2; attempt++) {
      RocksDbSortedKv.configureMemory({ cacheBytes: 10 << 20, writeBufferBytes: 0, isPerSlot: true });
      expect(capacity()).toBe(10 << 20);
    }
    store.close();
  });

  test("two threads have stores of their own and one cache; a terminated thread gives its directory back", async () => {
    RocksDbSortedKv.configureMemory({ cacheBytes: 32 << 20, writeBufferBytes: 8 << 20 });
    const paths = ["one", "two"].map((name) => join(directory, name));
    for (const path of paths) mkdirSync(path);
    const workers = await Promise.all(paths.map(startWriter));
    for (const path of paths) {
      expect(() => RocksDbSortedKv.open({ directory: path, columnFamilies: FAMILIES })).toThrow(
        /MR_STATE_STORE_IN_USE/,
      );
    }
    // In the middle of its loop of batches and flushes: it never returns to its event loop.
    await Promise.all(workers.map((worker) => worker.terminate()));
    for (const path of paths) {
      const store = RocksDbSortedKv.open({ directory: path, columnFamilies: FAMILIES });
      store.verify();
      const [a, b] = [scanAll(store, 0, { pageBytes: 4096 }), scanAll(store, 1, { pageBytes: 4096 })];
      expect(a.length).toBeGreaterThan(0);
      // Both families are from one moment.
      expect(b).toEqual(a);
      store.close();
    }
  });

  test("the engine names its version and its own properties", () => {
    const store = RocksDbSortedKv.open({ directory, columnFamilies: FAMILIES });
    expect(RocksDbSortedKv.engineVersion()).toMatch(/^\d+\.\d+\.\d+$/);
    expect(store.nativeProperty(0, "rocksdb.num-files-at-level0")).toBe("0");
    expect(store.nativeProperty(0, "rocksdb.no-such-property")).toBeUndefined();
    store.close();
  });
});

/** Resolves when the thread has flushed for the first time; it writes without an end. */
function startWriter(path: string): Promise<Worker> {
  const worker = new Worker(
    `const { workerData, parentPort } = require("node:worker_threads");
    const addon = require(workerData.addon);
    const store = addon.open(workerData.path, ["a", "b"], [false, false], 65536, true);
    const batch = new Uint8Array(2 * 16);
    const view = new DataView(batch.buffer);
    for (let n = 0; ; n++) {
      for (const family of [0, 1]) {
        view.setUint16(family * 16 + 1, family, true);
        view.setUint32(family * 16 + 3, 4, true);
        view.setUint32(family * 16 + 7, 1, true);
        view.setUint32(family * 16 + 11, n % 5000);
      }
      addon.writeBatch(store, batch, batch.length);
      if (n % 2000 === 0) addon.flush(store);
      if (n === 2000) parentPort.postMessage("flushed");
    }`,
    { eval: true, workerData: { addon: addonPath(), path } },
  );
  return new Promise((resolve, reject) => {
    worker.once("message", () => resolve(worker));
    worker.once("error", reject);
  });
}
