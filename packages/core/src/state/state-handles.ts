/** The states of user functions over a keyed state table. One class a kind, so that calls on them stay monomorphic. */
import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { MillraceError } from "../base/errors.ts";
import { migratingSerializer } from "../types/schema-compatibility.ts";
import type { Schema, Serializer } from "../types/type.ts";
import { type KeyEntry, setSlot, slotOf } from "./key-entry.ts";
import type { ListState, MapState, ValueState } from "./keyed-state.ts";
import type { KeyedStateTable } from "./keyed-state-table.ts";
import type { SlotCodec } from "./slot-codec.ts";
import type {
  KeyedStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ValueStateDescriptor,
} from "./state-descriptors.ts";

class SlotHandle {
  protected readonly table: KeyedStateTable;
  protected readonly slot: number;

  constructor(table: KeyedStateTable, slot: number) {
    this.table = table;
    this.slot = slot;
  }

  protected current(): unknown {
    const entry = this.table.current;
    return entry === undefined ? undefined : slotOf(entry, this.slot);
  }

  protected store(value: unknown): void {
    setSlot(this.table.current ?? this.table.createCurrent(), this.slot, value);
  }

  clear(): void {
    const entry: KeyEntry | undefined = this.table.current;
    if (entry === undefined) return;
    setSlot(entry, this.slot, undefined);
    this.table.removeIfEmpty(entry);
  }
}

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

/** Registers a state with the table and returns its handle. The types are those of the descriptor's caller. */
export function createStateHandle(table: KeyedStateTable, descriptor: KeyedStateDescriptor): unknown {
  switch (descriptor.kind) {
    case "value":
      return new HeapValueState(table, table.registerSlot(valueCodec(descriptor)));
    case "list":
      return new HeapListState(table, table.registerSlot(listCodec(descriptor)));
    case "map":
      return new HeapMapState(table, table.registerSlot(mapCodec(descriptor)));
  }
}

function valueCodec(descriptor: ValueStateDescriptor<unknown>): SlotCodec {
  return serializerCodec(descriptor.name, descriptor.type.serializer);
}

/** A slot whose value is written by one serializer. */
export function serializerCodec(name: string, serializer: Serializer<unknown>): SlotCodec {
  return {
    name,
    kind: "value",
    schema: serializer.schema,
    write: (value, out) => serializer.write(value, out),
    read: (input) => serializer.read(input),
    readWrittenAs: (schema, where) => {
      const migrating = migratingSerializer(schema, serializer, where);
      return (input) => migrating.read(input);
    },
  };
}

function listCodec(descriptor: ListStateDescriptor<unknown>): SlotCodec {
  const element = descriptor.elementType.serializer;
  return {
    name: descriptor.name,
    kind: "list",
    schema: { kind: "array", item: element.schema },
    write: (value, out) => writeList(value as readonly unknown[], element, out),
    read: (input) => readList(input, element),
    readWrittenAs: (schema, where) => {
      if (schema.kind !== "array") throw kindChanged(schema, "array", where);
      const migrating = migratingSerializer(schema.item, element, where);
      return (input) => readList(input, migrating);
    },
  };
}

function mapCodec(descriptor: MapStateDescriptor<unknown, unknown>): SlotCodec {
  const key = descriptor.keyType.serializer;
  const value = descriptor.valueType.serializer;
  return {
    name: descriptor.name,
    kind: "map",
    schema: { kind: "map", key: key.schema, value: value.schema },
    write: (entries, out) => writeMap(entries as Map<unknown, unknown>, key, value, out),
    read: (input) => readMap(input, key, value),
    readWrittenAs: (schema, where) => {
      if (schema.kind !== "map") throw kindChanged(schema, "map", where);
      const oldKey = migratingSerializer(schema.key, key, where);
      const oldValue = migratingSerializer(schema.value, value, where);
      return (input) => readMap(input, oldKey, oldValue);
    },
  };
}

/** Lists of values that another serializer writes. */
export function listSerializer(element: Serializer<unknown>): Serializer<unknown> {
  return {
    schema: { kind: "array", item: element.schema },
    write: (value, out) => writeList(value as readonly unknown[], element, out),
    read: (input) => readList(input, element),
  };
}

function writeList(list: readonly unknown[], element: Serializer<unknown>, out: BinaryWriter): void {
  out.varint(list.length);
  for (const item of list) element.write(item, out);
}

function readList(input: BinaryReader, element: Serializer<unknown>): unknown[] {
  const count = input.varint();
  const list: unknown[] = [];
  for (let index = 0; index < count; index++) list.push(element.read(input));
  return list;
}

function writeMap(
  entries: Map<unknown, unknown>,
  key: Serializer<unknown>,
  value: Serializer<unknown>,
  out: BinaryWriter,
): void {
  out.varint(entries.size);
  for (const [entryKey, entryValue] of entries) {
    key.write(entryKey, out);
    value.write(entryValue, out);
  }
}

function readMap(input: BinaryReader, key: Serializer<unknown>, value: Serializer<unknown>): Map<unknown, unknown> {
  const count = input.varint();
  const map = new Map<unknown, unknown>();
  for (let index = 0; index < count; index++) {
    const entryKey = key.read(input);
    map.set(entryKey, value.read(input));
  }
  return map;
}

function kindChanged(found: Schema, expected: string, where: Readonly<Record<string, string>>): MillraceError {
  return new MillraceError("MR_STATE_SCHEMA_INCOMPATIBLE", {
    what: "A state was written as another kind of state",
    where,
    found: found.kind,
    expected,
    todo: "Give the new state another name, or restore with the old declaration",
  });
}
