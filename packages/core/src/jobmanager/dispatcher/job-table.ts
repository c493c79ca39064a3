/**
 * The jobs that a JobManager knows of: those that run and those that have ended. Pure.
 *
 * - D1. An id is one job for ever: submitting it again changes nothing.
 * - D2. A job that has ended stays as it ended.
 * - D3. Jobs that have not ended are never forgotten; of the others the oldest are, when there are too many.
 */
import type { ErrorMessage } from "../../base/error-message.ts";
import { invariant } from "../../base/errors.ts";
import type { JobStatus } from "../jobmaster/job-status.ts";

export interface JobEntry {
  readonly jobId: string;
  readonly name: string;
  readonly status: JobStatus;
  /** Epoch ms of the JobManager's clock. */
  readonly submittedMs: number;
  /** When the job came into each state, last time. */
  readonly timestampsMs: Readonly<Partial<Record<JobStatus, number>>>;
  readonly lastModifiedMs: number;
  /** Why the job failed. */
  readonly failure: ErrorMessage | undefined;
}

/** How a job has ended. */
export interface JobEnd {
  readonly status: "FINISHED" | "FAILED" | "CANCELED";
  readonly endMs: number;
  readonly failure: ErrorMessage | undefined;
}

export class JobTable {
  readonly #endedMax: number;
  /** In the order of submission. */
  readonly #jobs = new Map<string, JobEntry>();

  /** @param endedMax - Jobs that have ended and are kept. */
  constructor(endedMax: number) {
    this.#endedMax = endedMax;
  }

  /** The newest first. */
  get jobs(): readonly JobEntry[] {
    return [...this.#jobs.values()].reverse();
  }

  get(jobId: string): JobEntry | undefined {
    return this.#jobs.get(jobId);
  }

  /** Whether the id is a new one (D1). */
  submit(jobId: string, name: string, submittedMs: number): boolean {
    if (this.#jobs.has(jobId)) return false;
    this.#jobs.set(jobId, {
      jobId,
      name,
      status: "CREATED",
      submittedMs,
      timestampsMs: { CREATED: submittedMs },
      lastModifiedMs: submittedMs,
      failure: undefined,
    });
    return true;
  }

  /** A submission that could not be made durable has not been. */
  withdraw(jobId: string): void {
    invariant(this.#jobs.get(jobId)?.status === "CREATED", `the job ${jobId} is no new one`);
    this.#jobs.delete(jobId);
  }

  setStatus(jobId: string, status: JobStatus, nowMs: number): void {
    const job = this.#known(jobId);
    if (isEnded(job.status)) return;
    invariant(!isEnded(status), `the job ${jobId} ends without saying how`);
    this.#jobs.set(jobId, changed(job, status, nowMs));
  }

  /** Returns the ids of the jobs that are forgotten for it (D3). */
  end(jobId: string, { status, endMs, failure }: JobEnd): readonly string[] {
    const job = this.#known(jobId);
    if (isEnded(job.status)) return [];
    this.#jobs.set(jobId, { ...changed(job, status, endMs), failure });
    const ended = [...this.#jobs.values()].filter((each) => isEnded(each.status));
    ended.sort((left, right) => left.lastModifiedMs - right.lastModifiedMs);
    const forgotten = ended.slice(0, Math.max(0, ended.length - this.#endedMax)).map((each) => each.jobId);
    for (const each of forgotten) this.#jobs.delete(each);
    return forgotten;
  }

  #known(jobId: string): JobEntry {
    const job = this.#jobs.get(jobId);
    invariant(job !== undefined, `the job ${jobId} is unknown`);
    return job;
  }
}

export function isEnded(status: JobStatus): status is JobEnd["status"] {
  return status === "FINISHED" || status === "FAILED" || status === "CANCELED";
}

function changed(job: JobEntry, status: JobStatus, nowMs: number): JobEntry {
  return { ...job, status, lastModifiedMs: nowMs, timestampsMs: { ...job.timestampsMs, [status]: nowMs } };
}
