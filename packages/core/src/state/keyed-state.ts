/**
 * The state handles that user functions see. Each reads and writes the slot of the current key; the engine sets the
 * current key before it calls a function. Called on the subtask's thread only.
 */

/** One value per key. @public */
export interface ValueState<T> {
  /** The live value of the current key, or undefined. Changing it in place must be followed by `update`. */
  value(): T | undefined;
  update(value: T): void;
  clear(): void;
}

/**
 * A list per key. With `state.backend.type: rocksdb` elements are added to one of more than 64 without reading it.
 * @public
 */
export interface ListState<T> {
  /** The elements in the order they were added; empty when there is none. Do not change the array, and give elements that you change to `update`. */
  get(): readonly T[];
  add(element: T): void;
  addAll(elements: Iterable<T>): void;
  update(elements: readonly T[]): void;
  clear(): void;
}

/**
 * A map per key. With `state.backend.type: rocksdb` one of more than 64 entries is read and written an entry at a time; only some
 * of its entries are in memory.
 * @public
 */
export interface MapState<K, V> {
  /** Changing the value in place must be followed by `put`. */
  get(key: K): V | undefined;
  put(key: K, value: V): void;
  putAll(entries: Iterable<readonly [K, V]>): void;
  remove(key: K): void;
  contains(key: K): boolean;
  /**
   * The entries in no particular order, which is another one when the map has grown. An entry that is put meanwhile may be seen or not; one that
   * is removed is not.
   */
  entries(): IterableIterator<[K, V]>;
  keys(): IterableIterator<K>;
  values(): IterableIterator<V>;
  isEmpty(): boolean;
  clear(): void;
}

/** One value per key that everything added is folded into. @public */
export interface ReducingState<T> {
  /** The folded value of the current key, or undefined. */
  get(): T | undefined;
  add(value: T): void;
  clear(): void;
}

/** An accumulator per key. @public */
export interface AggregatingState<IN, OUT> {
  /** The result of the current key's accumulator, or undefined when nothing was added. */
  get(): OUT | undefined;
  add(value: IN): void;
  clear(): void;
}
