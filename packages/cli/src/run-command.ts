import { basename, dirname, resolve } from "node:path";
import {
  EXECUTION_TARGET,
  type JobClient,
  type JobExecutionResult,
  MillraceError,
  PIPELINE_NAME,
  parseJobArguments,
  StreamExecutionEnvironment,
} from "millrace";
import { buildJobGraph, graphOptionsOf, lostUids } from "millrace/internal";
import { bundleSlotThread } from "./job-bundle.ts";
import { loadJob } from "./job-module.ts";
import { readLock } from "./lock-file.ts";
import {
  accumulatorLines,
  failedLines,
  type ProgressSample,
  progressLine,
  resultLines,
  startedLine,
  stoppedLines,
} from "./progress.ts";
import type { RunOnClusterOptions } from "./remote/run-on-cluster.ts";
import { repeatedCommand } from "./repeated-command.ts";
import { commandLineEntries, readSettings } from "./settings.ts";
import { StallWatch, silentLines, stallAfterMs } from "./stall-watch.ts";

const PROGRESS_MS = 250;
const STALL_SAMPLE_MS = 1000;

/** Exit code of a process that was interrupted twice, as shells have it. */
const INTERRUPTED = 130;

/** What `millrace run` takes beside settings. @internal */
export type RunOptions = RunOnClusterOptions;

/** Runs a job until it ends: on a cluster when the options name one, or else here, in this process. @internal */
export async function runJob(path: string, args: readonly string[], options: RunOptions): Promise<void> {
  if (!isForCluster(options)) return runHere(path, args, options);
  const { runOnCluster } = await import("./remote/run-on-cluster.ts");
  const { target: _, ...others } = options;
  return runOnCluster(path, jobNameOf(path), args, others);
}

/** @throws MillraceError `MR_CONFIG_INVALID` for options that mean nothing together */
function isForCluster({ jobmanager, target, detached, shutdownOnAttachedExit, explainStall }: RunOptions): boolean {
  const refuse = (found: string, expected: string): never => {
    throw new MillraceError("MR_CONFIG_INVALID", {
      what: "These options mean nothing together",
      found,
      expected,
      todo: "Leave one of them out",
    });
  };
  const isRemote = jobmanager !== undefined || target === "remote";
  if (isRemote && target !== undefined && target !== "remote") refuse(`-m and -t ${target}`, "-t remote, or no -t");
  if (detached === true && explainStall !== undefined) refuse("-d and --explain-stall", "one of them");
  if (detached === true && shutdownOnAttachedExit === true) refuse("-d and -sae", "one of them");
  if (!isRemote && detached === true)
    refuse("-d without -m", "-m HOST:PORT, or -t remote: a job in this process ends with it");
  if (!isRemote && shutdownOnAttachedExit === true) refuse("-sae without -m", "-m HOST:PORT, or -t remote");
  return isRemote;
}

async function runHere(path: string, args: readonly string[], options: RunOptions): Promise<void> {
  const configuration = readSettings(options);
  const explainAfterMs = stallAfterMs(options.explainStall);
  // A plain script makes its own environment; this is how it learns what the command line says.
  process.env["MILLRACE_CONFIG"] = JSON.stringify(commandLineEntries(options));
  const module = await loadJob(path);
  if (module === undefined) return;
  const { url, build, summary } = module;
  const jobArguments = parseJobArguments([...args]);
  const env = await StreamExecutionEnvironment.ofJobModule(url, {
    configuration,
    args,
    job: build,
    slotThread: configuration.get(EXECUTION_TARGET) === "in-thread" ? undefined : await bundleSlotThread(path),
  });
  await warnOfLostState(env, path);
  const name = env.getConfig().get(PIPELINE_NAME) ?? jobNameOf(path);
  const client = await env.executeAsync(name);
  const isInThread = env.getConfig().get(EXECUTION_TARGET) === "in-thread";
  process.stderr.write(startedLine({ name, jobId: client.jobId, parallelism: env.getParallelism(), isInThread }));
  const outcome = await follow(client, repeatedCommand(path, args, options), explainAfterMs);
  if (outcome === undefined) return;
  process.stderr.write(resultLines(outcome));
  process.stderr.write(accumulatorsOf(outcome));
  if (summary !== undefined) process.stdout.write(await summary(jobArguments));
}

/** With a lockfile beside the job: says which state no restore would find any more. */
async function warnOfLostState(env: StreamExecutionEnvironment, path: string): Promise<void> {
  const lock = await readLock(path);
  if (lock === undefined) return;
  const graph = buildJobGraph(env.getTransformations(), graphOptionsOf(env.getConfig(), path));
  for (const lost of lostUids(lock, graph)) process.stderr.write(`warning: ${lost}\n`);
}

/** The job has finished all the same when an accumulator has no result. */
function accumulatorsOf(outcome: JobExecutionResult): string {
  try {
    return accumulatorLines(outcome.getAllAccumulatorResults());
  } catch (error) {
    return `warning: ${error instanceof Error ? error.message : String(error)}\n`;
  }
}

/** A job is called like its file, or like its folder where the file's name says nothing. */
function jobNameOf(path: string): string {
  const name = basename(path).replace(/\.[cm]?[jt]s$/, "");
  return name === "job" || name === "index" || name === "main" ? basename(dirname(resolve(path))) : name;
}

/** Waits for the job's end; undefined when it was stopped by a signal. */
async function follow(
  client: JobClient,
  again: string,
  explainAfterMs: number,
): Promise<JobExecutionResult | undefined> {
  let stopping: Promise<string | undefined> | undefined;
  const onSignal = (): void => {
    if (stopping !== undefined) process.exit(INTERRUPTED);
    process.stderr.write("\nStopping after a last checkpoint; once more to stop at once.\n");
    stopping = client.stop();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const stopProgress = showProgress(client);
  const stopWatching = watchForStalls(client, explainAfterMs);
  try {
    const result = await client.getJobExecutionResult();
    if (stopping === undefined) return result;
    process.stderr.write(stoppedLines(await stopping, again));
    return undefined;
  } catch (error) {
    const { lastPath } = client.getProgress().checkpoints;
    if (lastPath !== undefined) process.stderr.write(failedLines(lastPath, again));
    throw error;
  } finally {
    stopProgress();
    stopWatching();
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

/** Says on standard error why nothing comes out, when nothing has come for so long. */
function watchForStalls(client: JobClient, afterMs: number): () => void {
  if (afterMs === Number.POSITIVE_INFINITY) return () => {};
  const watch = new StallWatch(afterMs);
  let hasEnded = false;
  const explain = async (silentMs: number): Promise<void> => {
    const { shortText } = await client.explainStall();
    if (!hasEnded) process.stderr.write(`${clearLine()}${silentLines(silentMs, shortText)}\n`);
  };
  const timer = setInterval(
    () => {
      const { status, recordsWritten } = client.getProgress();
      const silentMs = watch.sample(status === "RUNNING", recordsWritten, performance.now());
      if (silentMs === undefined) return;
      explain(silentMs).catch((error: unknown) => {
        process.stderr.write(
          `${clearLine()}warning: the job could not be asked why nothing comes out: ${String(error)}\n`,
        );
      });
    },
    Math.min(STALL_SAMPLE_MS, afterMs),
  );
  return () => {
    hasEnded = true;
    clearInterval(timer);
  };
}

/** What removes the progress line from a terminal; nothing in a pipe. */
function clearLine(): string {
  return process.stderr.isTTY ? "\r\x1b[2K" : "";
}

/** Redraws one line on a terminal; silent in a pipe. */
function showProgress(client: JobClient): () => void {
  const terminal = process.stderr;
  if (!terminal.isTTY) return () => {};
  let before = { records: 0, atMs: performance.now() };
  const timer = setInterval(() => {
    const progress = client.getProgress();
    const nowMs = performance.now();
    const recordsPerSecond = ((progress.recordsRead - before.records) * 1000) / Math.max(1, nowMs - before.atMs);
    before = { records: progress.recordsRead, atMs: nowMs };
    const sample: ProgressSample = { progress, recordsPerSecond: Math.max(0, recordsPerSecond), wallMs: Date.now() };
    terminal.write(`${clearLine()}${progressLine(sample, terminal.columns > 0 ? terminal.columns : 100)}`);
  }, PROGRESS_MS);
  return () => {
    clearInterval(timer);
    terminal.write(clearLine());
  };
}
