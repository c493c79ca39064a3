/** What users write for `mapAsync`, `flatMapAsync` and `AsyncDataStream`. */
import type { Duration } from "../../base/duration.ts";
import type { RichFunction, Sync } from "../functions.ts";
import type { AsyncRetryStrategy } from "./async-retry.ts";

/** What an asynchronous function knows about its request. @public */
export interface AsyncContext {
  /** Aborted when the record has timed out, and when the attempt of the job ends before the result has come. */
  readonly signal: AbortSignal;
  /** 1 for the first call for the record, one more after every retry. */
  readonly attempt: number;
}

/** Asks for one result for every record. @public */
export interface AsyncMapFunction<in T, R> extends RichFunction {
  mapAsync(value: T, context: AsyncContext): PromiseLike<R>;
}

/** Asks for any number of results for every record. @public */
export interface AsyncFunction<in T, R> extends RichFunction {
  asyncInvoke(value: T, context: AsyncContext): PromiseLike<Iterable<R>>;
  /** What a record that has timed out gives instead of failing the job. */
  timeout?(value: T): Iterable<R>;
}

/**
 * How requests are made. `R` is what one request gives.
 * @public
 */
export interface AsyncOptions<in T, R> {
  /** Records of one subtask that may be waited for at the same time, completed ones whose turn has not come included. Default 100. */
  readonly capacity?: number;
  /** How long a record may take, retries and their waiting included. Left out: as long as it takes. */
  readonly timeout?: Duration;
  /** Whether results leave in the order of their records. Default true. Neither kind crosses a watermark. */
  readonly ordered?: boolean;
  /** Which requests are made again, and when. Left out: none. */
  readonly retry?: AsyncRetryStrategy<R>;
  /** What a record that has timed out gives. Left out: it fails the job with `MR_ASYNC_TIMEOUT`. */
  readonly onTimeout?: (value: T) => Sync<R>;
}
