/** When a window emits. */
import type { MetricGroup } from "../../../metrics/metric-group.ts";
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from "../../../state/keyed-state.ts";
import type {
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from "../../../state/state-descriptors.ts";
import type { Window } from "../../../time/window.ts";

/**
 * What a trigger decides. `FIRE` makes the window emit, `PURGE` drops its elements and keeps what the trigger remembers,
 * `FIRE_AND_PURGE` does both in this order.
 * @public
 */
export const TriggerResult: {
  readonly CONTINUE: "CONTINUE";
  readonly FIRE: "FIRE";
  readonly PURGE: "PURGE";
  readonly FIRE_AND_PURGE: "FIRE_AND_PURGE";
} = { CONTINUE: "CONTINUE", FIRE: "FIRE", PURGE: "PURGE", FIRE_AND_PURGE: "FIRE_AND_PURGE" };

/** @public */
export type TriggerResult = keyof typeof TriggerResult;

/** @internal */
export function isFire(result: TriggerResult): boolean {
  return result === TriggerResult.FIRE || result === TriggerResult.FIRE_AND_PURGE;
}

/** @internal */
export function isPurge(result: TriggerResult): boolean {
  return result === TriggerResult.PURGE || result === TriggerResult.FIRE_AND_PURGE;
}

/**
 * What a trigger can do for the window at hand. Timers and state belong to the window and the trigger: those of different
 * windows never meet. Valid only during the call.
 * @public
 */
export interface TriggerContext {
  /** Epoch ms. */
  getCurrentProcessingTime(): number;
  getCurrentWatermark(): number;
  getMetricGroup(): MetricGroup;
  /** Calls `onEventTime` when the watermark reaches `timeMs`. A second timer for the same time is the same timer. */
  registerEventTimeTimer(timeMs: number): void;
  /** Calls `onProcessingTime` when the millisecond `timeMs` is over. A second timer for the same time is the same timer. */
  registerProcessingTimeTimer(timeMs: number): void;
  deleteEventTimeTimer(timeMs: number): void;
  deleteProcessingTimeTimer(timeMs: number): void;
  /** What the trigger remembers about this window. The name is unique within the trigger. */
  getPartitionedState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T>;
  getPartitionedState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  getPartitionedState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V>;
  getPartitionedState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T>;
  getPartitionedState<IN, ACC, OUT>(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>): AggregatingState<IN, OUT>;
}

/** What a trigger may do when windows were merged: take over the state that it kept for them. @public */
export interface OnMergeContext extends TriggerContext {
  /** Makes the state of the merged windows that of the new one: lists one after the other, in the order of the windows. */
  mergePartitionedState<T>(descriptor: ListStateDescriptor<T>): void;
  /** As for lists, with values folded by the state's own function. */
  mergePartitionedState<T>(descriptor: ReducingStateDescriptor<T>): void;
  /** As for lists, with values folded. */
  mergePartitionedState<T>(descriptor: ValueStateDescriptor<T>, fold: (left: T, right: T) => T): void;
}

/**
 * Decides when the windows of a stream emit. A trigger is copied for every subtask and asked about many windows: what it
 * remembers of one belongs into the state and the timers of the context.
 *
 * @example
 * class OnAlarm extends Trigger<Reading, TimeWindow> {
 *   override onElement(reading: Reading): TriggerResult {
 *     return reading.isAlarm ? TriggerResult.FIRE : TriggerResult.CONTINUE;
 *   }
 *   override onEventTime(): TriggerResult {
 *     return TriggerResult.CONTINUE;
 *   }
 *   override onProcessingTime(): TriggerResult {
 *     return TriggerResult.CONTINUE;
 *   }
 *   override clear(): void {}
 * }
 * @public
 */
export abstract class Trigger<T, W extends Window = Window> {
  /** An element was added to the window. @param timestampMs - Its event time, or `NO_TIMESTAMP`. */
  abstract onElement(element: T, timestampMs: number, window: W, context: TriggerContext): TriggerResult;

  /** An event-time timer has come; also at the window's end plus the allowed lateness, when the window is dropped. */
  abstract onEventTime(timeMs: number, window: W, context: TriggerContext): TriggerResult;

  /** A processing-time timer has come; for windows of processing time also at their end, when they are dropped. */
  abstract onProcessingTime(timeMs: number, window: W, context: TriggerContext): TriggerResult;

  /** Whether the trigger may be used with windows that merge, such as sessions; needs `onMerge`. */
  canMerge(): boolean {
    return false;
  }

  /** Windows were merged into `window`: timers have to be registered again, state has to be merged. */
  onMerge(_window: W, _context: OnMergeContext): void {}

  /** The window is dropped, or merged into another: deletes what the trigger keeps for it. */
  abstract clear(window: W, context: TriggerContext): void;
}
