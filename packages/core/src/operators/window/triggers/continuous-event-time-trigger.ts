import { type Duration, durationMs } from "../../../base/duration.ts";
import { type ValueStateDescriptor, valueState } from "../../../state/state-descriptors.ts";
import type { Window } from "../../../time/window.ts";
import { requireInterval } from "../../../time/window-parameters.ts";
import { t } from "../../../types/declared-types.ts";
import { type OnMergeContext, Trigger, type TriggerContext, TriggerResult } from "./trigger.ts";

/**
 * Fires every `interval` of event time, on multiples of it, as long as the window has elements; also at the end of the
 * window and for every late element.
 * @public
 */
export class ContinuousEventTimeTrigger extends Trigger<unknown> {
  private readonly intervalMs: number;
  private readonly nextFire: ValueStateDescriptor<number>;

  private constructor(intervalMs: number) {
    super();
    this.intervalMs = intervalMs;
    this.nextFire = valueState("fire-time", t.float64);
  }

  /** @param interval - At least 1 ms. @throws MillraceError `MR_WINDOW_SIZE_INVALID`, `MR_DURATION_INVALID` */
  static of(interval: Duration): ContinuousEventTimeTrigger {
    return new ContinuousEventTimeTrigger(requireInterval("ContinuousEventTimeTrigger", durationMs(interval)));
  }

  override onElement(_element: unknown, timestampMs: number, window: Window, context: TriggerContext): TriggerResult {
    if (window.maxTimestamp <= context.getCurrentWatermark()) return TriggerResult.FIRE;
    context.registerEventTimeTimer(window.maxTimestamp);
    if (context.getPartitionedState(this.nextFire).value() === undefined) {
      this.registerNext(timestampMs - (timestampMs % this.intervalMs), window, context);
    }
    return TriggerResult.CONTINUE;
  }

  override onEventTime(timeMs: number, window: Window, context: TriggerContext): TriggerResult {
    if (timeMs === window.maxTimestamp) return TriggerResult.FIRE;
    if (context.getPartitionedState(this.nextFire).value() !== timeMs) return TriggerResult.CONTINUE;
    this.registerNext(timeMs, window, context);
    return TriggerResult.FIRE;
  }

  override onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  override canMerge(): boolean {
    return true;
  }

  override onMerge(_window: Window, context: OnMergeContext): void {
    context.mergePartitionedState(this.nextFire, Math.min);
    const next = context.getPartitionedState(this.nextFire).value();
    if (next !== undefined) context.registerEventTimeTimer(next);
  }

  override clear(_window: Window, context: TriggerContext): void {
    const nextFire = context.getPartitionedState(this.nextFire);
    const next = nextFire.value();
    if (next === undefined) return;
    context.deleteEventTimeTimer(next);
    nextFire.clear();
  }

  private registerNext(timeMs: number, window: Window, context: TriggerContext): void {
    const next = Math.min(timeMs + this.intervalMs, window.maxTimestamp);
    context.getPartitionedState(this.nextFire).update(next);
    context.registerEventTimeTimer(next);
  }

  override toString(): string {
    return `ContinuousEventTimeTrigger(${this.intervalMs})`;
  }
}
