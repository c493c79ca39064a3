import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { enumType } from "./option-types.ts";

/** Where keyed state lives while the job runs. @public */
export type StateBackendType = "hashmap" | "rocksdb";

/** The option `state.backend.type`. @public */
export const STATE_BACKEND_TYPE: ConfigOption<StateBackendType> = option({
  key: "state.backend.type",
  type: enumType<StateBackendType>(["hashmap", "rocksdb"]),
  default: "hashmap",
  legacyKeys: ["state.backend"],
  unsupportedValues: ["rocksdb"],
  unsupportedHint: "state is kept as objects in memory: hashmap",
  description: "Where keyed state lives while the job runs. `hashmap` is objects on the heap.",
});

/** @internal */
export const stateOptions: OptionGroup = { title: "State", options: [STATE_BACKEND_TYPE] };
