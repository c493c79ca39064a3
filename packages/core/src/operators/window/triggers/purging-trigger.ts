import type { Window } from "../../../time/window.ts";
import { isFire, type OnMergeContext, Trigger, type TriggerContext, TriggerResult } from "./trigger.ts";

/** Fires when another trigger does, and drops the window's elements each time. @public */
export class PurgingTrigger<T, W extends Window> extends Trigger<T, W> {
  private readonly nested: Trigger<T, W>;

  private constructor(nested: Trigger<T, W>) {
    super();
    this.nested = nested;
  }

  /** @example PurgingTrigger.of(CountTrigger.of(100)) */
  static of<T, W extends Window>(nestedTrigger: Trigger<T, W>): PurgingTrigger<T, W> {
    return new PurgingTrigger<T, W>(nestedTrigger);
  }

  override onElement(element: T, timestampMs: number, window: W, context: TriggerContext): TriggerResult {
    return purging(this.nested.onElement(element, timestampMs, window, context));
  }

  override onEventTime(timeMs: number, window: W, context: TriggerContext): TriggerResult {
    return purging(this.nested.onEventTime(timeMs, window, context));
  }

  override onProcessingTime(timeMs: number, window: W, context: TriggerContext): TriggerResult {
    return purging(this.nested.onProcessingTime(timeMs, window, context));
  }

  override canMerge(): boolean {
    return this.nested.canMerge();
  }

  override onMerge(window: W, context: OnMergeContext): void {
    this.nested.onMerge(window, context);
  }

  override clear(window: W, context: TriggerContext): void {
    this.nested.clear(window, context);
  }

  override toString(): string {
    return `PurgingTrigger(${String(this.nested)})`;
  }
}

function purging(result: TriggerResult): TriggerResult {
  return isFire(result) ? TriggerResult.FIRE_AND_PURGE : result;
}
