/** What a job begins from: afresh, from what its user gives, or from where a process that is gone has left it. */
import type { LoadedCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import { takeOverCheckpoints } from "../checkpoint/checkpoint-storage.ts";
import type { Configuration } from "../config/configuration.ts";
import { STATE_RECOVERY_CLAIM_MODE } from "../config/recovery-options.ts";
import type { Platform } from "../platform/platform.ts";
import { checkpointDirectoryOf } from "./job-settings.ts";

/** Checkpoint ids that are left out when a job is taken over: whoever had it may not know yet, and begin one or two. */
const IDS_LEFT_OUT = 10;

/** What a job goes on from when its process has started again. */
export interface JobRecovery {
  /** The directory of the last checkpoint that the job may have committed on; undefined when there was none. */
  readonly path: string | undefined;
  /** When the job was submitted, epoch ms: older checkpoints in its directory are of another job, which had the same id. */
  readonly submittedMs: number;
}

export interface Beginning {
  readonly restore: LoadedCheckpoint | undefined;
  /** The snapshots that the job owns from now on, oldest first: none is newer than what it begins from. */
  readonly owned: readonly LoadedCheckpoint[];
  /** Of its checkpoints. */
  readonly firstId: number;
}

/**
 * Readies the directory of the job's checkpoints, when it had one before: those that were never completed, or never
 * announced, are removed, and their ids are not used again; those that it retains are its own again.
 */
export async function beginningOf(
  configuration: Configuration,
  platform: Platform,
  jobId: string,
  recovery: JobRecovery | undefined,
  restore: LoadedCheckpoint | undefined,
): Promise<Beginning> {
  const firstId = (restore?.metadata.checkpointId ?? 0) + 1;
  const isClaimed = restore !== undefined && configuration.get(STATE_RECOVERY_CLAIM_MODE) === "CLAIM";
  const given = isClaimed ? [restore] : [];
  if (recovery === undefined) return { restore, owned: given, firstId };
  const isGiven = recovery.path === undefined;
  const directory = checkpointDirectoryOf(configuration, platform, jobId);
  if (directory === undefined) return { restore, owned: isGiven ? given : [], firstId };
  const newestId = isGiven ? 0 : (restore?.metadata.checkpointId ?? 0);
  const { submittedMs } = recovery;
  const { lastId, own } = await takeOverCheckpoints(platform.fs, directory, { jobId, submittedMs, newestId });
  const isOwn = restore !== undefined && platform.fs.resolve(restore.directory, "..") === directory;
  const older = own.filter((checkpoint) => checkpoint.metadata.checkpointId < newestId);
  return {
    restore,
    owned: isGiven ? given : [...older, ...(isOwn ? [restore] : [])],
    firstId: Math.max(firstId, lastId + 1) + IDS_LEFT_OUT,
  };
}
