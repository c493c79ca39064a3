/**
 * A sorted store of bytes, below the keyed state that outgrows memory. All calls are synchronous and come from the one
 * thread that opened the store; keys and values are bytes in buffers of the caller, and no object is made for a record.
 * A call reads its arguments before it returns and keeps none of them.
 *
 * Keys are ordered as unsigned bytes, a prefix before what it begins. A column family is a key space of its own, known by
 * its index; all families of a store are flushed, checkpointed and restored as one.
 *
 * - V1. A read sees every write before it. A batch is applied as a whole or, when it throws, not at all.
 * - V2. There is no log: what was not flushed is gone after `close` or a crash. What is found then is what had been
 *   written at some earlier moment, in all families.
 * - V3. Immutable files never change. Within the life of one store a name stands for one content; another store, also one
 *   opened from the same checkpoint, uses the same names for others.
 *
 * Misuse is an `InvariantViolation`: a closed store, an unknown family, packed bytes that are cut off. What the disk does
 * is a `MillraceError`: `MR_STATE_STORE_DAMAGED`, `MR_STATE_STORE_IN_USE`, `MR_STATE_STORE_FAILED`, `MR_DISK_FULL`.
 *
 * Packed bytes, numbers little-endian:
 *
 *     batch   = op*              op    = kind u8 | family u16 | keyBytes u32 | valueBytes u32 | key | value
 *     keys    = key*             key   = keyBytes u32 | key
 *     values  = value*           value = valueBytes u32 (KV_ABSENT: no value follows) | value
 *     page    = count u32 | nextBytes u32 | entry*
 *     entries = entry*           entry = keyBytes u32 | valueBytes u32 | key | value
 *
 * `kv-packing.ts` writes and reads them.
 *
 * @internal
 */
export interface SortedKv {
  /** Names of the families; a family's place is its index. Those found on disk that `open` did not name come last. */
  readonly columnFamilies: readonly string[];

  /** Adds a family that is not there yet, and returns its index. */
  addColumnFamily(family: ColumnFamily): number;

  /**
   * Copies the value of `key[0, keyBytes)` to the start of `out`.
   *
   * @returns The length of the value, -1 when there is none. When it is more than `out` holds, nothing was copied: call
   *   again with a buffer of that size.
   */
  get(family: number, key: Uint8Array, keyBytes: number, out: Uint8Array): number;

  /**
   * Looks up the packed keys in `keys[0, length)`, in any order, and writes as many packed values in the same order.
   *
   * @returns The length of all packed values. When it is more than `out` holds, `out` is unspecified: call again with a
   *   buffer of that size.
   */
  multiGet(family: number, keys: Uint8Array, length: number, out: Uint8Array): number;

  /** Applies the packed operations in `packed[0, length)` in their order ({@link KV_OP}). */
  writeBatch(packed: Uint8Array, length: number): void;

  /** Deletes the keys of `[from, to)`; nothing when `from` is not below `to`. */
  deleteRange(family: number, from: Uint8Array, to: Uint8Array): void;

  /**
   * Writes one page of the entries of `[from, to)` in ascending order; an empty `to` means: to the end. To go on, pass
   * the page's last key as `from` and true as `isResumed`: that key is left out then.
   *
   * The page's `nextBytes` is 0 when the range is at its end, otherwise the packed size of the entry that had no room. A
   * page without entries and with `nextBytes` above 0 needs a buffer of `KV_PAGE_HEADER_BYTES + nextBytes`.
   *
   * @param out - At least `KV_PAGE_HEADER_BYTES` long.
   * @returns The length of the page.
   */
  scan(family: number, from: Uint8Array, to: Uint8Array, out: Uint8Array, isResumed: boolean): number;

  /** Moves all that is in memory to immutable files. */
  flush(): void;

  /** Rewrites a family's files. Afterwards nothing is left of what was deleted, and of what is expired by {@link setExpiryNow}. */
  compact(family: number): void;

  /**
   * The time that values of families with `expires` are measured by, epoch ms; 0 until it is set. Only compactions drop
   * expired values: until then they are read, and the reader has to look at their time.
   */
  setExpiryNow(nowMs: number): void;

  /**
   * Flushes, and puts all files of the store into a new directory on the same file system; immutable ones by a second name.
   * The directory can be opened as a store, or its files taken elsewhere; it belongs to the caller.
   *
   * @param directory - Must not exist; its parent must.
   * @throws MillraceError `MR_STATE_STORE_FAILED` when it exists.
   */
  checkpoint(directory: string): readonly KvFile[];

  /** The immutable files that hold all that is flushed. */
  liveFiles(): readonly KvFile[];

  /** A file to write entries to that {@link ingest} adds to a store of the same kind. Replaces the file that is there. */
  createSortedFile(path: string): SortedFileWriter;

  /**
   * Adds sorted files to a family as if their entries were put now. The files are copied or linked and may be removed.
   *
   * @param paths - Files whose ranges of keys do not overlap.
   */
  ingest(family: number, paths: readonly string[]): void;

  /** Reads every file and checks its checksums. @throws MillraceError `MR_STATE_STORE_DAMAGED` */
  verify(): void;

  /** One of the store's own figures; estimates are allowed. */
  property(name: KvProperty): number;

  /** Gives everything back, the lock of the directory included. Calling it again is harmless; any other call is misuse. */
  close(): void;
}

/** @internal */
export interface ColumnFamily {
  readonly name: string;
  /**
   * Every value begins with 8 bytes, big-endian: the epoch ms from which on it is expired. Such a family has no merges,
   * because an appended operand would bring a second time. Default false.
   */
  readonly expires?: boolean;
}

/** A file of a store, by its name in the store's (or the checkpoint's) directory. @internal */
export interface KvFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** V3. The others belong to one checkpoint only. */
  readonly isImmutable: boolean;
}

/** Belongs to the caller, on the thread that made it; without `finish` the file is of no use. @internal */
export interface SortedFileWriter {
  /** Appends packed entries; keys ascend strictly, also from call to call. */
  add(entries: Uint8Array): void;
  /** Makes the file complete and durable. At least one entry must have been added. */
  finish(): void;
}

/**
 * Figures of a store: estimated entries of all families, bytes of immutable files, of tables in memory, and of the cache
 * of blocks that all stores of a process share.
 * @internal
 */
export type KvProperty = "entries" | "file-bytes" | "memtable-bytes" | "cache-bytes";

/**
 * Operations of a batch. `deleteRange` deletes the keys from its key to, not including, its value. `merge` appends its value
 * to the value that is there, or puts it when there is none: for lists, whose elements delimit themselves.
 * @internal
 */
export const KV_OP: { readonly put: 0; readonly delete: 1; readonly deleteRange: 2; readonly merge: 3 } = {
  put: 0,
  delete: 1,
  deleteRange: 2,
  merge: 3,
};

/** Stands for the length of a value that is absent. @internal */
export const KV_ABSENT = 0xffff_ffff;

/** @internal */
export const KV_OP_HEADER_BYTES = 11;

/** @internal */
export const KV_PAGE_HEADER_BYTES = 8;

/** @internal */
export const KV_ENTRY_HEADER_BYTES = 8;

/** Bytes at the start of values in a family with `expires`. @internal */
export const KV_EXPIRY_BYTES = 8;
