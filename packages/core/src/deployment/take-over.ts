/** What a job begins from: afresh, from what its user gives, or from where a process that is gone has left it. */
import type { LoadedCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import { takeOverCheckpoints } from "../checkpoint/checkpoint-storage.ts";
import type { FileSystems } from "../checkpoint/file-systems.ts";
import { sweepSharedFiles } from "../checkpoint/shared-files.ts";
import type { Configuration } from "../config/configuration.ts";
import { STATE_RECOVERY_CLAIM_MODE } from "../config/recovery-options.ts";
import type { KnownCheckpoint } from "../jobmanager/jobmaster/completed-checkpoint.ts";
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
  /** The snapshots that a restart may begin from, oldest first: none is newer than what the job begins from. */
  readonly known: readonly KnownCheckpoint[];
  /** Of its checkpoints. */
  readonly firstId: number;
}

/**
 * Readies the directory of the job's checkpoints, when it had one before: those that were never completed, or never
 * announced, are removed, and their ids are not used again; with them go shared files that no checkpoint refers to; those that it retains are its own again.
 */
export async function beginningOf(
  configuration: Configuration,
  files: FileSystems,
  jobId: string,
  recovery: JobRecovery | undefined,
  restore: LoadedCheckpoint | undefined,
): Promise<Beginning> {
  const firstId = (restore?.metadata.checkpointId ?? 0) + 1;
  const isClaimed = restore !== undefined && configuration.get(STATE_RECOVERY_CLAIM_MODE) === "CLAIM";
  const given = isClaimed ? [ownedBy("claimed", restore, false)] : [];
  if (recovery === undefined) return { restore, known: given, firstId };
  const isGiven = recovery.path === undefined;
  const directory = checkpointDirectoryOf(configuration, files, jobId);
  if (directory === undefined) return { restore, known: isGiven ? given : [], firstId };
  const newestId = isGiven ? 0 : (restore?.metadata.checkpointId ?? 0);
  const { submittedMs } = recovery;
  const { lastId, own } = await takeOverCheckpoints(files, directory, { jobId, submittedMs, newestId });
  // Nobody of this job writes for a checkpoint any more, or not yet.
  await sweepSharedFiles(files, directory);
  const isOwn = restore !== undefined && files.resolve(restore.directory, "..") === directory;
  const older = own.filter((checkpoint) => checkpoint.metadata.checkpointId < newestId);
  // A savepoint that the job has committed on is no checkpoint of its own; older ones must not come before it.
  const newest = restore === undefined ? [] : [ownedBy(isOwn ? "claimed" : "user", restore, isOwn)];
  return {
    restore,
    known: isGiven ? given : [...older.map((each) => ownedBy("claimed", each, true)), ...newest],
    firstId: Math.max(firstId, lastId + 1) + IDS_LEFT_OUT,
  };
}

function ownedBy(owner: KnownCheckpoint["owner"], checkpoint: LoadedCheckpoint, isInPlace: boolean): KnownCheckpoint {
  return { ...checkpoint, owner, isInPlace };
}
