import type { Window } from "../../../time/window.ts";
import { type OnMergeContext, Trigger, type TriggerContext, TriggerResult } from "./trigger.ts";

/** Fires when the watermark passes the end of the window, and for every late element. The default in event time. @public */
export class EventTimeTrigger extends Trigger<unknown> {
  static create(): EventTimeTrigger {
    return new EventTimeTrigger();
  }

  override onElement(_element: unknown, _timestampMs: number, window: Window, context: TriggerContext): TriggerResult {
    if (window.maxTimestamp <= context.getCurrentWatermark()) return TriggerResult.FIRE;
    context.registerEventTimeTimer(window.maxTimestamp);
    return TriggerResult.CONTINUE;
  }

  override onEventTime(timeMs: number, window: Window): TriggerResult {
    return timeMs === window.maxTimestamp ? TriggerResult.FIRE : TriggerResult.CONTINUE;
  }

  override onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  override canMerge(): boolean {
    return true;
  }

  override onMerge(window: Window, context: OnMergeContext): void {
    // A window that is late already fires with the element that merged it.
    if (window.maxTimestamp > context.getCurrentWatermark()) context.registerEventTimeTimer(window.maxTimestamp);
  }

  override clear(window: Window, context: TriggerContext): void {
    context.deleteEventTimeTimer(window.maxTimestamp);
  }

  override toString(): string {
    return "EventTimeTrigger()";
  }
}
