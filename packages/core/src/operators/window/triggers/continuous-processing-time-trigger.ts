import { type Duration, durationMs } from "../../../base/duration.ts";
import { type ValueStateDescriptor, valueState } from "../../../state/state-descriptors.ts";
import type { Window } from "../../../time/window.ts";
import { requireInterval } from "../../../time/window-parameters.ts";
import { t } from "../../../types/declared-types.ts";
import { type OnMergeContext, Trigger, type TriggerContext, TriggerResult } from "./trigger.ts";

/**
 * Fires every `interval` of processing time, on multiples of it, as long as the window has elements; in windows of
 * processing time also at their end.
 * @public
 */
export class ContinuousProcessingTimeTrigger extends Trigger<unknown> {
  private readonly intervalMs: number;
  private readonly nextFire: ValueStateDescriptor<number>;

  private constructor(intervalMs: number) {
    super();
    this.intervalMs = intervalMs;
    this.nextFire = valueState("fire-time", t.float64);
  }

  /** @param interval - At least 1 ms. @throws MillraceError `MR_WINDOW_SIZE_INVALID`, `MR_DURATION_INVALID` */
  static of(interval: Duration): ContinuousProcessingTimeTrigger {
    return new ContinuousProcessingTimeTrigger(
      requireInterval("ContinuousProcessingTimeTrigger", durationMs(interval)),
    );
  }

  override onElement(_element: unknown, _timestampMs: number, window: Window, context: TriggerContext): TriggerResult {
    if (context.getPartitionedState(this.nextFire).value() === undefined) {
      const nowMs = context.getCurrentProcessingTime();
      this.registerNext(nowMs - (nowMs % this.intervalMs), window, context);
    }
    return TriggerResult.CONTINUE;
  }

  override onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  override onProcessingTime(timeMs: number, window: Window, context: TriggerContext): TriggerResult {
    if (timeMs === window.maxTimestamp) return TriggerResult.FIRE;
    if (context.getPartitionedState(this.nextFire).value() !== timeMs) return TriggerResult.CONTINUE;
    this.registerNext(timeMs, window, context);
    return TriggerResult.FIRE;
  }

  override canMerge(): boolean {
    return true;
  }

  override onMerge(_window: Window, context: OnMergeContext): void {
    context.mergePartitionedState(this.nextFire, Math.min);
    const next = context.getPartitionedState(this.nextFire).value();
    if (next !== undefined) context.registerProcessingTimeTimer(next);
  }

  override clear(_window: Window, context: TriggerContext): void {
    const nextFire = context.getPartitionedState(this.nextFire);
    const next = nextFire.value();
    if (next === undefined) return;
    context.deleteProcessingTimeTimer(next);
    nextFire.clear();
  }

  private registerNext(timeMs: number, window: Window, context: TriggerContext): void {
    const next = Math.min(timeMs + this.intervalMs, window.maxTimestamp);
    context.getPartitionedState(this.nextFire).update(next);
    context.registerProcessingTimeTimer(next);
  }

  override toString(): string {
    return `ContinuousProcessingTimeTrigger(${this.intervalMs})`;
  }
}
