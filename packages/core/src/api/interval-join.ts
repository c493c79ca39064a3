/**
 * The calls that describe an interval join, up to the operator's spec. The stream that comes out of it is made in
 * `data-stream.ts`, with all others.
 */
import { type Duration, durationMs, formatDuration } from "../base/duration.ts";
import type { KeySelector, ProcessJoinFunction } from "../operators/functions.ts";
import type { IntervalJoinSpec } from "../operators/operator-spec.ts";
import type { OutputTag } from "../operators/output-tag.ts";
import type { Type } from "../types/type.ts";
import { checkFunction, describeValue, invalidArgument } from "./argument-checks.ts";
import { type UserCall, userCall } from "./call-site.ts";
import { erased } from "./erased.ts";
import { checkTag } from "./stream-checks.ts";

/** The interval as it was described so far. @internal */
export interface JoinInterval {
  readonly lowerMs: number;
  readonly upperMs: number;
  readonly isLowerExclusive: boolean;
  readonly isUpperExclusive: boolean;
  readonly lateTags: IntervalJoinSpec["lateTags"];
}

/** One side of the join. @internal */
export interface JoinInput {
  readonly key: KeySelector<unknown, unknown>;
  readonly type: Type<unknown> | undefined;
}

/** Two keyed streams whose records are to be paired by their timestamps. @public */
export class IntervalJoin<Joined> {
  readonly #make: (interval: JoinInterval) => Joined;

  /** @internal */
  constructor(make: (interval: JoinInterval) => Joined) {
    this.#make = make;
  }

  /**
   * Pairs a left record with the right ones from `lower` to `upper` after it, both included. Negative: before it.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID` when `lower` is above `upper`, `MR_DURATION_INVALID`
   * @example
   * orders
   *   .keyBy((order) => order.id)
   *   .intervalJoin(payments.keyBy((payment) => payment.order))
   *   .between("-1 min", "15 min")
   *   .process<number>({
   *     processElement: (_order, _payment, context, out) => out.collect(context.rightTimestamp - context.leftTimestamp),
   *   });
   */
  between(lower: Duration, upper: Duration): Joined {
    const call = userCall("between");
    const lowerMs = boundMs(call, lower);
    const upperMs = boundMs(call, upper);
    if (lowerMs > upperMs) {
      const found = `${formatDuration(lowerMs)} to ${formatDuration(upperMs)}`;
      throw invalidArgument(call, found, "a lower bound that is not above the upper one", "Exchange the bounds");
    }
    const isExclusive = { isLowerExclusive: false, isUpperExclusive: false };
    return this.#make({ lowerMs, upperMs, ...isExclusive, lateTags: [undefined, undefined] });
  }
}

/**
 * How an interval join looks at its bounds and at late records. Records are kept for as long as they may still find a
 * partner; one whose timestamp is before the watermark is late and joins nothing.
 * @public
 */
export abstract class IntervalJoinSettings<L, R> {
  /** @internal */
  readonly interval: JoinInterval;
  readonly #with: (interval: JoinInterval) => this;
  /** Phantoms: the types of the records. */
  declare readonly _left?: L | undefined;
  declare readonly _right?: R | undefined;

  /** @internal */
  constructor(interval: JoinInterval, withInterval: (interval: JoinInterval) => IntervalJoinSettings<L, R>) {
    this.interval = interval;
    this.#with = erased(withInterval);
  }

  /** Leaves out pairs whose distance is the lower bound. */
  lowerBoundExclusive(): this {
    return this.#with({ ...this.interval, isLowerExclusive: true });
  }

  /** Leaves out pairs whose distance is the upper bound. */
  upperBoundExclusive(): this {
    return this.#with({ ...this.interval, isUpperExclusive: true });
  }

  /** Sends late left records to a side output; they are dropped and counted otherwise. */
  sideOutputLeftLateData(tag: OutputTag<L>): this {
    checkTag(userCall("sideOutputLeftLateData"), tag);
    return this.#with({ ...this.interval, lateTags: [erased(tag), this.interval.lateTags[1]] });
  }

  /** Sends late right records to a side output; they are dropped and counted otherwise. */
  sideOutputRightLateData(tag: OutputTag<R>): this {
    checkTag(userCall("sideOutputRightLateData"), tag);
    return this.#with({ ...this.interval, lateTags: [this.interval.lateTags[0], erased(tag)] });
  }
}

/** @throws MillraceError `MR_ARGUMENT_INVALID`, `MR_ASYNC_NOT_ALLOWED` @internal */
export function intervalJoinSpec(
  call: UserCall,
  interval: JoinInterval,
  [left, right]: readonly [JoinInput, JoinInput],
  fn: unknown,
): IntervalJoinSpec {
  checkFunction(call, fn, { methods: ["processElement"] });
  const lowerMs = interval.lowerMs + (interval.isLowerExclusive ? 1 : 0);
  const upperMs = interval.upperMs - (interval.isUpperExclusive ? 1 : 0);
  if (lowerMs > upperMs) {
    const found = `${describeBounds(interval)}, in which there is no millisecond`;
    throw invalidArgument(call, found, "an interval that something can lie in", "Widen it or include a bound");
  }
  return {
    kind: "intervalJoin",
    keys: [left.key, right.key],
    // Its method has just been looked at; what it takes is the compiler's to check.
    fn: fn as ProcessJoinFunction<unknown, unknown, unknown>,
    lowerMs,
    upperMs,
    types: [left.type, right.type],
    lateTags: interval.lateTags,
  };
}

function boundMs(call: UserCall, bound: Duration): number {
  const ms = durationMs(bound);
  if (Number.isSafeInteger(ms)) return ms;
  throw invalidArgument(call, describeValue(bound), "milliseconds in the safe integers", 'Pass one such as "-5 s"');
}

function describeBounds({ lowerMs, upperMs, isLowerExclusive, isUpperExclusive }: JoinInterval): string {
  const before = isLowerExclusive ? "after " : "from ";
  const until = isUpperExclusive ? "before " : "to ";
  return `${before}${formatDuration(lowerMs)} ${until}${formatDuration(upperMs)}`;
}
