import type { KeyEntry } from "../../state/key-entry.ts";

/**
 * One window of one key with its accumulator. The panes of a key are a list, newest window first, in the first slot of
 * the key's entry.
 */
export class Pane {
  readonly entry: KeyEntry;
  start: number;
  /** Exclusive. Sessions grow. */
  end: number;
  /** Undefined until the first element of a reduce. */
  acc: unknown;
  /** The next older pane of the key. */
  next: Pane | undefined;
  /** The next newer pane of the key. */
  previous: Pane | undefined = undefined;
  /** The next pane whose timer waits with this one's. */
  nextTimer: Pane | undefined = undefined;
  /** Orders panes that fire at the same time; survives restores. */
  readonly seq: number;
  /** The watermark has passed the window's end: late elements fire it again at once. */
  isFired = false;
  /** Purged or merged away; a timer that still waits does nothing. */
  isGone = false;

  constructor(entry: KeyEntry, start: number, end: number, acc: unknown, seq: number) {
    this.entry = entry;
    this.start = start;
    this.end = end;
    this.acc = acc;
    this.next = undefined;
    this.seq = seq;
  }
}
