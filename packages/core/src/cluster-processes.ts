/** Above all rooms: starts the processes of a cluster with what they need of the world around them. */
import { MillraceError } from "./base/errors.ts";
import { buildPipeline } from "./build-pipeline.ts";
import type { JobCodeLoader } from "./cluster/job-code.ts";
import { JobManager, type JobManagerOptions } from "./cluster/job-manager.ts";
import { TaskManager, type TaskManagerOptions } from "./cluster/task-manager.ts";
import { TASK_SLOTS } from "./config/cluster-options.ts";
import type { Configuration } from "./config/configuration.ts";
import { TASK_HEAP_SIZE } from "./config/taskmanager-options.ts";
import { loadClusterJob } from "./job-module.ts";
import { tryJob } from "./job-trial.ts";
import { createNodePlatform } from "./platform/node-platform.ts";
import { idleClock, NodeWarmWorkers } from "./platform/node-warm-workers.ts";
import { NodeWorkers } from "./platform/node-workers.ts";
import type { Platform, Workers } from "./platform/platform.ts";
import { formatAddress, NetworkError } from "./platform/transport.ts";

/** The sources and the build have the same layout; only the extension differs. */
const SLOT_THREAD_URL = new URL(`./slot-thread.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url).href;

const TRIAL_THREAD_URL = SLOT_THREAD_URL.replace(/slot-thread(?=\.[jt]s$)/, "job-trial-thread");

/** Code as a file that is imported, here and in the threads of slots. Its own imports are looked for from its directory on. */
const importCode: JobCodeLoader = ({ path }, args) => {
  const url = fileUrl(path);
  return {
    module: { url, args },
    mainUrl: SLOT_THREAD_URL,
    isSelfContained: false,
    build: async (given) => buildPipeline(await loadClusterJob(url), url, args, given),
  };
};

/** As {@link importCode}; from the sources a thread to try the job out in would take longer than the job is worth. */
function triedCode({ workers, clock }: Platform): JobCodeLoader {
  if (TRIAL_THREAD_URL.endsWith(".ts")) return importCode;
  return (file, args) => {
    const code = importCode(file, args);
    const { url } = code.module;
    const options = { workers, clock, threadUrl: TRIAL_THREAD_URL };
    return { ...code, tryOut: (given) => tryJob({ url, args, given: given.toEntries() }, options) };
  };
}

/**
 * Begins to lead in this process.
 * @throws MillraceError `MR_JOB_STORE_FAILED`, `MR_JOB_STORE_CORRUPT`, `MR_INSECURE_BIND`, `MR_LISTEN_FAILED`
 * @internal
 */
export async function startJobManager(options: Omit<JobManagerOptions, "platform" | "loader">): Promise<JobManager> {
  const platform = createNodePlatform();
  const start = async (): Promise<JobManager> => {
    // One that can have no port is not to take the lead from the one that has it.
    const { address, allowNonLoopback = false } = options;
    const tried = await platform.transport.listen(address, (connection) => connection.destroy(), { allowNonLoopback });
    await tried.close();
    return JobManager.start({ ...options, platform, loader: triedCode(platform) });
  };
  return listening(start(), "the JobManager", "jobmanager.rpc.address, jobmanager.bind-host or jobmanager.rpc.port");
}

/**
 * Offers the slots of this process.
 * @throws MillraceError `MR_INSECURE_BIND`, `MR_LISTEN_FAILED`
 * @internal
 */
export function startTaskManager(options: Omit<TaskManagerOptions, "platform" | "loader">): Promise<TaskManager> {
  const platform = createNodePlatform();
  const { workers, close } = slotWorkers(options.configuration, platform);
  return listening(
    TaskManager.start({ ...options, platform: { ...platform, workers }, loader: importCode, onClosed: close }),
    "the TaskManager",
    "taskmanager.bind-host or taskmanager.data.port",
  );
}

/** Threads for free slots wait with the engine loaded; from the sources they would cost more than they save. */
function slotWorkers(
  configuration: Configuration,
  { workers }: Platform,
): { readonly workers: Workers; close(): Promise<void> } {
  if (SLOT_THREAD_URL.endsWith(".ts")) return { workers, close: () => Promise.resolve() };
  const warm = new NodeWarmWorkers({
    workers: new NodeWorkers(),
    clock: idleClock,
    moduleUrl: SLOT_THREAD_URL,
    heapBytesMax: configuration.get(TASK_HEAP_SIZE),
    threadsMax: configuration.get(TASK_SLOTS),
  });
  return { workers: warm, close: () => warm.close() };
}

/** @param keys - The settings that say where. */
async function listening<T>(starting: Promise<T>, who: string, keys: string): Promise<T> {
  try {
    return await starting;
  } catch (error) {
    if (error instanceof MillraceError && error.code === "MR_INSECURE_BIND") {
      const { what, where, found = "", expected = "" } = error;
      const todo = `Set ${keys} to one of these`;
      throw new MillraceError("MR_INSECURE_BIND", { what, where, found, expected, todo });
    }
    if (!(error instanceof NetworkError)) throw error;
    const { address, errno } = error;
    throw new MillraceError("MR_LISTEN_FAILED", {
      what: `There is no port for ${who}`,
      where: { address: formatAddress(address) },
      found: errno === "EADDRINUSE" ? "another process listens there" : errno,
      todo: `End the other process, or set ${keys} to another address`,
      cause: error,
    });
  }
}

function fileUrl(path: string): string {
  return new URL(`file://${encodeURI(path).replaceAll("?", "%3F").replaceAll("#", "%23")}`).href;
}
