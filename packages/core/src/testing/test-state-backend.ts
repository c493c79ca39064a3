import { OBJECT_CACHE_ENTRIES, STATE_BACKEND_TYPE } from "../config/state-options.ts";
import { OBJECT_CACHE_SIZE } from "../config/store-memory-options.ts";
import { SeededRandom } from "../platform/seeded-random.ts";
import { SimulatedDisk } from "../platform/simulated-disk.ts";
import { SimulatedStores } from "../platform/simulated-stores.ts";
import { heapStateBackend, type KeyedStateBackend, StoredStateBackend } from "../state/state-backend.ts";

/** The state backend of operators that are tested without a job: that of a job which sets none, on a disk of its own. @internal */
export function testStateBackend(): KeyedStateBackend {
  if (STATE_BACKEND_TYPE.default === "hashmap") return heapStateBackend;
  const stores = new SimulatedStores(new SimulatedDisk(new SeededRandom(0)), () => 0);
  return new StoredStateBackend({
    stores,
    directory: "/state",
    cacheEntriesMax: OBJECT_CACHE_ENTRIES.default as number,
    cacheBytesMax: OBJECT_CACHE_SIZE.default as number,
    isIncremental: false,
    random: new SeededRandom(0),
  });
}
