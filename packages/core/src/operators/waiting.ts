/**
 * What operators say about themselves when somebody asks why nothing comes out. Plain data: it goes from thread to thread.
 * Nothing of it is kept up while records run; an operator looks at its state when it is asked.
 */

/** Timers, or keys of a window, that are counted one by one; a count that stops there is marked as `hasMore`. */
export const WAITING_COUNTED_MAX = 10_000;

/** What is to happen when a time has come. */
export interface WaitingForTime {
  /** The earliest such time in epoch ms: a watermark that has to be reached, or a millisecond of the clock that has to be over. */
  readonly atMs: number;
  /** The window that fires then, `[start, end)`; undefined when it is a timer, or a window without times. */
  readonly window: { readonly start: number; readonly end: number } | undefined;
  /** Of the window, or with a timer. */
  readonly keys: number;
  /** Timers that wait, of all times; undefined where windows have none of their own. */
  readonly timers: number | undefined;
  /** Whether there are more keys and timers than were counted. */
  readonly hasMore: boolean;
}

/** Everything that one operator of one subtask waits for. Left out: nothing of the kind. */
export interface OperatorWaiting {
  readonly event?: WaitingForTime | undefined;
  readonly processing?: WaitingForTime | undefined;
  /** Requests of an asynchronous operator that have not been answered, or whose results have to leave in order. */
  readonly requests?: { readonly count: number; readonly capacity: number } | undefined;
  /** Records that go around in an iteration whose input has ended. */
  readonly loop?: { readonly waiting: number; readonly hasInputEnded: boolean } | undefined;
  /** The operator emits when its input has ended. */
  readonly isForEnd?: boolean | undefined;
  /** Keys whose windows have elements and no timer: their trigger waits for more of them. */
  readonly triggerKeys?: number | undefined;
  /** A sink that shows what it has written when a checkpoint is complete; how many of them are not committed yet. */
  readonly commits?: { readonly pending: number } | undefined;
  /** Records that were dropped because they came too late for their windows. */
  readonly lateDropped?: number | undefined;
}

/** How one split of a source is. */
export interface SplitReport {
  readonly splitId: string;
  /** `MIN_WATERMARK` before the first. */
  readonly watermarkMs: number;
  readonly isIdle: boolean;
  /** It waits for the splits that it is aligned with. */
  readonly isPaused: boolean;
  /** How long ago its last records came; undefined when none has come. */
  readonly silentMs: number | undefined;
}

/** How one subtask of a source is, as far as its operator knows. */
export interface SourceReport {
  /** Those that are being read. */
  readonly splits: readonly SplitReport[];
  /** All splits are idle, or there has been none for so long. */
  readonly isIdle: boolean;
  /** The subtask waits for others of its alignment group. */
  readonly isAligning: boolean;
  /** How far the group lets it go; undefined when it is in none. */
  readonly allowedMs: number | undefined;
}
