import { type ValueStateDescriptor, valueState } from "../../../state/state-descriptors.ts";
import type { Window } from "../../../time/window.ts";
import { t } from "../../../types/declared-types.ts";
import { type OnMergeContext, Trigger, type TriggerContext, TriggerResult } from "./trigger.ts";

/** Fires on multiples of an interval in one of the two kinds of time, as long as the window has elements. @internal */
export abstract class ContinuousTrigger extends Trigger<unknown> {
  private readonly intervalMs: number;
  private readonly nextFire: ValueStateDescriptor<number>;

  constructor(intervalMs: number) {
    super();
    this.intervalMs = intervalMs;
    this.nextFire = valueState("fire-time", t.float64);
  }

  protected abstract register(timeMs: number, context: TriggerContext): void;

  protected abstract unregister(timeMs: number, context: TriggerContext): void;

  /** The first multiple after the first element of a window. */
  protected start(timeMs: number, window: Window, context: TriggerContext): void {
    if (context.getPartitionedState(this.nextFire).value() !== undefined) return;
    this.registerNext(timeMs - (timeMs % this.intervalMs), window, context);
  }

  protected onTime(timeMs: number, window: Window, context: TriggerContext): TriggerResult {
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
    if (next !== undefined) this.register(next, context);
  }

  override clear(_window: Window, context: TriggerContext): void {
    const nextFire = context.getPartitionedState(this.nextFire);
    const next = nextFire.value();
    if (next === undefined) return;
    this.unregister(next, context);
    nextFire.clear();
  }

  private registerNext(timeMs: number, window: Window, context: TriggerContext): void {
    const next = Math.min(timeMs + this.intervalMs, window.maxTimestamp);
    context.getPartitionedState(this.nextFire).update(next);
    this.register(next, context);
  }

  override toString(): string {
    return `${this.name}(${this.intervalMs})`;
  }

  /** What plans call it. */
  protected abstract readonly name: string;
}
