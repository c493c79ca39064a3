import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { durationType, intType, memorySizeType, stringType } from "./option-types.ts";

/** The option `heartbeat.interval`. @public */
export const HEARTBEAT_INTERVAL: ConfigOption<number> = option({
  key: "heartbeat.interval",
  type: durationType({ min: 10 }),
  default: 1000,
  description:
    "How often the processes of a cluster give each other a sign of life. Flink's default is 10 s; this one finds a process that hangs within 5 s.",
});

/** The option `heartbeat.timeout`. @public */
export const HEARTBEAT_TIMEOUT: ConfigOption<number> = option({
  key: "heartbeat.timeout",
  type: durationType({ min: 20 }),
  default: 4000,
  description:
    "A process that gave no sign of life for this long is taken for dead. More than `heartbeat.interval`. Flink's default is 50 s. A process that ends is noticed at once, without this. Raise it where garbage collection or a debugger stops processes for seconds.",
});

/** The option `pekko.ask.timeout`. @public */
export const ASK_TIMEOUT: ConfigOption<number> = option({
  key: "pekko.ask.timeout",
  type: durationType({ min: 10 }),
  default: 10_000,
  legacyKeys: ["akka.ask.timeout"],
  description: "How long one process of a cluster waits for another one's answer.",
});

/** The option `pekko.framesize`. @public */
export const FRAME_SIZE: ConfigOption<number> = option({
  key: "pekko.framesize",
  type: memorySizeType({ min: 64 * 1024, max: 1024 * 1024 * 1024 }),
  default: 10 * 1024 * 1024,
  legacyKeys: ["akka.framesize"],
  description:
    "The largest message that processes of a cluster send to each other and accept. The same in all of them. Flink writes the unit b behind the number, which is understood.",
});

/** The option `jobmanager.rpc.address`. @public */
export const JOBMANAGER_RPC_ADDRESS: ConfigOption<string> = option({
  key: "jobmanager.rpc.address",
  type: stringType,
  default: "localhost",
  description: "Where the JobManager listens for TaskManagers, and where they look for it.",
});

/** The option `jobmanager.rpc.port`. @public */
export const JOBMANAGER_RPC_PORT: ConfigOption<number> = option({
  key: "jobmanager.rpc.port",
  type: intType({ min: 0, max: 65_535 }),
  default: 6123,
  description: "The port of `jobmanager.rpc.address`. With 0 the JobManager takes any free one.",
});

/** The option `jobmanager.bind-host`. @public */
export const JOBMANAGER_BIND_HOST: ConfigOption<string | undefined> = option({
  key: "jobmanager.bind-host",
  type: stringType,
  description:
    "The name or IP address that the JobManager listens at, where it is another one than TaskManagers look for: `jobmanager.rpc.address` when it is left out. In Flink every interface.",
});

/** The option `high-availability.storageDir`. @public */
export const HA_STORAGE_DIR: ConfigOption<string> = option({
  key: "high-availability.storageDir",
  type: stringType,
  default: ".millrace/jobmanager",
  description:
    "Where the JobManager keeps its jobs: with the same directory a JobManager that starts again takes them over. Each JobManager needs one of its own.",
});

/** The option `slot.request.timeout`. @public */
export const SLOT_REQUEST_TIMEOUT: ConfigOption<number> = option({
  key: "slot.request.timeout",
  type: durationType({ min: 1 }),
  default: 300_000,
  description:
    "How long a job waits for all of its slots before the attempt fails. The restart strategy decides whether it tries again.",
});

/** The option `taskmanager.numberOfTaskSlots`. @public */
export const TASK_SLOTS: ConfigOption<number> = option({
  key: "taskmanager.numberOfTaskSlots",
  type: intType({ min: 1, max: 1024 }),
  default: 1,
  description: "How many slots a TaskManager has. A slot that is in use is a thread.",
});

/** The option `taskmanager.resource-id`. @public */
export const TASKMANAGER_RESOURCE_ID: ConfigOption<string | undefined> = option({
  key: "taskmanager.resource-id",
  type: stringType,
  description:
    "What a TaskManager is called, for people; when it is set, a process that starts again under it goes on with the slots and the local copies of state of the one before. Another one for each of them. The default is its host's name and its process id.",
});

/** The option `taskmanager.host`. @public */
export const TASKMANAGER_HOST: ConfigOption<string | undefined> = option({
  key: "taskmanager.host",
  type: stringType,
  description:
    "The name or IP address under which other TaskManagers send records to this one. The default is `taskmanager.bind-host`.",
});

/** The option `taskmanager.bind-host`. @public */
export const TASKMANAGER_BIND_HOST: ConfigOption<string> = option({
  key: "taskmanager.bind-host",
  type: stringType,
  default: "localhost",
  description: "The name or IP address that a TaskManager listens at for records. In Flink every interface.",
});

/** The option `taskmanager.data.port`. @public */
export const TASKMANAGER_DATA_PORT: ConfigOption<number> = option({
  key: "taskmanager.data.port",
  type: intType({ min: 0, max: 65_535 }),
  default: 0,
  description: "The port at which records of other TaskManagers arrive. With 0 it is any free one.",
});

/** The option `process.working-dir`. @public */
export const PROCESS_WORKING_DIR: ConfigOption<string> = option({
  key: "process.working-dir",
  type: stringType,
  default: ".millrace",
  description:
    "Where a process of a cluster keeps the code of the jobs that it runs. Packages that the code imports are looked for from here upwards. In Flink a directory for temporary files.",
});

/** The option `jobstore.max-capacity`. @public */
export const JOBSTORE_MAX_CAPACITY: ConfigOption<number> = option({
  key: "jobstore.max-capacity",
  type: intType({ min: 1, max: 100_000 }),
  default: 1000,
  description: "How many jobs that have ended the JobManager remembers. In Flink there is no limit.",
});

/** @internal */
export const clusterOptions: OptionGroup = {
  title: "Processes of a cluster",
  options: [
    HEARTBEAT_INTERVAL,
    HEARTBEAT_TIMEOUT,
    ASK_TIMEOUT,
    FRAME_SIZE,
    JOBMANAGER_RPC_ADDRESS,
    JOBMANAGER_RPC_PORT,
    JOBMANAGER_BIND_HOST,
    HA_STORAGE_DIR,
    SLOT_REQUEST_TIMEOUT,
    TASK_SLOTS,
    TASKMANAGER_RESOURCE_ID,
    TASKMANAGER_HOST,
    TASKMANAGER_BIND_HOST,
    TASKMANAGER_DATA_PORT,
    PROCESS_WORKING_DIR,
    JOBSTORE_MAX_CAPACITY,
  ],
};
