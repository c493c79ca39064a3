import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  type ColumnFamily,
  invariant,
  KvBatch,
  type KvFile,
  type KvProperty,
  type SortedFileWriter,
  type SortedKv,
} from "millrace/internal";
import { type FileHandle, loadAddon, type NativeAddon, type StoreHandle } from "./native-addon.ts";
import { toStoreError } from "./rocksdb-errors.ts";

/** Bounds the flush that a checkpoint waits for: a few milliseconds for a megabyte. */
const MEMTABLE_BYTES = 16 << 20;

const PROPERTY_NAMES: Readonly<Record<KvProperty, string>> = {
  entries: "rocksdb.estimate-num-keys",
  "file-bytes": "rocksdb.total-sst-files-size",
  "memtable-bytes": "rocksdb.cur-size-all-mem-tables",
  "cache-bytes": "rocksdb.block-cache-usage",
};

/** Where a store is, and what is in it. @internal */
export interface RocksDbSortedKvOptions {
  /** Made, with its parents, when it is not there. */
  readonly directory: string;
  readonly columnFamilies: readonly ColumnFamily[];
  /** Bytes of writes to one family that are collected in memory before they are written to a file. Default 16 MiB. */
  readonly memtableBytes?: number;
}

/** What all stores of one process may use together, whichever threads opened them. @internal */
export interface RocksDbMemory {
  /** Blocks that were read; what tables in memory use is charged to it, too. */
  readonly cacheBytes: number;
  /** Tables in memory: above it the fullest is flushed; 0 for no bound. At most as much as `cacheBytes` makes sense. */
  readonly writeBufferBytes: number;
  /** The share of the cache for indexes and filters; the first one of the process counts. Default 0.1. */
  readonly highPriorityShare?: number;
  /** Whether this is what the calling thread adds to the memory, until it ends. Default false. */
  readonly isPerSlot?: boolean;
}

/**
 * {@link SortedKv} on RocksDB: no log, LZ4 when the library has it, a bloom filter of 10 bits a key, dynamic level sizes.
 *
 * Belongs to the thread that opened it, and is closed when that thread ends, however it ends.
 * @internal
 */
export class RocksDbSortedKv implements SortedKv {
  readonly #addon: NativeAddon;
  readonly #directory: string;
  readonly #store: StoreHandle;
  readonly #batch = new KvBatch();
  #families: readonly string[];

  private constructor(addon: NativeAddon, directory: string, store: StoreHandle) {
    this.#addon = addon;
    this.#directory = directory;
    this.#store = store;
    this.#families = addon.columnFamilies(store);
  }

  /**
   * Opens the store in the directory, or makes an empty one.
   *
   * @throws MillraceError `MR_ROCKSDB_UNAVAILABLE`, `MR_STATE_STORE_DAMAGED`, `MR_STATE_STORE_IN_USE`, `MR_STATE_STORE_FAILED`
   */
  static open({ directory, columnFamilies, memtableBytes }: RocksDbSortedKvOptions): RocksDbSortedKv {
    const addon = loadAddon();
    try {
      mkdirSync(directory, { recursive: true });
      // Without CURRENT the engine would begin anew over files that are there.
      const isNew = !readdirSync(directory).some((name) => /^(MANIFEST-|CURRENT$|.*\.sst$)/.test(name));
      const names = columnFamilies.map(({ name }) => name);
      const expires = columnFamilies.map((family) => family.expires ?? false);
      const store = addon.open(directory, names, expires, memtableBytes ?? MEMTABLE_BYTES, isNew);
      return new RocksDbSortedKv(addon, directory, store);
    } catch (error) {
      throw toStoreError(error, directory);
    }
  }

  /** Resizes what all stores of this process share; takes effect for those that are open, too. */
  static configureMemory({
    cacheBytes,
    writeBufferBytes,
    highPriorityShare = 0.1,
    isPerSlot = false,
  }: RocksDbMemory): void {
    loadAddon().configureMemory(cacheBytes, writeBufferBytes, highPriorityShare, isPerSlot);
  }

  /** Version of the library, such as 7.8.3. */
  static engineVersion(): string {
    return loadAddon().engineVersion;
  }

  get columnFamilies(): readonly string[] {
    return this.#families;
  }

  addColumnFamily({ name, expires }: ColumnFamily): number {
    invariant(!this.#families.includes(name), `column family ${name} is there already`);
    this.#call(() => this.#addon.addColumnFamily(this.#store, name, expires ?? false));
    this.#families = this.#addon.columnFamilies(this.#store);
    return this.#families.length - 1;
  }

  get(family: number, key: Uint8Array, keyBytes: number, out: Uint8Array): number {
    try {
      return this.#addon.get(this.#store, family, key, keyBytes, out);
    } catch (error) {
      throw toStoreError(error, this.#directory);
    }
  }

  multiGet(family: number, keys: Uint8Array, length: number, out: Uint8Array): number {
    try {
      return this.#addon.multiGet(this.#store, family, keys, length, out);
    } catch (error) {
      throw toStoreError(error, this.#directory);
    }
  }

  writeBatch(packed: Uint8Array, length: number): void {
    try {
      this.#addon.writeBatch(this.#store, packed, length);
    } catch (error) {
      throw toStoreError(error, this.#directory);
    }
  }

  deleteRange(family: number, from: Uint8Array, to: Uint8Array): void {
    this.#batch.reset();
    this.#batch.deleteRange(family, from, to);
    this.writeBatch(this.#batch.packed(), this.#batch.length);
  }

  scan(family: number, from: Uint8Array, to: Uint8Array, out: Uint8Array, isResumed: boolean): number {
    try {
      return this.#addon.scan(this.#store, family, from, to, out, isResumed);
    } catch (error) {
      throw toStoreError(error, this.#directory);
    }
  }

  flush(): void {
    this.#call(() => this.#addon.flush(this.#store));
  }

  compact(family: number): void {
    this.#call(() => this.#addon.compact(this.#store, family));
  }

  setExpiryNow(nowMs: number): void {
    this.#call(() => this.#addon.setExpiryNow(this.#store, nowMs));
  }

  checkpoint(directory: string): readonly KvFile[] {
    return this.#call(() => {
      this.#addon.checkpoint(this.#store, directory);
      return readdirSync(directory)
        .sort()
        .map((name) => describe(directory, name));
    });
  }

  liveFiles(): readonly KvFile[] {
    return this.#call(() => this.#addon.liveFiles(this.#store).map((name) => describe(this.#directory, name)));
  }

  createSortedFile(path: string): SortedFileWriter {
    // Asks whether this store is open; the file itself needs no store.
    this.#call(() => this.#addon.columnFamilies(this.#store));
    return new RocksDbSortedFile(this.#addon, path);
  }

  ingest(family: number, paths: readonly string[]): void {
    this.#call(() => this.#addon.ingest(this.#store, family, paths));
  }

  verify(): void {
    this.#call(() => this.#addon.verify(this.#store));
  }

  property(name: KvProperty): number {
    // The cache is one for all families.
    const families = name === "cache-bytes" ? this.#families.slice(0, 1) : this.#families;
    return families.reduce((sum, _, index) => sum + Number(this.nativeProperty(index, PROPERTY_NAMES[name]) ?? 0), 0);
  }

  /** A property of RocksDB by its own name, such as `rocksdb.num-files-at-level0`; undefined when it knows none. */
  nativeProperty(family: number, name: string): string | undefined {
    return this.#call(() => this.#addon.property(this.#store, family, name));
  }

  close(): void {
    this.#addon.close(this.#store);
  }

  #call<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw toStoreError(error, this.#directory);
    }
  }
}

class RocksDbSortedFile implements SortedFileWriter {
  readonly #addon: NativeAddon;
  readonly #path: string;
  readonly #file: FileHandle;

  constructor(addon: NativeAddon, path: string) {
    this.#addon = addon;
    this.#path = path;
    try {
      this.#file = addon.createSortedFile(path);
    } catch (error) {
      throw toStoreError(error, path);
    }
  }

  add(entries: Uint8Array): void {
    try {
      this.#addon.addToSortedFile(this.#file, entries);
    } catch (error) {
      throw toStoreError(error, this.#path);
    }
  }

  finish(): void {
    try {
      this.#addon.finishSortedFile(this.#file);
    } catch (error) {
      throw toStoreError(error, this.#path);
    }
  }
}

function describe(directory: string, name: string): KvFile {
  return { name, sizeBytes: statSync(join(directory, name)).size, isImmutable: name.endsWith(".sst") };
}
