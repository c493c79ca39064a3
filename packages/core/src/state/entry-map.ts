import type { MapKey } from "../types/key-encoding.ts";
import type { KeyEntry } from "./key-entry.ts";

/** What the table needs of a map; a plain `Map` until it is full. */
export interface EntryMap {
  readonly size: number;
  get(key: MapKey): KeyEntry | undefined;
  set(key: MapKey, entry: KeyEntry): unknown;
  delete(key: MapKey): boolean;
  values(): IterableIterator<KeyEntry>;
}

/** V8 refuses to grow a Map beyond 2^24 entries; a little less leaves room for deleted ones. */
export const MAP_ENTRIES_MAX: number = 2 ** 24 - 2 ** 16;

/** Several maps behind one face, for operators with more keys than one Map holds. A key is in at most one of them. */
export class ShardedEntryMap implements EntryMap {
  readonly #shards: Map<MapKey, KeyEntry>[];
  readonly #shardEntriesMax: number;

  constructor(first: Map<MapKey, KeyEntry>, shardEntriesMax: number = MAP_ENTRIES_MAX) {
    this.#shards = [first];
    this.#shardEntriesMax = shardEntriesMax;
  }

  get size(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.size, 0);
  }

  get(key: MapKey): KeyEntry | undefined {
    for (const shard of this.#shards) {
      const entry = shard.get(key);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  set(key: MapKey, entry: KeyEntry): void {
    const holder = this.#shards.find((shard) => shard.has(key));
    const roomy = holder ?? this.#shards.find((shard) => shard.size < this.#shardEntriesMax);
    if (roomy !== undefined) {
      roomy.set(key, entry);
      return;
    }
    this.#shards.push(new Map([[key, entry]]));
  }

  delete(key: MapKey): boolean {
    return this.#shards.some((shard) => shard.delete(key));
  }

  *values(): IterableIterator<KeyEntry> {
    for (const shard of this.#shards) yield* shard.values();
  }
}
