/**
 * State of single windows, behind the handles of keyed state: the "key" of this table is the window at hand.
 *
 * - N1. Values are in the window's own entry. Each state also has a slot in the operator's table, which makes it a part
 *   of snapshots: the slot of a key holds its KeyedWindows, and is written as pairs of window and value.
 * - N2. A restored value whose window is gone is dropped.
 */
import type { BinaryReader } from "../../base/binary-reader.ts";
import type { BinaryWriter } from "../../base/binary-writer.ts";
import { KeyEntry, setSlot, slotOf } from "../../state/key-entry.ts";
import { type KeyedStateOwner, KeyedStateTable } from "../../state/keyed-state-table.ts";
import type { SlotCodec } from "../../state/slot-codec.ts";
import type { KeyedWindows, WindowPane } from "./keyed-windows.ts";

/** What a slot holds between the reading of a checkpoint and the end of `registerSlot`: values by window. */
class RestoredValues {
  readonly bySeq: Map<number, unknown> = new Map();
}

export class WindowStateTable extends KeyedStateTable {
  /** Put before the names of states that are registered from now on. */
  namePrefix = "";
  readonly #keyed: KeyedStateTable;
  readonly #keyedSlots: number[] = [];
  #pane: WindowPane | undefined = undefined;

  /** @param keyed - The operator's table; the windows of a key are in its first slot. */
  constructor(owner: KeyedStateOwner, keyed: KeyedStateTable) {
    super(owner, keyed.maxParallelism);
    this.#keyed = keyed;
  }

  /** Makes a window of the current key the one that handles work on. */
  activate(pane: WindowPane): void {
    this.#pane = pane;
    this.current = pane.states;
    this.currentKey = pane.id;
    const entry = this.#keyed.current!;
    for (const slot of this.#keyedSlots) setSlot(entry, slot, entry.s0);
  }

  override createCurrent(): KeyEntry {
    const pane = this.#pane!;
    pane.states ??= new KeyEntry(pane.id, 0);
    this.current = pane.states;
    return pane.states;
  }

  /** Windows without state are dropped by the operator, not here. */
  override removeIfEmpty(_entry: KeyEntry): void {}

  override registerSlot(codec: SlotCodec): number {
    const own = this.slots.length;
    this.slots.push(codec);
    const slot = this.#keyed.registerSlot(perWindow({ ...codec, name: `${this.namePrefix}${codec.name}` }, own));
    this.#keyedSlots.push(slot);
    for (const entry of this.#keyed.map.values()) {
      const restored = slotOf(entry, slot);
      if (restored instanceof RestoredValues) {
        for (const pane of (entry.s0 as KeyedWindows | undefined)?.panes.values() ?? []) {
          const value = restored.bySeq.get(pane.seq);
          if (value === undefined) continue;
          pane.states ??= new KeyEntry(pane.id, 0);
          setSlot(pane.states, own, value);
        }
      }
      setSlot(entry, slot, entry.s0);
      this.#keyed.removeIfEmpty(entry);
    }
    if (this.#pane !== undefined) this.current = this.#pane.states;
    return own;
  }

  /** Forgets a key that has no windows any more. */
  clearKey(entry: KeyEntry): void {
    entry.s0 = undefined;
    for (const slot of this.#keyedSlots) setSlot(entry, slot, undefined);
  }
}

function perWindow(codec: SlotCodec, own: number): SlotCodec {
  const { name, kind, schema } = codec;
  return {
    name,
    kind,
    schema,
    write: (windows, out) => writeValues(windows as KeyedWindows, codec, own, out),
    read: (input) => readValues(input, (each) => codec.read(each)),
    readWrittenAs: (...found) => {
      const read = codec.readWrittenAs(...found);
      return (input) => readValues(input, read);
    },
  };
}

function writeValues(windows: KeyedWindows, codec: SlotCodec, own: number, out: BinaryWriter): void {
  const values: { readonly seq: number; readonly value: unknown }[] = [];
  for (const { states, seq } of windows.panes.values()) {
    const held = states === undefined ? undefined : slotOf(states, own);
    const value = held === undefined || codec.snapshotOf === undefined ? held : codec.snapshotOf(held);
    if (value !== undefined) values.push({ seq, value });
  }
  out.varint(values.length);
  for (const { seq, value } of values) {
    out.varint(seq);
    codec.write(value, out);
  }
}

function readValues(input: BinaryReader, read: (input: BinaryReader) => unknown): RestoredValues {
  const restored = new RestoredValues();
  const count = input.varint();
  for (let index = 0; index < count; index++) restored.bySeq.set(input.varint(), read(input));
  return restored;
}
