/**
 * The second copies of state that one TaskManager has, of all its jobs. They outlive a session with the JobManager, and with a
 * `taskmanager.resource-id` the process as well: the job may come back here.
 */
import { TASKMANAGER_RESOURCE_ID } from "../config/cluster-options.ts";
import type { Configuration } from "../config/configuration.ts";
import { copyRootsOf } from "../deployment/local-state.ts";
import { FileSystemError, type Platform } from "../platform/platform.ts";
import { processDirectoryOf } from "../state/local-directory.ts";
import { LocalStateCopies } from "../taskmanager/local-state-copies.ts";
import { removeLocal, sweepLocalState } from "../taskmanager/subtask-state.ts";

/** So long a job that is not here is waited for: longer than it waits for slots. */
const UNCLAIMED_MAX_MS = 600_000;

export interface JobCopiesOptions {
  readonly platform: Platform;
  /** Of the TaskManager. */
  readonly configuration: Configuration;
  readonly onWarning: (text: string) => void;
}

export class JobCopies {
  readonly #options: JobCopiesOptions;
  readonly #directories: readonly string[];
  readonly #isKept: boolean;
  readonly #jobs = new Map<string, LocalStateCopies>();
  /** By job that is not here: when that was noticed, monotonic ms. */
  readonly #unclaimed = new Map<string, number>();
  #swept: Promise<void> | undefined;

  constructor(options: JobCopiesOptions) {
    const { platform, configuration } = options;
    const resourceId = configuration.get(TASKMANAGER_RESOURCE_ID);
    const roots = copyRootsOf(platform, configuration);
    this.#options = options;
    this.#isKept = resourceId !== undefined;
    this.#directories = roots.map((root) =>
      resourceId === undefined
        ? processDirectoryOf(platform, root, "copies")
        : platform.fs.resolve(root, `millrace-copies-${encodeURIComponent(resourceId)}`),
    );
  }

  /** Finds what a process of the same resource id has left behind. */
  async open(): Promise<void> {
    const { fs } = this.#options.platform;
    if (!this.#isKept) return;
    try {
      for (const directory of this.#directories) {
        if ((await fs.stat(directory)) === undefined) continue;
        for (const jobId of await fs.list(directory)) await this.#add(jobId).open();
      }
    } catch (error) {
      // Without copies state is read from the checkpoint directory.
      if (!(error instanceof FileSystemError)) throw error;
      this.#options.onWarning(`local copies of state could not be looked for: ${error.message}`);
    }
    this.leave([...this.#jobs.keys()]);
  }

  /** Those of a job that is here now. The first time, what processes have left behind that were killed is removed. */
  async claim(jobId: string): Promise<LocalStateCopies> {
    const { platform, configuration } = this.#options;
    this.#unclaimed.delete(jobId);
    const copies = this.#jobs.get(jobId) ?? this.#add(jobId);
    this.#swept ??= sweepLocalState(platform, copyRootsOf(platform, configuration));
    await this.#swept;
    return copies;
  }

  /** Jobs that are not here any more, and have not ended as far as anybody here knows. */
  leave(jobIds: readonly string[]): void {
    for (const jobId of jobIds) if (this.#jobs.has(jobId)) this.#unclaimed.set(jobId, this.#nowMs);
  }

  /** The job has ended. */
  async release(jobId: string): Promise<void> {
    const copies = this.#jobs.get(jobId);
    this.#jobs.delete(jobId);
    this.#unclaimed.delete(jobId);
    await copies?.discard();
  }

  /** Called now and then: jobs that have not come back do not. */
  async releaseUnclaimed(): Promise<void> {
    for (const [jobId, sinceMs] of [...this.#unclaimed])
      if (this.#nowMs - sinceMs >= UNCLAIMED_MAX_MS) await this.release(jobId);
  }

  async close(): Promise<void> {
    if (!this.#isKept)
      for (const directory of this.#directories) await removeLocal(this.#options.platform.fs, directory);
  }

  get #nowMs(): number {
    return this.#options.platform.clock.monoMs();
  }

  #add(jobId: string): LocalStateCopies {
    const { platform, onWarning } = this.#options;
    const directories = this.#directories.map((directory) => platform.fs.resolve(directory, jobId));
    const copies = new LocalStateCopies({ fs: platform.fs, directories, onWarning });
    this.#jobs.set(jobId, copies);
    return copies;
  }
}
