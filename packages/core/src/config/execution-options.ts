import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { durationType, enumType } from "./option-types.ts";

/** @public */
export type RuntimeExecutionMode = "STREAMING" | "BATCH" | "AUTOMATIC";

/** @public */
export const RUNTIME_MODE: ConfigOption<RuntimeExecutionMode> = option({
  key: "execution.runtime-mode",
  type: enumType<RuntimeExecutionMode>(["STREAMING", "BATCH", "AUTOMATIC"]),
  default: "STREAMING",
  unsupportedValues: ["BATCH", "AUTOMATIC"],
  description:
    "How the job is executed. Bounded inputs run in `STREAMING` too and end when their last record is through.",
});

/** @public */
export const BUFFER_TIMEOUT: ConfigOption<number> = option({
  key: "execution.buffer-timeout.interval",
  type: durationType(),
  default: 100,
  legacyKeys: ["execution.buffer-timeout"],
  description:
    "The longest time a record waits in a buffer for others. 0 sends every record on its own. Between subtasks of one thread nothing is buffered.",
});

/** @internal */
export const executionOptions: OptionGroup = { title: "Execution", options: [RUNTIME_MODE, BUFFER_TIMEOUT] };
