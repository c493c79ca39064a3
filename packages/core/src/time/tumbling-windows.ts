import type { Duration } from "../base/duration.ts";
import { TimeWindow, windowStartWithOffset } from "./time-window.ts";
import type { TumblingAssigner } from "./window-assigner.ts";
import { requireTimestamp, windowLengthMs, windowOffsetMs } from "./window-parameters.ts";
import { requireStagger, WindowStagger } from "./window-stagger.ts";

type TumblingParameters = Required<Pick<TumblingAssigner, "sizeMs" | "offsetMs" | "stagger">>;

abstract class TumblingWindows implements TumblingAssigner {
  readonly kind = "tumbling";
  abstract readonly isEventTime: boolean;
  readonly sizeMs: number;
  readonly offsetMs: number;
  readonly stagger: WindowStagger;

  constructor({ sizeMs, offsetMs, stagger }: TumblingParameters) {
    this.sizeMs = sizeMs;
    this.offsetMs = offsetMs;
    this.stagger = stagger;
  }

  /** @param timeMs - The element's timestamp, or the time at which it is processed. The result is without the stagger. */
  assign(timeMs: number): readonly TimeWindow[] {
    if (this.isEventTime) requireTimestamp(EVENT_TIME, timeMs);
    const start = windowStartWithOffset(timeMs, this.offsetMs, this.sizeMs);
    return [new TimeWindow(start, start + this.sizeMs)];
  }

  toString(): string {
    return `${this.isEventTime ? EVENT_TIME : PROCESSING_TIME}(${this.sizeMs})`;
  }
}

const EVENT_TIME = "TumblingEventTimeWindows";
const PROCESSING_TIME = "TumblingProcessingTimeWindows";

/** Cuts event time into windows of one size, side by side. @public */
export class TumblingEventTimeWindows extends TumblingWindows {
  readonly isEventTime = true;

  /**
   * Assigns each element to the one fixed-size window that contains its event timestamp.
   *
   * Windows are aligned to the epoch plus `offset`: with a size of one day and an offset of -8 h they run from midnight
   * to midnight in UTC+8.
   *
   * @param size - Window length, from 1 ms to 10,000 years.
   * @param offset - Shift of the window grid; |offset| must be less than the size. Default 0.
   * @param stagger - Shifts the grid of each subtask. Default `ALIGNED`: not at all. As in Flink the shift is chosen anew
   *   when the job restarts; windows that are open then end as they are.
   * @throws MillraceError `MR_WINDOW_SIZE_INVALID` when the size is out of range or the offset is not smaller than it;
   *   `MR_ARGUMENT_INVALID` for an unknown stagger.
   *
   * @example
   * const daily = TumblingEventTimeWindows.of("1 d");
   * daily.assign(-1); // [TimeWindow { start: -86_400_000, end: 0 }]
   *
   * @see Akidau et al., "The Dataflow Model", VLDB 2015, section 1.2 (fixed windows).
   */
  static of(
    size: Duration,
    offset: Duration = 0,
    stagger: WindowStagger = WindowStagger.ALIGNED,
  ): TumblingEventTimeWindows {
    return new TumblingEventTimeWindows(checkedParameters(EVENT_TIME, size, offset, stagger));
  }
}

/** Cuts processing time into windows of one size, side by side. @public */
export class TumblingProcessingTimeWindows extends TumblingWindows {
  readonly isEventTime = false;

  /**
   * Assigns each element to the one fixed-size window in which it is processed. A window that is open at the end of the
   * input does not emit.
   *
   * @param size - Window length, from 1 ms to 10,000 years.
   * @param offset - Shift of the window grid; |offset| must be less than the size. Default 0.
   * @param stagger - As for `TumblingEventTimeWindows.of`.
   * @throws MillraceError as `TumblingEventTimeWindows.of`
   */
  static of(
    size: Duration,
    offset: Duration = 0,
    stagger: WindowStagger = WindowStagger.ALIGNED,
  ): TumblingProcessingTimeWindows {
    return new TumblingProcessingTimeWindows(checkedParameters(PROCESSING_TIME, size, offset, stagger));
  }
}

function checkedParameters(name: string, size: Duration, offset: Duration, stagger: WindowStagger): TumblingParameters {
  const sizeMs = windowLengthMs(name, "size", size);
  return { sizeMs, offsetMs: windowOffsetMs(name, offset, "size", sizeMs), stagger: requireStagger(name, stagger) };
}
