import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { MillraceError } from "millrace";

/** An open database; the addon knows its own from others. */
export interface StoreHandle {
  readonly kind?: "store";
}

/** A sorted file that is being written. */
export interface FileHandle {
  readonly kind?: "file";
}

/** What `native/addon.cc` exports. Arguments and results are those of `SortedKv`; errors have a `code`. */
export interface NativeAddon {
  readonly engineVersion: string;
  configureMemory(cacheBytes: number, writeBufferBytes: number, highPriorityShare: number, isPerSlot: boolean): void;
  open(
    path: string,
    names: readonly string[],
    expires: readonly boolean[],
    memtableBytes: number,
    createIfMissing: boolean,
  ): StoreHandle;
  close(store: StoreHandle): void;
  addColumnFamily(store: StoreHandle, name: string, expires: boolean): void;
  columnFamilies(store: StoreHandle): readonly string[];
  get(store: StoreHandle, family: number, key: Uint8Array, keyBytes: number, out: Uint8Array): number;
  multiGet(store: StoreHandle, family: number, keys: Uint8Array, length: number, out: Uint8Array): number;
  scan(
    store: StoreHandle,
    family: number,
    from: Uint8Array,
    to: Uint8Array,
    out: Uint8Array,
    isResumed: boolean,
  ): number;
  writeBatch(store: StoreHandle, packed: Uint8Array, length: number): void;
  flush(store: StoreHandle): void;
  compact(store: StoreHandle, family: number): void;
  setExpiryNow(store: StoreHandle, nowMs: number): void;
  checkpoint(store: StoreHandle, directory: string): void;
  liveFiles(store: StoreHandle): readonly string[];
  ingest(store: StoreHandle, family: number, paths: readonly string[]): void;
  verify(store: StoreHandle): void;
  property(store: StoreHandle, family: number, name: string): string | undefined;
  createSortedFile(path: string): FileHandle;
  addToSortedFile(file: FileHandle, packed: Uint8Array): void;
  finishSortedFile(file: FileHandle): void;
}

/** Where `npm run build:native` puts the addon. */
export function addonPath(): string {
  const name = `../build/${process.platform}-${process.arch}/millrace-rocksdb.node`;
  return fileURLToPath(new URL(name, import.meta.url));
}

/**
 * Loads the addon at the first call; Node.js keeps it.
 *
 * @throws MillraceError `MR_ROCKSDB_UNAVAILABLE` when it is not built, or its library is not installed.
 */
export function loadAddon(path: string = addonPath()): NativeAddon {
  try {
    // A module without types: native/addon.cc is its other half.
    return createRequire(import.meta.url)(path) as NativeAddon;
  } catch (cause) {
    throw new MillraceError("MR_ROCKSDB_UNAVAILABLE", {
      what: "RocksDB cannot be loaded",
      where: { path },
      found: (cause as Error).message.split("\n")[0]!,
      todo: "Install it and build the addon: apt-get install librocksdb-dev g++ && npm run build:native -w @millrace/state-rocksdb",
      cause,
    });
  }
}
