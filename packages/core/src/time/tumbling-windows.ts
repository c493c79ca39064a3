import type { Duration } from "../base/duration.ts";
import { TimeWindow, windowStartWithOffset } from "./time-window.ts";
import type { TumblingAssigner } from "./window-assigner.ts";
import { requireTimestamp, windowLengthMs, windowOffsetMs } from "./window-parameters.ts";

const NAME = "TumblingEventTimeWindows";

/** Cuts event time into windows of one size, side by side. @public */
export class TumblingEventTimeWindows implements TumblingAssigner {
  readonly kind = "tumbling";
  readonly isEventTime = true;
  readonly sizeMs: number;
  readonly offsetMs: number;

  private constructor(sizeMs: number, offsetMs: number) {
    this.sizeMs = sizeMs;
    this.offsetMs = offsetMs;
  }

  /**
   * Assigns each element to the one fixed-size window that contains its event timestamp.
   *
   * Windows are aligned to the epoch plus `offset`: with a size of one day and an offset of -8 h they run from midnight
   * to midnight in UTC+8.
   *
   * @param size - Window length, from 1 ms to 10,000 years.
   * @param offset - Shift of the window grid; |offset| must be less than the size. Default 0.
   * @throws MillraceError `MR_WINDOW_SIZE_INVALID` when the size is out of range or the offset is not smaller than it.
   *
   * @example
   * const daily = TumblingEventTimeWindows.of("1 d");
   * daily.assign(-1); // [TimeWindow { start: -86_400_000, end: 0 }]
   *
   * @see Akidau et al., "The Dataflow Model", VLDB 2015, section 1.2 (fixed windows).
   */
  static of(size: Duration, offset: Duration = 0): TumblingEventTimeWindows {
    const sizeMs = windowLengthMs(NAME, "size", size);
    return new TumblingEventTimeWindows(sizeMs, windowOffsetMs(NAME, offset, "size", sizeMs));
  }

  assign(timestampMs: number): readonly TimeWindow[] {
    requireTimestamp(NAME, timestampMs);
    const start = windowStartWithOffset(timestampMs, this.offsetMs, this.sizeMs);
    return [new TimeWindow(start, start + this.sizeMs)];
  }

  toString(): string {
    return `${NAME}(${this.sizeMs})`;
  }
}

const PROCESSING_NAME = "TumblingProcessingTimeWindows";

/** Cuts processing time into windows of one size, side by side. @public */
export class TumblingProcessingTimeWindows implements TumblingAssigner {
  readonly kind = "tumbling";
  readonly isEventTime = false;
  readonly sizeMs: number;
  readonly offsetMs: number;

  private constructor(sizeMs: number, offsetMs: number) {
    this.sizeMs = sizeMs;
    this.offsetMs = offsetMs;
  }

  /**
   * Assigns each element to the one fixed-size window in which it is processed. A window that is open at the end of the
   * input does not emit.
   *
   * @param size - Window length, from 1 ms to 10,000 years.
   * @param offset - Shift of the window grid; |offset| must be less than the size. Default 0.
   * @throws MillraceError `MR_WINDOW_SIZE_INVALID` when the size is out of range or the offset is not smaller than it.
   */
  static of(size: Duration, offset: Duration = 0): TumblingProcessingTimeWindows {
    const sizeMs = windowLengthMs(PROCESSING_NAME, "size", size);
    return new TumblingProcessingTimeWindows(sizeMs, windowOffsetMs(PROCESSING_NAME, offset, "size", sizeMs));
  }

  assign(nowMs: number): readonly TimeWindow[] {
    const start = windowStartWithOffset(nowMs, this.offsetMs, this.sizeMs);
    return [new TimeWindow(start, start + this.sizeMs)];
  }

  toString(): string {
    return `${PROCESSING_NAME}(${this.sizeMs})`;
  }
}
