/** Windows of users' own making. */
import type { Window } from "../../time/window.ts";
import type { Type } from "../../types/type.ts";
import { EventTimeTrigger } from "./triggers/event-time-trigger.ts";
import { ProcessingTimeTrigger } from "./triggers/processing-time-trigger.ts";
import type { Trigger } from "./triggers/trigger.ts";

/** What an assigner is told besides the element and its timestamp. @public */
export interface WindowAssignerContext {
  /** Epoch ms. */
  getCurrentProcessingTime(): number;
}

/**
 * Says which windows an element belongs to. An assigner is copied for every subtask; it must give the same windows for
 * the same element, whatever it has seen before.
 *
 * @example
 * class TenBySize extends WindowAssigner<Order, TimeWindow> {
 *   override readonly isEventTime = true;
 *   override assignWindows(order: Order, timestampMs: number): readonly TimeWindow[] {
 *     const sizeMs = order.isLarge ? 60_000 : 10_000;
 *     const start = timestampMs - (timestampMs % sizeMs);
 *     return [new TimeWindow(start, start + sizeMs)];
 *   }
 * }
 * @public
 */
export abstract class WindowAssigner<T, W extends Window> {
  /** Whether windows end in event time, with the watermark; otherwise when the clock passes their end. */
  abstract readonly isEventTime: boolean;

  /**
   * How windows are written into checkpoints and told apart; needed unless they are `TimeWindow` or `GlobalWindow`. Two
   * windows are the same when their bytes are.
   */
  readonly windowType: Type<W> | undefined = undefined;

  /** The windows of an element; none drops it. @param timestampMs - Its event time, or `NO_TIMESTAMP`. */
  abstract assignWindows(element: T, timestampMs: number, context: WindowAssignerContext): readonly W[];

  /** The trigger of a stream that sets none. By default windows fire when their time has passed. */
  getDefaultTrigger(): Trigger<T, W> {
    return this.isEventTime ? EventTimeTrigger.create() : ProcessingTimeTrigger.create();
  }
}

/**
 * An assigner whose windows grow together, such as sessions.
 * @public
 */
export abstract class MergingWindowAssigner<T, W extends Window> extends WindowAssigner<T, W> {
  /**
   * Calls `merge` for every group of windows that become one, with what they become. Windows that stay as they are are
   * not mentioned. A window of event time must not end before the watermark because of a merge.
   *
   * @param windows - The windows of one key, oldest first; they are not changed.
   */
  abstract mergeWindows(windows: readonly W[], merge: (toBeMerged: readonly W[], result: W) => void): void;
}
