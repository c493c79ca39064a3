/**
 * Running snapshots of a stored table. First the cut goes to the store, in slices (D2 of the table); then the store's files are
 * frozen, and what the table does from then on is none of the snapshot's business.
 */

import { BinaryWriter } from "../base/binary-writer.ts";
import { invariant } from "../base/errors.ts";
import type { KvFile, SortedKv } from "../kv/sorted-kv.ts";
import type { Stores } from "../platform/stores.ts";
import type { EntryStore } from "./entry-store.ts";
import { FamilyScan } from "./family-scan.ts";
import type { KeyedSnapshot } from "./keyed-snapshot.ts";
import { encodeKeyedState, type GroupBytes, type KeyedSection, TIMERS_SECTION } from "./keyed-snapshot-format.ts";
import { isMark } from "./paged-value.ts";
import { isContextual, type SlotCodec } from "./slot-codec.ts";
import type { RunningKeyedSnapshot, StoreSnapshot } from "./store-snapshot.ts";
import type { StoredEntry } from "./stored-entry.ts";
import { valuesFamilyName } from "./stored-families.ts";
import { GROUP_BYTES, groupOf } from "./stored-keys.ts";
import { copyRows, rowsFamilyIn } from "./stored-rows.ts";

export interface StoredSnapshotParts {
  /** Entries that may have changed since they were written. */
  readonly cut: readonly StoredEntry[];
  /** Of the table, before the cut. */
  readonly version: number;
  readonly store: EntryStore;
  readonly stores: Stores;
  /** Not there yet; the snapshot's own. */
  readonly directory: string;
  readonly slots: readonly SlotCodec[];
  /** What nobody has registered: in these bytes, or in the store under its name. */
  readonly carriedOver: readonly KeyedSection[];
  readonly onCutWritten: () => void;
  readonly onWritten: () => void;
}

/** A snapshot of a stored table, until its table can forget it. */
export abstract class StoredSnapshot implements RunningKeyedSnapshot {
  protected readonly parts: StoredSnapshotParts;
  readonly #writing: Generator<void>;
  #isCutWritten = false;
  #isWritten = false;

  constructor(parts: StoredSnapshotParts) {
    this.parts = parts;
    this.#writing = parts.store.writeSorted(parts.cut, parts.version);
  }

  get isWritten(): boolean {
    return this.#isWritten;
  }

  step(_entriesMax: number): boolean {
    if (this.#isWritten) return true;
    if (!this.#isCutWritten) {
      if (this.#writing.next().done === true) this.#freeze();
      return false;
    }
    if (!this.stepFrozen()) return false;
    this.end();
    return true;
  }

  writeAll(): void {
    while (!this.step(0)) {
      // Slice by slice.
    }
  }

  /** Brings the cut to the store, if it is not there yet. */
  writeCut(): void {
    while (!this.#isCutWritten) this.step(0);
  }

  abstract encode(): Uint8Array | StoreSnapshot;

  /** The table is closed: what is not written will not be. */
  close(): void {
    if (this.#isWritten) return;
    this.#isCutWritten = true;
    this.parts.stores.remove(this.parts.directory);
    this.end();
  }

  /** The files of the store are in the snapshot's directory. */
  protected abstract frozen(files: readonly KvFile[]): void;

  /** A slice of what is left to do with them; true at the end. */
  protected abstract stepFrozen(): boolean;

  protected end(): void {
    this.markWritten();
    this.parts.onWritten();
  }

  protected markWritten(): void {
    this.#isWritten = true;
  }

  #freeze(): void {
    const { store, directory } = this.parts;
    store.flush();
    this.#isCutWritten = true;
    this.parts.onCutWritten();
    this.frozen(store.kv.checkpoint(directory));
  }
}

/** The files as they are, for checkpoints that have only what is new. */
export class NativeStoredSnapshot extends StoredSnapshot {
  readonly #storeId: string;
  #files: readonly KvFile[] = [];
  /** Whoever has the state has the directory, too; or nobody wants it. */
  #isHandedOn = false;

  constructor(parts: StoredSnapshotParts, storeId: string) {
    super(parts);
    this.#storeId = storeId;
  }

  encode(): StoreSnapshot {
    this.writeAll();
    const { directory, slots, carriedOver } = this.parts;
    const states = slots
      .filter((codec) => codec.isTransient !== true)
      .map(({ name, kind, schema }) => ({ name, kind, schema, groups: [] }));
    const header = encodeKeyedState([...states, ...carriedOver]);
    this.#handOn();
    return { storeId: this.#storeId, directory, files: this.#files, header };
  }

  discard(): void {
    this.writeAll();
    this.#handOn();
    this.parts.stores.remove(this.parts.directory);
  }

  /** The table is closed before anybody has asked for the state: written or not, nobody will. */
  override close(): void {
    if (this.isWritten && !this.#isHandedOn) this.parts.stores.remove(this.parts.directory);
    super.close();
    this.#handOn();
  }

  /** Until then the table knows of it. */
  protected override end(): void {
    this.markWritten();
  }

  #handOn(): void {
    this.#isHandedOn = true;
    this.parts.onWritten();
  }

  protected override frozen(files: readonly KvFile[]): void {
    this.#files = files;
  }

  protected override stepFrozen(): boolean {
    return true;
  }
}

/** A section that is filled while a store is copied. */
export interface CopiedSection extends KeyedSection {
  readonly groups: GroupBytes[];
}

/** All entries of the store, in the terms of every backend. */
export class CanonicalStoredSnapshot extends StoredSnapshot implements KeyedSnapshot {
  readonly #sections: readonly CopiedSection[];
  #view: SortedKv | undefined;
  #copying: Generator<void> | undefined;

  constructor(parts: StoredSnapshotParts) {
    super(parts);
    const states = parts.slots.filter((codec) => codec.isTransient !== true);
    this.#sections = [
      ...[...states, TIMERS_SECTION].map(({ name, kind, schema }) => ({ name, kind, schema, groups: [] })),
      ...parts.carriedOver.map((section) => ({ ...section, groups: [...section.groups] })),
    ];
  }

  encode(): Uint8Array {
    this.writeAll();
    return encodeKeyedState(this.#sections);
  }

  override close(): void {
    this.#view?.close();
    super.close();
  }

  protected override frozen(): void {
    this.#view = this.parts.stores.open(this.parts.directory, []);
    this.#copying = this.#copy(this.#view);
  }

  protected override stepFrozen(): boolean {
    invariant(this.#copying !== undefined, "a snapshot is copied before its files are there");
    return this.#copying.next().done === true;
  }

  protected override end(): void {
    this.#view?.close();
    this.#view = undefined;
    this.parts.stores.remove(this.parts.directory);
    super.end();
  }

  *#copy(view: SortedKv): Generator<void> {
    for (const section of this.#sections) yield* copySection(view, section);
    for (const { groups } of this.#sections) groups.sort((left, right) => left.group - right.group);
  }
}

/** Adds what a frozen store has of a state to its key groups, in the terms of every backend. */
export function* copySection(view: SortedKv, section: CopiedSection): Generator<void> {
  const name = section.kind === TIMERS_SECTION.kind ? section.name : valuesFamilyName(section.name);
  const family = view.columnFamilies.indexOf(name);
  if (family >= 0) yield* copyFamily(view, family, section);
}

/** A page at a time, one key group after the other. */
function* copyFamily(kv: SortedKv, family: number, { groups, ...form }: CopiedSection): Generator<void> {
  // Bytes that begin a stream of their own cannot follow others.
  const isAlone = isContextual(form);
  const rows = rowsFamilyIn(kv, form);
  const scan = new FamilyScan(kv, family);
  let writer = new BinaryWriter();
  let group = -1;
  let count = 0;
  const end = (): void => {
    if (count > 0) groups.push({ group, count, bytes: writer.written() });
  };
  while (scan.nextPage()) {
    const { cursor, page } = scan;
    while (cursor.next()) {
      const found = groupOf(page, cursor.keyStart);
      if (found !== group || isAlone) {
        end();
        writer = new BinaryWriter();
        group = found;
        count = 0;
      }
      count++;
      writer.rawBytes(page.subarray(cursor.keyStart + GROUP_BYTES, cursor.keyEnd));
      if (rows !== undefined && isMark(page, cursor.valueStart, cursor.valueEnd)) {
        copyRows(kv, rows, page.slice(cursor.keyStart, cursor.keyEnd), form, writer);
      } else writer.rawBytes(page.subarray(cursor.valueStart, cursor.valueEnd));
    }
    yield;
  }
  end();
}
