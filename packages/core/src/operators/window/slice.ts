import type { KeyEntry } from "../../state/key-entry.ts";

/** A span of event time whose records are folded once for all windows over it; shared by all keys of a subtask. */
export class Slice {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Ends of the oldest and the newest window over the slice. */
  readonly firstWindowEnd: number;
  readonly lastWindowEnd: number;
  /** The panes of the slice in the order of their `seq`, linked by `nextOfSlice`. */
  firstPane: SlicePane | undefined = undefined;
  lastPane: SlicePane | undefined = undefined;
  /** The watermark has passed the end of a window over the slice: within the lateness, elements fire it again at once. */
  hasFired: boolean;
  /** All windows over the slice are purged: its elements are late. */
  isOver: boolean;

  constructor(span: SliceSpan, hasFired: boolean, isOver: boolean) {
    this.start = span.start;
    this.end = span.end;
    this.firstWindowEnd = span.firstWindowEnd;
    this.lastWindowEnd = span.lastWindowEnd;
    this.hasFired = hasFired;
    this.isOver = isOver;
  }

  append(pane: SlicePane): void {
    if (this.lastPane === undefined) this.firstPane = pane;
    else this.lastPane.nextOfSlice = pane;
    this.lastPane = pane;
  }

  clear(): void {
    this.firstPane = undefined;
    this.lastPane = undefined;
  }
}

export interface SliceSpan {
  readonly start: number;
  readonly end: number;
  readonly firstWindowEnd: number;
  readonly lastWindowEnd: number;
}

/** What one key has in one slice. The panes of a key are a list, newest slice first, in the first slot of its entry. */
export class SlicePane {
  readonly entry: KeyEntry;
  readonly slice: Slice;
  /** Undefined until the first element of a reduce. */
  acc: unknown;
  older: SlicePane | undefined = undefined;
  newer: SlicePane | undefined = undefined;
  nextOfSlice: SlicePane | undefined = undefined;
  /** Orders windows that fire at the same time; survives restores. */
  readonly seq: number;
  /** Created when the key had a newer pane already. Otherwise all newer panes have a higher `seq`. */
  isDisordered = false;

  constructor(entry: KeyEntry, slice: Slice, acc: unknown, seq: number) {
    this.entry = entry;
    this.slice = slice;
    this.acc = acc;
    this.seq = seq;
  }
}

/** The pane of a window that was created first, given its oldest one: the window was created with it. */
export function firstCreatedOf(oldest: SlicePane, windowEnd: number): SlicePane {
  let first = oldest;
  for (let pane = oldest.newer; pane !== undefined && pane.slice.start < windowEnd; pane = pane.newer) {
    if (pane.seq < first.seq) first = pane;
  }
  return first;
}
