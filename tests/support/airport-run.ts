/** Runs the airport job as a user does: the command line in a process of its own. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const sinks = ["hourly", "sliding", "alerts"];

export interface AirportRun {
  readonly output: string;
  readonly input?: string;
  readonly parallelism?: number;
  readonly target?: "threads" | "in-thread";
  readonly restoreFrom?: string | undefined;
  readonly checkpointInterval?: string;
  /** Milliseconds after which the process gets a SIGKILL, ... */
  readonly killAfterMs?: number;
  /** ... counted from its start, or from its first checkpoint. */
  readonly killFrom?: "start" | "checkpoint";
}

export interface AirportExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly text: string;
}

export function runAirportJob(run: AirportRun): Promise<AirportExit> {
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
  const jobArguments = ["--output", run.output, ...(run.input === undefined ? [] : ["--input", run.input])];
  const child = spawn(
    process.execPath,
    [join(root, "packages/cli/bin/millrace.mjs"), "run", ...options, "examples/airport-delays/job.ts", ...jobArguments],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
  );
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  child.stderr.on("data", (chunk) => {
    text += chunk;
  });
  const stopKilling = killLater(run, () => child.kill("SIGKILL"));
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      stopKilling();
      resolve({ code, signal, text });
    });
  });
}

const LOOK_FOR_CHECKPOINT_MS = 20;

/** Kills when the run says; the returned function calls it off. */
function killLater({ killAfterMs, killFrom, output, restoreFrom }: AirportRun, kill: () => void): () => void {
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

/** SHA-256 of every visible file of the sinks, by sink and name. */
export async function committedFiles(output: string): Promise<Readonly<Record<string, string>>> {
  const hashes: Record<string, string> = {};
  for (const sink of sinks) {
    for (const name of await visibleFiles(join(output, sink))) {
      hashes[`${sink}/${name}`] = createHash("sha256")
        .update(await readFile(join(output, sink, name)))
        .digest("hex");
    }
  }
  return hashes;
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

/** All rows of all sinks, each with the name of its sink, sorted. */
export async function committedRows(output: string): Promise<readonly string[]> {
  const rows: string[] = [];
  for (const sink of sinks) {
    for (const line of await committedLines(output, sink)) rows.push(`${sink} ${line}`);
  }
  return rows.sort();
}

async function visibleFiles(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => !name.startsWith(".")).sort();
}
