/**
 * The promise behind `isAvailable()`: settled while there is something to do, pending while there is not.
 *
 * Many calls of {@link Availability.whenAvailable} share one promise, so a host may ask as often as it likes.
 * @internal
 */
export class Availability {
  #isAvailable: boolean;
  #pending:
    | { readonly promise: Promise<void>; readonly resolve: () => void; readonly reject: (error: unknown) => void }
    | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(isAvailable = false) {
    this.#isAvailable = isAvailable;
  }

  /** Wakes everybody who waits. */
  set(): void {
    this.#isAvailable = true;
    this.#pending?.resolve();
    this.#pending = undefined;
  }

  /** From now on callers wait for the next {@link Availability.set}. */
  clear(): void {
    if (this.#failure === undefined) this.#isAvailable = false;
  }

  /** Everybody who waits or will wait gets the error. The first failure stays. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#isAvailable = true;
    this.#pending?.reject(this.#failure.error);
    this.#pending = undefined;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** @throws the error given to {@link Availability.fail}. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  whenAvailable(): Promise<void> {
    if (this.#failure !== undefined) return rejected(this.#failure.error);
    if (this.#isAvailable) return Promise.resolve();
    this.#pending ??= deferred();
    return this.#pending.promise;
  }
}

// A host may ask many times and wait for one of the promises.
function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve: () => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // A failure is also reported by the next call into the owner; nobody may be waiting on this promise any more.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
