import { learnedType } from "../types/learned-type.ts";
import type { Type } from "../types/type.ts";

/** How the values of one keyed state are laid out. @public */
export type KeyedStateKind = "value" | "list" | "map";

interface DescriptorBase {
  /** Unique within the operator; part of the state's identity across restores. */
  readonly name: string;
}

/** @public */
export interface ValueStateDescriptor<T> extends DescriptorBase {
  readonly kind: "value";
  readonly type: Type<T>;
}

/** @public */
export interface ListStateDescriptor<T> extends DescriptorBase {
  readonly kind: "list";
  readonly elementType: Type<T>;
}

/** @public */
export interface MapStateDescriptor<K, V> extends DescriptorBase {
  readonly kind: "map";
  readonly keyType: Type<K>;
  readonly valueType: Type<V>;
}

/** @public */
export type KeyedStateDescriptor =
  | ValueStateDescriptor<unknown>
  | ListStateDescriptor<unknown>
  | MapStateDescriptor<unknown, unknown>;

/**
 * Names a state that holds one value per key. Without a type the runtime learns the shapes it sees.
 *
 * @example
 * const total = valueState("total", t.float64);
 * @public
 */
export function valueState<T>(name: string, type: Type<T> = learnedType<T>()): ValueStateDescriptor<T> {
  return { kind: "value", name, type };
}

/** Names a state that holds a list of elements per key. @public */
export function listState<T>(name: string, elementType: Type<T> = learnedType<T>()): ListStateDescriptor<T> {
  return { kind: "list", name, elementType };
}

/** Names a state that holds a map per key; map keys are strings, finite numbers, bigints or booleans. @public */
export function mapState<K extends string | number | bigint | boolean, V>(
  name: string,
  keyType: Type<K> = learnedType<K>(),
  valueType: Type<V> = learnedType<V>(),
): MapStateDescriptor<K, V> {
  return { kind: "map", name, keyType, valueType };
}
