import { hostname } from "node:os";
import { type ConfigEntry, type Configuration, MillraceError } from "millrace";
import {
  JOBMANAGER_RPC_ADDRESS,
  JOBMANAGER_RPC_PORT,
  PROCESS_WORKING_DIR,
  startTaskManager,
  TASK_SLOTS,
  TASKMANAGER_BIND_HOST,
  TASKMANAGER_DATA_PORT,
  TASKMANAGER_HOST,
  TASKMANAGER_RESOURCE_ID,
} from "millrace/internal";
import { withAbsolutePaths } from "../absolute-paths.ts";
import { readSettings, type SettingOptions } from "../settings.ts";
import { makeCodeDirectory } from "./code-directory.ts";
import { processLog } from "./process-log.ts";
import { outliveJobs, untilEnded } from "./until-ended.ts";

/** After this time without a JobManager it is said that there is none. */
const UNREGISTERED_WARNING_MS = 10_000;

/** What `millrace taskmanager` takes. @internal */
export interface TaskManagerOptions extends SettingOptions {
  readonly slots?: string;
}

/** Offers the slots of this process until it is told to end. @internal */
export async function taskManagerProcess(options: TaskManagerOptions): Promise<void> {
  const configuration = taskManagerSettings(options);
  const name = configuration.get(TASKMANAGER_RESOURCE_ID) ?? `${hostname()}-${process.pid}`;
  const log = processLog(name);
  const jobManagerAddress = {
    host: configuration.get(JOBMANAGER_RPC_ADDRESS),
    port: jobManagerPort(configuration),
  };
  const where = `${jobManagerAddress.host}:${jobManagerAddress.port}`;
  const advertisedHost = configuration.get(TASKMANAGER_HOST);
  const taskManager = await startTaskManager({
    configuration,
    name,
    jobManagerAddress: () => jobManagerAddress,
    codeDirectory: makeCodeDirectory(configuration.get(PROCESS_WORKING_DIR)),
    dataBind: { host: configuration.get(TASKMANAGER_BIND_HOST), port: configuration.get(TASKMANAGER_DATA_PORT) },
    ...(advertisedHost === undefined ? {} : { advertisedHost }),
    onWarning: (text) => log.warn(text),
    onInfo: (text) => log.info(text),
  });
  const exit = outliveJobs(log);
  const ended = untilEnded(log, exit);
  log.info(`looks for the JobManager at ${where}; slots: ${configuration.get(TASK_SLOTS)}`);
  const warning = setInterval(() => {
    if (!taskManager.isRegistered)
      log.warn(
        `no JobManager at ${where}: start one with millrace jobmanager, or set jobmanager.rpc.address and .port`,
      );
  }, UNREGISTERED_WARNING_MS);
  await ended;
  clearInterval(warning);
  await taskManager.close();
  log.info("ended");
  exit(0);
}

/** @throws MillraceError `MR_CONFIG_INVALID` @internal */
export function taskManagerSettings(options: TaskManagerOptions): Configuration {
  const { slots } = options;
  const entries: ConfigEntry[] =
    slots === undefined ? [] : [{ key: TASK_SLOTS.key, value: slots, origin: `--slots ${slots}` }];
  return withAbsolutePaths(readSettings(options, entries));
}

/** Only the JobManager can take any free port. */
function jobManagerPort(configuration: Configuration): number {
  const port = configuration.get(JOBMANAGER_RPC_PORT);
  if (port > 0) return port;
  throw new MillraceError("MR_CONFIG_INVALID", {
    what: "A TaskManager has to know where its JobManager listens",
    found: `${JOBMANAGER_RPC_PORT.key} is 0 (${configuration.originOf(JOBMANAGER_RPC_PORT)})`,
    expected: "the port that the JobManager says when it starts",
    todo: `Set ${JOBMANAGER_RPC_PORT.key} to it`,
  });
}
