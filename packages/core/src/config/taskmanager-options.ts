import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { durationType, intType, memorySizeType } from "./option-types.ts";

/** @public */
export const BUFFERS_PER_CHANNEL: ConfigOption<number> = option({
  key: "taskmanager.network.memory.buffers-per-channel",
  type: intType({ min: 1, max: 1024 }),
  default: 8,
  description:
    "Segments of 32 KiB that a channel between two threads holds before its producer has to wait; rounded up to a power of two.",
});

/** @public */
export const TASK_HEAP_SIZE: ConfigOption<number | undefined> = option<number>({
  key: "taskmanager.memory.task.heap.size",
  type: memorySizeType({ min: 16 * 1024 * 1024 }),
  description:
    "How large the JavaScript heap of one slot's thread may grow. A thread that needs more ends, and its job fails or restarts. The default is Node's own limit.",
});

/** @public */
export const BLOCKED_WARNING: ConfigOption<number> = option({
  key: "taskmanager.slot.blocked-warning",
  type: durationType({ min: 1 }),
  default: 5000,
  description:
    "After this time without an answer from a slot's thread a warning says which operator holds it up, with the line of the code it is in.",
});

/** @public */
export const BLOCKED_TIMEOUT: ConfigOption<number> = option({
  key: "taskmanager.slot.blocked-timeout",
  type: durationType({ min: 1 }),
  default: 60_000,
  description:
    "After this time without an answer a slot's thread is given up: the thread is ended, and the job fails or restarts.",
});

/** @public */
export const CANCELLATION_TIMEOUT: ConfigOption<number> = option({
  key: "task.cancellation.timeout",
  type: durationType({ min: 1 }),
  default: 180_000,
  description:
    "How long the functions, sources and sinks of an attempt may take to close when it is cancelled. After that a slot's thread is ended; in the caller's thread what does not close is left behind, with a warning.",
});

/** @internal */
export const taskmanagerOptions: OptionGroup = {
  title: "Slots and their threads",
  options: [BUFFERS_PER_CHANNEL, TASK_HEAP_SIZE, BLOCKED_WARNING, BLOCKED_TIMEOUT, CANCELLATION_TIMEOUT],
};
