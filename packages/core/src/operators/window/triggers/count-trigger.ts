import { MillraceError } from "../../../base/errors.ts";
import { type ValueStateDescriptor, valueState } from "../../../state/state-descriptors.ts";
import type { Window } from "../../../time/window.ts";
import { t } from "../../../types/declared-types.ts";
import { type OnMergeContext, Trigger, type TriggerContext, TriggerResult } from "./trigger.ts";

/** Fires when so many elements have come since the window began or last fired. @public */
export class CountTrigger extends Trigger<unknown> {
  private readonly maxCount: number;
  private readonly count: ValueStateDescriptor<number>;

  private constructor(maxCount: number) {
    super();
    this.maxCount = maxCount;
    this.count = valueState("count", t.float64);
  }

  /** @param maxCount - At least 1. @throws MillraceError `MR_WINDOW_COUNT_INVALID` */
  static of(maxCount: number): CountTrigger {
    return new CountTrigger(requireCount("CountTrigger", maxCount, 1));
  }

  override onElement(_element: unknown, _timestampMs: number, _window: Window, context: TriggerContext): TriggerResult {
    const state = context.getPartitionedState(this.count);
    const count = (state.value() ?? 0) + 1;
    if (count < this.maxCount) {
      state.update(count);
      return TriggerResult.CONTINUE;
    }
    state.clear();
    return TriggerResult.FIRE;
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

  override onMerge(_window: Window, context: OnMergeContext): void {
    context.mergePartitionedState(this.count, (left, right) => left + right);
  }

  override clear(_window: Window, context: TriggerContext): void {
    context.getPartitionedState(this.count).clear();
  }

  override toString(): string {
    return `CountTrigger(${this.maxCount})`;
  }
}

/** @throws MillraceError `MR_WINDOW_COUNT_INVALID` unless it is a whole number from `least` up. @internal */
export function requireCount(owner: string, count: number, least: number): number {
  if (Number.isSafeInteger(count) && count >= least) return count;
  throw new MillraceError("MR_WINDOW_COUNT_INVALID", {
    what: `${owner} was given no usable number of elements`,
    found: String(count),
    expected: `a whole number of at least ${least}`,
    todo: "Pass how many elements",
  });
}
