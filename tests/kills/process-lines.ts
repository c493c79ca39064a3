/** What the processes of a cluster under test are started with, are told, and say. */

import type { JobStatus } from "millrace";

export interface ProcessSettings {
  readonly role: "jobmanager" | "taskmanager";
  readonly name: string;
  /** The JobManager's, which the next one takes over. */
  readonly directory: string;
  readonly codeDirectory: string;
  /** Where the newest JobManager says which port it listens on. */
  readonly leaderFile: string;
  /** Of the JobManager for TaskManagers, of a TaskManager for data; 0 takes any free one. */
  readonly port: number;
  readonly configuration: Readonly<Record<string, string>>;
}

export interface SubmitOrder {
  readonly kind: "submit";
  readonly jobId: string;
  /** The job's code, one file. */
  readonly file: string;
  readonly args: readonly string[];
  /** The job's configuration, as with `-D`. */
  readonly job: Readonly<Record<string, string>>;
}

export type ClusterOrder = SubmitOrder | { readonly kind: "endThread"; readonly number: number };

export interface JobLine {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly restarts: number;
  readonly completed: number;
  readonly failure: string | undefined;
  /** When it came into each state, last time: epoch ms. */
  readonly timestampsMs: Readonly<Partial<Record<JobStatus, number>>>;
}

export interface StateLine {
  readonly jobs: readonly JobLine[];
  readonly taskManagers: number;
  /** The names of those that have slots of a job. */
  readonly used: readonly string[];
}
