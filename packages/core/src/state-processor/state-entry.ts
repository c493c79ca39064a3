/** What of a snapshot stands on one line: one value, with what it belongs to. */
import type { BinaryReader } from "../base/binary-reader.ts";

/** A window, or a slice of time that several windows have in common. Times are epoch ms, the end is not part of it. @internal */
export type EntryWindow = { readonly start: number; readonly end: number } | "global";

/** @internal */
export interface StateEntry {
  /** Of keyed and broadcast state. */
  readonly key?: unknown;
  /** Of a map state: one entry of the map stands on a line. */
  readonly mapKey?: unknown;
  /** Of the contents of windows. */
  readonly window?: EntryWindow;
  /** In place of a window, when the operator keeps slices of windows that overlap. */
  readonly slice?: EntryWindow;
  /** Numbers the windows of a key: the state of a window's function or trigger names the window by it. */
  readonly windowNumber?: number;
  /** Of a timer. */
  readonly timer?: "event" | "processing";
  /** Of a timer, epoch ms. */
  readonly timeMs?: number;
  /** Of operator lists: whose element it is. */
  readonly subtask?: number;
  /** Of operator lists: its place in the subtask's list, from 0. */
  readonly index?: number;
  /** Left out for a timer, and for a window that has no contents yet. */
  readonly value?: unknown;
  /** Of a state with a time to live, epoch ms: when the value was last written, or read where reading counts; of a list, each of its elements. */
  readonly lastAccessMs?: number | readonly number[];
}

/** Whose state it is, for messages. */
export type StateOwner = Readonly<Record<"operator" | "uid" | "state" | "path", string>>;

/** Reads all that a key has of a state. Has to be read to its end, since the next key follows. */
export type EntryReader = (input: BinaryReader, key: unknown) => Iterable<StateEntry>;
