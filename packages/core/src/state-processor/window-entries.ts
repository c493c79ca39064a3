/** The windows of a key in each of the layouts that window operators write (operators/window, `*-codec.ts`). */
import type { BinaryReader } from "../base/binary-reader.ts";
import { MillraceError } from "../base/errors.ts";
import { WINDOWS_AS_PANES, WINDOWS_AS_SLICES, WINDOWS_WITH_TRIGGERS } from "../operators/window/window-layout.ts";
import type { Window } from "../time/window.ts";
import type { EntryReader, EntryWindow, StateEntry, StateOwner } from "./state-entry.ts";

const TIME_WINDOW = 0;
const GLOBAL_WINDOW = 1;

type Read = (input: BinaryReader) => unknown;

/** What is known of windows besides the snapshot. */
export interface WindowReading {
  /** Told for each key whose windows overlap, before its slices: how long windows are, and up to where they have fired. */
  readonly onSlices?: (windowSizeMs: number, firedUntilMs: number) => void;
  /** Reads windows of the assigner's own type; left out: they cannot be read. */
  readonly readOwnWindow?: (input: BinaryReader) => Window;
}

/** @param readContents - Reads what a window has. */
export function windowEntries(readContents: Read, owner: StateOwner, reading: WindowReading = {}): EntryReader {
  return (input, key) => {
    const layout = input.u8();
    switch (layout) {
      case WINDOWS_AS_PANES:
        return panes(input, key, readContents);
      case WINDOWS_AS_SLICES:
        return slices(input, key, readContents, reading);
      case WINDOWS_WITH_TRIGGERS:
        return triggeredWindows(input, key, readContents, (from) => readWindow(from, owner, reading));
      default:
        throw notReadable(owner, `windows in layout ${layout}`);
    }
  };
}

function* panes(input: BinaryReader, key: unknown, readContents: Read): Iterable<StateEntry> {
  for (let left = input.varint(); left > 0; left--) {
    const window = { start: input.f64(), end: input.f64() };
    const windowNumber = input.varint();
    // Whether it has fired.
    input.u8();
    yield { key, window, windowNumber, ...contentsOf(input, readContents) };
  }
}

function* slices(
  input: BinaryReader,
  key: unknown,
  readContents: Read,
  { onSlices }: WindowReading,
): Iterable<StateEntry> {
  const windowSizeMs = input.varint();
  const firedUntilMs = input.f64();
  onSlices?.(windowSizeMs, firedUntilMs);
  for (let left = input.varint(); left > 0; left--) {
    const bounds = { start: input.f64(), end: input.f64() };
    const windowNumber = input.varint();
    const place = windowSizeMs === 0 ? { window: bounds } : { slice: bounds };
    yield { key, ...place, windowNumber, ...contentsOf(input, readContents) };
  }
}

function* triggeredWindows(
  input: BinaryReader,
  key: unknown,
  readContents: Read,
  windowOf: (input: BinaryReader) => EntryWindow,
): Iterable<StateEntry> {
  for (let left = input.varint(); left > 0; left--) {
    const window = windowOf(input);
    const windowNumber = input.varint();
    const contents = contentsOf(input, readContents);
    yield { key, window, windowNumber, ...contents };
    for (const timer of ["event", "processing"] as const) {
      for (let timers = input.varint(); timers > 0; timers--) {
        const timeMs = input.f64();
        input.varint();
        yield { key, window, windowNumber, timer, timeMs };
      }
    }
  }
}

function readWindow(input: BinaryReader, owner: StateOwner, { readOwnWindow }: WindowReading): EntryWindow {
  const kind = input.u8();
  if (kind === TIME_WINDOW) return { start: input.f64(), end: input.f64() };
  if (kind === GLOBAL_WINDOW) return "global";
  // Who has given the type knows what they are.
  if (readOwnWindow !== undefined) return readOwnWindow(input) as unknown as EntryWindow;
  throw notReadable(owner, "windows of a type of their own");
}

function contentsOf(input: BinaryReader, readContents: Read): { readonly value?: unknown } {
  return input.u8() === 1 ? { value: readContents(input) } : {};
}

/** A window's own type is the assigner's, and in no snapshot. */
function notReadable(owner: StateOwner, found: string): MillraceError {
  return new MillraceError("MR_STATE_NOT_READABLE", {
    what: "This state cannot be read without the job that wrote it",
    where: owner,
    found,
    expected: "time windows or the global window",
    todo: "Read it with a program: SavepointReader.window takes the assigner of the job, and with it the windows' type",
  });
}
