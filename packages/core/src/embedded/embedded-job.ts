/** One job in this process: its slots in the caller's thread, or in threads of their own. */
import { JobRunner, type JobRunnerOptions, type JobRunnerResult } from "../deployment/job-runner.ts";
import { inThreadSlots } from "./in-thread-slots.ts";
import { type JobThreads, threadSlots } from "./thread-slots.ts";

export type { JobThreads };

export interface EmbeddedJobOptions extends Omit<JobRunnerOptions, "slots"> {
  /** Runs every slot in a thread of its own. Undefined: all of the job in the caller's thread. */
  readonly threads?: JobThreads | undefined;
}

export type EmbeddedJob = JobRunner;
export type EmbeddedJobResult = JobRunnerResult;

export const EmbeddedJob: { start(options: EmbeddedJobOptions): Promise<JobRunner> } = {
  /** See {@link JobRunner.start}. */
  start({ threads, ...options }) {
    return JobRunner.start({ ...options, slots: threads === undefined ? inThreadSlots : threadSlots(threads) });
  },
};
