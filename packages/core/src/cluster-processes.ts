/** Above all rooms: starts the processes of a cluster with what they need of the world around them. */
import { buildPipeline } from "./build-pipeline.ts";
import type { JobCodeLoader } from "./cluster/job-code.ts";
import { JobManager, type JobManagerOptions } from "./cluster/job-manager.ts";
import { TaskManager, type TaskManagerOptions } from "./cluster/task-manager.ts";
import { loadJobModule } from "./job-module.ts";
import { createNodePlatform } from "./platform/node-platform.ts";

/** The sources and the build have the same layout; only the extension differs. */
const SLOT_THREAD_URL = new URL(`./slot-thread.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url).href;

/** Code as a file that is imported, here and in the threads of slots. Its own imports are looked for from its directory on. */
const importCode: JobCodeLoader = ({ path }, args) => {
  const url = fileUrl(path);
  return {
    module: { url, args },
    mainUrl: SLOT_THREAD_URL,
    isSelfContained: false,
    build: async (given) => buildPipeline(await loadJobModule(url), url, args, given),
  };
};

/**
 * Begins to lead in this process.
 * @throws MillraceError `MR_JOB_STORE_FAILED`, `MR_JOB_STORE_CORRUPT`, `MR_INSECURE_BIND`
 * @internal
 */
export function startJobManager(options: Omit<JobManagerOptions, "platform" | "loader">): Promise<JobManager> {
  return JobManager.start({ ...options, platform: createNodePlatform(), loader: importCode });
}

/**
 * Offers the slots of this process.
 * @throws MillraceError `MR_INSECURE_BIND`
 * @internal
 */
export function startTaskManager(options: Omit<TaskManagerOptions, "platform" | "loader">): Promise<TaskManager> {
  return TaskManager.start({ ...options, platform: createNodePlatform(), loader: importCode });
}

function fileUrl(path: string): string {
  return new URL(`file://${encodeURI(path).replaceAll("?", "%3F").replaceAll("#", "%23")}`).href;
}
