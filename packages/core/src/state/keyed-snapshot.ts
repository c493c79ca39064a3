/** Snapshots of keyed state tables that are written in slices between records. */
import { BinaryWriter } from "../base/binary-writer.ts";
import { encodeKey, hashKey, keyGroup } from "../types/key-encoding.ts";
import type { EntryMap } from "./entry-map.ts";
import { type KeyEntry, slotOf } from "./key-entry.ts";
import {
  encodeKeyedState,
  type GroupBytes,
  type KeyedSection,
  type RestoredKeyedState,
  TIMERS_SECTION,
  writeTimers,
} from "./keyed-snapshot-format.ts";
import type { SlotCodec } from "./slot-codec.ts";
import type { RunningKeyedSnapshot } from "./store-snapshot.ts";

interface GroupBuffer {
  readonly writer: BinaryWriter;
  count: number;
}

/** What a snapshot needs of its table. */
export interface SnapshotSource {
  readonly map: EntryMap;
  readonly slots: readonly SlotCodec[];
  readonly maxParallelism: number;
  /** Values of a slot that nobody has asked for since the restore, by key group. No entry of these groups is in the map. */
  waitingOf(slot: number): readonly GroupBytes[];
}

/** One running snapshot of a table, in the canonical format. */
export interface KeyedSnapshot extends RunningKeyedSnapshot {
  writeAll(): void;
  /** The encoded state: a checksummed container. Empty when the operator has no keyed state at all. */
  encode(): Uint8Array;
}

/** Of a table on the heap: every entry is written at most once, in any order, into one buffer per state and key group. */
export class HeapKeyedSnapshot implements KeyedSnapshot {
  readonly #table: SnapshotSource;
  readonly #version: number;
  readonly #slots: readonly SlotCodec[];
  readonly #carriedOver: readonly KeyedSection[];
  /** By slot: written again as they were read. */
  readonly #waiting: readonly (readonly GroupBytes[])[];
  readonly #onWritten: () => void;
  /** By slot, then key group; the last one holds the timers. */
  readonly #buffers: Map<number, GroupBuffer>[];
  readonly #entries: IterableIterator<KeyEntry>;
  #isWritten = false;

  constructor(table: SnapshotSource, version: number, restored: RestoredKeyedState | undefined, onWritten: () => void) {
    this.#table = table;
    this.#version = version;
    this.#slots = table.slots.slice();
    // State that nobody has registered since the restore is not lost: it is written again as it was read.
    this.#carriedOver = restored?.untakenStates() ?? [];
    this.#waiting = this.#slots.map((_, slot) => table.waitingOf(slot));
    this.#onWritten = onWritten;
    this.#buffers = Array.from({ length: this.#slots.length + 1 }, () => new Map());
    this.#entries = table.map.values();
  }

  get isWritten(): boolean {
    return this.#isWritten;
  }

  /** Writes up to `entriesMax` entries; returns true when the snapshot is complete. */
  step(entriesMax: number): boolean {
    for (let written = 0; written < entriesMax; written++) {
      const next = this.#entries.next();
      if (next.done === true) {
        this.#isWritten = true;
        this.#onWritten();
        return true;
      }
      const entry = next.value;
      if (entry.version >= this.#version) continue;
      this.write(entry);
      entry.version = this.#version;
    }
    return false;
  }

  writeAll(): void {
    while (!this.#isWritten) this.step(1024);
  }

  /** Writes one entry as it is now; called by the table before the entry may change. */
  write(entry: KeyEntry): void {
    if (this.#isWritten) return;
    const group = keyGroup(hashKey(entry.key), this.#table.maxParallelism);
    for (let slot = 0; slot < this.#slots.length; slot++) {
      const codec = this.#slots[slot]!;
      let value = slotOf(entry, slot);
      if (value !== undefined && codec.snapshotOf !== undefined) value = codec.snapshotOf(value);
      if (value === undefined) continue;
      const writer = this.#buffer(slot, group);
      encodeKey(entry.key, writer);
      codec.write(value, writer);
    }
    if (entry.timers === undefined || entry.timers.size === 0) return;
    const writer = this.#buffer(this.#slots.length, group);
    encodeKey(entry.key, writer);
    writeTimers(entry.timers, writer);
  }

  encode(): Uint8Array {
    this.writeAll();
    const sections: KeyedSection[] = this.#slots.flatMap((codec, slot) =>
      codec.isTransient === true
        ? []
        : [{ name: codec.name, kind: codec.kind, schema: codec.schema, groups: this.#groupsOf(slot) }],
    );
    sections.push({ ...TIMERS_SECTION, groups: this.#groupsOf(this.#slots.length) });
    return encodeKeyedState([...sections, ...this.#carriedOver]);
  }

  #buffer(section: number, group: number): BinaryWriter {
    const buffers = this.#buffers[section]!;
    let buffer = buffers.get(group);
    if (buffer === undefined) {
      buffer = { writer: new BinaryWriter(), count: 0 };
      buffers.set(group, buffer);
    }
    buffer.count++;
    return buffer.writer;
  }

  #groupsOf(section: number): readonly GroupBytes[] {
    const written = [...this.#buffers[section]!].map(([group, buffer]) => ({
      group,
      count: buffer.count,
      bytes: buffer.writer.written(),
    }));
    return [...written, ...(this.#waiting[section] ?? [])].sort((left, right) => left.group - right.group);
  }
}
