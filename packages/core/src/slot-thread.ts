/** Above all rooms: what a slot's thread runs. Loads the job's module and gives it an environment to build in. */
import { buildPipeline } from "./build-pipeline.ts";
import { loadJobModule } from "./job-module.ts";
import type { WorkerScope } from "./platform/platform.ts";
import { runSlotThread } from "./taskmanager/threads/slot-thread-main.ts";

// What every job imports; a thread that waits for a job has loaded it when one comes.
import "./index.ts";

/** @internal */
export function main(scope: WorkerScope): Promise<void> {
  return runSlotThread(scope, async ({ url, args }, configuration) =>
    buildPipeline(await loadJobModule(url), url, args, configuration),
  );
}
