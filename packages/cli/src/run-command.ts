import { basename, dirname, resolve } from "node:path";
import {
  EXECUTION_TARGET,
  type JobClient,
  type JobExecutionResult,
  PIPELINE_NAME,
  parseJobArguments,
  StreamExecutionEnvironment,
} from "millrace";
import { bundleSlotThread } from "./job-bundle.ts";
import { loadJob } from "./job-module.ts";
import {
  accumulatorLines,
  failedLines,
  type ProgressSample,
  progressLine,
  resultLines,
  stoppedLines,
} from "./progress.ts";
import { commandLineEntries, readSettings, type SettingOptions } from "./settings.ts";

const PROGRESS_MS = 250;

/** Exit code of a process that was interrupted twice, as shells have it. */
const INTERRUPTED = 130;

/** Runs a job here, in this process, until it ends. @internal */
export async function runJob(path: string, args: readonly string[], options: SettingOptions): Promise<void> {
  const configuration = readSettings(options);
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
  const client = await env.executeAsync(env.getConfig().get(PIPELINE_NAME) ?? jobNameOf(path));
  const outcome = await follow(client, path);
  if (outcome === undefined) return;
  process.stderr.write(resultLines(outcome));
  process.stderr.write(accumulatorsOf(outcome));
  if (summary !== undefined) process.stdout.write(await summary(jobArguments));
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
async function follow(client: JobClient, path: string): Promise<JobExecutionResult | undefined> {
  let stopping: Promise<string | undefined> | undefined;
  const onSignal = (): void => {
    if (stopping !== undefined) process.exit(INTERRUPTED);
    process.stderr.write("\nStopping after a last checkpoint; once more to stop at once.\n");
    stopping = client.stop();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  const stopProgress = showProgress(client);
  try {
    const result = await client.getJobExecutionResult();
    if (stopping === undefined) return result;
    process.stderr.write(stoppedLines(await stopping, path));
    return undefined;
  } catch (error) {
    const { lastPath } = client.getProgress().checkpoints;
    if (lastPath !== undefined) process.stderr.write(failedLines(lastPath, path));
    throw error;
  } finally {
    stopProgress();
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
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
    terminal.write(`\r\x1b[2K${progressLine(sample, terminal.columns > 0 ? terminal.columns : 100)}`);
  }, PROGRESS_MS);
  return () => {
    clearInterval(timer);
    terminal.write("\r\x1b[2K");
  };
}
