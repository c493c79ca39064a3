/** Flink's form of asynchronous functions; {@link DataStream.mapAsync} is the one for plain functions. */
import type { Duration } from "../base/duration.ts";
import type { AsyncFunction, AsyncOptions } from "../operators/async/async-functions.ts";
import type { AsyncRetryStrategy } from "../operators/async/async-retry.ts";
import { checkMembers } from "./argument-checks.ts";
import { addAsyncOperator, DEFAULT_CAPACITY } from "./async-stream.ts";
import { userCall } from "./call-site.ts";
import type { DataStream, SingleOutputStreamOperator } from "./data-stream.ts";

/**
 * Asynchronous functions with Flink's names. A function returns a promise of its results instead of completing a
 * `ResultFuture`; a timeout is required, 0 for none.
 *
 * @example
 * const enriched = AsyncDataStream.unorderedWait(orders, new CustomerLookup(), "5 s", 50);
 * @public
 */
export const AsyncDataStream = {
  /** Results leave in the order of their records. */
  orderedWait<T, R>(
    stream: DataStream<T>,
    asyncFunction: AsyncFunction<T, R>,
    timeout: Duration,
    capacity: number = DEFAULT_CAPACITY,
  ): SingleOutputStreamOperator<R> {
    return wait("orderedWait", stream, asyncFunction, { timeout, capacity, ordered: true });
  },

  /** Results leave as they come, but never across a watermark. */
  unorderedWait<T, R>(
    stream: DataStream<T>,
    asyncFunction: AsyncFunction<T, R>,
    timeout: Duration,
    capacity: number = DEFAULT_CAPACITY,
  ): SingleOutputStreamOperator<R> {
    return wait("unorderedWait", stream, asyncFunction, { timeout, capacity, ordered: false });
  },

  /** As `orderedWait`; the timeout covers all attempts. */
  orderedWaitWithRetry<T, R>(
    stream: DataStream<T>,
    asyncFunction: AsyncFunction<T, R>,
    timeout: Duration,
    retry: AsyncRetryStrategy<readonly R[]>,
    capacity: number = DEFAULT_CAPACITY,
  ): SingleOutputStreamOperator<R> {
    return wait("orderedWaitWithRetry", stream, asyncFunction, { timeout, capacity, ordered: true, retry });
  },

  /** As `unorderedWait`; the timeout covers all attempts. */
  unorderedWaitWithRetry<T, R>(
    stream: DataStream<T>,
    asyncFunction: AsyncFunction<T, R>,
    timeout: Duration,
    retry: AsyncRetryStrategy<readonly R[]>,
    capacity: number = DEFAULT_CAPACITY,
  ): SingleOutputStreamOperator<R> {
    return wait("unorderedWaitWithRetry", stream, asyncFunction, { timeout, capacity, ordered: false, retry });
  },
} as const;

function wait<T, R>(
  method: string,
  stream: DataStream<T>,
  asyncFunction: AsyncFunction<T, R>,
  { timeout, ...options }: AsyncOptions<T, readonly R[]>,
): SingleOutputStreamOperator<R> {
  const call = userCall(method);
  checkMembers(call, asyncFunction, ["asyncInvoke"], "an object with asyncInvoke()");
  const limited = timeout === undefined || timeout === 0 ? options : { ...options, timeout };
  return addAsyncOperator<T, R, readonly R[]>(stream, call, asyncFunction, "asyncInvoke", limited);
}
