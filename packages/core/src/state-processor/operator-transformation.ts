import { MillraceError } from "../base/errors.ts";
import { MAX_PARALLELISM_LIMIT } from "../config/pipeline-options.ts";
import type { KeySelector } from "../operators/functions.ts";
import { describeValue } from "../types/plain-object.ts";
import type {
  BroadcastStateBootstrapFunction,
  KeyedStateBootstrapFunction,
  StateBootstrapFunction,
} from "./bootstrap-functions.ts";
import type { BootstrapElements, BootstrapTarget } from "./bootstrap-target.ts";
import { bootstrapKeyedState } from "./keyed-bootstrap.ts";
import { bootstrapOperatorState } from "./operator-bootstrap.ts";
import type { OperatorState } from "./operator-state-files.ts";

/**
 * Begins the state of an operator that a {@link SavepointWriter} is to write.
 *
 * @example
 * OperatorTransformation.bootstrapWith(accounts)
 *   .keyBy((account) => account.id)
 *   .transform(new TotalOf());
 * @public
 */
export const OperatorTransformation = {
  /** @param elements - Taken when the savepoint is written, once. Rows of a job come from `executeAndCollect`. */
  bootstrapWith<T>(elements: BootstrapElements<T>): OneInputOperatorTransformation<T> {
    return new OneInputOperatorTransformation(elements);
  },
} as const;

/** Made by {@link OperatorTransformation}. @public */
export class OneInputOperatorTransformation<T> {
  readonly #elements: BootstrapElements<T>;

  /** @internal */
  constructor(elements: BootstrapElements<T>) {
    const isIterable =
      typeof elements === "object" &&
      elements !== null &&
      (Symbol.iterator in elements || Symbol.asyncIterator in elements);
    if (!isIterable)
      throw refused("bootstrapWith", describeValue(elements), "an iterable or async iterable of elements");
    this.#elements = elements;
  }

  /** Keys the elements, for keyed state. @param selector - As the job's own, so that the job finds the keys. */
  keyBy<K>(selector: KeySelector<T, K>): KeyedOperatorTransformation<K, T> {
    if (typeof selector !== "function") throw refused("keyBy", describeValue(selector), "a function");
    return new KeyedOperatorTransformation(this.#elements, selector);
  }

  /**
   * Makes operator state: lists, or broadcast state.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID`, `MR_ASYNC_NOT_ALLOWED`
   */
  transform(fn: StateBootstrapFunction<T> | BroadcastStateBootstrapFunction<T>): StateBootstrapTransformation {
    checkFunction(fn);
    return new StateBootstrapTransformation((target) => bootstrapOperatorState(target, this.#elements, fn));
  }
}

/** Made by {@link OneInputOperatorTransformation.keyBy}. @public */
export class KeyedOperatorTransformation<K, T> {
  readonly #elements: BootstrapElements<T>;
  readonly #selector: KeySelector<T, K>;

  /** @internal */
  constructor(elements: BootstrapElements<T>, selector: KeySelector<T, K>) {
    this.#elements = elements;
    this.#selector = selector;
  }

  /**
   * Makes keyed state and timers.
   *
   * @throws MillraceError `MR_ARGUMENT_INVALID`, `MR_ASYNC_NOT_ALLOWED`
   */
  transform(fn: KeyedStateBootstrapFunction<K, T>): StateBootstrapTransformation {
    checkFunction(fn);
    return new StateBootstrapTransformation((target) =>
      bootstrapKeyedState(target, this.#elements, this.#selector, fn),
    );
  }
}

/** The state of one operator, which is made when its savepoint is written. @public */
export class StateBootstrapTransformation {
  readonly #make: (target: BootstrapTarget) => Promise<OperatorState>;
  #maxParallelism: number | undefined = undefined;

  /** @internal */
  constructor(make: (target: BootstrapTarget) => Promise<OperatorState>) {
    this.#make = make;
  }

  /** @internal */
  get maxParallelism(): number | undefined {
    return this.#maxParallelism;
  }

  /**
   * The key groups of this operator. Left out: those of the savepoint.
   *
   * @param maxParallelism - From 1 to 32768.
   * @throws MillraceError `MR_ARGUMENT_INVALID`
   */
  setMaxParallelism(maxParallelism: number): this {
    checkMaxParallelism("setMaxParallelism", maxParallelism);
    this.#maxParallelism = maxParallelism;
    return this;
  }

  /** @internal */
  make(target: BootstrapTarget): Promise<OperatorState> {
    return this.#make(target);
  }
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function checkMaxParallelism(method: string, maxParallelism: number): void {
  if (Number.isInteger(maxParallelism) && maxParallelism >= 1 && maxParallelism <= MAX_PARALLELISM_LIMIT) return;
  throw refused(method, describeValue(maxParallelism), `a whole number from 1 to ${MAX_PARALLELISM_LIMIT}`);
}

/** A call of the writer with something that it cannot use. @internal */
export function refused(method: string, found: string, expected: string): MillraceError {
  return new MillraceError("MR_ARGUMENT_INVALID", {
    what: `${method} was called with something it cannot use`,
    where: { method },
    found,
    expected,
    todo: `Pass ${expected}`,
  });
}

function checkFunction(fn: object): void {
  const owner = (typeof fn === "object" && fn !== null ? fn : {}) as Readonly<Record<string, unknown>>;
  if (typeof owner["processElement"] !== "function") {
    throw refused("transform", describeValue(fn), "an object with processElement()");
  }
  if (owner["initializeState"] !== undefined && typeof owner["snapshotState"] !== "function") {
    throw refused("transform", describeValue(fn), "snapshotState() together with initializeState()");
  }
  for (const name of ["open", "initializeState", "processElement", "snapshotState", "close"]) {
    if (Object.prototype.toString.call(owner[name]) !== "[object AsyncFunction]") continue;
    throw new MillraceError("MR_ASYNC_NOT_ALLOWED", {
      what: "transform was given an async function",
      where: { method: "transform" },
      found: `${name} of the function object is async`,
      expected: "a function that returns when it has written its state",
      todo: "Do the waiting in the async iterable that the elements come from",
    });
  }
}
