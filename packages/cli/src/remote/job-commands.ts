/** What is asked of a job on a cluster: cancel, stop, savepoint, checkpoint. Texts and flags are Flink's. */
import { MillraceError } from "millrace";
import { absolutePath } from "../absolute-paths.ts";
import { type ClusterOptions, checkJobId, clientOf } from "./cluster-client.ts";

/** Where a command writes, line by line. @internal */
export type Say = (line: string) => void;

/** How long a command that waits repeats its calls: a JobManager may be started anew meanwhile. */
const WAIT_RETRY_MS = 60_000;

/** @internal */
export interface CancelOptions extends ClusterOptions {
  /** True when no directory is given. */
  readonly withSavepoint?: string | true;
}

/** Cancels a job and waits until it has ended. @internal */
export async function cancelJob(id: string | undefined, options: CancelOptions, say: Say): Promise<void> {
  const { withSavepoint } = options;
  if (withSavepoint !== undefined) return cancelWithSavepoint(id, withSavepoint, options, say);
  if (id === undefined) throw idMissing("cancel");
  const jobId = checkJobId(id);
  const client = clientOf(options);
  say(`Cancelling job ${jobId}.`);
  await client.cancel(jobId);
  const { "job-execution-result": result } = await clientOf(options, { retryTimeoutMs: WAIT_RETRY_MS }).awaitEnd(jobId);
  const status = result?.["application-status"];
  if (status === "CANCELED") return say(`Cancelled job ${jobId}.`);
  say(`Job ${jobId} had ended before: ${status === "SUCCEEDED" ? "FINISHED" : status}.`);
}

/** `cancel -s JOBID` and `cancel -s DIRECTORY JOBID`. */
async function cancelWithSavepoint(
  id: string | undefined,
  withSavepoint: string | true,
  options: CancelOptions,
  say: Say,
): Promise<void> {
  const given = id ?? (withSavepoint === true ? undefined : withSavepoint);
  if (given === undefined) throw idMissing("cancel");
  const jobId = checkJobId(given);
  const directory = id === undefined || withSavepoint === true ? undefined : absolutePath(withSavepoint);
  say('DEPRECATION WARNING: Cancelling a job with savepoint is deprecated. Use "stop" instead.');
  say(`Cancelling job ${jobId} with savepoint to ${directory ?? "default savepoint directory"}.`);
  const triggerId = await clientOf(options).savepoint(jobId, {
    ...(directory === undefined ? {} : { "target-directory": directory }),
    "cancel-job": true,
  });
  const path = await waitingClient(options).awaitSavepoint(jobId, triggerId);
  say(`Cancelled job ${jobId}. Savepoint stored in ${path}.`);
}

/** @internal */
export interface StopOptions extends ClusterOptions {
  readonly savepointPath?: string;
  readonly drain?: boolean;
  readonly type?: string;
  readonly detached?: boolean;
}

/** Ends a job with a savepoint. @internal */
export async function stopJob(id: string, options: StopOptions, say: Say): Promise<void> {
  const jobId = checkJobId(id);
  const formatType = savepointFormat(options.type);
  const { savepointPath, drain = false, detached } = options;
  say(`${drain ? "Draining" : "Suspending"} job "${jobId}" with a ${formatType} savepoint.`);
  const triggerId = await clientOf(options).stop(jobId, {
    formatType,
    drain,
    ...(savepointPath === undefined ? {} : { targetDirectory: absolutePath(savepointPath) }),
  });
  if (detached === true) return say(triggered("stop-with-savepoint", triggerId));
  say(`Savepoint completed. Path: ${await waitingClient(options).awaitSavepoint(jobId, triggerId)}`);
}

/** @internal */
export interface SavepointOptions extends ClusterOptions {
  readonly dispose?: string;
  readonly type?: string;
  readonly detached?: boolean;
}

/** Takes a savepoint of a job that goes on. @internal */
export async function takeSavepoint(
  id: string,
  directory: string | undefined,
  options: SavepointOptions,
  say: Say,
): Promise<void> {
  const jobId = checkJobId(id);
  const formatType = savepointFormat(options.type);
  say(`Triggering savepoint for job ${jobId}.`);
  const triggerId = await clientOf(options).savepoint(jobId, {
    formatType,
    ...(directory === undefined ? {} : { "target-directory": absolutePath(directory) }),
  });
  if (options.detached === true) return say(triggered("savepoint", triggerId));
  say("Waiting for response...");
  say(`Savepoint completed. Path: ${await waitingClient(options).awaitSavepoint(jobId, triggerId)}`);
  say("You can resume your program from this savepoint with the run command.");
}

/** Removes a savepoint where the JobManager is. @internal */
export async function disposeOnCluster(path: string, options: ClusterOptions, say: Say): Promise<void> {
  const absolute = absolutePath(path);
  say(`Disposing savepoint '${absolute}'.`);
  say("Waiting for response...");
  await clientOf(options).disposeSavepoint(absolute);
  say(`Savepoint '${absolute}' disposed.`);
}

/** @internal */
export interface CheckpointOptions extends ClusterOptions {
  readonly full?: boolean;
}

/** Takes a checkpoint beside the period. @internal */
export async function takeCheckpoint(id: string, options: CheckpointOptions, say: Say): Promise<void> {
  const jobId = checkJobId(id);
  const checkpointType = options.full === true ? "FULL" : "CONFIGURED";
  say(`Triggering checkpoint for job ${jobId}.`);
  const triggerId = await clientOf(options).checkpoint(jobId, { checkpointType });
  say("Waiting for response...");
  const checkpointId = await waitingClient(options).awaitCheckpoint(jobId, triggerId);
  say(`Checkpoint(${checkpointType}) ${checkpointId} for job ${jobId} completed.`);
  say("You can resume your program from this checkpoint with the run command.");
}

function waitingClient(options: ClusterOptions): ReturnType<typeof clientOf> {
  return clientOf(options, { retryTimeoutMs: WAIT_RETRY_MS });
}

function triggered(what: string, triggerId: string): string {
  return `Successfully trigger manual ${what}, triggerId: ${triggerId}`;
}

/** @throws MillraceError `MR_CONFIG_INVALID` */
function savepointFormat(type: string | undefined): "CANONICAL" | "NATIVE" {
  const format = type?.toUpperCase() ?? "CANONICAL";
  if (format === "CANONICAL" || format === "NATIVE") return format;
  throw new MillraceError("MR_CONFIG_INVALID", {
    what: "There is no such kind of savepoint",
    found: `--type ${JSON.stringify(type)}`,
    expected: "canonical or native",
    todo: "Correct it, or leave it out: canonical is the default",
  });
}

function idMissing(command: string): MillraceError {
  return new MillraceError("MR_JOB_ID_INVALID", {
    what: "The command needs the id of a job",
    found: "none",
    expected: "32 hexadecimal digits",
    todo: `Write it behind the options, such as: millrace ${command} 00112233445566778899aabbccddeeff`,
  });
}
