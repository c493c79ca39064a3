import type { JobOfSlots, JobSlots } from "../deployment/job-slots.ts";
import { readRestoredState } from "../deployment/restored-state.ts";
import { storeDownloadsOf } from "../deployment/store-downloads.ts";
import { SlotLoop } from "../task/slot-loop.ts";
import { prepareStateBackend } from "../taskmanager/subtask-state.ts";
import { taskSettingsOf } from "../taskmanager/task-settings.ts";
import { InThreadAttempt } from "./in-thread-attempt.ts";

/** All slots of a job are one, in the caller's thread. */
export function inThreadSlots({
  jobId,
  graph,
  configuration,
  platform,
  storage,
  files,
  metrics,
}: JobOfSlots): JobSlots {
  const settings = taskSettingsOf(configuration);
  const stores = storeDownloadsOf(files, platform, settings, jobId);
  const loop = new SlotLoop({ clock: platform.clock, bufferTimeoutMs: settings.bufferTimeoutMs });
  return {
    async deploy({ tasks, attemptNumber, restore, listener }) {
      await prepareStateBackend(platform, settings);
      return new InThreadAttempt({
        graph,
        jobId,
        tasks,
        attemptNumber,
        platform,
        metrics,
        settings,
        loop,
        restore: restore === undefined ? undefined : await readRestoredState({ files, stores }, restore, graph, tasks),
        restored: restore,
        listener,
        storage,
      });
    },
    metrics: () => Promise.resolve([]),
    close: () => stores.close(),
  };
}
