/**
 * What a JobManager has to know of its jobs when it starts again, in a directory:
 *
 *     epochs/<n>                 the leaderships there have been; the highest is the one in force
 *     jobs/<job id>/job-<n>          what was submitted
 *     jobs/<job id>/checkpoint-<n>   the checkpoint that the job goes on from
 *     jobs/<job id>/end-<n>          how it ended
 *     code/<sha-256>                 the code of jobs
 *
 * where <n> is the leadership that wrote the record. A process may stand still between looking who leads and writing, so:
 *
 * - K1. What a method has settled for is durable, and every later leadership knows it.
 * - K2. Only the newest leadership changes anything: an older one is refused from the moment the newer one has begun (I6).
 *   What it writes all the same counts for nothing: a leadership takes over a job by writing its own `checkpoint-<n>`, and of
 *   checkpoints and ends only those of the highest such <n> are read.
 * - K3. The checkpoint never goes back to an older one.
 * - K4. A job whose end is there is not run again. The end is written before anything of the job is removed, and says what
 *   is; it is written again, without that, when all of it is gone (Flink's dirty and clean results).
 */
import type { ErrorMessage } from "../../base/error-message.ts";
import { MillraceError } from "../../base/errors.ts";
import { sha256Hex } from "../../base/sha256.ts";
import { DurableDirectories, replaceFileDurably } from "../../checkpoint/durable-directory.ts";
import type { OwnedSnapshot } from "../../checkpoint/owned-snapshots.ts";
import type { ConfigEntry, LayeredEntry } from "../../config/option-registry.ts";
import { FileSystemError, type LocalFs } from "../../platform/platform.ts";
import { decodeContainer, encodeContainer } from "../../types/container.ts";
import type { JobEnd } from "./job-table.ts";

/** Leaderships that are tried to be begun before it is given up: somebody else is always faster. */
const EPOCHS_TRIED_MAX = 100;

/** Of a job that was taken over and has no checkpoint yet: ids begin at 1. */
const NO_CHECKPOINT: StoredCheckpoint = { checkpointId: 0, path: null };

type RecordName = "job" | "checkpoint" | "end";

/** What was submitted. */
export interface StoredJob {
  readonly jobId: string;
  readonly name: string;
  /** SHA-256, hexadecimal. */
  readonly codeHash: string;
  readonly args: readonly string[];
  readonly configuration: readonly (ConfigEntry | LayeredEntry)[];
  /** Epoch ms. */
  readonly submittedMs: number;
}

/** The newest snapshot that the sinks of a job may have committed. */
export interface StoredCheckpoint {
  readonly checkpointId: number;
  /** Null when it was only in the memory of the JobManager that took it. */
  readonly path: string | null;
}

export interface StoredJobState {
  readonly job: StoredJob;
  readonly checkpoint: StoredCheckpoint | undefined;
  readonly end: StoredEnd | undefined;
}

/** How a job has ended (K4). */
export interface StoredEnd extends JobEnd {
  /** Its checkpoints that may still be there. Empty: the job has been cleared away. */
  readonly removes: readonly OwnedSnapshot[];
}

/** @throws MillraceError from every method: `MR_JOB_STORE_FAILED`, `MR_JOB_STORE_CORRUPT`, `MR_FENCED` (K2) */
export class JobStore {
  /** Of this leadership: above that of every earlier one. */
  readonly epoch: number;
  readonly #fs: LocalFs;
  readonly #directory: string;
  readonly #directories: DurableDirectories;
  readonly #newest = new Map<string, number>();
  /** One change after the other: two that overlap could be the wrong way round on the disk. */
  #changes: Promise<unknown> = Promise.resolve();

  private constructor(fs: LocalFs, directory: string, epoch: number, directories: DurableDirectories) {
    this.#fs = fs;
    this.#directory = directory;
    this.#directories = directories;
    this.epoch = epoch;
  }

  /** Begins a new leadership over the directory. */
  static open(fs: LocalFs, directory: string): Promise<JobStore> {
    const path = fs.resolve(directory);
    return named(path, async () => {
      const directories = new DurableDirectories(fs);
      for (const name of ["epochs", "jobs", "code"]) await directories.ensure(fs.resolve(path, name));
      const epochs = fs.resolve(path, "epochs");
      let epoch = (await newestEpoch(fs, epochs)) + 1;
      for (let tried = 1; !(await takeEpoch(fs, epochs, epoch)); tried++, epoch++) {
        if (tried === EPOCHS_TRIED_MAX) throw new Error(`${tried} leaderships were begun by others at the same time`);
      }
      for (const name of await fs.list(epochs)) if (Number(name) < epoch) await fs.remove(fs.resolve(epochs, name));
      return new JobStore(fs, path, epoch, directories);
    });
  }

  /** All jobs, the oldest first. Those that have not ended are this leadership's from now on. */
  load(): Promise<readonly StoredJobState[]> {
    return named(this.#directory, async () => {
      const states: StoredJobState[] = [];
      for (const jobId of await this.#fs.list(this.#fs.resolve(this.#directory, "jobs"))) {
        const state = await this.#loadJob(jobId);
        if (state === undefined) continue;
        if (state.end === undefined) await this.#write(jobId, "checkpoint", state.checkpoint ?? NO_CHECKPOINT);
        states.push(state);
      }
      return states.sort((left, right) => left.job.submittedMs - right.job.submittedMs);
    });
  }

  /** Undefined when its submission was never answered. */
  async #loadJob(jobId: string): Promise<StoredJobState | undefined> {
    const epochs = await this.#epochsOf(jobId);
    const job = await this.#read<StoredJob>(jobId, "job", epochs.job.at(-1));
    if (job === undefined) return undefined;
    const taken = epochs.checkpoint.at(-1);
    const checkpoint = await this.#read<StoredCheckpoint>(jobId, "checkpoint", taken);
    if (checkpoint !== undefined) this.#newest.set(jobId, checkpoint.checkpointId);
    const ended = epochs.end.findLast((epoch) => epoch >= (taken ?? 0));
    const end = await this.#read<Omit<StoredEnd, "failure"> & { failure: ErrorMessage | null }>(jobId, "end", ended);
    return {
      job,
      checkpoint: checkpoint?.checkpointId === NO_CHECKPOINT.checkpointId ? undefined : checkpoint,
      end: end && { ...end, failure: end.failure ?? undefined },
    };
  }

  /** Stores a job with its code. */
  addJob(job: StoredJob, code: Uint8Array): Promise<void> {
    return this.#change(async () => {
      const path = this.#codePath(job.codeHash);
      if ((await this.#fs.stat(path)) === undefined)
        await replaceFileDurably(this.#fs, path, code, `${path}.${this.epoch}.inprogress`);
      await this.#write(job.jobId, "job", job);
    });
  }

  /** From now on the job goes on from this checkpoint (K3). */
  setCheckpoint(jobId: string, checkpoint: StoredCheckpoint): Promise<void> {
    return this.#change(async () => {
      if ((this.#newest.get(jobId) ?? 0) >= checkpoint.checkpointId) return;
      await this.#write(jobId, "checkpoint", checkpoint);
      this.#newest.set(jobId, checkpoint.checkpointId);
    });
  }

  setEnd(jobId: string, end: StoredEnd): Promise<void> {
    return this.#change(() => this.#write(jobId, "end", { ...end, failure: end.failure ?? null }));
  }

  /** Forgets jobs that have ended, with code that no other job has. */
  removeJobs(jobIds: readonly string[]): Promise<void> {
    if (jobIds.length === 0) return Promise.resolve();
    return this.#change(async () => {
      const fs = this.#fs;
      const jobs = fs.resolve(this.#directory, "jobs");
      for (const jobId of jobIds) await fs.removeTree(fs.resolve(jobs, jobId));
      await fs.syncDirectory(jobs);
      const used = new Set<string>();
      for (const jobId of await fs.list(jobs)) {
        const job = await this.#read<StoredJob>(jobId, "job", (await this.#epochsOf(jobId)).job.at(-1));
        if (job !== undefined) used.add(job.codeHash);
      }
      const code = fs.resolve(this.#directory, "code");
      for (const hash of await fs.list(code)) if (!used.has(hash)) await fs.remove(fs.resolve(code, hash));
    });
  }

  /** The code of a job. */
  code(hash: string): Promise<Uint8Array> {
    return named(this.#directory, async () => {
      const path = this.#codePath(hash);
      const bytes = await readFile(this.#fs, path);
      if (bytes === undefined) throw corrupt(path, "nothing there");
      if (sha256Hex(bytes) !== hash) throw corrupt(path, "other bytes than were stored");
      return bytes;
    });
  }

  /** @throws MillraceError `MR_FENCED` when another JobManager leads (K2) */
  checkLeads(): Promise<void> {
    return named(this.#directory, async () => {
      const newest = await newestEpoch(this.#fs, this.#fs.resolve(this.#directory, "epochs"));
      if (newest === this.epoch) return;
      throw new MillraceError("MR_FENCED", {
        what: "Another JobManager leads with the same directory",
        where: { directory: this.#directory },
        found: `epoch ${this.epoch}`,
        expected: `epoch ${newest}`,
        todo: "Nothing has to be done: the newer one has taken over the jobs. Give each JobManager a directory of its own if both are to work",
      });
    });
  }

  #change(action: () => Promise<void>): Promise<void> {
    const changed = this.#changes.then(() =>
      named(this.#directory, async () => {
        await this.checkLeads();
        await action();
        // K1: one that has begun meanwhile may have looked before this was there.
        await this.checkLeads();
      }),
    );
    this.#changes = changed.catch(() => {});
    return changed;
  }

  /** By record: the leaderships that have written one, ascending. */
  async #epochsOf(jobId: string): Promise<Readonly<Record<RecordName, readonly number[]>>> {
    const epochs: Record<RecordName, number[]> = { job: [], checkpoint: [], end: [] };
    for (const file of await this.#fs.list(this.#fs.resolve(this.#directory, "jobs", jobId))) {
      const [, name, epoch] = /^(job|checkpoint|end)-(\d+)$/.exec(file) ?? [];
      if (name !== undefined) epochs[name as RecordName].push(Number(epoch));
    }
    for (const each of Object.values(epochs)) each.sort((left, right) => left - right);
    return epochs;
  }

  async #write(jobId: string, name: RecordName, value: unknown): Promise<void> {
    const directory = this.#fs.resolve(this.#directory, "jobs", jobId);
    await this.#directories.ensure(directory);
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const record = encodeContainer([{ name, kind: "json", schema: { kind: "json" }, bytes }]);
    await replaceFileDurably(this.#fs, this.#fs.resolve(directory, `${name}-${this.epoch}`), record);
  }

  async #read<T>(jobId: string, name: RecordName, epoch: number | undefined): Promise<T | undefined> {
    if (epoch === undefined) return undefined;
    const path = this.#fs.resolve(this.#directory, "jobs", jobId, `${name}-${epoch}`);
    const bytes = await readFile(this.#fs, path);
    if (bytes === undefined) return undefined;
    const section = sectionOf(bytes, path);
    // The container's checksum has been verified, so this is what was written.
    return JSON.parse(new TextDecoder().decode(section)) as T;
  }

  #codePath(hash: string): string {
    return this.#fs.resolve(this.#directory, "code", hash);
  }
}

async function newestEpoch(fs: LocalFs, epochs: string): Promise<number> {
  return Math.max(0, ...(await fs.list(epochs)).map(Number));
}

/** False when somebody else has begun it. */
async function takeEpoch(fs: LocalFs, epochs: string, epoch: number): Promise<boolean> {
  try {
    const file = await fs.open(fs.resolve(epochs, String(epoch)), "createNew");
    await file.sync();
    await file.close();
    await fs.syncDirectory(epochs);
    return true;
  } catch (error) {
    if (error instanceof FileSystemError && error.errno === "EEXIST") return false;
    throw error;
  }
}

async function readFile(fs: LocalFs, path: string): Promise<Uint8Array | undefined> {
  if ((await fs.stat(path)) === undefined) return undefined;
  const file = await fs.open(path, "read");
  try {
    const bytes = new Uint8Array(await file.sizeBytes());
    return bytes.subarray(0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
}

function sectionOf(bytes: Uint8Array, path: string): Uint8Array {
  try {
    const [section] = decodeContainer(bytes, { file: path });
    if (section !== undefined) return section.bytes;
  } catch (cause) {
    if (!(cause instanceof MillraceError) || cause.code !== "MR_DATA_CORRUPT") throw cause;
    throw corrupt(path, cause.found ?? "other bytes", cause);
  }
  throw corrupt(path, "an empty record");
}

function corrupt(file: string, found: string, cause?: unknown): MillraceError {
  return new MillraceError("MR_JOB_STORE_CORRUPT", {
    what: "What the JobManager has stored about a job is damaged",
    where: { file },
    found,
    expected: "what was written",
    todo: "Remove the job's directory there, and start the job again from its newest checkpoint with -s",
    ...(cause === undefined ? {} : { cause }),
  });
}

async function named<T>(directory: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw new MillraceError("MR_JOB_STORE_FAILED", {
      what: "The directory in which the JobManager keeps its jobs cannot be used",
      where: { directory },
      found: error instanceof Error ? error.message : String(error),
      todo: "Make room or repair the disk; nothing that was answered has been lost",
      cause: error,
    });
  }
}
