/** Runs an example as a user does: the command line in a process of its own. */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Job, type JobExecutionResult, parseJobArguments, StreamExecutionEnvironment } from "millrace";
import { expect } from "vitest";
import { startMillrace } from "./millrace.ts";

export interface ExampleRun {
  readonly output: string;
  readonly parallelism?: number;
  readonly target?: "threads" | "in-thread";
  readonly restoreFrom?: string | undefined;
  readonly checkpointInterval?: string;
  /** The example's own, besides `--output`. */
  readonly args?: readonly string[];
  /** Milliseconds after which the process gets a SIGKILL, ... */
  readonly killAfterMs?: number;
  /** ... counted from its start, or from its first checkpoint. */
  readonly killFrom?: "start" | "checkpoint";
}

export interface ExampleExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** What it has written to its two outputs. */
  readonly text: string;
}

/** @param name - The example's folder. */
export async function runExample(name: string, run: ExampleRun): Promise<ExampleExit> {
  const options = [
    ...(run.parallelism === undefined ? [] : ["-p", String(run.parallelism)]),
    ...(run.target === undefined ? [] : ["-t", run.target]),
    ...(run.restoreFrom === undefined ? [] : ["-s", run.restoreFrom]),
    ...(run.checkpointInterval === undefined
      ? []
      : ["-D", `execution.checkpointing.interval=${run.checkpointInterval}`]),
    "-D",
    "execution.checkpointing.num-retained=2",
  ];
  const job = `examples/${name}/job.ts`;
  const started = startMillrace(["run", ...options, job, "--output", run.output, ...(run.args ?? [])]);
  const stopKilling = killLater(run, () => started.process.kill("SIGKILL"));
  const { code, signal, out, error } = await started.exit;
  stopKilling();
  return { code, signal, text: out + error };
}

/** Kills a run some time after its first checkpoint, and lets another one go on from its newest. */
export async function killAndResume(name: string, run: ExampleRun): Promise<ExampleExit> {
  const killed = await runExample(name, { ...run, killAfterMs: 400, killFrom: "checkpoint" });
  if (killed.signal !== "SIGKILL") throw new Error(`${name} ended before it was killed:\n${killed.text}`);
  const restoreFrom = await newestCheckpoint(run.output);
  if (restoreFrom === undefined) throw new Error(`${name} left no checkpoint:\n${killed.text}`);
  return runExample(name, { ...run, restoreFrom });
}

/** Runs an example's default export in this process and thread. */
export async function executeExample(job: Job, args: readonly string[], parallelism = 1): Promise<JobExecutionResult> {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  env.setParallelism(parallelism);
  await job(env, parseJobArguments(args));
  return env.execute("example");
}

const LOOK_FOR_CHECKPOINT_MS = 20;

/** Kills when the run says; the returned function calls it off. */
function killLater({ killAfterMs, killFrom, output, restoreFrom }: ExampleRun, kill: () => void): () => void {
  if (killAfterMs === undefined) return () => {};
  let timer: NodeJS.Timeout;
  let isOff = false;
  const wait = (): void => {
    timer = setTimeout(kill, killAfterMs);
  };
  const look = async (): Promise<void> => {
    const newest = await newestCheckpoint(output);
    if (isOff) return;
    if (newest !== restoreFrom) wait();
    else timer = setTimeout(() => void look(), LOOK_FOR_CHECKPOINT_MS);
  };
  if (killFrom === "checkpoint") void look();
  else wait();
  return () => {
    isOff = true;
    clearTimeout(timer);
  };
}

/** The newest completed checkpoint of any run that wrote to this output. */
export async function newestCheckpoint(output: string): Promise<string | undefined> {
  const directory = join(output, "checkpoints");
  let newest: { readonly id: number; readonly path: string } | undefined;
  for (const job of existsSync(directory) ? await readdir(directory) : []) {
    for (const name of await namesIn(join(directory, job))) {
      const id = Number(/^chk-(\d+)$/.exec(name)?.[1] ?? Number.NaN);
      const path = join(directory, job, name);
      if (!Number.isNaN(id) && existsSync(join(path, "_metadata")) && id > (newest?.id ?? 0)) newest = { id, path };
    }
  }
  return newest?.path;
}

/** A run that ends removes its checkpoints, perhaps just now. */
async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** All rows of one sink, as the lines that were written. */
export async function committedLines(output: string, sink: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const name of await visibleFiles(join(output, sink))) {
    for (const line of (await readFile(join(output, sink, name), "utf8")).split("\n"))
      if (line !== "") lines.push(line);
  }
  return lines;
}

/** The names of a sink's committed files, in order. */
export async function visibleFiles(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => !name.startsWith(".")).sort();
}

/**
 * Compares all rows of one sink with what they should be. With several subtasks their order means nothing. There are
 * thousands of them, so a failure shows the first ones that differ.
 */
export async function expectRows(output: string, sink: string, expected: readonly unknown[]): Promise<void> {
  const found = (await committedLines(output, sink)).toSorted();
  const wanted = expected.map((row) => JSON.stringify(row)).toSorted();
  const isIn = new Set(found);
  const isWanted = new Set(wanted);
  expect({
    rows: found.length,
    missing: wanted.filter((row) => !isIn.has(row)).slice(0, DIFFERENCES_SHOWN),
    wrong: found.filter((row) => !isWanted.has(row)).slice(0, DIFFERENCES_SHOWN),
  }).toEqual({ rows: wanted.length, missing: [], wrong: [] });
  expect(found.findIndex((row, index) => row !== wanted[index])).toBe(-1);
}

const DIFFERENCES_SHOWN = 3;
