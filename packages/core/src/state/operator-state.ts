/** State of an operator as a whole: one copy a subtask, dealt out anew when the parallelism changes. Public interfaces. */
import type { ListState } from "./keyed-state.ts";
import type { ListStateDescriptor, MapStateDescriptor } from "./state-descriptors.ts";

/** A map that is the same in every subtask; its readers do not change it. @public */
export interface ReadOnlyBroadcastState<K, V> {
  get(key: K): V | undefined;
  contains(key: K): boolean;
  /** The entries; do not change the values. */
  immutableEntries(): IterableIterator<[K, V]>;
}

/** A map that every subtask keeps a copy of. Every subtask has to make the same changes. @public */
export interface BroadcastState<K, V> extends ReadOnlyBroadcastState<K, V> {
  put(key: K, value: V): void;
  putAll(entries: Iterable<readonly [K, V]>): void;
  remove(key: K): void;
  entries(): IterableIterator<[K, V]>;
  clear(): void;
}

/**
 * The operator states of one subtask. A name stands for one state of one kind; asking for it again gives the same state.
 *
 * All throw `MR_STATE_SCHEMA_INCOMPATIBLE` when a restored checkpoint holds another kind of state or a type that cannot be
 * read as the declared one, and `MR_STATE_TTL_UNSUPPORTED` for a descriptor with a time to live.
 *
 * @public
 */
export interface OperatorStateStore {
  /** A list of which every subtask has a part. After a rescale the elements of all subtasks are dealt out round robin. */
  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  /** A list of which every subtask has a part, and gets all parts back, in the order of the subtasks. */
  getUnionListState<T>(descriptor: ListStateDescriptor<T>): ListState<T>;
  /** A map that is the same in every subtask, and is copied to new ones. */
  getBroadcastState<K, V>(descriptor: MapStateDescriptor<K, V>): BroadcastState<K, V>;
  getRegisteredStateNames(): ReadonlySet<string>;
  getRegisteredBroadcastStateNames(): ReadonlySet<string>;
}
