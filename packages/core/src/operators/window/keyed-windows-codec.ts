/**
 * The windows of one key as bytes: u8 layout, varint count, then for each window, oldest first: the window, its sequence
 * varint, a u8 that tells whether contents follow, the contents, its event timers and its processing timers, each a
 * varint count and pairs of time f64 and sequence varint. A window is a u8 and what follows it: 0 a time window, start
 * f64 and end f64; 1 the global window; 2 another, in the bytes of its own serializer.
 */
import type { BinaryReader } from "../../base/binary-reader.ts";
import { BinaryWriter } from "../../base/binary-writer.ts";
import { MillraceError } from "../../base/errors.ts";
import type { SlotCodec } from "../../state/slot-codec.ts";
import { TimeWindow } from "../../time/time-window.ts";
import { GlobalWindow, type Window } from "../../time/window.ts";
import { migratingSerializer } from "../../types/schema-compatibility.ts";
import type { Serializer } from "../../types/type.ts";
import { KeyedWindows, WindowPane } from "./keyed-windows.ts";
import { checkLayout, WINDOWS_WITH_TRIGGERS, type WindowStateOwner, windowStateIncompatible } from "./window-layout.ts";

const TIME_WINDOW = 0;
const GLOBAL_WINDOW = 1;
const CUSTOM_WINDOW = 2;

export interface KeyedWindowsTypes {
  readonly contents: Serializer<unknown>;
  readonly window: Serializer<Window> | undefined;
  readonly owner: WindowStateOwner;
}

/** What tells windows of a key apart. @throws MillraceError `MR_WINDOW_TYPE_MISSING` */
export function windowId(window: Window, { window: serializer, owner }: KeyedWindowsTypes): string {
  if (window instanceof TimeWindow) return `${window.start} ${window.end}`;
  if (window instanceof GlobalWindow) return "";
  const writer = new BinaryWriter();
  customSerializer(window, serializer, owner).write(window, writer);
  return `custom ${String.fromCharCode(...writer.finish())}`;
}

export function keyedWindowsCodec(types: KeyedWindowsTypes): SlotCodec {
  return {
    name: "_windows",
    kind: "windows",
    schema: types.contents.schema,
    write: (value, out) => writeWindows(value as KeyedWindows, types, out),
    read: (input) => readWindows(input, types, types.contents),
    readWrittenAs: (schema, where) => {
      const migrating = migratingSerializer(schema, types.contents, where);
      return (input) => readWindows(input, types, migrating);
    },
  };
}

function writeWindows(windows: KeyedWindows, types: KeyedWindowsTypes, out: BinaryWriter): void {
  out.u8(WINDOWS_WITH_TRIGGERS);
  out.varint(windows.panes.size);
  for (const pane of windows.panes.values()) {
    writeWindow(pane.window, types, out);
    out.varint(pane.seq);
    out.u8(pane.contents === undefined ? 0 : 1);
    if (pane.contents !== undefined) types.contents.write(pane.contents, out);
    writeTimers(pane.eventTimers, out);
    writeTimers(pane.processingTimers, out);
  }
}

function writeTimers(timers: ReadonlyMap<number, number>, out: BinaryWriter): void {
  out.varint(timers.size);
  for (const [timeMs, seq] of timers) {
    out.f64(timeMs);
    out.varint(seq);
  }
}

function writeWindow(window: Window, { window: serializer, owner }: KeyedWindowsTypes, out: BinaryWriter): void {
  if (window instanceof TimeWindow) {
    out.u8(TIME_WINDOW);
    out.f64(window.start);
    out.f64(window.end);
  } else if (window instanceof GlobalWindow) {
    out.u8(GLOBAL_WINDOW);
  } else {
    out.u8(CUSTOM_WINDOW);
    customSerializer(window, serializer, owner).write(window, out);
  }
}

function readWindows(input: BinaryReader, types: KeyedWindowsTypes, contents: Serializer<unknown>): KeyedWindows {
  checkLayout(input.u8(), WINDOWS_WITH_TRIGGERS, types.owner);
  const count = input.varint();
  const panes: WindowPane[] = [];
  for (let index = 0; index < count; index++) {
    const window = readWindow(input, types);
    const pane = new WindowPane(window, windowId(window, types), input.varint());
    if (input.u8() === 1) pane.contents = contents.read(input);
    readTimers(input, pane.eventTimers);
    readTimers(input, pane.processingTimers);
    panes.push(pane);
  }
  const windows = new KeyedWindows();
  windows.addRestored(panes);
  return windows;
}

function readTimers(input: BinaryReader, timers: Map<number, number>): void {
  const count = input.varint();
  for (let index = 0; index < count; index++) timers.set(input.f64(), input.varint());
}

function readWindow(input: BinaryReader, { window: serializer, owner }: KeyedWindowsTypes): Window {
  const kind = input.u8();
  if (kind === TIME_WINDOW) return new TimeWindow(input.f64(), input.f64());
  if (kind === GLOBAL_WINDOW) return GlobalWindow.get();
  if (kind === CUSTOM_WINDOW && serializer !== undefined) return serializer.read(input);
  throw windowStateIncompatible(owner, "windows of a type of their own", "time windows or the global window");
}

function customSerializer(
  window: Window,
  serializer: Serializer<Window> | undefined,
  owner: WindowStateOwner,
): Serializer<Window> {
  if (serializer !== undefined) return serializer;
  throw new MillraceError("MR_WINDOW_TYPE_MISSING", {
    what: "An assigner gave a window that cannot be written into a checkpoint",
    where: { operator: owner.operatorName, uid: owner.uid },
    found: `a ${Object.getPrototypeOf(window)?.constructor?.name ?? typeof window}`,
    expected: "a TimeWindow, the GlobalWindow, or a window of the assigner's windowType",
    todo: "Set windowType on the assigner",
  });
}
