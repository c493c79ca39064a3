/**
 * The states of user functions whose values expire. What a slot holds are stamped values: one, a list or a map of them.
 *
 * Reading removes what has expired of the current key, but for `ReturnExpiredIfNotCleanedUp`, where the reader is the last
 * one to see it. Every access looks at some other keys, too (`TtlCleanup`). A stamp is renewed in place: the entry is
 * current, so a running snapshot has its own copy (T2 of the table).
 */
import { invariant, unreachable } from "../base/errors.ts";
import type { Serializer } from "../types/type.ts";
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from "./keyed-state.ts";
import type { KeyedStateTable } from "./keyed-state-table.ts";
import { PagedList } from "./paged-list.ts";
import { type MapContents, PagedMap, removeFrom } from "./paged-map.ts";
import type { ElementCodec, SlotCodec } from "./slot-codec.ts";
import { SlotHandle } from "./slot-handle.ts";
import { listCodec, mapCodec, type StampedValue, stampedElement, valueCodec } from "./state-codecs.ts";
import { type KeyedStateDescriptor, reduceOf, type StateAggregateFunction } from "./state-descriptors.ts";
import { TtlCleanup } from "./ttl-cleanup.ts";
import { TtlPolicy } from "./ttl-policy.ts";

class TtlHandle extends SlotHandle {
  protected readonly policy: TtlPolicy;
  readonly #cleanup: TtlCleanup | undefined;

  constructor(table: KeyedStateTable, codec: SlotCodec, policy: TtlPolicy, live: (value: unknown) => unknown) {
    const { isFullSnapshot, incrementalSize } = policy.config.cleanup;
    super(table, table.registerSlot(isFullSnapshot ? { ...codec, snapshotOf: live } : codec));
    this.policy = policy;
    if (incrementalSize > 0) this.#cleanup = new TtlCleanup(table, this.slot, incrementalSize, live);
  }

  /** Called before every access. */
  protected beginAccess(): void {
    this.#cleanup?.step();
  }

  override clear(): void {
    this.beginAccess();
    super.clear();
  }

  /** The single value of the current key as a reader sees it. Reading removes it when it has expired, and may renew it. */
  protected readValue(): unknown {
    this.beginAccess();
    const stamped = this.current() as StampedValue | undefined;
    if (stamped === undefined) return undefined;
    if (this.policy.isExpired(stamped)) {
      super.clear();
      return this.policy.returnsExpired ? stamped.value : undefined;
    }
    if (this.policy.updatesOnRead) stamped.at = this.policy.nowMs();
    return stamped.value;
  }

  /** The value that a fold goes on from. */
  protected foldedValue(): unknown {
    this.beginAccess();
    return this.policy.unexpired(this.current() as StampedValue | undefined);
  }

  protected storeStamped(value: unknown): void {
    if (value === undefined) super.clear();
    else this.store(this.policy.stamp(value));
  }
}

class TtlValueState extends TtlHandle implements ValueState<unknown> {
  value(): unknown {
    return this.readValue();
  }

  update(value: unknown): void {
    this.beginAccess();
    this.storeStamped(value);
  }
}

class TtlReducingState extends TtlHandle implements ReducingState<unknown> {
  /** Set when the handle is made. */
  reduce!: (accumulated: unknown, value: unknown) => unknown;

  get(): unknown {
    return this.readValue();
  }

  add(value: unknown): void {
    const accumulated = this.foldedValue();
    this.storeStamped(accumulated === undefined ? value : this.reduce(accumulated, value));
  }
}

class TtlAggregatingState extends TtlHandle implements AggregatingState<unknown, unknown> {
  /** Set when the handle is made. */
  aggregate!: StateAggregateFunction<unknown, unknown, unknown>;

  get(): unknown {
    const accumulator = this.readValue();
    return accumulator === undefined ? undefined : this.aggregate.getResult(accumulator);
  }

  add(value: unknown): void {
    this.storeStamped(this.aggregate.add(value, this.foldedValue() ?? this.aggregate.createAccumulator()));
  }
}

const emptyList: readonly unknown[] = Object.freeze([]);

class TtlListState extends TtlHandle implements ListState<unknown> {
  get(): readonly unknown[] {
    this.beginAccess();
    const held = this.current() as readonly StampedValue[] | PagedList | undefined;
    if (held === undefined) return emptyList;
    const list = held instanceof PagedList ? (held.all() as readonly StampedValue[]) : held;
    const live = this.policy.liveList(list) as StampedValue[] | undefined;
    if (live === undefined) super.clear();
    // Expired elements among living ones are seen, and stay, until something else removes them.
    else if (live !== list && !this.policy.returnsExpired) this.store(live);
    // Of a large list nothing is written again but what is put there as a whole.
    else if (this.policy.updatesOnRead && held !== list) this.store([...list]);
    if (this.policy.updatesOnRead) for (const element of live ?? []) element.at = this.policy.nowMs();
    return (this.policy.returnsExpired ? list : (live ?? (emptyList as StampedValue[]))).map(({ value }) => value);
  }

  add(element: unknown): void {
    this.beginAccess();
    this.#push(element);
  }

  addAll(elements: Iterable<unknown>): void {
    this.beginAccess();
    for (const element of elements) this.#push(element);
  }

  update(elements: readonly unknown[]): void {
    this.beginAccess();
    if (elements.length === 0) super.clear();
    else this.store(elements.map((element) => this.policy.stamp(element)));
  }

  #push(element: unknown): void {
    const list = this.current() as StampedValue[] | PagedList | undefined;
    if (list === undefined) this.store([this.policy.stamp(element)]);
    else {
      list.push(this.policy.stamp(element));
      this.table.largeValues?.outgrow(this.table.current!, this.slot);
    }
  }
}

class TtlMapState extends TtlHandle implements MapState<unknown, unknown> {
  get(key: unknown): unknown {
    this.beginAccess();
    const map = this.#map();
    const stamped = map?.get(key) as StampedValue | undefined;
    return stamped === undefined ? undefined : this.#read(map!, key, stamped)?.value;
  }

  put(key: unknown, value: unknown): void {
    this.beginAccess();
    this.#put(key, value);
  }

  putAll(entries: Iterable<readonly [unknown, unknown]>): void {
    this.beginAccess();
    for (const [key, value] of entries) this.#put(key, value);
  }

  remove(key: unknown): void {
    this.beginAccess();
    const map = this.#map();
    if (map !== undefined) this.#remove(map, key);
  }

  contains(key: unknown): boolean {
    this.beginAccess();
    const map = this.#map();
    const stamped = map?.get(key) as StampedValue | undefined;
    return stamped !== undefined && this.#read(map!, key, stamped) !== undefined;
  }

  *entries(): IterableIterator<[unknown, unknown]> {
    this.beginAccess();
    const map = this.#map();
    if (map === undefined) return;
    for (const [key, stamped] of map instanceof PagedMap ? map.entries() : [...map]) {
      const seen = this.#read(map instanceof PagedMap ? map.now : map, key, stamped as StampedValue);
      if (seen !== undefined) yield [key, seen.value];
    }
  }

  *keys(): IterableIterator<unknown> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): IterableIterator<unknown> {
    for (const [, value] of this.entries()) yield value;
  }

  isEmpty(): boolean {
    this.beginAccess();
    const map = this.#map();
    if (map === undefined) return true;
    if (this.policy.returnsExpired && !(map instanceof PagedMap)) return false;
    // Of a large map a compaction may have removed everything.
    for (const stamped of map.values()) {
      if (this.policy.returnsExpired || !this.policy.isExpired(stamped as StampedValue)) return false;
    }
    return true;
  }

  #map(): MapContents | undefined {
    return this.current() as MapContents | undefined;
  }

  #put(key: unknown, value: unknown): void {
    let map = this.#map();
    if (map === undefined) {
      map = new Map();
      this.store(map);
    }
    map.set(key, this.policy.stamp(value));
    this.table.largeValues?.outgrow(this.table.current!, this.slot);
  }

  #read(map: MapContents, key: unknown, stamped: StampedValue): StampedValue | undefined {
    if (this.policy.isExpired(stamped)) {
      this.#remove(map, key);
      return this.policy.returnsExpired ? stamped : undefined;
    }
    if (!this.policy.updatesOnRead) return stamped;
    stamped.at = this.policy.nowMs();
    // Of a large map only what is put is written.
    if (map instanceof PagedMap) map.set(key, stamped);
    return stamped;
  }

  #remove(map: MapContents, key: unknown): void {
    const left = removeFrom(map, key);
    if (left === undefined) super.clear();
    else if (left !== map) this.store(left);
  }
}

/** Registers a state whose values expire. The types are those of the descriptor's caller. */
export function createTtlStateHandle(table: KeyedStateTable, descriptor: KeyedStateDescriptor): unknown {
  const { clock } = table.owner;
  invariant(clock !== undefined, `the table of state ${descriptor.name} has no clock to expire values by`);
  const policy = new TtlPolicy(descriptor.ttlConfig, clock);
  const { name } = descriptor;
  const stamped = (serializer: Serializer<unknown>): ElementCodec => stampedElement(serializer, () => policy.nowMs());
  switch (descriptor.kind) {
    case "value": {
      const codec = valueCodec(name, stamped(descriptor.type.serializer));
      return new TtlValueState(table, codec, policy, policy.liveValue);
    }
    case "list": {
      const codec = listCodec(name, stamped(descriptor.elementType.serializer));
      return new TtlListState(table, codec, policy, policy.liveList);
    }
    case "map": {
      const codec = mapCodec(name, descriptor.keyType.serializer, stamped(descriptor.valueType.serializer));
      return new TtlMapState(table, codec, policy, policy.liveMap);
    }
    case "reducing": {
      const codec = valueCodec(name, stamped(descriptor.type.serializer));
      const state = new TtlReducingState(table, codec, policy, policy.liveValue);
      state.reduce = reduceOf(descriptor.reduceFunction);
      return state;
    }
    case "aggregating": {
      const codec = valueCodec(name, stamped(descriptor.accumulatorType.serializer));
      const state = new TtlAggregatingState(table, codec, policy, policy.liveValue);
      state.aggregate = descriptor.aggregateFunction;
      return state;
    }
    default:
      return unreachable(descriptor);
  }
}
