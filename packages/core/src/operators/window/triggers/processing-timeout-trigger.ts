import { type Duration, durationMs } from "../../../base/duration.ts";
import { type ValueStateDescriptor, valueState } from "../../../state/state-descriptors.ts";
import type { Window } from "../../../time/window.ts";
import { requireInterval } from "../../../time/window-parameters.ts";
import { t } from "../../../types/declared-types.ts";
import { isFire, isPurge, Trigger, type TriggerContext, TriggerResult } from "./trigger.ts";

/**
 * Fires when another trigger does, and when that has not happened for a while of processing time after the first element.
 * Any timer of the other trigger makes it fire, too. It cannot be used with windows that merge. All as in Flink.
 * @public
 */
export class ProcessingTimeoutTrigger<T, W extends Window> extends Trigger<T, W> {
  private readonly nested: Trigger<T, W>;
  private readonly timeoutMs: number;
  private readonly resetsTimer: boolean;
  private readonly clearsOnTimeout: boolean;
  private readonly timeout: ValueStateDescriptor<number>;

  private constructor(nested: Trigger<T, W>, timeoutMs: number, resetsTimer: boolean, clearsOnTimeout: boolean) {
    super();
    this.nested = nested;
    this.timeoutMs = timeoutMs;
    this.resetsTimer = resetsTimer;
    this.clearsOnTimeout = clearsOnTimeout;
    this.timeout = valueState("timeout", t.float64);
  }

  /**
   * @param timeout - At least 1 ms.
   * @param resetTimerOnNewRecord - Whether the time counts from the last element. Default false: from the first one.
   * @param shouldClearOnTimeout - Whether the other trigger forgets what it knows when the time is over. Default true.
   * @throws MillraceError `MR_WINDOW_SIZE_INVALID`, `MR_DURATION_INVALID`
   * @example
   * ProcessingTimeoutTrigger.of(CountTrigger.of(100), "5 s");
   */
  static of<T, W extends Window>(
    nestedTrigger: Trigger<T, W>,
    timeout: Duration,
    resetTimerOnNewRecord: boolean = false,
    shouldClearOnTimeout: boolean = true,
  ): ProcessingTimeoutTrigger<T, W> {
    const timeoutMs = requireInterval("ProcessingTimeoutTrigger", durationMs(timeout));
    return new ProcessingTimeoutTrigger<T, W>(nestedTrigger, timeoutMs, resetTimerOnNewRecord, shouldClearOnTimeout);
  }

  override onElement(element: T, timestampMs: number, window: W, context: TriggerContext): TriggerResult {
    const result = this.nested.onElement(element, timestampMs, window, context);
    if (isFire(result)) {
      this.clear(window, context);
      return result;
    }
    const timeout = context.getPartitionedState(this.timeout);
    const before = timeout.value();
    if (before !== undefined && !this.resetsTimer) return result;
    if (before !== undefined) context.deleteProcessingTimeTimer(before);
    const next = context.getCurrentProcessingTime() + this.timeoutMs;
    timeout.update(next);
    context.registerProcessingTimeTimer(next);
    return result;
  }

  override onEventTime(timeMs: number, window: W, context: TriggerContext): TriggerResult {
    return this.onTime(this.nested.onEventTime(timeMs, window, context), window, context);
  }

  override onProcessingTime(timeMs: number, window: W, context: TriggerContext): TriggerResult {
    return this.onTime(this.nested.onProcessingTime(timeMs, window, context), window, context);
  }

  override clear(window: W, context: TriggerContext): void {
    const timeout = context.getPartitionedState(this.timeout);
    const timeMs = timeout.value();
    if (timeMs !== undefined) {
      context.deleteProcessingTimeTimer(timeMs);
      timeout.clear();
    }
    this.nested.clear(window, context);
  }

  private onTime(result: TriggerResult, window: W, context: TriggerContext): TriggerResult {
    if (this.clearsOnTimeout) this.clear(window, context);
    return isPurge(result) ? TriggerResult.FIRE_AND_PURGE : TriggerResult.FIRE;
  }

  override toString(): string {
    return `ProcessingTimeoutTrigger(${String(this.nested)}, ${this.timeoutMs})`;
  }
}
