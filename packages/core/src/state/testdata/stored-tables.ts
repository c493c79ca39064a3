/** Stored tables on a simulated disk. */
import { SeededRandom } from "../../platform/seeded-random.ts";
import { SimulatedDisk } from "../../platform/simulated-disk.ts";
import { SimulatedStores } from "../../platform/simulated-stores.ts";
import { RestoredKeyedState } from "../keyed-snapshot-format.ts";
import type { KeyedStateOwner, KeyedStateTable } from "../keyed-state-table.ts";
import type { RunningKeyedSnapshot, StoreSnapshot } from "../store-snapshot.ts";
import { StoredStateTable } from "../stored-state-table.ts";
import { REMEMBERED_MAX, type StoredTableOptions } from "../stored-table-options.ts";

export const owner = { operatorName: "totals", uid: "totals" } as const;
export const MAX_PARALLELISM = 128;

/** One disk for all that is made from it. */
export class Machine {
  readonly disk: SimulatedDisk = new SimulatedDisk(new SeededRandom(1));
  readonly stores: SimulatedStores = new SimulatedStores(this.disk, () => 0);
  readonly #wholeEntriesMax: number;
  readonly #random: SeededRandom = new SeededRandom(2);
  #count = 0;

  readonly owner: KeyedStateOwner;

  constructor(wholeEntriesMax: number = 64, by: KeyedStateOwner = owner) {
    this.#wholeEntriesMax = wholeEntriesMax;
    this.owner = by;
  }

  remove(snapshot: Uint8Array | StoreSnapshot): void {
    if (!(snapshot instanceof Uint8Array)) this.stores.remove(snapshot.directory);
  }

  table(
    cacheEntriesMax: number,
    readsOnDemand: boolean,
    bounds: Partial<Pick<StoredTableOptions, "wholeEntriesMax" | "cacheBytesMax" | "rememberedMax">> = {},
  ): StoredStateTable {
    const directory = `/state/${this.#count++}`;
    const table = new StoredStateTable(this.owner, MAX_PARALLELISM, {
      stores: this.stores,
      directory,
      cacheEntriesMax,
      cacheBytesMax: bounds.cacheBytesMax ?? 2 ** 30,
      wholeEntriesMax: bounds.wholeEntriesMax ?? this.#wholeEntriesMax,
      rememberedMax: bounds.rememberedMax ?? REMEMBERED_MAX,
      isIncremental: true,
      random: this.#random,
    });
    table.readsOnDemand = readsOnDemand;
    return table;
  }
}

export function written(snapshot: RunningKeyedSnapshot): Uint8Array | StoreSnapshot {
  while (!snapshot.isWritten) snapshot.step(100);
  return snapshot.encode();
}

/** Gives a table what others have written, each all key groups or its own. */
export function restoredFrom(
  table: KeyedStateTable,
  from: readonly (Uint8Array | StoreSnapshot)[],
  [start, end]: readonly [number, number] = [0, MAX_PARALLELISM],
  writtenFor: readonly (readonly [number, number])[] = [[0, MAX_PARALLELISM]],
): RestoredKeyedState {
  const stores = from.flatMap((each, index) => {
    const [keyGroupStart, keyGroupEnd] = writtenFor[index]!;
    return each instanceof Uint8Array ? [] : [{ ...each, keyGroupStart, keyGroupEnd }];
  });
  table.restoreStores(stores, start, end);
  const blobs = from.map((each) => (each instanceof Uint8Array ? each : each.header));
  return new RestoredKeyedState(blobs, start, end);
}

/** The files of a snapshot once more: who restores them takes them over. */
export function copyOf(machine: Machine, snapshot: Uint8Array | StoreSnapshot, to: string): StoreSnapshot {
  const { directory, files, ...rest } = snapshot as StoreSnapshot;
  machine.stores.makeDirectory(to);
  for (const { name } of files) machine.stores.link(`${directory}/${name}`, `${to}/${name}`);
  return { ...rest, files, directory: to };
}
