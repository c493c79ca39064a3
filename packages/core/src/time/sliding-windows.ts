import type { Duration } from "../base/duration.ts";
import { MillraceError } from "../base/errors.ts";
import { TimeWindow, windowStartWithOffset } from "./time-window.ts";
import type { SlidingAssigner } from "./window-assigner.ts";
import { requireTimestamp, windowLengthMs, windowOffsetMs } from "./window-parameters.ts";

const NAME = "SlidingEventTimeWindows";

/** One element may be in at most this many windows: enough for a day that slides by a second. @internal */
export const WINDOWS_PER_ELEMENT_MAX: number = 100_000;

/** Opens a window of one size at every slide of event time. @public */
export class SlidingEventTimeWindows implements SlidingAssigner {
  readonly kind = "sliding";
  readonly isEventTime = true;
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;

  private constructor(sizeMs: number, slideMs: number, offsetMs: number) {
    this.sizeMs = sizeMs;
    this.slideMs = slideMs;
    this.offsetMs = offsetMs;
  }

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
    const { sizeMs, slideMs, offsetMs } = checkedParameters(NAME, size, slide, offset);
    return new SlidingEventTimeWindows(sizeMs, slideMs, offsetMs);
  }

  /** The newest window first. */
  assign(timestampMs: number): readonly TimeWindow[] {
    requireTimestamp(NAME, timestampMs);
    return windowsAt(this, timestampMs);
  }

  toString(): string {
    return `${NAME}(${this.sizeMs}, ${this.slideMs})`;
  }
}

const PROCESSING_NAME = "SlidingProcessingTimeWindows";

/** Opens a window of one size at every slide of processing time. @public */
export class SlidingProcessingTimeWindows implements SlidingAssigner {
  readonly kind = "sliding";
  readonly isEventTime = false;
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;

  private constructor(sizeMs: number, slideMs: number, offsetMs: number) {
    this.sizeMs = sizeMs;
    this.slideMs = slideMs;
    this.offsetMs = offsetMs;
  }

  /**
   * Assigns each element to every window in which it is processed. Windows that are open at the end of the input do not
   * emit.
   *
   * @param size - Window length, from 1 ms to 10,000 years.
   * @param slide - Distance between two window starts, from 1 ms to 10,000 years.
   * @param offset - Shift of the window grid; |offset| must be less than the slide. Default 0.
   * @throws MillraceError `MR_WINDOW_SIZE_INVALID` as `SlidingEventTimeWindows.of`.
   */
  static of(size: Duration, slide: Duration, offset: Duration = 0): SlidingProcessingTimeWindows {
    const { sizeMs, slideMs, offsetMs } = checkedParameters(PROCESSING_NAME, size, slide, offset);
    return new SlidingProcessingTimeWindows(sizeMs, slideMs, offsetMs);
  }

  /** The newest window first. */
  assign(nowMs: number): readonly TimeWindow[] {
    return windowsAt(this, nowMs);
  }

  toString(): string {
    return `${PROCESSING_NAME}(${this.sizeMs}, ${this.slideMs})`;
  }
}

type SlidingParameters = Pick<SlidingAssigner, "sizeMs" | "slideMs" | "offsetMs">;

function checkedParameters(name: string, size: Duration, slide: Duration, offset: Duration): SlidingParameters {
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
  return { sizeMs, slideMs, offsetMs: windowOffsetMs(name, offset, "slide", slideMs) };
}

function windowsAt({ sizeMs, slideMs, offsetMs }: SlidingParameters, timeMs: number): TimeWindow[] {
  const windows: TimeWindow[] = [];
  const newest = windowStartWithOffset(timeMs, offsetMs, slideMs);
  for (let start = newest; start > timeMs - sizeMs; start -= slideMs) {
    windows.push(new TimeWindow(start, start + sizeMs));
  }
  return windows;
}
