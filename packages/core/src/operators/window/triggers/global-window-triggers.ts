/** The triggers that global windows have when they are given none. */
import type { Window } from "../../../time/window.ts";
import { Trigger, type TriggerContext, TriggerResult } from "./trigger.ts";

/** Never fires. @public */
export class NeverTrigger extends Trigger<unknown> {
  static create(): NeverTrigger {
    return new NeverTrigger();
  }

  override onElement(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  override onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  override onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  override canMerge(): boolean {
    return true;
  }

  override clear(): void {}

  override toString(): string {
    return "NeverTrigger";
  }
}

/** Fires once, when the input has ended. @public */
export class EndOfStreamTrigger extends Trigger<unknown> {
  static create(): EndOfStreamTrigger {
    return new EndOfStreamTrigger();
  }

  override onElement(_element: unknown, _timestampMs: number, window: Window, context: TriggerContext): TriggerResult {
    context.registerEventTimeTimer(window.maxTimestamp);
    return TriggerResult.CONTINUE;
  }

  override onEventTime(timeMs: number, window: Window): TriggerResult {
    return timeMs === window.maxTimestamp ? TriggerResult.FIRE : TriggerResult.CONTINUE;
  }

  override onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  override clear(window: Window, context: TriggerContext): void {
    context.deleteEventTimeTimer(window.maxTimestamp);
  }

  override toString(): string {
    return "EndOfStreamTrigger";
  }
}
