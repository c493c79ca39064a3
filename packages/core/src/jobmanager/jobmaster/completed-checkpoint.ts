import type { LoadedCheckpoint } from "../../checkpoint/checkpoint-reader.ts";

/** A snapshot that a restart may begin from (J2 of job-checkpoints.ts). */
export interface CompletedCheckpoint extends LoadedCheckpoint {
  /** Undefined when it is only in memory. */
  readonly path: string | undefined;
  /** Whose it is (J1 of job-checkpoints.ts). */
  readonly owner: "job" | "claimed" | "user";
}

/** One that is on the disk, and that another process has taken. */
export type KnownCheckpoint = LoadedCheckpoint & {
  readonly owner: "claimed" | "user";
  /** A checkpoint in the directory of this job: its shared files are this job's. */
  readonly isInPlace: boolean;
};
