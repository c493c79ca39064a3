/** How far a job is, as one line for a terminal and as a summary for its end. Pure. */
import { inspect } from "node:util";
import type { JobExecutionResult, JobProgress, TaskProgress } from "millrace";
import { shellWord } from "./repeated-command.ts";

/** @internal */
export interface ProgressSample {
  readonly progress: JobProgress;
  /** Records a second since the last sample. */
  readonly recordsPerSecond: number;
  readonly wallMs: number;
}

/** One line, at most `columns` wide. @internal */
export function progressLine({ progress, recordsPerSecond, wallMs }: ProgressSample, columns: number): string {
  const { checkpoints, watermarkMs, restarts } = progress;
  const parts = [
    progress.status,
    `${count(progress.recordsRead)} records`,
    `${count(Math.round(recordsPerSecond))}/s`,
    `watermark ${watermarkMs === undefined ? "-" : time(watermarkMs)}`,
  ];
  if (checkpoints.lastId !== undefined && checkpoints.lastCompletedMs !== undefined) {
    parts.push(`checkpoint ${checkpoints.lastId} ${duration(wallMs - checkpoints.lastCompletedMs)} ago`);
  }
  if (checkpoints.failed > 0) parts.push(`${checkpoints.failed} checkpoints failed`);
  if (restarts > 0) parts.push(`${restarts} ${restarts === 1 ? "restart" : "restarts"}`);
  const bottleneck = bottleneckOf(progress.tasks);
  if (bottleneck !== undefined) parts.push(bottleneck);
  return parts.join("  ").slice(0, Math.max(0, columns - 1));
}

/** Characters of one accumulator's value. */
const ACCUMULATED_MAX = 400;

/** A task that works this much of its time is what limits the job. */
const BUSY_MS_MIN = 800;

/** The task that limits the job: the busiest one that is not held up itself. Says so when it holds others up. */
function bottleneckOf(tasks: readonly TaskProgress[]): string | undefined {
  const free = tasks.filter((task) => task.backPressure === "OK" && task.busyMsPerSecond >= BUSY_MS_MIN);
  const [first, ...others] = free;
  if (first === undefined) return undefined;
  const busiest = others.reduce((best, task) => (task.busyMsPerSecond > best.busyMsPerSecond ? task : best), first);
  const heldUp = tasks.slice(0, tasks.indexOf(busiest)).some((task) => task.backPressure !== "OK");
  const share = `${Math.round(busiest.busyMsPerSecond / 10)} % busy`;
  return `${heldUp ? "bottleneck" : "busiest"} ${shortName(busiest.name)} ${share}`;
}

/** Chains are called like all of their operators. */
function shortName(name: string): string {
  return name.length <= 40 ? name : `${name.slice(0, 39)}…`;
}

/** What is said when a job has started in this process. @internal */
export function startedLine(job: {
  readonly name: string;
  readonly jobId: string;
  readonly parallelism: number;
  readonly isInThread: boolean;
}): string {
  const where = job.isInThread ? "in this thread" : "in threads of this process";
  return `Job "${job.name}" has started with JobID ${job.jobId}, parallelism ${job.parallelism}, ${where}; Ctrl-C ends it after a last checkpoint.\n`;
}

/** What is said when a job has finished. @internal */
export function resultLines(
  result: Pick<
    JobExecutionResult,
    "jobName" | "recordsRead" | "recordsWritten" | "netRuntimeMs" | "checkpointsCompleted" | "restartCount"
  >,
): string {
  const { recordsRead, recordsWritten, netRuntimeMs, checkpointsCompleted, restartCount } = result;
  const rate = count(Math.round(recordsRead / Math.max(netRuntimeMs / 1000, 0.001)));
  const parts = [
    `${count(recordsRead)} records read, ${count(recordsWritten)} written in ${duration(netRuntimeMs)} (${rate}/s)`,
    `${checkpointsCompleted} ${checkpointsCompleted === 1 ? "checkpoint" : "checkpoints"}`,
  ];
  if (restartCount > 0) parts.push(`${restartCount} ${restartCount === 1 ? "restart" : "restarts"}`);
  return `Job "${result.jobName}" FINISHED: ${parts.join(", ")}\n`;
}

/** What the job's functions have added up, an accumulator a line; nothing for a job without. @internal */
export function accumulatorLines(results: ReadonlyMap<string, unknown>): string {
  if (results.size === 0) return "";
  const lines = [...results].map(([name, value]) => `  ${name}: ${accumulated(value)}\n`);
  return `Accumulator results:\n${lines.join("")}`;
}

/** Lists are as long as the job's input may be: they are counted. */
function accumulated(value: unknown): string {
  if (typeof value === "number") return count(value);
  if (Array.isArray(value)) return `${count(value.length)} ${value.length === 1 ? "element" : "elements"}`;
  const text = inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 3 });
  return text.length <= ACCUMULATED_MAX ? text : `${text.slice(0, ACCUMULATED_MAX - 1)}…`;
}

/** What is said when a job was stopped; `again` is what follows the checkpoint on the command line. @internal */
export function stoppedLines(path: string | undefined, again: string): string {
  if (path === undefined) return "Job stopped. It keeps no checkpoints on disk, so it starts afresh next time.\n";
  return `Job stopped after a last checkpoint. To go on where it was:\n\n    millrace run -s ${shellWord(path)} ${again}\n\n`;
}

/** What is said when a job has failed for good and its last checkpoint is kept. @internal */
export function failedLines(path: string, again: string): string {
  return `The job's last checkpoint is kept. When the cause is removed, go on with\n\n    millrace run -s ${shellWord(path)} ${again}\n\n`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function time(epochMs: number): string {
  return new Date(epochMs)
    .toISOString()
    .replace("T", " ")
    .replace(/\.000Z$/, "")
    .replace(/Z$/, "");
}

function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
