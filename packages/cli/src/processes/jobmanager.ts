import { resolve } from "node:path";
import { startRestEndpoint } from "@millrace/rest";
import type { ConfigEntry, Configuration, MillraceError } from "millrace";
import {
  formatAddress,
  HA_STORAGE_DIR,
  JOBMANAGER_BIND_HOST,
  JOBMANAGER_RPC_ADDRESS,
  JOBMANAGER_RPC_PORT,
  PROCESS_WORKING_DIR,
  startJobManager,
} from "millrace/internal";
import { withAbsolutePaths } from "../absolute-paths.ts";
import { readSettings, type SettingOptions } from "../settings.ts";
import { makeCodeDirectory } from "./code-directory.ts";
import { type ProcessLog, processLog } from "./process-log.ts";
import { outliveJobs, untilEnded } from "./until-ended.ts";

/** What `millrace jobmanager` takes. @internal */
export interface JobManagerOptions extends SettingOptions {
  readonly host?: string;
  readonly webuiPort?: string;
}

/** A JobManager that listens. @internal */
export interface RunningJobManager {
  /** Where TaskManagers register. */
  readonly rpc: { readonly host: string; readonly port: number };
  /** Settles when it is to end, with why: another JobManager leads, or a client wants it. */
  readonly dismissed: Promise<string>;
  /** Jobs go on in the next JobManager with the directory. */
  close(): Promise<void>;
}

/** Leads a cluster from this process until it is told to end. @internal */
export async function jobManagerProcess(options: JobManagerOptions): Promise<void> {
  const log = processLog("jobmanager");
  const jobManager = await openJobManager(jobManagerSettings(options), log);
  const exit = outliveJobs(log);
  const ended = untilEnded(log, exit);
  // Where another one leads this one has nothing to do any more, and was not at fault.
  await Promise.race([ended, jobManager.dismissed.then((why) => log.warn(why))]);
  await jobManager.close();
  log.info("ended; its jobs go on when a JobManager with the same directory starts");
  exit(0);
}

/** @throws MillraceError `MR_CONFIG_INVALID` @internal */
export function jobManagerSettings(options: JobManagerOptions): Configuration {
  const entries: ConfigEntry[] = [];
  const { host, webuiPort } = options;
  if (host !== undefined) entries.push({ key: JOBMANAGER_RPC_ADDRESS.key, value: host, origin: `--host ${host}` });
  if (webuiPort !== undefined) entries.push({ key: "rest.port", value: webuiPort, origin: `-r ${webuiPort}` });
  return withAbsolutePaths(readSettings(options, entries));
}

/** @throws MillraceError what `startJobManager` and the REST endpoint throw @internal */
export async function openJobManager(configuration: Configuration, log: ProcessLog): Promise<RunningJobManager> {
  const rpcHost = configuration.get(JOBMANAGER_RPC_ADDRESS);
  const directory = resolve(configuration.get(HA_STORAGE_DIR));
  const codeDirectory = makeCodeDirectory(configuration.get(PROCESS_WORKING_DIR));
  let dismiss: (why: string) => void = () => {};
  const dismissed = new Promise<string>((resolveDismissed) => {
    dismiss = resolveDismissed;
  });
  const onWarning = (text: string): void => log.warn(text);
  const jobManager = await startJobManager({
    configuration,
    address: { host: configuration.get(JOBMANAGER_BIND_HOST) ?? rpcHost, port: configuration.get(JOBMANAGER_RPC_PORT) },
    directory,
    codeDirectory,
    onWarning,
    onInfo: (text) => log.info(text),
    onFenced: (error: MillraceError) => dismiss(error.message),
  });
  try {
    const onShutDown = (): void => dismiss("a client has asked the JobManager to end");
    const rest = await startRestEndpoint({ api: jobManager, configuration, onWarning, onShutDown });
    const rpc = { host: rpcHost, port: jobManager.address.port };
    log.info(`leads since epoch ${jobManager.epoch}; jobs are kept in ${directory}`);
    log.info(`TaskManagers register at ${rpc.host}:${rpc.port}`);
    log.info(`clients ask at http://${formatAddress(rest)}`);
    const close = async (): Promise<void> => {
      await rest.close();
      await jobManager.close();
    };
    return { rpc, dismissed, close };
  } catch (error) {
    await jobManager.close();
    throw error;
  }
}
