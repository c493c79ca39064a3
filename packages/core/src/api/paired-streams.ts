/**
 * What joins and co-groups have in common. It imports no stream but for its type, so it is there before the kinds of
 * streams, which make each other, extend it.
 */
import type { Duration } from "../base/duration.ts";
import type { KeySelector } from "../operators/functions.ts";
import {
  CoGroupWindowFunction,
  type TaggedUnion,
  type WindowJoining,
} from "../operators/window/co-group-window-function.ts";
import type { AnyWindowAssigner, WindowOf } from "../operators/window/element-assigner.ts";
import type { Evictor } from "../operators/window/evictors/evictor.ts";
import { nameOf } from "../operators/window/general-window-spec.ts";
import type { Trigger } from "../operators/window/triggers/trigger.ts";
import type { SpanAssigner } from "../time/window-assigner.ts";
import { checkFunction } from "./argument-checks.ts";
import { userCall } from "./call-site.ts";
import type { DataStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import type { WindowedStream } from "./windowed-stream.ts";

/** A record of either stream. @internal */
export type Tagged = TaggedUnion<unknown, unknown>;
/** The records of both streams, keyed and windowed. @internal */
export type Windows = WindowedStream<Tagged, unknown, AnyWindowAssigner<Tagged>>;

/** Two streams, of which the first has its key. @internal */
export interface HalfKeyedPair<T1, T2, K> {
  readonly first: DataStream<T1>;
  readonly second: DataStream<T2>;
  readonly firstKey: KeySelector<T1, K>;
}

/** Two streams with their keys. @internal */
export interface KeyedPair<T1, T2, K> {
  readonly first: DataStream<T1>;
  readonly second: DataStream<T2>;
  readonly keys: readonly [KeySelector<T1, K>, KeySelector<T2, K>];
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function pairWhere<T1, T2, K>(
  first: DataStream<T1>,
  second: DataStream<T2>,
  selector: unknown,
): HalfKeyedPair<T1, T2, K> {
  return { first, second, firstKey: checkedKey("where", selector) };
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function pairEqualTo<T1, T2, K>(pair: HalfKeyedPair<T1, T2, K>, selector: unknown): KeyedPair<T1, T2, K> {
  const { first, second, firstKey } = pair;
  return { first, second, keys: [firstKey, checkedKey("equalTo", selector)] };
}

function checkedKey<T, K>(method: string, selector: unknown): KeySelector<T, K> {
  checkFunction(userCall(method), selector, { methods: [], plain: "function" });
  return erased(selector);
}

/**
 * What the windows of two streams can be told before their function is applied.
 *
 * @public
 */
export abstract class PairedWindows<T1, T2, A extends AnyWindowAssigner<TaggedUnion<T1, T2>> = SpanAssigner> {
  /** @internal */
  protected readonly assigner: A;
  /** @internal */
  protected readonly windows: Windows;

  /** @internal */
  constructor(assigner: A, windows: Windows) {
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
  trigger(trigger: Trigger<TaggedUnion<T1, T2>, WindowOf<A>>): this {
    return this.changed(this.windows.trigger(erased(trigger)));
  }

  /**
   * Removes records of a window before or after its function sees them: of both streams, as a trigger sees them, in the
   * order in which they came.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID` when it is no evictor
   */
  evictor(evictor: Evictor<TaggedUnion<T1, T2>, WindowOf<A>>): this {
    return this.changed(this.windows.evictor(erased(evictor)));
  }

  /** @internal */
  protected applied<R>(joining: WindowJoining): SingleOutputStreamOperator<R> {
    const stream = this.windows.process<R>(erased(new CoGroupWindowFunction(joining)));
    return stream.name(`Window(${nameOf(this.assigner)}, ${joining.kind})`);
  }
}
