import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { booleanType, durationType, enumType, intType, listType, memorySizeType } from "./option-types.ts";
import { locationType, pathType } from "./path-type.ts";

/** What a failure may do to records: count each exactly once, or some of them again. @public */
export type CheckpointingMode = "EXACTLY_ONCE" | "AT_LEAST_ONCE";

/**
 * The modes as Flink's programs write them; the text alone is as good.
 *
 * @example
 * env.enableCheckpointing(1000).getCheckpointConfig().setCheckpointingMode(CheckpointingMode.EXACTLY_ONCE);
 * @public
 */
export const CheckpointingMode = { EXACTLY_ONCE: "EXACTLY_ONCE", AT_LEAST_ONCE: "AT_LEAST_ONCE" } as const;

/** Where completed checkpoints are kept. @public */
export type CheckpointStorageType = "jobmanager" | "filesystem";

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
  type: locationType,
  legacyKeys: ["state.checkpoints.dir", "state.backend.fs.checkpointdir"],
  description: "The directory that checkpoints are written under.",
});

/** The option `execution.checkpointing.savepoint-dir`. @public */
export const SAVEPOINT_DIRECTORY: ConfigOption<string | undefined> = option({
  key: "execution.checkpointing.savepoint-dir",
  type: locationType,
  legacyKeys: ["state.savepoints.dir", "savepoints.state.backend.fs.dir"],
  description: "The directory that savepoints are written under when none is given with the request.",
});

/** The option `execution.checkpointing.storage`. @public */
export const CHECKPOINT_STORAGE: ConfigOption<CheckpointStorageType | undefined> = option({
  key: "execution.checkpointing.storage",
  type: enumType<CheckpointStorageType>(["jobmanager", "filesystem"]),
  legacyKeys: ["state.checkpoint-storage"],
  description:
    "Where completed checkpoints are kept: `filesystem`, in files below `execution.checkpointing.dir`; `jobmanager`, in the memory of the process that coordinates the job, and, when there is a directory, all in one `_metadata` in it. Unset means `filesystem` with a directory and `jobmanager` without.",
});

/** The option `execution.checkpointing.jobmanager-storage.max-state-size`. @public */
export const JOBMANAGER_STORAGE_MAX_STATE_SIZE: ConfigOption<number> = option({
  key: "execution.checkpointing.jobmanager-storage.max-state-size",
  type: memorySizeType({ min: 1 }),
  default: 5 * 1024 * 1024,
  description:
    "The largest state of one operator's subtask that `jobmanager` storage takes; a larger one ends the job (`MR_STATE_TOO_LARGE_FOR_MEMORY`). At most `pekko.framesize`. In Flink it is an argument of `JobManagerCheckpointStorage`.",
});

/** The option `execution.checkpointing.write-buffer-size`. @public */
export const CHECKPOINT_WRITE_BUFFER_SIZE: ConfigOption<number | undefined> = option({
  key: "execution.checkpointing.write-buffer-size",
  type: intType({ min: 0 }),
  isUnsupported: true,
  unsupportedHint: "every state is written at once, so there is no buffer to give a size to",
  legacyKeys: ["state.storage.fs.write-buffer-size", "state.backend.fs.write-buffer-size"],
  description: "The size of the buffer that Flink's state is written through.",
});

/** The option `execution.checkpointing.checkpoints-after-tasks-finish`. @public */
export const CHECKPOINTS_AFTER_TASKS_FINISH: ConfigOption<boolean> = option({
  key: "execution.checkpointing.checkpoints-after-tasks-finish",
  type: booleanType,
  default: true,
  legacyKeys: ["execution.checkpointing.checkpoints-after-tasks-finish.enabled"],
  unsupportedValues: [false],
  unsupportedHint: "a sink behind a source that has ended would never commit again",
  description: "Checkpoints are taken also when some subtasks have finished.",
});

/** The option `execution.checkpointing.incremental`. @public */
export const INCREMENTAL_CHECKPOINTS: ConfigOption<boolean> = option({
  key: "execution.checkpointing.incremental",
  type: booleanType,
  default: false,
  legacyKeys: ["state.backend.incremental"],
  description:
    "With `state.backend.type: rocksdb`: whether a checkpoint stores only the files that are new since the one before. Everything else, and the other state backend, stores all state every time.",
});

/** The option `execution.checkpointing.local-backup.enabled`. @public */
export const LOCAL_BACKUP_ENABLED: ConfigOption<boolean | undefined> = option<boolean>({
  key: "execution.checkpointing.local-backup.enabled",
  type: booleanType,
  description:
    "Whether each TaskManager keeps a second copy of the state that it writes into checkpoints, on its own disk: that of the newest complete checkpoint. The default is what `execution.state-recovery.from-local` says.",
});

/** The option `execution.checkpointing.local-backup.dirs`. @public */
export const LOCAL_BACKUP_DIRECTORIES: ConfigOption<readonly string[] | undefined> = option<readonly string[]>({
  key: "execution.checkpointing.local-backup.dirs",
  type: listType(pathType),
  legacyKeys: ["taskmanager.state.local.root-dirs"],
  description:
    "Where a TaskManager keeps its copies of state: directories on the machine's own disks, in turn. In a cluster a setting of the TaskManager. The default is where local stores are (`state.backend.rocksdb.localdir`), whose files need no second room there.",
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
    CHECKPOINT_STORAGE,
    JOBMANAGER_STORAGE_MAX_STATE_SIZE,
    RETAINED_CHECKPOINTS,
    EXTERNALIZED_CHECKPOINT_RETENTION,
    DATA_INLINE_THRESHOLD,
    CREATE_CHECKPOINT_SUBDIRECTORY,
    CHECKPOINTS_AFTER_TASKS_FINISH,
    INCREMENTAL_CHECKPOINTS,
    LOCAL_BACKUP_ENABLED,
    LOCAL_BACKUP_DIRECTORIES,
    CHECKPOINT_WRITE_BUFFER_SIZE,
  ],
};
