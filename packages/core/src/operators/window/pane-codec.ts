/**
 * The panes of one key as bytes: u8 layout, varint count, then for each pane, newest window first: start f64, end f64, sequence
 * varint, fired u8, a u8 that tells whether an accumulator follows, the accumulator.
 */
import type { BinaryReader } from "../../base/binary-reader.ts";
import type { BinaryWriter } from "../../base/binary-writer.ts";
import { KeyEntry } from "../../state/key-entry.ts";
import type { SlotCodec } from "../../state/slot-codec.ts";
import { migratingSerializer } from "../../types/schema-compatibility.ts";
import type { Serializer } from "../../types/type.ts";
import { Pane } from "./pane.ts";
import { checkLayout, WINDOWS_AS_PANES, type WindowStateOwner } from "./window-layout.ts";

/** Restored panes are an array of detached panes; the window operator gives them their entry. */
export function paneCodec(
  accumulator: Serializer<unknown>,
  owner: WindowStateOwner,
  onStored: (key: unknown, panes: readonly Pane[]) => void,
): SlotCodec {
  return {
    name: "_windows",
    kind: "windows",
    schema: accumulator.schema,
    write: (panes, out) => writePanes(panes instanceof Pane ? listOf(panes) : (panes as Pane[]), accumulator, out),
    read: (input) => readPanes(input, accumulator, owner),
    readWrittenAs: (schema, where) => {
      const migrating = migratingSerializer(schema, accumulator, where);
      return (input) => readPanes(input, migrating, owner);
    },
    onStored: (key, panes) => onStored(key, panes as readonly Pane[]),
  };
}

function listOf(first: Pane): readonly Pane[] {
  const panes: Pane[] = [];
  for (let pane: Pane | undefined = first; pane !== undefined; pane = pane.next) panes.push(pane);
  return panes;
}

function writePanes(panes: readonly Pane[], accumulator: Serializer<unknown>, out: BinaryWriter): void {
  out.u8(WINDOWS_AS_PANES);
  out.varint(panes.length);
  for (const pane of panes) {
    out.f64(pane.start);
    out.f64(pane.end);
    out.varint(pane.seq);
    out.u8(pane.isFired ? 1 : 0);
    out.u8(pane.acc === undefined ? 0 : 1);
    if (pane.acc !== undefined) accumulator.write(pane.acc, out);
  }
}

const detached: KeyEntry = new KeyEntry(undefined, 0);

function readPanes(input: BinaryReader, accumulator: Serializer<unknown>, owner: WindowStateOwner): readonly Pane[] {
  checkLayout(input.u8(), WINDOWS_AS_PANES, owner);
  const count = input.varint();
  const panes: Pane[] = [];
  for (let index = 0; index < count; index++) {
    const start = input.f64();
    const end = input.f64();
    const seq = input.varint();
    const isFired = input.u8() === 1;
    const acc = input.u8() === 1 ? accumulator.read(input) : undefined;
    const pane = new Pane(detached, start, end, acc, seq);
    pane.isFired = isFired;
    panes.push(pane);
  }
  return panes;
}
