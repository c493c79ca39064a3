import { type Duration, durationMs } from "../../../base/duration.ts";
import type { Window } from "../../../time/window.ts";
import { requireInterval } from "../../../time/window-parameters.ts";
import { ContinuousTrigger } from "./continuous-trigger.ts";
import { type TriggerContext, TriggerResult } from "./trigger.ts";

/**
 * Fires every `interval` of event time, on multiples of it, as long as the window has elements; also at the end of the
 * window and for every late element.
 * @public
 */
export class ContinuousEventTimeTrigger extends ContinuousTrigger {
  protected override readonly name = "ContinuousEventTimeTrigger";

  /** @param interval - At least 1 ms. @throws MillraceError `MR_WINDOW_SIZE_INVALID`, `MR_DURATION_INVALID` */
  static of(interval: Duration): ContinuousEventTimeTrigger {
    return new ContinuousEventTimeTrigger(requireInterval("ContinuousEventTimeTrigger", durationMs(interval)));
  }

  override onElement(_element: unknown, timestampMs: number, window: Window, context: TriggerContext): TriggerResult {
    if (window.maxTimestamp <= context.getCurrentWatermark()) return TriggerResult.FIRE;
    context.registerEventTimeTimer(window.maxTimestamp);
    this.start(timestampMs, window, context);
    return TriggerResult.CONTINUE;
  }

  override onEventTime(timeMs: number, window: Window, context: TriggerContext): TriggerResult {
    return this.onTime(timeMs, window, context);
  }

  override onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  protected override register(timeMs: number, context: TriggerContext): void {
    context.registerEventTimeTimer(timeMs);
  }

  protected override unregister(timeMs: number, context: TriggerContext): void {
    context.deleteEventTimeTimer(timeMs);
  }
}
