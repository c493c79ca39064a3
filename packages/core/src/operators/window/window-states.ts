/** The states of the window at hand by descriptor: one set for its function, another for its trigger. */
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from "../../state/keyed-state.ts";
import type {
  AggregatingStateDescriptor,
  KeyedStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from "../../state/state-descriptors.ts";
import { createStateHandle } from "../../state/state-handles.ts";
import type { KeyedStateStore } from "../functions.ts";
import type { WindowStateTable } from "./window-state-table.ts";

export class WindowStates implements KeyedStateStore {
  readonly #table: WindowStateTable;
  readonly #prefix: string;
  readonly #handles = new Map<string, unknown>();

  /** @param prefix - Keeps the names of states apart from others of the operator. */
  constructor(table: WindowStateTable, prefix: string) {
    this.#table = table;
    this.#prefix = prefix;
  }

  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> {
    // The handle is registered with this very descriptor, so its values have the descriptor's type.
    return this.handle(descriptor as unknown as KeyedStateDescriptor) as ValueState<T>;
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.handle(descriptor as unknown as KeyedStateDescriptor) as ListState<T>;
  }

  getMapState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V> {
    return this.handle(descriptor as unknown as KeyedStateDescriptor) as MapState<K, V>;
  }

  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> {
    return this.handle(descriptor as unknown as KeyedStateDescriptor) as ReducingState<T>;
  }

  getAggregatingState<IN, ACC, OUT>(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>): AggregatingState<IN, OUT> {
    return this.handle(descriptor as unknown as KeyedStateDescriptor) as AggregatingState<IN, OUT>;
  }

  handle(descriptor: KeyedStateDescriptor): unknown {
    const known = this.#handles.get(descriptor.name);
    if (known !== undefined) return known;
    this.#table.namePrefix = this.#prefix;
    const handle = createStateHandle(this.#table, descriptor);
    this.#handles.set(descriptor.name, handle);
    return handle;
  }
}
