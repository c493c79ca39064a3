import type { ProcessJoinFunction } from "../operators/functions.ts";
import { addTwoInputOperator } from "./add-operator.ts";
import { userCall } from "./call-site.ts";
import type { KeyedStream, SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import { IntervalJoinSettings, intervalJoinSpec, type JoinInterval } from "./interval-join.ts";
import type { Synchronous } from "./synchronous.ts";

/** An interval join with its bounds. @public */
export class IntervalJoined<L, R> extends IntervalJoinSettings<L, R> {
  readonly #left: KeyedStream<L, unknown>;
  readonly #right: KeyedStream<R, unknown>;

  /** @internal */
  constructor(left: KeyedStream<L, unknown>, right: KeyedStream<R, unknown>, interval: JoinInterval) {
    super(interval, (changed) => new IntervalJoined(left, right, changed));
    this.#left = left;
    this.#right = right;
  }

  /** Calls the function for every pair, once its second record has come. */
  process<O>(fn: ProcessJoinFunction<L, R, O> & Synchronous<"processElement">): SingleOutputStreamOperator<O> {
    const call = userCall("process");
    const spec = intervalJoinSpec(call, this.interval, [erased(this.#left), erased(this.#right)], fn);
    return addTwoInputOperator<O>(this.#left, this.#right, call, "Interval Join", spec);
  }
}
