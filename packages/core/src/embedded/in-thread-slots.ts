import type { JobOfSlots, JobSlots } from "../deployment/job-slots.ts";
import { readRestoredState } from "../deployment/restored-state.ts";
import { SlotLoop } from "../task/slot-loop.ts";
import { prepareStateBackend } from "../taskmanager/subtask-state.ts";
import { taskSettingsOf } from "../taskmanager/task-settings.ts";
import { localStateOf } from "./embedded-local-state.ts";
import { InThreadAttempt } from "./in-thread-attempt.ts";

/** All slots of a job are one, in the caller's thread. */
export function inThreadSlots(job: JobOfSlots): JobSlots {
  const { jobId, graph, configuration, platform, storage, metrics } = job;
  const settings = taskSettingsOf(configuration);
  const local = localStateOf(job);
  const loop = new SlotLoop({ clock: platform.clock, bufferTimeoutMs: settings.bufferTimeoutMs });
  return {
    async deploy({ tasks, attemptNumber, restore, listener }) {
      await prepareStateBackend(platform, settings);
      await local.prepare();
      return new InThreadAttempt({
        graph,
        jobId,
        tasks,
        attemptNumber,
        platform,
        metrics,
        settings,
        loop,
        restore: restore === undefined ? undefined : await readRestoredState(local.stores, restore, graph, tasks),
        restored: restore,
        copies: local.copies,
        listener,
        storage,
      });
    },
    metrics: () => Promise.resolve([]),
    close: () => local.close(),
  };
}
