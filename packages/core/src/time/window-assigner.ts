/** What a windowed stream needs to know of its windows: data that generated code is made from, and the same as a method. */
import type { TimeWindow } from "./time-window.ts";
import type { GlobalWindow } from "./window.ts";
import type { WindowStagger } from "./window-stagger.ts";

/** What all kinds of assigners have in common. @public */
export interface AssignsWindows<W extends TimeWindow> {
  /** Whether the windows are those of event time; otherwise of the time at which a record is processed. */
  readonly isEventTime: boolean;
  /**
   * The windows of an element with this timestamp, in the order in which Flink assigns them. In processing time the
   * timestamp is the time at which the element is processed.
   *
   * @throws MillraceError `MR_TIMESTAMP_MISSING` when the timestamp is `NO_TIMESTAMP` or no number.
   */
  assign(timestampMs: number): readonly W[];
  /** The name that plans show: Flink's, with lengths in milliseconds. */
  toString(): string;
}

/** One window of a fixed size for every element. @public */
export interface TumblingAssigner<W extends TimeWindow = TimeWindow> extends AssignsWindows<W> {
  readonly kind: "tumbling";
  readonly sizeMs: number;
  /** Shift of the grid against the epoch; |offsetMs| < sizeMs. */
  readonly offsetMs: number;
  /** What each subtask shifts the grid by, besides; `ALIGNED` by default. */
  readonly stagger?: WindowStagger;
}

/** A window of a fixed size every `slideMs`. An element is in about size / slide windows, in none between two. @public */
export interface SlidingAssigner<W extends TimeWindow = TimeWindow> extends AssignsWindows<W> {
  readonly kind: "sliding";
  readonly sizeMs: number;
  readonly slideMs: number;
  /** Shift of the grid against the epoch; |offsetMs| < slideMs. */
  readonly offsetMs: number;
  /** What each subtask shifts the grid by, besides; `ALIGNED` by default. */
  readonly stagger?: WindowStagger;
}

/** A window of one gap for every element; the windows of a key that overlap or touch are merged. @public */
export interface SessionAssigner<W extends TimeWindow = TimeWindow> extends AssignsWindows<W> {
  readonly kind: "session";
  readonly gapMs: number;
}

/** A window of a gap of its own for every element; the windows of a key that overlap or touch are merged. @public */
export interface DynamicSessionAssigner<T> {
  readonly kind: "dynamicSession";
  readonly isEventTime: boolean;
  /**
   * The element's own window, before any merging.
   *
   * @throws MillraceError `MR_TIMESTAMP_MISSING`, or `MR_WINDOW_SIZE_INVALID` when its gap is out of range.
   */
  assign(timestampMs: number, element: T): readonly TimeWindow[];
  toString(): string;
}

/** One window for everything. @public */
export interface GlobalAssigner {
  readonly kind: "global";
  readonly isEventTime: boolean;
  /** Whether the window emits at the end of input, when it has no trigger of its own. */
  readonly firesAtEnd: boolean;
  assign(): readonly GlobalWindow[];
  toString(): string;
}

/** Assigners of which a timestamp says everything: the kinds that windows have code of their own for. @public */
export type SpanAssigner<W extends TimeWindow = TimeWindow> =
  | TumblingAssigner<W>
  | SlidingAssigner<W>
  | SessionAssigner<W>;

/** All assigners that are data. Others are classes of their own, see `WindowAssigner`. @public */
export type BuiltInAssigner<T> = SpanAssigner | DynamicSessionAssigner<T> | GlobalAssigner;
