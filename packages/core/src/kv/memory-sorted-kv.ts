import { BinaryWriter } from "../base/binary-writer.ts";
import { invariant } from "../base/errors.ts";
import type { KvFiles } from "./kv-files.ts";
import { compareBytes, KvEntryCursor } from "./kv-packing.ts";
import {
  decodeManifest,
  decodeRun,
  encodeManifest,
  encodeRun,
  MANIFEST_NAME,
  type RunEntry,
  readChecked,
  runName,
} from "./kv-runs.ts";
import { SortedEntries } from "./sorted-entries.ts";
import {
  type ColumnFamily,
  KV_ABSENT,
  KV_ENTRY_HEADER_BYTES,
  KV_EXPIRY_BYTES,
  KV_OP,
  KV_OP_HEADER_BYTES,
  KV_PAGE_HEADER_BYTES,
  type KvFile,
  type KvProperty,
  type SortedFileWriter,
  type SortedKv,
} from "./sorted-kv.ts";

/** Flushed by itself when so many bytes of changes wait. */
const MEMTABLE_BYTES = 1 << 20;
/** More runs than this are made one. */
const RUNS_MAX = 8;

/** @internal */
export interface MemorySortedKvOptions {
  readonly files: KvFiles;
  readonly directory: string;
  readonly columnFamilies: readonly ColumnFamily[];
  /** Default 1 MiB. */
  readonly memtableBytes?: number;
  /** Default 8. */
  readonly runsMax?: number;
}

interface Family {
  readonly name: string;
  readonly expires: boolean;
  readonly entries: SortedEntries<Uint8Array>;
  /** What changed since the last run. Boxed: an absent entry and a deleted one differ. */
  readonly changes: SortedEntries<{ readonly value: Uint8Array | undefined }>;
}

interface Op {
  readonly kind: number;
  readonly family: Family;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * The reference for {@link SortedKv}: all entries in sorted arrays, and on disk what a log-structured merge tree has there,
 * immutable numbered runs and a manifest (`kv-runs.ts`). Other stores are tested against it, and simulations use it as a model.
 * @internal
 */
export class MemorySortedKv implements SortedKv {
  readonly #files: KvFiles;
  readonly #directory: string;
  readonly #memtableBytes: number;
  readonly #runsMax: number;
  readonly #families: Family[] = [];
  #runs: number[] = [];
  #nextNumber = 1;
  #changedBytes = 0;
  #expiryNowMs = 0;
  #isOpen = true;

  private constructor(options: MemorySortedKvOptions) {
    this.#files = options.files;
    this.#directory = options.directory;
    this.#memtableBytes = options.memtableBytes ?? MEMTABLE_BYTES;
    this.#runsMax = options.runsMax ?? RUNS_MAX;
    for (const family of options.columnFamilies) this.#families.push(newFamily(family));
  }

  /** Opens the store in the directory, or makes an empty one. */
  static open(options: MemorySortedKvOptions): MemorySortedKv {
    const store = new MemorySortedKv(options);
    const names = options.files.list(options.directory);
    if (names === undefined) options.files.makeDirectory(options.directory);
    if (names === undefined || names.length === 0) store.#writeManifest();
    else store.#load(names);
    return store;
  }

  get columnFamilies(): readonly string[] {
    return this.#families.map((family) => family.name);
  }

  addColumnFamily(family: ColumnFamily): number {
    this.#checkOpen();
    invariant(
      !this.#families.some((other) => other.name === family.name),
      `column family ${family.name} is there already`,
    );
    this.#families.push(newFamily(family));
    this.#writeManifest();
    return this.#families.length - 1;
  }

  get(family: number, key: Uint8Array, keyBytes: number, out: Uint8Array): number {
    invariant(keyBytes <= key.length, "a length is beyond its array");
    const value = this.#family(family).entries.get(key.subarray(0, keyBytes));
    if (value === undefined) return -1;
    if (value.length <= out.length) out.set(value);
    return value.length;
  }

  multiGet(family: number, keys: Uint8Array, length: number, out: Uint8Array): number {
    const { entries } = this.#family(family);
    const values = new BinaryWriter();
    for (const key of unpackKeys(keys, length)) {
      const value = entries.get(key);
      values.u32(value?.length ?? KV_ABSENT);
      if (value !== undefined) values.rawBytes(value);
    }
    const packed = values.written();
    if (packed.length <= out.length) out.set(packed);
    return packed.length;
  }

  writeBatch(packed: Uint8Array, length: number): void {
    this.#checkOpen();
    // Parsed as a whole before anything is changed (V1).
    for (const op of this.#parse(packed, length)) this.#apply(op);
    if (this.#changedBytes > this.#memtableBytes) this.flush();
  }

  deleteRange(family: number, from: Uint8Array, to: Uint8Array): void {
    this.#apply({ kind: KV_OP.deleteRange, family: this.#family(family), key: from.slice(), value: to });
  }

  scan(family: number, from: Uint8Array, to: Uint8Array, out: Uint8Array, isResumed: boolean): number {
    const all = this.#family(family).entries;
    invariant(out.length >= KV_PAGE_HEADER_BYTES, "a page has no room for its header");
    const view = new DataView(out.buffer, out.byteOffset, out.length);
    let at = KV_PAGE_HEADER_BYTES;
    let count = 0;
    let nextBytes = 0;
    for (const { key, value } of all.all().slice(all.lowerBound(from))) {
      if (to.length > 0 && compareBytes(key, to) >= 0) break;
      if (isResumed && compareBytes(key, from) === 0) continue;
      const bytes = KV_ENTRY_HEADER_BYTES + key.length + value.length;
      if (at + bytes > out.length) {
        nextBytes = bytes;
        break;
      }
      view.setUint32(at, key.length, true);
      view.setUint32(at + 4, value.length, true);
      out.set(key, at + KV_ENTRY_HEADER_BYTES);
      out.set(value, at + KV_ENTRY_HEADER_BYTES + key.length);
      at += bytes;
      count++;
    }
    view.setUint32(0, count, true);
    view.setUint32(4, nextBytes, true);
    return at;
  }

  flush(): void {
    this.#checkOpen();
    const changed = new Map<number, readonly RunEntry[]>();
    for (const [index, { changes }] of this.#families.entries()) {
      if (changes.size > 0) {
        changed.set(
          index,
          changes.all().map(({ key, value }) => ({ key, value: value.value })),
        );
      }
      changes.clear();
    }
    this.#changedBytes = 0;
    if (changed.size === 0) return;
    this.#runs.push(this.#writeRun(changed));
    this.#writeManifest();
    if (this.#runs.length > this.#runsMax) this.#mergeRuns(this.#families);
  }

  compact(family: number): void {
    const compacted = this.#family(family);
    this.flush();
    this.#mergeRuns([compacted]);
  }

  setExpiryNow(nowMs: number): void {
    this.#checkOpen();
    this.#expiryNowMs = nowMs;
  }

  checkpoint(directory: string): readonly KvFile[] {
    this.flush();
    this.#files.makeDirectory(directory);
    const names = [...this.#runs.map(runName), MANIFEST_NAME];
    for (const name of names) this.#files.link(this.#path(name), `${directory}/${name}`);
    return names.map((name) => this.#describe(name));
  }

  liveFiles(): readonly KvFile[] {
    this.#checkOpen();
    return this.#runs.map((run) => this.#describe(runName(run)));
  }

  createSortedFile(path: string): SortedFileWriter {
    this.#checkOpen();
    return new MemorySortedFile(this.#files, path);
  }

  ingest(family: number, paths: readonly string[]): void {
    const target = this.#family(family);
    // Everything is read and checked before anything is changed (V1).
    const ops: Op[] = [];
    for (const path of paths) {
      decodeRun(readChecked(this.#files, path), (_, { key, value }) => {
        invariant(value !== undefined, "a sorted file deletes nothing");
        ops.push({ kind: KV_OP.put, family: target, key, value });
      });
    }
    for (const op of ops) this.#apply(op);
    this.flush();
  }

  verify(): void {
    this.#checkOpen();
    readChecked(this.#files, this.#path(MANIFEST_NAME));
    for (const run of this.#runs) readChecked(this.#files, this.#path(runName(run)));
  }

  property(name: KvProperty): number {
    this.#checkOpen();
    switch (name) {
      case "entries":
        return this.#families.reduce((sum, family) => sum + family.entries.size, 0);
      case "file-bytes":
        return this.liveFiles().reduce((sum, file) => sum + file.sizeBytes, 0);
      case "memtable-bytes":
        return this.#changedBytes;
      case "cache-bytes":
        return 0;
    }
  }

  close(): void {
    this.#isOpen = false;
  }

  #load(names: readonly string[]): void {
    const manifest = decodeManifest(readChecked(this.#files, this.#path(MANIFEST_NAME)));
    for (const name of manifest.families) {
      if (!this.columnFamilies.includes(name)) this.#families.push(newFamily({ name }));
    }
    this.#runs = [...manifest.runs];
    this.#nextNumber = manifest.nextNumber;
    for (const run of this.#runs) {
      decodeRun(readChecked(this.#files, this.#path(runName(run))), (index, { key, value }) => {
        // Runs count families as the manifest does; this store may have been opened with another order.
        const { entries } = this.#families.find(({ name }) => name === manifest.families[index])!;
        if (value === undefined) entries.delete(key);
        else entries.set(key, value);
      });
    }
    const wanted = new Set([MANIFEST_NAME, ...this.#runs.map(runName)]);
    for (const name of names) if (!wanted.has(name)) this.#files.remove(this.#path(name));
    // From here on runs count families as this store does: the old ones must not be read by the new manifest.
    if (manifest.families.join("\0") !== this.columnFamilies.slice(0, manifest.families.length).join("\0")) {
      this.#mergeRuns([]);
    } else this.#writeManifest();
  }

  #parse(packed: Uint8Array, length: number): readonly Op[] {
    invariant(length <= packed.length, "a length is beyond its array");
    const view = new DataView(packed.buffer, packed.byteOffset, length);
    const ops: Op[] = [];
    for (let at = 0; at < length; ) {
      invariant(at + KV_OP_HEADER_BYTES <= length, "the packed batch is malformed");
      const kind = view.getUint8(at);
      const family = view.getUint16(at + 1, true);
      const keyStart = at + KV_OP_HEADER_BYTES;
      const valueStart = keyStart + view.getUint32(at + 3, true);
      at = valueStart + view.getUint32(at + 7, true);
      invariant(at <= length && kind <= KV_OP.merge, "the packed batch is malformed");
      const op = { kind, family: this.#family(family), key: packed.slice(keyStart, valueStart) };
      invariant(kind !== KV_OP.merge || !op.family.expires, `values of column family ${op.family.name} are not merged`);
      ops.push({ ...op, value: packed.slice(valueStart, at) });
    }
    return ops;
  }

  #apply({ kind, family, key, value }: Op): void {
    switch (kind) {
      case KV_OP.put:
        this.#set(family, key, value);
        break;
      case KV_OP.delete:
        this.#set(family, key, undefined);
        break;
      case KV_OP.deleteRange:
        for (const entry of family.entries.range(key, value)) this.#set(family, entry.key, undefined);
        break;
      default:
        this.#set(family, key, concatenate(family.entries.get(key), value));
    }
  }

  #set(family: Family, key: Uint8Array, value: Uint8Array | undefined): void {
    if (value === undefined) family.entries.delete(key);
    else family.entries.set(key, value);
    family.changes.set(key, { value });
    this.#changedBytes += key.length + (value?.length ?? 0);
  }

  /** One run of all entries takes the place of all runs; expired values of the families in `expiring` are left out. */
  #mergeRuns(expiring: readonly Family[]): void {
    for (const family of expiring) {
      if (family.expires) family.entries.keepOnly((value) => !this.#isExpired(value));
    }
    const merged = new Map<number, readonly RunEntry[]>();
    for (const [index, { entries }] of this.#families.entries()) {
      if (entries.size > 0) merged.set(index, entries.all());
    }
    const replaced = this.#runs;
    this.#runs = merged.size === 0 ? [] : [this.#writeRun(merged)];
    this.#writeManifest();
    for (const run of replaced) this.#files.remove(this.#path(runName(run)));
  }

  #isExpired(value: Uint8Array): boolean {
    if (value.length < KV_EXPIRY_BYTES) return false;
    return new DataView(value.buffer, value.byteOffset).getBigUint64(0) <= BigInt(Math.trunc(this.#expiryNowMs));
  }

  #writeRun(families: ReadonlyMap<number, readonly RunEntry[]>): number {
    const number = this.#nextNumber++;
    this.#files.write(this.#path(runName(number)), encodeRun(families));
    return number;
  }

  #writeManifest(): void {
    const manifest = { nextNumber: this.#nextNumber, families: this.columnFamilies, runs: this.#runs };
    this.#files.write(this.#path(MANIFEST_NAME), encodeManifest(manifest));
  }

  #describe(name: string): KvFile {
    const sizeBytes = this.#files.read(this.#path(name))?.length ?? 0;
    return { name, sizeBytes, isImmutable: name !== MANIFEST_NAME };
  }

  #family(index: number): Family {
    this.#checkOpen();
    const family = this.#families[index];
    invariant(family !== undefined, `no such column family: ${index}`);
    return family;
  }

  #path(name: string): string {
    return `${this.#directory}/${name}`;
  }

  #checkOpen(): void {
    invariant(this.#isOpen, "the store is closed");
  }
}

class MemorySortedFile implements SortedFileWriter {
  readonly #files: KvFiles;
  readonly #path: string;
  readonly #entries: RunEntry[] = [];

  constructor(files: KvFiles, path: string) {
    this.#files = files;
    this.#path = path;
  }

  add(entries: Uint8Array): void {
    const cursor = new KvEntryCursor();
    cursor.startEntries(entries, entries.length);
    while (cursor.next()) {
      const key = entries.slice(cursor.keyStart, cursor.keyEnd);
      const last = this.#entries.at(-1);
      invariant(
        last === undefined || compareBytes(last.key, key) < 0,
        "the entries of a sorted file are not in ascending order",
      );
      this.#entries.push({ key, value: entries.slice(cursor.valueStart, cursor.valueEnd) });
    }
  }

  finish(): void {
    invariant(this.#entries.length > 0, "a sorted file has no entries");
    this.#files.write(this.#path, encodeRun(new Map([[0, this.#entries]])));
  }
}

function newFamily({ name, expires }: ColumnFamily): Family {
  return { name, expires: expires ?? false, entries: new SortedEntries(), changes: new SortedEntries() };
}

function unpackKeys(keys: Uint8Array, length: number): readonly Uint8Array[] {
  invariant(length <= keys.length, "a length is beyond its array");
  const view = new DataView(keys.buffer, keys.byteOffset, length);
  const unpacked: Uint8Array[] = [];
  for (let at = 0; at < length; ) {
    invariant(at + 4 <= length, "the packed keys are cut off");
    const start = at + 4;
    at = start + view.getUint32(at, true);
    invariant(at <= length, "the packed keys are cut off");
    unpacked.push(keys.subarray(start, at));
  }
  return unpacked;
}

function concatenate(head: Uint8Array | undefined, tail: Uint8Array): Uint8Array {
  if (head === undefined) return tail;
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}
