import type { Cancel, Clock } from "../../platform/platform.ts";
import type { AsyncContext } from "./async-functions.ts";
import type { AsyncRetryStrategy } from "./async-retry.ts";

/** What all requests of one operator have in common. Called on the subtask's thread. */
export interface RequestPolicy {
  readonly clock: Clock;
  /** Calls the user's function; may throw instead of returning a promise. */
  readonly call: (value: unknown, context: AsyncContext) => PromiseLike<unknown>;
  /** Infinity: never. */
  readonly timeoutMs: number;
  readonly retry: AsyncRetryStrategy<unknown> | undefined;
  /** Refuses what is no result of the function by throwing, and returns it as retry predicates see it. */
  readonly resultOf: (returned: unknown) => unknown;
}

/** How a request ended: one of these is called, once, unless it was abandoned. */
export interface RequestListener {
  onResult(request: AsyncRequest, result: unknown): void;
  onFailure(request: AsyncRequest, error: unknown): void;
  onTimeout(request: AsyncRequest): void;
}

/** The calls that are made for one record until one of them gives its result, with the time they may take together. */
export class AsyncRequest implements AsyncContext {
  attempt = 1;
  readonly value: unknown;
  readonly #policy: RequestPolicy;
  readonly #listener: RequestListener;
  #controller: AbortController | undefined;
  #isAborted = false;
  #isSettled = false;
  #cancelTimeout: Cancel | undefined;
  #cancelBackoff: Cancel | undefined;

  constructor(value: unknown, policy: RequestPolicy, listener: RequestListener) {
    this.value = value;
    this.#policy = policy;
    this.#listener = listener;
  }

  /** Made when it is asked for: most functions that answer quickly never do. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAborted) this.#controller.abort();
    return this.#controller.signal;
  }

  start(): void {
    const { clock, timeoutMs } = this.#policy;
    if (timeoutMs !== Number.POSITIVE_INFINITY) {
      this.#cancelTimeout = clock.after(timeoutMs, () => {
        if (this.#settle()) this.#listener.onTimeout(this);
      });
    }
    this.#call();
  }

  /** Nobody waits for the result any more. */
  abandon(): void {
    if (this.#settle()) this.abort();
  }

  abort(reason?: unknown): void {
    this.#isAborted = true;
    this.#controller?.abort(reason);
  }

  #call(): void {
    let returned: PromiseLike<unknown>;
    try {
      returned = this.#policy.call(this.value, this);
    } catch (error) {
      // As if the function were async: the caller is in the middle of a record.
      returned = Promise.reject(error);
    }
    Promise.resolve(returned).then(
      (result) => this.#guard(() => this.#onResult(result)),
      (error: unknown) => this.#guard(() => this.#onError(error)),
    );
  }

  #onResult(returned: unknown): void {
    const result = this.#policy.resultOf(returned);
    if (this.#policy.retry?.resultPredicate?.(result) === true && this.#retry()) return;
    if (this.#settle()) this.#listener.onResult(this, result);
  }

  #onError(error: unknown): void {
    if (this.#policy.retry?.exceptionPredicate?.(error) === true && this.#retry()) return;
    if (this.#settle()) this.#listener.onFailure(this, error);
  }

  /** False when the record has had its retries. */
  #retry(): boolean {
    const { clock, retry } = this.#policy;
    if (retry?.canRetry(this.attempt) !== true) return false;
    this.#cancelBackoff = clock.after(retry.getBackoffTimeMillis(this.attempt), () => {
      this.attempt++;
      this.#call();
    });
    return true;
  }

  // What settles after a timeout or after the end of the attempt is not heard. A predicate may throw.
  #guard(action: () => void): void {
    if (this.#isSettled) return;
    try {
      action();
    } catch (error) {
      if (this.#settle()) this.#listener.onFailure(this, error);
    }
  }

  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#cancelTimeout?.();
    this.#cancelBackoff?.();
    return true;
  }
}
