import { type Duration, durationMs } from "../../../base/duration.ts";
import { NO_TIMESTAMP } from "../../../time/timestamps.ts";
import { requireInterval } from "../../../time/window-parameters.ts";
import { EitherSideEvictor, evictWhere, type TimestampedValue } from "./evictor.ts";

/**
 * Keeps the elements of a span of event time that ends at the newest of them. Keeps all when the first one has no
 * timestamp, as in Flink.
 * @public
 */
export class TimeEvictor extends EitherSideEvictor<unknown> {
  private readonly windowSizeMs: number;

  private constructor(windowSizeMs: number, doEvictAfter: boolean) {
    super(doEvictAfter);
    this.windowSizeMs = windowSizeMs;
  }

  /**
   * @param windowSize - At least 1 ms. An element exactly this much older than the newest goes.
   * @param doEvictAfter - Whether the window's function sees them all first. Default false.
   * @throws MillraceError `MR_WINDOW_SIZE_INVALID`, `MR_DURATION_INVALID`
   */
  static of(windowSize: Duration, doEvictAfter: boolean = false): TimeEvictor {
    return new TimeEvictor(requireInterval("TimeEvictor", durationMs(windowSize)), doEvictAfter);
  }

  protected override evict(elements: TimestampedValue<unknown>[]): void {
    const first = elements[0];
    if (first === undefined || first.timestamp === NO_TIMESTAMP) return;
    let newest = first.timestamp;
    for (const { timestamp } of elements) newest = Math.max(newest, timestamp);
    const cutoff = newest - this.windowSizeMs;
    evictWhere(elements, ({ timestamp }) => timestamp <= cutoff);
  }

  override toString(): string {
    return `TimeEvictor(${this.windowSizeMs})`;
  }
}
