import { type ConfigOption, option } from "./option.ts";
import { booleanType, doubleType, memorySizeType } from "./option-types.ts";

const MEBIBYTE = 1024 * 1024;

/** The option `taskmanager.memory.managed.size`. @public */
export const MANAGED_MEMORY_SIZE: ConfigOption<number> = option({
  key: "taskmanager.memory.managed.size",
  type: memorySizeType({ min: 8 * MEBIBYTE }),
  default: 256 * MEBIBYTE,
  legacyKeys: ["taskmanager.memory.size"],
  description:
    "With `state.backend.type: rocksdb`: what the stores of all slots of a process may use outside of the JavaScript heap, for blocks that were read and for writes that are not in files yet. Of several jobs in a process the one that was started last decides.",
});

/** The option `state.backend.rocksdb.memory.managed`. @public */
export const ROCKSDB_MEMORY_MANAGED: ConfigOption<boolean> = option({
  key: "state.backend.rocksdb.memory.managed",
  type: booleanType,
  default: true,
  description:
    "Whether the stores of a process keep to `taskmanager.memory.managed.size`. If not, blocks that were read still take no more than that, and writes take up to 64 MiB for each state of each operator's subtask.",
});

/** The option `state.backend.rocksdb.memory.fixed-per-slot`. @public */
export const ROCKSDB_MEMORY_PER_SLOT: ConfigOption<number | undefined> = option<number>({
  key: "state.backend.rocksdb.memory.fixed-per-slot",
  type: memorySizeType({ min: 4 * MEBIBYTE }),
  description:
    "What each slot adds to the memory of the stores of its process, in place of `taskmanager.memory.managed.size`; slots that share a thread count as one.",
});

/** The option `state.backend.rocksdb.memory.write-buffer-ratio`. @public */
export const ROCKSDB_WRITE_BUFFER_RATIO: ConfigOption<number> = option({
  key: "state.backend.rocksdb.memory.write-buffer-ratio",
  type: doubleType({ min: 0.01, max: 1 }),
  default: 0.5,
  description: "The share of the stores' memory for writes that are not in files yet.",
});

/** The option `state.backend.rocksdb.memory.high-prio-pool-ratio`. @public */
export const ROCKSDB_HIGH_PRIORITY_RATIO: ConfigOption<number> = option({
  key: "state.backend.rocksdb.memory.high-prio-pool-ratio",
  type: doubleType({ min: 0, max: 0.9 }),
  default: 0.1,
  description:
    "The share of the cache of blocks that indexes and filters are kept in before all others. A process takes it from its first job with stores.",
});

/** The option `state.backend.rocksdb.object-cache.max-size`. @public */
export const OBJECT_CACHE_SIZE: ConfigOption<number> = option({
  key: "state.backend.rocksdb.object-cache.max-size",
  type: memorySizeType({ min: 16 * 1024 }),
  default: 64 * MEBIBYTE,
  description:
    "With `state.backend.type: rocksdb`: how much state an operator's subtask keeps as objects, by the size that it has in the store; as objects it takes a multiple of that. It bounds what `state.backend.rocksdb.object-cache.max-entries` allows where the state of a key is large.",
});
