import { type Duration, durationMs } from "../../base/duration.ts";
import { MillraceError } from "../../base/errors.ts";

/**
 * Decides which requests of an asynchronous function are made again. Called on the subtask's thread, by all of its
 * records: it keeps nothing between calls.
 * @public
 */
export interface AsyncRetryStrategy<in R> {
  /** @param currentAttempts - Calls made for the record so far, at least 1. */
  canRetry(currentAttempts: number): boolean;
  /** How long to wait before the next call, in milliseconds. @param currentAttempts - As above. */
  getBackoffTimeMillis(currentAttempts: number): number;
  /** Whether a call that gave this result is made again. */
  readonly resultPredicate?: ((result: R) => boolean) | undefined;
  /** Whether a call that failed with this error is made again. */
  readonly exceptionPredicate?: ((error: unknown) => boolean) | undefined;
}

/**
 * Which calls are made again. With neither of the two all that fail; in Flink none. The parameter of `ifResult` needs its
 * type: the strategy is made before the function it is for is looked at.
 * @public
 */
export interface AsyncRetryConditions<in R> {
  readonly ifResult?: (result: R) => boolean;
  readonly ifException?: (error: unknown) => boolean;
}

/** Longer waits are a mistake of units. */
const BACKOFF_MAX_MS = 7 * 86_400_000;

/**
 * Retry strategies. As in Flink `maxAttempts` counts the calls after the first one, and the timeout of the operator
 * covers all of them with the waiting between.
 *
 * @example
 * orders.mapAsync(lookUp, { timeout: "10 s", retry: AsyncRetryStrategies.fixedDelay(3, "200 ms") });
 * @public
 */
export const AsyncRetryStrategies = {
  /**
   * Waits the same time before every retry.
   *
   * @param maxAttempts - Retries of a record, at least 1.
   * @param backoff - From 0 ms to 7 days.
   * @throws MillraceError `MR_ASYNC_RETRY_INVALID`
   */
  fixedDelay<R = unknown>(
    maxAttempts: number,
    backoff: Duration,
    conditions: AsyncRetryConditions<R> = {},
  ): AsyncRetryStrategy<R> {
    checkAttempts("fixedDelay", maxAttempts);
    const backoffMs = checkBackoff("fixedDelay", backoff);
    return strategyOf<R>(maxAttempts, () => backoffMs, conditions);
  },

  /**
   * Waits `initialDelay`, then each time `multiplier` times as long as before, at most `maxRetryDelay`.
   *
   * @param multiplier - At least 1.
   * @throws MillraceError `MR_ASYNC_RETRY_INVALID`
   * @example
   * AsyncRetryStrategies.exponentialBackoff(5, "100 ms", "5 s", 2, { ifException: (error) => isTransient(error) });
   */
  exponentialBackoff<R = unknown>(
    maxAttempts: number,
    initialDelay: Duration,
    maxRetryDelay: Duration,
    multiplier: number,
    conditions: AsyncRetryConditions<R> = {},
  ): AsyncRetryStrategy<R> {
    checkAttempts("exponentialBackoff", maxAttempts);
    const initialMs = checkBackoff("exponentialBackoff", initialDelay);
    const maxMs = checkBackoff("exponentialBackoff", maxRetryDelay);
    if (!(Number.isFinite(multiplier) && multiplier >= 1)) {
      throw invalidRetry("exponentialBackoff", `the multiplier ${multiplier}`, "a number of at least 1");
    }
    const backoffMs = (currentAttempts: number): number =>
      Math.min(maxMs, initialMs * multiplier ** (currentAttempts - 1));
    return strategyOf<R>(maxAttempts, backoffMs, conditions);
  },
} as const;

function strategyOf<R>(
  maxAttempts: number,
  backoffMs: (currentAttempts: number) => number,
  { ifResult, ifException }: AsyncRetryConditions<R>,
): AsyncRetryStrategy<R> {
  const isUnconditional = ifResult === undefined && ifException === undefined;
  return {
    canRetry: (currentAttempts) => currentAttempts <= maxAttempts,
    getBackoffTimeMillis: backoffMs,
    resultPredicate: ifResult,
    exceptionPredicate: isUnconditional ? () => true : ifException,
  };
}

function checkAttempts(method: string, maxAttempts: number): void {
  if (Number.isInteger(maxAttempts) && maxAttempts >= 1) return;
  throw invalidRetry(method, `${maxAttempts} attempts`, "a whole number of at least 1");
}

function checkBackoff(method: string, backoff: Duration): number {
  const ms = durationMs(backoff);
  if (ms >= 0 && ms <= BACKOFF_MAX_MS) return ms;
  throw invalidRetry(method, `a delay of ${ms} ms`, "at least 0 ms and at most 7 days");
}

function invalidRetry(method: string, found: string, expected: string): MillraceError {
  return new MillraceError("MR_ASYNC_RETRY_INVALID", {
    what: `AsyncRetryStrategies.${method} was given something it cannot use`,
    found,
    expected,
    todo: 'Write it like fixedDelay(3, "200 ms")',
  });
}
