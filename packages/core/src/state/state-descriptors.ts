import type { Duration } from "../base/duration.ts";
import { learnedType } from "../types/learned-type.ts";
import type { Type } from "../types/type.ts";
import { StateTtlConfig } from "./state-ttl-config.ts";

/** How the values of one keyed state are laid out. @public */
export type KeyedStateKind = "value" | "list" | "map" | "reducing" | "aggregating";

/** Folds a value into one of its own type. Plain, or an object, such as a `ReduceFunction`. @public */
export type StateReduceFunction<T> = ((accumulated: T, value: T) => T) | { reduce(accumulated: T, value: T): T };

/** A reduce function of either form as a plain one. @internal */
export function reduceOf<T>(fn: StateReduceFunction<T>): (accumulated: T, value: T) => T {
  return typeof fn === "function" ? fn : (accumulated, value) => fn.reduce(accumulated, value);
}

/** Folds values into an accumulator. Any `AggregateFunction` is one. @public */
export interface StateAggregateFunction<IN, ACC, OUT> {
  createAccumulator(): ACC;
  add(value: IN, accumulator: ACC): ACC;
  getResult(accumulator: ACC): OUT;
}

/** What all descriptors have: the name of a state, and how long its values live. @public */
export abstract class StateDescriptor {
  abstract readonly kind: KeyedStateKind;
  /** Unique within the operator; part of the state's identity across restores. */
  readonly name: string;
  #ttlConfig: StateTtlConfig = StateTtlConfig.DISABLED;

  constructor(name: string) {
    this.name = name;
  }

  get ttlConfig(): StateTtlConfig {
    return this.#ttlConfig;
  }

  /**
   * Lets values expire. Changes this descriptor, as in Flink, and returns it.
   *
   * @param ttl - A configuration, or a duration for `StateTtlConfig.newBuilder(ttl).build()`.
   * @throws MillraceError `MR_STATE_TTL_INVALID`, `MR_DURATION_INVALID`
   * @example
   * const seen = valueState("seen", t.boolean).enableTimeToLive("1 h");
   */
  enableTimeToLive(ttl: StateTtlConfig | Duration): this {
    this.#ttlConfig = ttl instanceof StateTtlConfig ? ttl : StateTtlConfig.newBuilder(ttl).build();
    return this;
  }
}

/** Made by {@link valueState}. @public */
export class ValueStateDescriptor<T> extends StateDescriptor {
  override readonly kind = "value" as const;
  readonly type: Type<T>;

  constructor(name: string, type: Type<T>) {
    super(name);
    this.type = type;
  }
}

/** Made by {@link listState}. @public */
export class ListStateDescriptor<T> extends StateDescriptor {
  override readonly kind = "list" as const;
  readonly elementType: Type<T>;

  constructor(name: string, elementType: Type<T>) {
    super(name);
    this.elementType = elementType;
  }
}

/** Made by {@link mapState}. @public */
export class MapStateDescriptor<K, V> extends StateDescriptor {
  override readonly kind = "map" as const;
  readonly keyType: Type<K>;
  readonly valueType: Type<V>;

  constructor(name: string, keyType: Type<K>, valueType: Type<V>) {
    super(name);
    this.keyType = keyType;
    this.valueType = valueType;
  }
}

/** Made by {@link reducingState}. @public */
export class ReducingStateDescriptor<T> extends StateDescriptor {
  override readonly kind = "reducing" as const;
  readonly reduceFunction: StateReduceFunction<T>;
  readonly type: Type<T>;

  constructor(name: string, reduceFunction: StateReduceFunction<T>, type: Type<T>) {
    super(name);
    this.reduceFunction = reduceFunction;
    this.type = type;
  }
}

/** Made by {@link aggregatingState}. @public */
export class AggregatingStateDescriptor<IN, ACC, OUT> extends StateDescriptor {
  override readonly kind = "aggregating" as const;
  readonly aggregateFunction: StateAggregateFunction<IN, ACC, OUT>;
  readonly accumulatorType: Type<ACC>;

  constructor(name: string, aggregateFunction: StateAggregateFunction<IN, ACC, OUT>, accumulatorType: Type<ACC>) {
    super(name);
    this.aggregateFunction = aggregateFunction;
    this.accumulatorType = accumulatorType;
  }
}

/** A state of any kind, by its name and types. @public */
export type KeyedStateDescriptor =
  | ValueStateDescriptor<unknown>
  | ListStateDescriptor<unknown>
  | MapStateDescriptor<unknown, unknown>
  | ReducingStateDescriptor<unknown>
  | AggregatingStateDescriptor<unknown, unknown, unknown>;

/**
 * Names a state that holds one value per key. Without a type the runtime learns the shapes it sees.
 *
 * @example
 * const total = valueState("total", t.float64);
 * @public
 */
export function valueState<T>(name: string, type: Type<T> = learnedType<T>()): ValueStateDescriptor<T> {
  return new ValueStateDescriptor<T>(name, type);
}

/** Names a state that holds a list of elements: per key, or of an operator. @public */
export function listState<T>(name: string, elementType: Type<T> = learnedType<T>()): ListStateDescriptor<T> {
  return new ListStateDescriptor<T>(name, elementType);
}

/**
 * Names a state that holds a map: per key, or broadcast to all subtasks. Map keys are strings, finite numbers, bigints or
 * booleans.
 *
 * @example
 * const rules = mapState("rules", t.string, t.object({ limit: t.float64 }));
 * @public
 */
export function mapState<K extends string | number | bigint | boolean, V>(
  name: string,
  keyType: Type<K> = learnedType<K>(),
  valueType: Type<V> = learnedType<V>(),
): MapStateDescriptor<K, V> {
  return new MapStateDescriptor<K, V>(name, keyType, valueType);
}

/**
 * Names a state that keeps, per key, what was added to it folded into one value.
 *
 * @param reduce - Must not change its arguments.
 * @example
 * const highest = reducingState("highest", (a: number, b: number) => Math.max(a, b), t.float64);
 * @public
 */
export function reducingState<T>(
  name: string,
  reduce: StateReduceFunction<T>,
  type: Type<T> = learnedType<T>(),
): ReducingStateDescriptor<T> {
  return new ReducingStateDescriptor<T>(name, reduce, type);
}

/**
 * Names a state that keeps, per key, an accumulator of what was added to it, and gives its result.
 *
 * @param aggregate - `add` may change and return the accumulator.
 * @example
 * const mean = aggregatingState("mean", {
 *   createAccumulator: () => ({ sum: 0, count: 0 }),
 *   add: (delay: number, { sum, count }) => ({ sum: sum + delay, count: count + 1 }),
 *   getResult: ({ sum, count }) => sum / count,
 * });
 * @public
 */
export function aggregatingState<IN, ACC, OUT>(
  name: string,
  aggregate: StateAggregateFunction<IN, ACC, OUT>,
  accumulatorType: Type<ACC> = learnedType<ACC>(),
): AggregatingStateDescriptor<IN, ACC, OUT> {
  return new AggregatingStateDescriptor<IN, ACC, OUT>(name, aggregate, accumulatorType);
}
