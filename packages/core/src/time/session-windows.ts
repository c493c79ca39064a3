import type { Duration } from "../base/duration.ts";
import {
  DynamicEventTimeSessionWindows,
  DynamicProcessingTimeSessionWindows,
  type SessionWindowTimeGapExtractor,
} from "./dynamic-session-windows.ts";
import { TimeWindow } from "./time-window.ts";
import type { SessionAssigner } from "./window-assigner.ts";
import { requireTimestamp, windowLengthMs } from "./window-parameters.ts";

abstract class SessionWindows implements SessionAssigner {
  readonly kind = "session";
  abstract readonly isEventTime: boolean;
  readonly gapMs: number;

  constructor(gapMs: number) {
    this.gapMs = gapMs;
  }

  /** The element's own window, before any merging. @param timeMs - Its timestamp, or the time at which it is processed. */
  assign(timeMs: number): readonly TimeWindow[] {
    if (this.isEventTime) requireTimestamp(EVENT_TIME, timeMs);
    return [new TimeWindow(timeMs, timeMs + this.gapMs)];
  }

  toString(): string {
    return `${this.isEventTime ? EVENT_TIME : PROCESSING_TIME}(${this.gapMs})`;
  }
}

const EVENT_TIME = "EventTimeSessionWindows";
const PROCESSING_TIME = "ProcessingTimeSessionWindows";

/** Groups the elements of a key that follow each other within a gap of event time. @public */
export class EventTimeSessionWindows extends SessionWindows {
  readonly isEventTime = true;

  /**
   * Assigns each element to a window of its own, from its timestamp to a gap later; windows of a key that overlap or
   * touch become one session. A session therefore ends a gap after its last element, and an element exactly a gap after
   * the previous one continues the session.
   *
   * @param gap - Silence that ends a session, from 1 ms to 10,000 years.
   * @throws MillraceError `MR_WINDOW_SIZE_INVALID` when the gap is out of range.
   *
   * @example
   * const visits = EventTimeSessionWindows.withGap("30 min");
   * visits.assign(0); // [TimeWindow { start: 0, end: 1_800_000 }]
   *
   * @see Akidau et al., "The Dataflow Model", VLDB 2015, section 2.2.2 (window merging).
   */
  static withGap(gap: Duration): EventTimeSessionWindows {
    return new EventTimeSessionWindows(windowLengthMs(EVENT_TIME, "gap", gap));
  }

  /**
   * Sessions whose gap depends on the element: its window ends that long after it. A gap that is out of range fails the
   * job with `MR_WINDOW_SIZE_INVALID`.
   *
   * @example
   * clicks
   *   .keyBy((click) => click.user)
   *   .window(EventTimeSessionWindows.withDynamicGap((click: Click) => (click.isMobile ? 60_000 : 600_000)));
   */
  static withDynamicGap<T>(gapOf: SessionWindowTimeGapExtractor<T>): DynamicEventTimeSessionWindows<T> {
    return DynamicEventTimeSessionWindows.withDynamicGap(gapOf);
  }
}

/** Groups the elements of a key that are processed within a gap of each other. @public */
export class ProcessingTimeSessionWindows extends SessionWindows {
  readonly isEventTime = false;

  /**
   * As `EventTimeSessionWindows.withGap`, with the time at which an element is processed. A session that is open at the
   * end of the input does not emit.
   *
   * @param gap - Silence that ends a session, from 1 ms to 10,000 years.
   * @throws MillraceError `MR_WINDOW_SIZE_INVALID` when the gap is out of range.
   */
  static withGap(gap: Duration): ProcessingTimeSessionWindows {
    return new ProcessingTimeSessionWindows(windowLengthMs(PROCESSING_TIME, "gap", gap));
  }

  /** As `EventTimeSessionWindows.withDynamicGap`. */
  static withDynamicGap<T>(gapOf: SessionWindowTimeGapExtractor<T>): DynamicProcessingTimeSessionWindows<T> {
    return DynamicProcessingTimeSessionWindows.withDynamicGap(gapOf);
  }
}

/** A session and the windows that it was merged from, by start. @internal */
export interface MergedSession {
  readonly merged: TimeWindow;
  readonly parts: readonly TimeWindow[];
}

/**
 * Merges windows that overlap or touch, directly or through others. Returns disjoint sessions by start; a window that
 * meets no other is a session with one part. The input is not changed.
 *
 * @example
 * mergeSessionWindows([new TimeWindow(8, 12), new TimeWindow(0, 5), new TimeWindow(3, 7)]);
 * // [0, 7) of [0, 5) and [3, 7); [8, 12) alone
 * @internal
 */
export function mergeSessionWindows(windows: readonly TimeWindow[]): readonly MergedSession[] {
  const sessions: { merged: TimeWindow; readonly parts: TimeWindow[] }[] = [];
  for (const window of windows.toSorted((left, right) => left.start - right.start)) {
    const latest = sessions.at(-1);
    if (latest === undefined || !latest.merged.intersects(window)) {
      sessions.push({ merged: window, parts: [window] });
    } else {
      latest.merged = latest.merged.cover(window);
      latest.parts.push(window);
    }
  }
  return sessions;
}
