import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { booleanType, durationType, enumType, intType, memorySizeType, stringType } from "./option-types.ts";

/** What a failure may do to records: count each exactly once, or some of them again. @public */
export type CheckpointingMode = "EXACTLY_ONCE" | "AT_LEAST_ONCE";

/** Whether checkpoints stay when their job is cancelled. @public */
export type ExternalizedCheckpointRetention =
  | "DELETE_ON_CANCELLATION"
  | "RETAIN_ON_CANCELLATION"
  | "NO_EXTERNALIZED_CHECKPOINTS";

// Shorter intervals and timeouts than this are always a mistaken unit.
const CHECKPOINT_TIME_MIN_MS = 10;

/** The option `execution.checkpointing.interval`. @public */
export const CHECKPOINTING_INTERVAL: ConfigOption<number | undefined> = option({
  key: "execution.checkpointing.interval",
  type: durationType({ min: CHECKPOINT_TIME_MIN_MS }),
  description: "Time from the start of one checkpoint to the start of the next. Unset means no periodic checkpoints.",
});

/** The option `execution.checkpointing.mode`. @public */
export const CHECKPOINTING_MODE: ConfigOption<CheckpointingMode> = option({
  key: "execution.checkpointing.mode",
  type: enumType<CheckpointingMode>(["EXACTLY_ONCE", "AT_LEAST_ONCE"]),
  default: "EXACTLY_ONCE",
  description:
    "Whether each record counts once in the state, or may count again after a failure. `AT_LEAST_ONCE` waits for no barriers: lower latency while a checkpoint is taken.",
});

/** The option `execution.checkpointing.unaligned.enabled`. @public */
export const UNALIGNED_CHECKPOINTS: ConfigOption<boolean> = option({
  key: "execution.checkpointing.unaligned.enabled",
  type: booleanType,
  default: false,
  legacyKeys: ["execution.checkpointing.unaligned"],
  description:
    "Do not wait for barriers behind the records of slow channels: those records become a part of the checkpoint. With `execution.checkpointing.mode: AT_LEAST_ONCE` it has no effect.",
});

/** The option `execution.checkpointing.aligned-checkpoint-timeout`. @public */
export const ALIGNED_CHECKPOINT_TIMEOUT: ConfigOption<number> = option({
  key: "execution.checkpointing.aligned-checkpoint-timeout",
  type: durationType(),
  default: 0,
  legacyKeys: ["execution.checkpointing.alignment-timeout"],
  description:
    "With `execution.checkpointing.unaligned.enabled`: how long a checkpoint waits for barriers before it goes on without them. 0: not at all.",
});

/** The option `execution.checkpointing.unaligned.forced`. @public */
export const UNALIGNED_FORCED: ConfigOption<boolean> = option({
  key: "execution.checkpointing.unaligned.forced",
  type: booleanType,
  default: false,
  description:
    "Take unaligned checkpoints also of jobs with custom partitioners, which then have to choose the same partition for the same key every time, and of jobs with iterations.",
});

/** The option `execution.checkpointing.iterations.forced`. @public */
export const CHECKPOINTING_ITERATIONS_FORCED: ConfigOption<boolean> = option({
  key: "execution.checkpointing.iterations.forced",
  type: booleanType,
  default: false,
  description:
    "Take checkpoints of jobs with iterations, too. Records on their way through a loop are in none of them: after a failure they are lost.",
});

/** The option `execution.checkpointing.timeout`. @public */
export const CHECKPOINTING_TIMEOUT: ConfigOption<number> = option({
  key: "execution.checkpointing.timeout",
  type: durationType({ min: CHECKPOINT_TIME_MIN_MS }),
  default: 600_000,
  description: "A checkpoint that is not complete after this time is aborted and counts as failed.",
});

/** The option `execution.checkpointing.min-pause`. @public */
export const CHECKPOINTING_MIN_PAUSE: ConfigOption<number> = option({
  key: "execution.checkpointing.min-pause",
  type: durationType(),
  default: 0,
  description:
    "Least time between the end of one checkpoint and the start of the next. More than 0 needs `execution.checkpointing.max-concurrent-checkpoints` to be 1.",
});

/** The option `execution.checkpointing.max-concurrent-checkpoints`. @public */
export const CHECKPOINTING_MAX_CONCURRENT: ConfigOption<number> = option({
  key: "execution.checkpointing.max-concurrent-checkpoints",
  type: intType({ min: 1, max: 1000 }),
  default: 1,
  description: "How many checkpoints may be under way at the same time.",
});

/** The option `execution.checkpointing.tolerable-failed-checkpoints`. @public */
export const CHECKPOINTING_TOLERABLE_FAILURES: ConfigOption<number> = option({
  key: "execution.checkpointing.tolerable-failed-checkpoints",
  type: intType({ min: 0 }),
  default: 0,
  description: "How many checkpoints in a row may fail before the job itself fails and restarts.",
});

/** The option `execution.checkpointing.dir`. @public */
export const CHECKPOINTS_DIRECTORY: ConfigOption<string | undefined> = option({
  key: "execution.checkpointing.dir",
  type: stringType,
  legacyKeys: ["state.checkpoints.dir", "state.backend.fs.checkpointdir"],
  description: "The directory that checkpoints are written under.",
});

/** The option `execution.checkpointing.savepoint-dir`. @public */
export const SAVEPOINT_DIRECTORY: ConfigOption<string | undefined> = option({
  key: "execution.checkpointing.savepoint-dir",
  type: stringType,
  legacyKeys: ["state.savepoints.dir", "savepoints.state.backend.fs.dir"],
  description: "The directory that savepoints are written under when none is given with the request.",
});

/** The option `execution.checkpointing.num-retained`. @public */
export const RETAINED_CHECKPOINTS: ConfigOption<number> = option({
  key: "execution.checkpointing.num-retained",
  type: intType({ min: 1, max: 10_000 }),
  default: 1,
  legacyKeys: ["state.checkpoints.num-retained"],
  description: "How many completed checkpoints are kept; older ones are removed.",
});

/** The option `execution.checkpointing.externalized-checkpoint-retention`. @public */
export const EXTERNALIZED_CHECKPOINT_RETENTION: ConfigOption<ExternalizedCheckpointRetention> = option({
  key: "execution.checkpointing.externalized-checkpoint-retention",
  type: enumType<ExternalizedCheckpointRetention>([
    "DELETE_ON_CANCELLATION",
    "RETAIN_ON_CANCELLATION",
    "NO_EXTERNALIZED_CHECKPOINTS",
  ]),
  default: "NO_EXTERNALIZED_CHECKPOINTS",
  description:
    "What happens to the retained checkpoints when the job ends: kept after a failure only (`DELETE_ON_CANCELLATION`), after a failure and a cancellation (`RETAIN_ON_CANCELLATION`), or never.",
});

/** The option `execution.checkpointing.data-inline-threshold`. @public */
export const DATA_INLINE_THRESHOLD: ConfigOption<number> = option({
  key: "execution.checkpointing.data-inline-threshold",
  type: memorySizeType({ max: 1024 * 1024 }),
  default: 20 * 1024,
  legacyKeys: ["state.storage.fs.memory-threshold", "state.backend.fs.memory-threshold"],
  description: "State of a subtask that is smaller than this is written into `_metadata` instead of a file of its own.",
});

/** The option `execution.checkpointing.create-subdir`. @public */
export const CREATE_CHECKPOINT_SUBDIRECTORY: ConfigOption<boolean> = option({
  key: "execution.checkpointing.create-subdir",
  type: booleanType,
  default: true,
  legacyKeys: ["state.checkpoints.create-subdir"],
  description: "Whether checkpoints lie in a directory named after the job id, below `execution.checkpointing.dir`.",
});

/** @internal */
export const checkpointingOptions: OptionGroup = {
  title: "Checkpointing",
  options: [
    CHECKPOINTING_INTERVAL,
    CHECKPOINTING_MODE,
    UNALIGNED_CHECKPOINTS,
    ALIGNED_CHECKPOINT_TIMEOUT,
    UNALIGNED_FORCED,
    CHECKPOINTING_ITERATIONS_FORCED,
    CHECKPOINTING_TIMEOUT,
    CHECKPOINTING_MIN_PAUSE,
    CHECKPOINTING_MAX_CONCURRENT,
    CHECKPOINTING_TOLERABLE_FAILURES,
    CHECKPOINTS_DIRECTORY,
    SAVEPOINT_DIRECTORY,
    RETAINED_CHECKPOINTS,
    EXTERNALIZED_CHECKPOINT_RETENTION,
    DATA_INLINE_THRESHOLD,
    CREATE_CHECKPOINT_SUBDIRECTORY,
  ],
};
