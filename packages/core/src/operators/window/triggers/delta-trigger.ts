import { type ValueStateDescriptor, valueState } from "../../../state/state-descriptors.ts";
import type { Window } from "../../../time/window.ts";
import { learnedType } from "../../../types/learned-type.ts";
import type { Type } from "../../../types/type.ts";
import { Trigger, type TriggerContext, TriggerResult } from "./trigger.ts";

/** How far two elements are apart. @public */
export type DeltaFunction<T> = (oldDataPoint: T, newDataPoint: T) => number;

/** Fires when an element is further than a threshold from the one that fired last, or from the window's first. @public */
export class DeltaTrigger<T> extends Trigger<T> {
  private readonly threshold: number;
  private readonly deltaOf: DeltaFunction<T>;
  private readonly last: ValueStateDescriptor<T>;

  private constructor(threshold: number, deltaOf: DeltaFunction<T>, type: Type<T>) {
    super();
    this.threshold = threshold;
    this.deltaOf = deltaOf;
    this.last = valueState("last-element", type);
  }

  /** @param type - What the elements are; without it the runtime learns the shapes it sees. */
  static of<T>(threshold: number, deltaFunction: DeltaFunction<T>, type: Type<T> = learnedType<T>()): DeltaTrigger<T> {
    return new DeltaTrigger<T>(threshold, deltaFunction, type);
  }

  override onElement(element: T, _timestampMs: number, _window: Window, context: TriggerContext): TriggerResult {
    const last = context.getPartitionedState(this.last);
    const before = last.value();
    if (before === undefined) {
      last.update(element);
      return TriggerResult.CONTINUE;
    }
    if (!(this.deltaOf(before, element) > this.threshold)) return TriggerResult.CONTINUE;
    last.update(element);
    return TriggerResult.FIRE;
  }

  override onEventTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  override onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  override clear(_window: Window, context: TriggerContext): void {
    context.getPartitionedState(this.last).clear();
  }

  override toString(): string {
    return `DeltaTrigger(${this.threshold})`;
  }
}
