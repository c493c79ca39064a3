import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { enumType, intType, stringType } from "./option-types.ts";
import {
  MANAGED_MEMORY_SIZE,
  OBJECT_CACHE_SIZE,
  ROCKSDB_HIGH_PRIORITY_RATIO,
  ROCKSDB_MEMORY_MANAGED,
  ROCKSDB_MEMORY_PER_SLOT,
  ROCKSDB_WRITE_BUFFER_RATIO,
} from "./store-memory-options.ts";

/** Where keyed state lives while the job runs. @public */
export type StateBackendType = "hashmap" | "rocksdb";

/** The option `state.backend.type`. @public */
export const STATE_BACKEND_TYPE: ConfigOption<StateBackendType> = option({
  key: "state.backend.type",
  type: enumType<StateBackendType>(["hashmap", "rocksdb"]),
  default: "hashmap",
  legacyKeys: ["state.backend"],
  description:
    "Where keyed state lives while the job runs. `hashmap` is objects on the heap; `rocksdb` is a store on the machine's disk with a cache in front, for state that outgrows memory, and needs the package `@millrace/state-rocksdb`.",
});

/** The option `state.backend.rocksdb.localdir`. @public */
export const ROCKSDB_LOCAL_DIRECTORY: ConfigOption<string | undefined> = option<string>({
  key: "state.backend.rocksdb.localdir",
  type: stringType,
  legacyKeys: ["io.tmp.dirs"],
  description:
    "With `state.backend.type: rocksdb`: the directory on the machine's own disk that the stores are in. The default is the system's directory for temporary files, which may be in memory.",
});

/** The option `state.backend.rocksdb.object-cache.max-entries`. @public */
export const OBJECT_CACHE_ENTRIES: ConfigOption<number> = option({
  key: "state.backend.rocksdb.object-cache.max-entries",
  type: intType({ min: 16, max: 16_000_000 }),
  default: 100_000,
  description:
    "With `state.backend.type: rocksdb`: of how many keys an operator's subtask keeps the state as objects in memory. Keys beyond are read from the store when they are used.",
});

/** @internal */
export const stateOptions: OptionGroup = {
  title: "State",
  options: [
    STATE_BACKEND_TYPE,
    ROCKSDB_LOCAL_DIRECTORY,
    OBJECT_CACHE_ENTRIES,
    OBJECT_CACHE_SIZE,
    MANAGED_MEMORY_SIZE,
    ROCKSDB_MEMORY_MANAGED,
    ROCKSDB_MEMORY_PER_SLOT,
    ROCKSDB_WRITE_BUFFER_RATIO,
    ROCKSDB_HIGH_PRIORITY_RATIO,
  ],
};
