import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { booleanType, durationType, enumType } from "./option-types.ts";

/** Whether results are emitted as records come, or once at the end of bounded input. @public */
export type RuntimeExecutionMode = "STREAMING" | "BATCH" | "AUTOMATIC";

/** The option `execution.runtime-mode`. @public */
export const RUNTIME_MODE: ConfigOption<RuntimeExecutionMode> = option({
  key: "execution.runtime-mode",
  type: enumType<RuntimeExecutionMode>(["STREAMING", "BATCH", "AUTOMATIC"]),
  default: "STREAMING",
  description:
    "How the job is executed. `BATCH` is for bounded sources: keyed operators get their records key by key and emit final results only, and no checkpoints are taken. Each subtask of a keyed operator holds all its records in memory until they are sorted: what does not fit needs `STREAMING`, which keeps state only. `AUTOMATIC` is `BATCH` when all sources are bounded. Bounded sources run in `STREAMING` too and end when their last record is through.",
});

/** The option `execution.buffer-timeout.interval`. @public */
export const BUFFER_TIMEOUT: ConfigOption<number> = option({
  key: "execution.buffer-timeout.interval",
  type: durationType(),
  default: 100,
  legacyKeys: ["execution.buffer-timeout"],
  description:
    "The longest time a record waits in a buffer for others. 0 sends every record on its own. Between subtasks of one thread nothing is buffered.",
});

/** The option `execution.buffer-timeout.enabled`. @public */
export const BUFFER_TIMEOUT_ENABLED: ConfigOption<boolean> = option({
  key: "execution.buffer-timeout.enabled",
  type: booleanType,
  default: true,
  description:
    "Whether a record that waits in a buffer is sent after the timeout. Without it buffers are sent when they are full, which is best for throughput and says nothing about latency.",
});

/** Where the slots of a job are. @public */
export type ExecutionTarget = "in-thread" | "threads";

/** The option `execution.target`. @public */
export const EXECUTION_TARGET: ConfigOption<ExecutionTarget | undefined> = option<ExecutionTarget>({
  key: "execution.target",
  type: enumType<ExecutionTarget>(["in-thread", "threads"]),
  description:
    "Where the job runs: all of it in the caller's thread, or every slot in a thread of its own. Threads need a job that is a module with a default export; a script that calls `execute()` itself runs in its own thread. The default is threads wherever they are possible.",
});

/** @internal */
export const executionOptions: OptionGroup = {
  title: "Execution",
  options: [RUNTIME_MODE, BUFFER_TIMEOUT, BUFFER_TIMEOUT_ENABLED, EXECUTION_TARGET],
};
