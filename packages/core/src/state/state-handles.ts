/** The states of user functions over a keyed state table. One class a kind, so that calls on them stay monomorphic. */
import { unreachable } from "../base/errors.ts";
import type { Serializer } from "../types/type.ts";
import { setSlot, slotOf } from "./key-entry.ts";
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from "./keyed-state.ts";
import type { KeyedStateTable, LargeValues } from "./keyed-state-table.ts";
import { PagedList } from "./paged-list.ts";
import { type MapContents, removeFrom } from "./paged-map.ts";
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
  readonly #large: LargeValues | undefined;

  constructor(table: KeyedStateTable, slot: number) {
    super(table, slot);
    this.#large = table.largeValues;
  }

  get(): readonly unknown[] {
    const list = this.current() as unknown[] | PagedList | undefined;
    if (list === undefined) return emptyList;
    return list instanceof PagedList ? list.all() : list;
  }

  add(element: unknown): void {
    const list = this.current() as unknown[] | PagedList | undefined;
    if (list === undefined) this.store([element]);
    else {
      list.push(element);
      this.#large?.outgrow(this.table.current!, this.slot);
    }
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
  readonly #large: LargeValues | undefined;

  constructor(table: KeyedStateTable, slot: number) {
    super(table, slot);
    this.#large = table.largeValues;
  }

  get(key: unknown): unknown {
    return this.#map()?.get(key);
  }

  put(key: unknown, value: unknown): void {
    let map = this.#map();
    if (map === undefined) {
      map = new Map();
      this.store(map);
    }
    map.set(key, value);
    this.#large?.outgrow(this.table.current!, this.slot);
  }

  putAll(entries: Iterable<readonly [unknown, unknown]>): void {
    for (const [key, value] of entries) this.put(key, value);
  }

  remove(key: unknown): void {
    const map = this.#map();
    if (map === undefined) return;
    const left = removeFrom(map, key);
    if (left === undefined) this.clear();
    else if (left !== map) this.store(left);
  }

  contains(key: unknown): boolean {
    return this.#map()?.has(key) ?? false;
  }

  entries(): IterableIterator<[unknown, unknown]> {
    return (this.#map() ?? new Map<unknown, unknown>()).entries();
  }

  keys(): IterableIterator<unknown> {
    return (this.#map() ?? new Map<unknown, unknown>()).keys();
  }

  values(): IterableIterator<unknown> {
    return (this.#map() ?? new Map<unknown, unknown>()).values();
  }

  isEmpty(): boolean {
    return this.current() === undefined;
  }

  #map(): MapContents | undefined {
    return this.current() as MapContents | undefined;
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
