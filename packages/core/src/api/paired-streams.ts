/**
 * What joins and co-groups have in common. It imports no stream but for its type, so it is there before the kinds of
 * streams, which make each other, extend it.
 */
import type { Duration } from "../base/duration.ts";
import {
  CoGroupWindowFunction,
  type TaggedUnion,
  type WindowJoining,
} from "../operators/window/co-group-window-function.ts";
import type { Evictor } from "../operators/window/evictors/evictor.ts";
import type { Trigger } from "../operators/window/triggers/trigger.ts";
import type { TimeWindow } from "../time/time-window.ts";
import type { SpanAssigner } from "../time/window-assigner.ts";
import type { SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import type { WindowedStream } from "./windowed-stream.ts";

/** A record of either stream. @internal */
export type Tagged = TaggedUnion<unknown, unknown>;
/** The records of both streams, keyed and windowed. @internal */
export type Windows = WindowedStream<Tagged, unknown>;

/**
 * What the windows of two streams can be told before their function is applied.
 *
 * @public
 */
export abstract class PairedWindows<T1, T2> {
  /** @internal */
  protected readonly assigner: SpanAssigner;
  /** @internal */
  protected readonly windows: Windows;

  /** @internal */
  constructor(assigner: SpanAssigner, windows: Windows) {
    this.assigner = assigner;
    this.windows = windows;
  }

  /** @internal */
  protected abstract changed(windows: Windows): this;

  /**
   * Keeps windows for a while after they have emitted; a record that comes in that time fires its window again. Records
   * that are later still are dropped and counted.
   *
   * @param lateness - 0 or more; 0 by default.
   * @throws MillraceError `MR_ARGUMENT_INVALID` when it is negative, `MR_DURATION_INVALID` when it is no duration
   */
  allowedLateness(lateness: Duration): this {
    return this.changed(this.windows.allowedLateness(lateness));
  }

  /**
   * Says when windows emit, instead of the assigner's own trigger. It sees the records of both streams, each as the
   * property `first` or `second` of an object.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID` when it is no trigger, or windows merge and it cannot
   * @example
   * orders
   *   .join(payments)
   *   .where((order) => order.id)
   *   .equalTo((payment) => payment.order)
   *   .window(TumblingEventTimeWindows.of("1 d"))
   *   .trigger(PurgingTrigger.of(ContinuousEventTimeTrigger.of("1 h")))
   *   .apply((order, payment) => ({ order: order.id, paid: payment.cents }));
   */
  trigger(trigger: Trigger<TaggedUnion<T1, T2>, TimeWindow>): this {
    return this.changed(this.windows.trigger(erased(trigger)));
  }

  /**
   * Removes records of a window before or after its function sees them: of both streams, as a trigger sees them, in the
   * order in which they came.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID` when it is no evictor
   */
  evictor(evictor: Evictor<TaggedUnion<T1, T2>, TimeWindow>): this {
    return this.changed(this.windows.evictor(erased(evictor)));
  }

  /** @internal */
  protected applied<R>(joining: WindowJoining): SingleOutputStreamOperator<R> {
    const stream = this.windows.process<R>(erased(new CoGroupWindowFunction(joining)));
    return stream.name(`Window(${this.assigner}, ${joining.kind})`);
  }
}
