import { type Duration, durationMs } from "../../../base/duration.ts";
import type { Window } from "../../../time/window.ts";
import { requireInterval } from "../../../time/window-parameters.ts";
import { ContinuousTrigger } from "./continuous-trigger.ts";
import { type TriggerContext, TriggerResult } from "./trigger.ts";

/**
 * Fires every `interval` of processing time, on multiples of it, as long as the window has elements; in windows of
 * processing time also at their end.
 * @public
 */
export class ContinuousProcessingTimeTrigger extends ContinuousTrigger {
  protected override readonly name = "ContinuousProcessingTimeTrigger";

  /** @param interval - At least 1 ms. @throws MillraceError `MR_WINDOW_SIZE_INVALID`, `MR_DURATION_INVALID` */
  static of(interval: Duration): ContinuousProcessingTimeTrigger {
    return new ContinuousProcessingTimeTrigger(
      requireInterval("ContinuousProcessingTimeTrigger", durationMs(interval)),
    );
  }

  override onElement(_element: unknown, _timestampMs: number, window: Window, context: TriggerContext): TriggerResult {
    this.start(context.getCurrentProcessingTime(), window, context);
    return TriggerResult.CONTINUE;
  }

  override onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  override onProcessingTime(timeMs: number, window: Window, context: TriggerContext): TriggerResult {
    return this.onTime(timeMs, window, context);
  }

  protected override register(timeMs: number, context: TriggerContext): void {
    context.registerProcessingTimeTimer(timeMs);
  }

  protected override unregister(timeMs: number, context: TriggerContext): void {
    context.deleteProcessingTimeTimer(timeMs);
  }
}
