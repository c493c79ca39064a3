import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ColumnFamily, MemoryKvFiles, MemorySortedKv, type SortedKv } from "millrace/internal";
import { addonPath } from "../native-addon.ts";
import { RocksDbSortedKv } from "../rocksdb-sorted-kv.ts";

/** One implementation of `SortedKv` with a disk of its own. */
export interface KvHost {
  /** A path that nothing is at, on one file system with all others of this host. */
  path(name: string): string;
  open(path: string, families: readonly ColumnFamily[]): SortedKv;
  /** Flips one bit in the middle of a file. */
  damage(path: string): void;
  close(): void;
}

export interface KvKind {
  readonly name: string;
  /** The machine has what it needs. With MILLRACE_REQUIRE_ROCKSDB it must have: its tests run, and fail. */
  readonly isRunnable: boolean;
  start(): KvHost;
}

export const HAS_ROCKSDB: boolean = existsSync(addonPath()) || process.env["MILLRACE_REQUIRE_ROCKSDB"] === "1";

export const MEMORY: KvKind = { name: "memory", isRunnable: true, start: startMemory };
export const ROCKSDB: KvKind = { name: "rocksdb", isRunnable: HAS_ROCKSDB, start: startRocksDb };

function startMemory(): KvHost {
  const files = new MemoryKvFiles();
  return {
    path: (name) => `/kv/${name}`,
    open: (directory, columnFamilies) =>
      MemorySortedKv.open({ files, directory, columnFamilies, memtableBytes: 256, runsMax: 3 }),
    damage: (path) => files.write(path, flipped(files.read(path)!)),
    close: () => undefined,
  };
}

function startRocksDb(): KvHost {
  const root = mkdtempSync(join(tmpdir(), "millrace-kv-"));
  const opened: SortedKv[] = [];
  return {
    path: (name) => join(root, name),
    open: (directory, columnFamilies) => {
      const store = RocksDbSortedKv.open({ directory, columnFamilies, memtableBytes: 64 << 10 });
      opened.push(store);
      return store;
    },
    damage: (path) => writeFileSync(path, flipped(readFileSync(path))),
    close: () => {
      for (const store of opened) store.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function flipped(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  const at = changed.length >> 1;
  changed[at] = changed[at]! ^ 1;
  return changed;
}
