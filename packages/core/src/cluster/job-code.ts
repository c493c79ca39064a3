import type { Configuration } from "../config/configuration.ts";
import type { BuiltPipeline } from "../taskmanager/threads/slot-thread-main.ts";
import type { JobModuleReference } from "../taskmanager/threads/slot-thread-messages.ts";

/** The code of a job as a process can run it. */
export interface JobCode {
  /** What the threads of slots load for themselves. */
  readonly module: JobModuleReference;
  /** The module whose `main` runs a slot's thread. */
  readonly mainUrl: string;
  /** See `SpawnOptions`. */
  readonly isSelfContained: boolean;
  /**
   * Builds the job where it can end or hold up nobody, and forgets what it has built. Undefined: cannot be done here.
   * @throws MillraceError `MR_JOB_BUILD_TIMEOUT`, `MR_JOB_BUILD_DIED`, and what the job throws
   */
  tryOut?(given: Configuration): Promise<void>;
  /** Builds the job in this thread, starting from the given settings, which are changed. */
  build(given: Configuration): Promise<BuiltPipeline>;
}

/** Where the code of a job is in this process' own directory. */
export interface CodeFile {
  /** SHA-256, hexadecimal. */
  readonly hash: string;
  readonly path: string;
}

/** Makes code runnable. A simulation, in which no module can be loaded twice, knows its jobs by their hashes. */
export type JobCodeLoader = (file: CodeFile, args: readonly string[]) => JobCode;
