/** The states of user functions over a keyed state table. One class a kind, so that calls on them stay monomorphic. */
import { unreachable } from "../base/errors.ts";
import type { Serializer } from "../types/type.ts";
import { setSlot, slotOf } from "./key-entry.ts";
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from "./keyed-state.ts";
import type { KeyedStateTable } from "./keyed-state-table.ts";
import type { SlotCodec } from "./slot-codec.ts";
import { SlotHandle } from "./slot-handle.ts";
import { listCodec, mapCodec, plainElement, valueCodec } from "./state-codecs.ts";
import { type KeyedStateDescriptor, reduceOf, type StateAggregateFunction } from "./state-descriptors.ts";
import { createTtlStateHandle } from "./ttl-state-handles.ts";

class HeapValueState extends SlotHandle implements ValueState<unknown> {
  value(): unknown {
    const entry = this.table.current;
    if (entry === undefined) return undefined;
    // The first slot is by far the most common: one field access, no switch.
    return this.slot === 0 ? entry.s0 : slotOf(entry, this.slot);
  }

  update(value: unknown): void {
    if (value === undefined) {
      this.clear();
      return;
    }
    const entry = this.table.current ?? this.table.createCurrent();
    if (this.slot === 0) entry.s0 = value;
    else setSlot(entry, this.slot, value);
  }
}

const emptyList: readonly unknown[] = Object.freeze([]);

class HeapListState extends SlotHandle implements ListState<unknown> {
  get(): readonly unknown[] {
    return (this.current() as unknown[] | undefined) ?? emptyList;
  }

  add(element: unknown): void {
    const list = this.current() as unknown[] | undefined;
    if (list === undefined) this.store([element]);
    else list.push(element);
  }

  addAll(elements: Iterable<unknown>): void {
    for (const element of elements) this.add(element);
  }

  update(elements: readonly unknown[]): void {
    if (elements.length === 0) this.clear();
    else this.store([...elements]);
  }
}

class HeapMapState extends SlotHandle implements MapState<unknown, unknown> {
  get(key: unknown): unknown {
    return (this.current() as Map<unknown, unknown> | undefined)?.get(key);
  }

  put(key: unknown, value: unknown): void {
    let map = this.current() as Map<unknown, unknown> | undefined;
    if (map === undefined) {
      map = new Map();
      this.store(map);
    }
    map.set(key, value);
  }

  putAll(entries: Iterable<readonly [unknown, unknown]>): void {
    for (const [key, value] of entries) this.put(key, value);
  }

  remove(key: unknown): void {
    const map = this.current() as Map<unknown, unknown> | undefined;
    if (map?.delete(key) === true && map.size === 0) this.clear();
  }

  contains(key: unknown): boolean {
    return (this.current() as Map<unknown, unknown> | undefined)?.has(key) ?? false;
  }

  entries(): IterableIterator<[unknown, unknown]> {
    return this.#map().entries();
  }

  keys(): IterableIterator<unknown> {
    return this.#map().keys();
  }

  values(): IterableIterator<unknown> {
    return this.#map().values();
  }

  isEmpty(): boolean {
    return this.current() === undefined;
  }

  #map(): Map<unknown, unknown> {
    return (this.current() as Map<unknown, unknown> | undefined) ?? new Map();
  }
}

class HeapReducingState extends SlotHandle implements ReducingState<unknown> {
  readonly #reduce: (accumulated: unknown, value: unknown) => unknown;

  constructor(table: KeyedStateTable, slot: number, reduce: (accumulated: unknown, value: unknown) => unknown) {
    super(table, slot);
    this.#reduce = reduce;
  }

  get(): unknown {
    return this.current();
  }

  add(value: unknown): void {
    const accumulated = this.current();
    this.store(accumulated === undefined ? value : this.#reduce(accumulated, value));
  }
}

class HeapAggregatingState extends SlotHandle implements AggregatingState<unknown, unknown> {
  readonly #aggregate: StateAggregateFunction<unknown, unknown, unknown>;

  constructor(table: KeyedStateTable, slot: number, aggregate: StateAggregateFunction<unknown, unknown, unknown>) {
    super(table, slot);
    this.#aggregate = aggregate;
  }

  get(): unknown {
    const accumulator = this.current();
    return accumulator === undefined ? undefined : this.#aggregate.getResult(accumulator);
  }

  add(value: unknown): void {
    this.store(this.#aggregate.add(value, this.current() ?? this.#aggregate.createAccumulator()));
  }
}

/** Registers a state with the table and returns its handle. The types are those of the descriptor's caller. */
export function createStateHandle(table: KeyedStateTable, descriptor: KeyedStateDescriptor): unknown {
  if (descriptor.ttlConfig.isEnabled) return createTtlStateHandle(table, descriptor);
  const { name } = descriptor;
  switch (descriptor.kind) {
    case "value":
      return new HeapValueState(table, table.registerSlot(valueCodec(name, plainElement(descriptor.type.serializer))));
    case "list": {
      const element = plainElement(descriptor.elementType.serializer);
      return new HeapListState(table, table.registerSlot(listCodec(name, element)));
    }
    case "map": {
      const codec = mapCodec(name, descriptor.keyType.serializer, plainElement(descriptor.valueType.serializer));
      return new HeapMapState(table, table.registerSlot(codec));
    }
    case "reducing": {
      const slot = table.registerSlot(valueCodec(name, plainElement(descriptor.type.serializer)));
      return new HeapReducingState(table, slot, reduceOf(descriptor.reduceFunction));
    }
    case "aggregating": {
      const slot = table.registerSlot(valueCodec(name, plainElement(descriptor.accumulatorType.serializer)));
      return new HeapAggregatingState(table, slot, descriptor.aggregateFunction);
    }
    default:
      return unreachable(descriptor);
  }
}

/** A slot whose value is written by one serializer. */
export function serializerCodec(name: string, serializer: Serializer<unknown>): SlotCodec {
  return valueCodec(name, plainElement(serializer));
}

/** Lists of values that another serializer writes. */
export function listSerializer(element: Serializer<unknown>): Serializer<unknown> {
  const { schema, write, read } = listCodec("", plainElement(element));
  return { schema, write, read };
}
