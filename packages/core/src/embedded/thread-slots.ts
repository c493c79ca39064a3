import type { Configuration } from "../config/configuration.ts";
import { ExecutorsAttempt } from "../deployment/executors-attempt.ts";
import { ringSegmentsOf } from "../deployment/job-settings.ts";
import type { JobOfSlots, JobSlots, SlotsOfJob } from "../deployment/job-slots.ts";
import { restoreReader } from "../deployment/restored-state.ts";
import { slotCountOf } from "../taskmanager/slot-layout.ts";
import type { JobModuleReference } from "../taskmanager/threads/slot-thread-messages.ts";
import { SlotThreads } from "../taskmanager/threads/slot-threads.ts";
import { ThreadsExecutor } from "../taskmanager/threads/threads-executor.ts";
import { localStateOf } from "./embedded-local-state.ts";

/** What threads need to build the job for themselves. */
export interface JobThreads {
  readonly module: JobModuleReference;
  /** The module whose `main` runs a slot's thread. */
  readonly mainUrl: string;
  /** See `SpawnOptions`. */
  readonly isSelfContained: boolean;
  /** The settings that the job's module started from. */
  readonly given: Configuration;
}

/** Every slot of a job is a thread of this process. */
export function threadSlots(jobThreads: JobThreads): SlotsOfJob {
  return (job: JobOfSlots): JobSlots => {
    const { graph, jobId, configuration, platform, storage, onWarning } = job;
    const slots = Array.from({ length: slotCountOf(graph) }, (_, slot) => slot);
    const threads = new SlotThreads({ ...jobThreads, graph, jobId, configuration, slots, platform, onWarning });
    const local = localStateOf(job);
    const executor = new ThreadsExecutor({
      graph,
      threads,
      ringSegments: ringSegmentsOf(configuration),
      storage,
      localFs: platform.fs,
      copies: local.copies,
      readRestore: restoreReader(local.stores, graph),
      wire: undefined,
    });
    return {
      deploy: async (options) => {
        await local.prepare();
        return ExecutorsAttempt.deploy({ graph, ...options, executors: [executor], dataAddresses: undefined });
      },
      metrics: () => threads.metrics(),
      close: async () => {
        await threads.close();
        await local.close();
      },
    };
  };
}
