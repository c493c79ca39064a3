import type { Random } from "../platform/platform.ts";
import type { Stores } from "../platform/stores.ts";
import { type KeyedStateOwner, KeyedStateTable } from "./keyed-state-table.ts";
import { StoredStateTable } from "./stored-state-table.ts";

/** Makes the keyed state of operators. @internal */
export interface KeyedStateBackend {
  createTable(owner: KeyedStateOwner, maxParallelism: number): KeyedStateTable;
}

/** Keyed state as objects on the heap. @internal */
export const heapStateBackend: KeyedStateBackend = {
  createTable: (owner, maxParallelism) => new KeyedStateTable(owner, maxParallelism),
};

/** @internal */
export interface StoredStateOptions {
  readonly stores: Stores;
  /** Of the subtask, absolute: its tables make directories whose names begin with it. */
  readonly directory: string;
  /** Of each table. */
  readonly cacheEntriesMax: number;
  /** Of each table, by the size in the store. */
  readonly cacheBytesMax: number;
  readonly isIncremental: boolean;
  readonly random: Pick<Random, "uuid">;
}

/** Keyed state in sorted stores, one a table. @internal */
export class StoredStateBackend implements KeyedStateBackend {
  readonly #options: StoredStateOptions;
  #tableCount = 0;

  constructor(options: StoredStateOptions) {
    this.#options = options;
  }

  createTable(owner: KeyedStateOwner, maxParallelism: number): KeyedStateTable {
    const directory = `${this.#options.directory}-${this.#tableCount++}`;
    return new StoredStateTable(owner, maxParallelism, { ...this.#options, directory });
  }
}
