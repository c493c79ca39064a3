/** `millrace run -m`: a job is made one file, sent to a cluster and, unless it is left alone, followed to its end. */
import type { RestClient } from "@millrace/rest/client";
import { type Configuration, MillraceError, PIPELINE_NAME, parseJobArguments } from "millrace";
import { fromErrorMessage } from "millrace/internal";
import { withAbsolutePaths } from "../absolute-paths.ts";
import { loadJob } from "../job-module.ts";
import { failedLines } from "../progress.ts";
import { repeatedCommand } from "../repeated-command.ts";
import { readSettings, type SettingOptions } from "../settings.ts";
import { stallAfterMs } from "../stall-watch.ts";
import { bundleForCluster } from "./cluster-bundle.ts";
import { type ClusterOptions, clientOf } from "./cluster-client.ts";
import { endedLines, failureLines, progressOf } from "./ended-job.ts";
import { JobWatch } from "./job-watch.ts";

/** How long a submission is repeated: a JobManager may be starting. */
const SUBMIT_RETRY_MS = 30_000;

/** How long a detached command waits to hear that the cluster can build the job. */
const BUILT_WITHIN_MS = 30_000;

/** Exit code of a process that was interrupted, as shells have it. */
const INTERRUPTED = 130;

/** @internal */
export interface RunOnClusterOptions extends SettingOptions, Pick<ClusterOptions, "jobmanager"> {
  readonly detached?: boolean;
  readonly shutdownOnAttachedExit?: boolean;
  readonly explainStall?: string;
}

/**
 * @throws MillraceError the job's failure; `MR_JOB_CANCELED`; what bundling and the cluster throw
 * @internal
 */
export async function runOnCluster(
  path: string,
  name: string,
  args: readonly string[],
  options: RunOnClusterOptions,
): Promise<void> {
  const configuration = withAbsolutePaths(readSettings(options));
  stallAfterMs(options.explainStall);
  const { code, hasSummary } = await bundleForCluster(path);
  const client = clientOf(options, { retryTimeoutMs: SUBMIT_RETRY_MS }, configuration);
  // The cluster reaches its file systems with secrets of its own.
  const entries = configuration
    .toEntriesWithoutSecrets()
    .filter(({ key }) => !key.startsWith("rest.") && key !== "execution.target");
  const jobId = client.newId();
  await client.submit({
    jobId,
    fileName: fileNameOf(configuration.get(PIPELINE_NAME) ?? name),
    code,
    programArgsList: args,
    fileConfiguration: byKey(entries.filter(({ layer }) => layer === "file")),
    flinkConfiguration: byKey(entries.filter(({ layer }) => layer !== "file")),
  });
  process.stdout.write(`Job has been submitted with JobID ${jobId}\n`);
  if (options.detached === true) return untilBuilt(client, jobId);
  process.stderr.write(followedLine(options));
  await follow(client, jobId, { path, args, hasSummary }, options);
}

function byKey(entries: ReturnType<Configuration["toEntries"]>): Readonly<Record<string, string>> {
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]));
}

/** The name of the file in the cluster, after which the job is called. */
function fileNameOf(name: string): string {
  const own = name.replaceAll(/[^A-Za-z0-9._-]/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return `${own.slice(0, 80) || "job"}.mjs`;
}

/** A job whose code cannot even be loaded has failed when this settles, and its error is thrown. */
async function untilBuilt(client: RestClient, jobId: string): Promise<void> {
  const untilMs = performance.now() + BUILT_WITHIN_MS;
  while (performance.now() < untilMs) {
    const { state } = await client.job(jobId);
    if (state === "FAILED") throw await failureOf(client, jobId);
    if (state !== "INITIALIZING") return;
    await pause(100);
  }
}

interface RunJob {
  readonly path: string;
  readonly args: readonly string[];
  readonly hasSummary: boolean;
}

async function follow(
  client: RestClient,
  jobId: string,
  { path, args, hasSummary }: RunJob,
  options: RunOnClusterOptions,
): Promise<void> {
  const watch = new JobWatch(
    clientOf(options, { retryTimeoutMs: 0 }),
    jobId,
    process.stderr,
    stallAfterMs(options.explainStall),
  );
  const cancelsWithIt = options.shutdownOnAttachedExit === true;
  let isInterrupted = false;
  const onSignal = (): void => {
    watch.clear();
    if (isInterrupted || !cancelsWithIt) {
      if (!cancelsWithIt) process.stderr.write(leftLines(jobId, client.address));
      process.exit(INTERRUPTED);
    }
    isInterrupted = true;
    process.stderr.write("\nCancelling the job; once more to leave it alone.\n");
    client.cancel(jobId).catch((error: unknown) => process.stderr.write(`warning: ${String(error)}\n`));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    const result = await watch.untilEnd();
    const { "application-status": status, name } = result;
    if (status === "SUCCEEDED") {
      process.stderr.write(await endedLines(client, result));
      if (hasSummary) await printSummary(path, args);
    } else if (isInterrupted) process.exitCode = INTERRUPTED;
    else if (status === "FAILED") {
      const lastPath = (await progressOf(client, jobId))?.checkpoints.lastPath;
      if (lastPath !== undefined) process.stderr.write(failedLines(lastPath, repeatedCommand(path, args, options)));
      throw await failureOf(client, jobId);
    } else throw cancelled(jobId, name);
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

/** What the job's module says of the results, if it finds them from here: the job has finished all the same. */
async function printSummary(path: string, args: readonly string[]): Promise<void> {
  try {
    const module = await loadJob(path);
    process.stdout.write((await module?.summary?.(parseJobArguments([...args]))) ?? "");
  } catch (error) {
    process.stderr.write(`warning: there is no summary of the job here: ${String(error)}\n`);
  }
}

/** The failure as it was in the cluster; where it was is said before. */
async function failureOf(client: RestClient, jobId: string): Promise<Error> {
  process.stderr.write(await failureLines(client, jobId));
  const { "job-execution-result": result } = await client.executionResult(jobId);
  const cause = result?.["failure-cause"];
  return cause === undefined ? new Error(`job ${jobId} has failed`) : fromErrorMessage(cause.error);
}

function cancelled(jobId: string, name: string): MillraceError {
  return new MillraceError("MR_JOB_CANCELED", {
    what: "The job was cancelled before it finished",
    where: { job: name, jobId },
    todo: "Start it again when it should run on; what it has written until then is there",
  });
}

function followedLine({ shutdownOnAttachedExit }: RunOnClusterOptions): string {
  return shutdownOnAttachedExit === true
    ? "Ctrl-C cancels it.\n"
    : "Ctrl-C leaves it running, and says how to end it.\n";
}

/** The address stands there even where it is the one that settings give: the next command is typed without them. */
function leftLines(jobId: string, address: string): string {
  const ends = [`stop -m ${address} -p DIRECTORY ${jobId}   # with a savepoint there`, `cancel -m ${address} ${jobId}`];
  return `\nThe job goes on in the cluster. To end it:\n\n${ends.map((each) => `    millrace ${each}\n`).join("")}\n`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
