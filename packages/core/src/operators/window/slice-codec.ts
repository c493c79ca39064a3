/**
 * The slices of one key as bytes: u8 layout, varint window size in ms (0: every slice is a window), f64 the watermark up
 * to which the key's windows have fired, varint count, then for each pane, oldest slice first: start f64, end f64,
 * sequence varint, a u8 that tells whether an accumulator follows, the accumulator.
 */
import type { BinaryReader } from "../../base/binary-reader.ts";
import type { BinaryWriter } from "../../base/binary-writer.ts";
import type { SlotCodec } from "../../state/slot-codec.ts";
import { migratingSerializer } from "../../types/schema-compatibility.ts";
import type { Serializer } from "../../types/type.ts";
import { SlicePane } from "./slice.ts";
import { checkLayout, WINDOWS_AS_SLICES, type WindowStateOwner, windowStateIncompatible } from "./window-layout.ts";

export interface SliceCodecOptions {
  readonly accumulator: Serializer<unknown>;
  /** 0 when every slice is a window. */
  readonly windowSizeMs: number;
  /** The watermark that the snapshot at hand writes for the key of the pane. */
  readonly firedUntilMs: (pane: SlicePane) => number;
  /** See SlotCodec. */
  readonly onStored: (key: unknown, slices: RestoredSlices) => void;
  readonly owner: WindowStateOwner;
}

/** What a checkpoint holds of one key; the window operator makes panes of it. */
export interface RestoredSlices {
  readonly firedUntilMs: number;
  /** Oldest slice first. */
  readonly panes: readonly RestoredPane[];
}

export interface RestoredPane {
  readonly start: number;
  readonly end: number;
  readonly seq: number;
  readonly acc: unknown;
}

export function sliceCodec(options: SliceCodecOptions): SlotCodec {
  return {
    name: "_windows",
    kind: "windows",
    schema: options.accumulator.schema,
    write: (slices, out) => {
      if (slices instanceof SlicePane) writeSlices(slices, options, out);
      else writeRestored(slices as RestoredSlices, options, out);
    },
    read: (input) => readSlices(input, options, options.accumulator),
    readWrittenAs: (schema, where) => {
      const migrating = migratingSerializer(schema, options.accumulator, where);
      return (input) => readSlices(input, options, migrating);
    },
    onStored: (key, slices) => options.onStored(key, slices as RestoredSlices),
  };
}

function writeSlices(newest: SlicePane, options: SliceCodecOptions, out: BinaryWriter): void {
  let count = 1;
  let oldest = newest;
  for (; oldest.older !== undefined; oldest = oldest.older) count++;
  writeHeader(options, options.firedUntilMs(newest), count, out);
  for (let pane: SlicePane | undefined = oldest; pane !== undefined; pane = pane.newer) {
    writePane(pane.slice, pane, options, out);
  }
}

/** What was read, and has become nobody's yet. */
function writeRestored({ firedUntilMs, panes }: RestoredSlices, options: SliceCodecOptions, out: BinaryWriter): void {
  writeHeader(options, firedUntilMs, panes.length, out);
  for (const pane of panes) writePane(pane, pane, options, out);
}

function writeHeader(options: SliceCodecOptions, firedUntilMs: number, count: number, out: BinaryWriter): void {
  out.u8(WINDOWS_AS_SLICES);
  out.varint(options.windowSizeMs);
  out.f64(firedUntilMs);
  out.varint(count);
}

function writePane(
  { start, end }: Pick<RestoredPane, "start" | "end">,
  { seq, acc }: Pick<RestoredPane, "seq" | "acc">,
  { accumulator }: SliceCodecOptions,
  out: BinaryWriter,
): void {
  out.f64(start);
  out.f64(end);
  out.varint(seq);
  out.u8(acc === undefined ? 0 : 1);
  if (acc !== undefined) accumulator.write(acc, out);
}

function readSlices(input: BinaryReader, options: SliceCodecOptions, accumulator: Serializer<unknown>): RestoredSlices {
  checkLayout(input.u8(), WINDOWS_AS_SLICES, options.owner);
  const windowSizeMs = input.varint();
  if (windowSizeMs !== options.windowSizeMs) {
    throw windowStateIncompatible(options.owner, describeSize(windowSizeMs), describeSize(options.windowSizeMs));
  }
  const firedUntilMs = input.f64();
  const count = input.varint();
  const panes: RestoredPane[] = [];
  for (let index = 0; index < count; index++) {
    const start = input.f64();
    const end = input.f64();
    const seq = input.varint();
    const acc = input.u8() === 1 ? accumulator.read(input) : undefined;
    panes.push({ start, end, seq, acc });
  }
  return { firedUntilMs, panes };
}

function describeSize(windowSizeMs: number): string {
  return windowSizeMs === 0 ? "tumbling windows" : `sliding windows of ${windowSizeMs} ms`;
}
