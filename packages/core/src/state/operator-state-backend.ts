/**
 * The operator states of one operator in one subtask: lists in memory, encoded element by element at a barrier.
 *
 * - L1. A name is one state of one mode. Restored lists appear when their state is registered.
 * - L2. A list that nobody has registered since the restore is not lost: it is written again as it was read.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { invariant, MillraceError } from "../base/errors.ts";
import { migratingSerializer } from "../types/schema-compatibility.ts";
import type { Schema, Serializer } from "../types/type.ts";
import type { ListState } from "./keyed-state.ts";
import type { BroadcastState, OperatorStateStore } from "./operator-state.ts";
import { kindChanged } from "./state-codecs.ts";
import type { ListStateDescriptor, MapStateDescriptor, StateDescriptor } from "./state-descriptors.ts";

/** How a list is dealt out to the subtasks after a restore. */
export type OperatorStateMode = "split" | "union" | "broadcast";

/** One list as a checkpoint holds it. */
export interface EncodedOperatorState {
  readonly name: string;
  readonly mode: OperatorStateMode;
  /** Of an element; of a broadcast state, of the map whose entries the elements are. */
  readonly schema: Schema;
  readonly elements: readonly Uint8Array[];
}

interface RegisteredState {
  readonly mode: OperatorStateMode;
  readonly state: unknown;
  encode(): Omit<EncodedOperatorState, "name" | "mode">;
}

/** Who the states belong to, for messages. */
export interface OperatorStateOwner {
  readonly operatorName: string;
  readonly uid: string;
}

export class OperatorStateBackend implements OperatorStateStore {
  readonly #owner: OperatorStateOwner;
  readonly #registered = new Map<string, RegisteredState>();
  readonly #restored = new Map<string, EncodedOperatorState>();

  constructor(owner: OperatorStateOwner) {
    this.#owner = owner;
  }

  /** Takes what a checkpoint holds; called before the first state is registered. */
  restore(states: readonly EncodedOperatorState[]): void {
    invariant(this.#registered.size === 0, "operator state is restored before it is used");
    for (const state of states) this.#restored.set(state.name, state);
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    // The elements have the descriptor's type: nothing else is put into its list.
    return this.#list(descriptor as ListStateDescriptor<unknown>, "split") as ListState<T>;
  }

  getUnionListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    // As above.
    return this.#list(descriptor as ListStateDescriptor<unknown>, "union") as ListState<T>;
  }

  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V> {
    const known = this.#known(descriptor, "broadcast");
    // As above.
    if (known !== undefined) return known as BroadcastState<K, V>;
    const keys = descriptor.keyType.serializer;
    const values = descriptor.valueType.serializer;
    const schema: Schema = { kind: "map", key: keys.schema, value: values.schema };
    const map = new Map<K, V>();
    const restored = this.#take(descriptor.name, "broadcast");
    if (restored !== undefined) {
      if (restored.schema.kind !== "map") throw kindChanged(restored.schema, "map", this.#where(descriptor.name));
      const oldKeys = migratingSerializer(restored.schema.key, keys, this.#where(descriptor.name));
      const oldValues = migratingSerializer(restored.schema.value, values, this.#where(descriptor.name));
      for (const bytes of restored.elements) {
        const input = new BinaryReader(bytes);
        const key = oldKeys.read(input);
        map.set(key, oldValues.read(input));
      }
    }
    const encode = (): Omit<EncodedOperatorState, "name" | "mode"> => ({
      schema,
      elements: [...map].map(([key, value]) =>
        encoded((out) => {
          keys.write(key, out);
          values.write(value, out);
        }),
      ),
    });
    const state = new HeapBroadcastState<K, V>(map);
    this.#registered.set(descriptor.name, { mode: "broadcast", state, encode });
    return state;
  }

  getRegisteredStateNames(): ReadonlySet<string> {
    return this.#names((mode) => mode !== "broadcast");
  }

  getRegisteredBroadcastStateNames(): ReadonlySet<string> {
    return this.#names((mode) => mode === "broadcast");
  }

  /** The lists as they are now (L2). */
  encode(): readonly EncodedOperatorState[] {
    const own = [...this.#registered].map(([name, { mode, encode }]) => ({ name, mode, ...encode() }));
    return [...own, ...this.#restored.values()];
  }

  #list(descriptor: ListStateDescriptor<unknown>, mode: OperatorStateMode): unknown {
    const known = this.#known(descriptor, mode);
    if (known !== undefined) return known;
    const { serializer } = descriptor.elementType;
    const state = new HeapOperatorListState(this.#restoredList(descriptor.name, mode, serializer));
    const encode = (): Omit<EncodedOperatorState, "name" | "mode"> => ({
      schema: serializer.schema,
      elements: state.get().map((element) => encoded((out) => serializer.write(element, out))),
    });
    this.#registered.set(descriptor.name, { mode, state, encode });
    return state;
  }

  #restoredList(name: string, mode: OperatorStateMode, serializer: Serializer<unknown>): unknown[] {
    const restored = this.#take(name, mode);
    if (restored === undefined) return [];
    const migrating = migratingSerializer(restored.schema, serializer, this.#where(name));
    return restored.elements.map((bytes) => migrating.read(new BinaryReader(bytes)));
  }

  #known(descriptor: StateDescriptor, mode: OperatorStateMode): unknown {
    const { name } = descriptor;
    if (descriptor.ttlConfig.isEnabled) {
      throw new MillraceError("MR_STATE_TTL_UNSUPPORTED", {
        what: "Operator state cannot have a time to live",
        where: this.#where(name),
        found: `a descriptor with a time to live of ${descriptor.ttlConfig.timeToLiveMs} ms`,
        expected: "a descriptor without one: only keyed state expires",
        todo: "Remove enableTimeToLive from the descriptor, and take old elements out yourself",
      });
    }
    const known = this.#registered.get(name);
    if (known !== undefined) this.#checkMode(name, known.mode, mode);
    return known?.state;
  }

  #take(name: string, mode: OperatorStateMode): EncodedOperatorState | undefined {
    const restored = this.#restored.get(name);
    if (restored === undefined) return undefined;
    this.#checkMode(name, restored.mode, mode);
    this.#restored.delete(name);
    return restored;
  }

  #checkMode(name: string, found: OperatorStateMode, expected: OperatorStateMode): void {
    if (found !== expected) throw kindChanged({ kind: found }, expected, this.#where(name));
  }

  #where(state: string): Readonly<Record<string, string>> {
    return { operator: this.#owner.operatorName, uid: this.#owner.uid, state };
  }

  #names(isOne: (mode: OperatorStateMode) => boolean): ReadonlySet<string> {
    return new Set([...this.#registered].filter(([, { mode }]) => isOne(mode)).map(([name]) => name));
  }
}

function encoded(write: (out: BinaryWriter) => void): Uint8Array {
  const out = new BinaryWriter();
  write(out);
  return out.finish();
}

class HeapOperatorListState implements ListState<unknown> {
  #elements: unknown[];

  constructor(elements: unknown[]) {
    this.#elements = elements;
  }

  get(): readonly unknown[] {
    return this.#elements;
  }

  add(element: unknown): void {
    this.#elements.push(element);
  }

  addAll(elements: Iterable<unknown>): void {
    for (const element of elements) this.#elements.push(element);
  }

  update(elements: readonly unknown[]): void {
    this.#elements = [...elements];
  }

  clear(): void {
    this.#elements = [];
  }
}

class HeapBroadcastState<K, V> implements BroadcastState<K, V> {
  readonly #map: Map<K, V>;

  constructor(map: Map<K, V>) {
    this.#map = map;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  contains(key: K): boolean {
    return this.#map.has(key);
  }

  immutableEntries(): IterableIterator<[K, V]> {
    return this.#map.entries();
  }

  entries(): IterableIterator<[K, V]> {
    return this.#map.entries();
  }

  put(key: K, value: V): void {
    this.#map.set(key, value);
  }

  putAll(entries: Iterable<readonly [K, V]>): void {
    for (const [key, value] of entries) this.#map.set(key, value);
  }

  remove(key: K): void {
    this.#map.delete(key);
  }

  clear(): void {
    this.#map.clear();
  }
}
