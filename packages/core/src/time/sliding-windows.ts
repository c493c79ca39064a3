import type { Duration } from "../base/duration.ts";
import { MillraceError } from "../base/errors.ts";
import { TimeWindow, windowStartWithOffset } from "./time-window.ts";
import type { SlidingAssigner } from "./window-assigner.ts";
import { requireTimestamp, windowLengthMs, windowOffsetMs } from "./window-parameters.ts";
import { requireStagger, WindowStagger } from "./window-stagger.ts";

/** One element may be in at most this many windows: enough for a day that slides by a second. @internal */
export const WINDOWS_PER_ELEMENT_MAX: number = 100_000;

type SlidingParameters = Required<Pick<SlidingAssigner, "sizeMs" | "slideMs" | "offsetMs" | "stagger">>;

abstract class SlidingWindows implements SlidingAssigner {
  readonly kind = "sliding";
  abstract readonly isEventTime: boolean;
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
  readonly stagger: WindowStagger;

  constructor({ sizeMs, slideMs, offsetMs, stagger }: SlidingParameters) {
    this.sizeMs = sizeMs;
    this.slideMs = slideMs;
    this.offsetMs = offsetMs;
    this.stagger = stagger;
  }

  /**
   * The newest window first.
   *
   * @param timeMs - The element's timestamp, or the time at which it is processed. The result is without the stagger.
   */
  assign(timeMs: number): readonly TimeWindow[] {
    if (this.isEventTime) requireTimestamp(EVENT_TIME, timeMs);
    const windows: TimeWindow[] = [];
    const newest = windowStartWithOffset(timeMs, this.offsetMs, this.slideMs);
    for (let start = newest; start > timeMs - this.sizeMs; start -= this.slideMs) {
      windows.push(new TimeWindow(start, start + this.sizeMs));
    }
    return windows;
  }

  toString(): string {
    return `${this.isEventTime ? EVENT_TIME : PROCESSING_TIME}(${this.sizeMs}, ${this.slideMs})`;
  }
}

const EVENT_TIME = "SlidingEventTimeWindows";
const PROCESSING_TIME = "SlidingProcessingTimeWindows";

/** Opens a window of one size at every slide of event time. @public */
export class SlidingEventTimeWindows extends SlidingWindows {
  readonly isEventTime = true;

  /**
   * Assigns each element to every window that contains its event timestamp: size / slide windows when the slide divides
   * the size, one more or less otherwise. A slide longer than the size leaves gaps whose elements are in no window.
   *
   * With a reduce, or an aggregate that has `merge`, an element is folded and kept once, whatever size / slide is. With an
   * aggregate without `merge`, or with all elements of the window, the work grows with size / slide: once per window.
   *
   * @param size - Window length, from 1 ms to 10,000 years.
   * @param slide - Distance between two window starts, from 1 ms to 10,000 years.
   * @param offset - Shift of the window grid; |offset| must be less than the slide. Default 0.
   * @throws MillraceError `MR_WINDOW_SIZE_INVALID` when the size or the slide is out of range, the offset is not smaller
   *   than the slide, or an element would be in more than 100,000 windows.
   *
   * @example
   * const hourEveryHalf = SlidingEventTimeWindows.of("1 h", "30 min");
   * hourEveryHalf.assign(0); // the newest first: [0, 1 h) and [-30 min, 30 min)
   *
   * @see Akidau et al., "The Dataflow Model", VLDB 2015, section 1.2 (sliding windows).
   */
  static of(size: Duration, slide: Duration, offset: Duration = 0): SlidingEventTimeWindows {
    return new SlidingEventTimeWindows(checkedParameters(EVENT_TIME, size, slide, offset, WindowStagger.ALIGNED));
  }
}

/** Opens a window of one size at every slide of processing time. @public */
export class SlidingProcessingTimeWindows extends SlidingWindows {
  readonly isEventTime = false;

  /**
   * Assigns each element to every window in which it is processed. Windows that are open at the end of the input do not
   * emit.
   *
   * @param size - Window length, from 1 ms to 10,000 years.
   * @param slide - Distance between two window starts, from 1 ms to 10,000 years.
   * @param offset - Shift of the window grid; |offset| must be less than the slide. Default 0.
   * @param stagger - Shifts the grid of each subtask, by less than the slide. Default `ALIGNED`: not at all. The shift is
   *   chosen anew when the job restarts. Flink staggers tumbling windows only.
   * @throws MillraceError `MR_WINDOW_SIZE_INVALID` as `SlidingEventTimeWindows.of`; `MR_ARGUMENT_INVALID` for an unknown
   *   stagger.
   */
  static of(
    size: Duration,
    slide: Duration,
    offset: Duration = 0,
    stagger: WindowStagger = WindowStagger.ALIGNED,
  ): SlidingProcessingTimeWindows {
    return new SlidingProcessingTimeWindows(checkedParameters(PROCESSING_TIME, size, slide, offset, stagger));
  }
}

function checkedParameters(
  name: string,
  size: Duration,
  slide: Duration,
  offset: Duration,
  stagger: WindowStagger,
): SlidingParameters {
  const sizeMs = windowLengthMs(name, "size", size);
  const slideMs = windowLengthMs(name, "slide", slide);
  if (sizeMs > slideMs * WINDOWS_PER_ELEMENT_MAX) {
    throw new MillraceError("MR_WINDOW_SIZE_INVALID", {
      what: `The slide of ${name} is too short for its size`,
      found: `${Math.ceil(sizeMs / slideMs)} windows for every element`,
      expected: `at most ${WINDOWS_PER_ELEMENT_MAX}`,
      todo: "Pass a longer slide or a shorter size",
    });
  }
  const offsetMs = windowOffsetMs(name, offset, "slide", slideMs);
  return { sizeMs, slideMs, offsetMs, stagger: requireStagger(name, stagger) };
}
