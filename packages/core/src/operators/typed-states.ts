import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from "../state/keyed-state.ts";
import type {
  AggregatingStateDescriptor,
  KeyedStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from "../state/state-descriptors.ts";
import type { KeyedStateStore } from "./functions.ts";

/** States with the types of their descriptors, over whoever keeps the handles of them. */
export abstract class TypedStates implements KeyedStateStore {
  /** The handle of the descriptor's state: the same one for the same name. */
  abstract keyedState(descriptor: KeyedStateDescriptor): unknown;

  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> {
    // The handle is registered with this very descriptor, so its values have the descriptor's type.
    return this.keyedState(descriptor as unknown as KeyedStateDescriptor) as ValueState<T>;
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.keyedState(descriptor as unknown as KeyedStateDescriptor) as ListState<T>;
  }

  getMapState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V> {
    return this.keyedState(descriptor as unknown as KeyedStateDescriptor) as MapState<K, V>;
  }

  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> {
    return this.keyedState(descriptor as unknown as KeyedStateDescriptor) as ReducingState<T>;
  }

  getAggregatingState<IN, ACC, OUT>(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>): AggregatingState<IN, OUT> {
    return this.keyedState(descriptor as unknown as KeyedStateDescriptor) as AggregatingState<IN, OUT>;
  }
}
