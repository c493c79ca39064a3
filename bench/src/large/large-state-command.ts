import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import { Configuration, type JobClient, StreamExecutionEnvironment } from "millrace";
import type { BackendName } from "../engine-options.ts";
import build from "../jobs/large-state.ts";
import { monotonicMs } from "../monotonic-clock.ts";
import { parseSetting, parseShare, whole } from "../option-parsers.ts";
import { note, print, rounded } from "../output.ts";
import type { LargeRun } from "./large-run.ts";

const JOB_MODULE = new URL("../jobs/large-state.ts", import.meta.url);
const GIBIBYTE = 2 ** 30;
const MEBIBYTE = 2 ** 20;
const POLL_MS = 200;

interface LargeOptions {
  readonly gb: number;
  readonly keys?: number;
  readonly valueBytes: number;
  readonly changes: number;
  readonly heap: number;
  readonly parallelism: number;
  readonly checkpointInterval: number;
  readonly backend: BackendName;
  readonly restart: boolean;
  readonly dir: string;
  readonly set: readonly string[];
}

/**
 * The command `bench large-state`: keyed state of many gigabytes with a small heap, incremental checkpoints, a restart, and at
 * the end a look at every key. A JSON line a checkpoint, then one of the run. Returns the exit code.
 *
 * @throws CommanderError for bad options, once it has written what is wrong.
 * @internal
 */
export async function largeStateCommand(argv: readonly string[]): Promise<number> {
  const options = largeCommand()
    .parse(argv as string[])
    .opts<LargeOptions>();
  const keys = options.keys ?? Math.ceil((options.gb * GIBIBYTE) / Math.max(4, options.valueBytes));
  const changes = Math.floor(keys * options.changes);
  const fatalAt = options.restart ? keys + (changes >> 1) : -1;
  const run: LargeRun = { keys, valueBytes: options.valueBytes, changes, fatalAt };
  await mkdir(options.dir, { recursive: true });
  const directory = await mkdtemp(join(resolve(options.dir), "millrace-large-"));
  try {
    return await measure(run, options, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(run: LargeRun, options: LargeOptions, directory: string): Promise<number> {
  const checkpoints = join(directory, "checkpoints");
  note(`${run.keys} keys of ${run.valueBytes} bytes, ${run.changes} changes, in ${directory} …`);
  const env = await StreamExecutionEnvironment.ofJobModule(JOB_MODULE, {
    configuration: configurationOf(options, directory, checkpoints),
    args: ["--run", JSON.stringify(run)],
    job: build,
  });
  const cpu = process.cpuUsage();
  const startMs = monotonicMs();
  const client = await env.executeAsync("large state");
  const watching = watchCheckpoints(client, checkpoints, startMs);
  const result = await client.getJobExecutionResult();
  const wallSeconds = (monotonicMs() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const { peakRssMb } = await watching;
  const checked = result.getAccumulatorResult<number>("checked keys") ?? 0;
  const counted = result.getAccumulatorResult<number>("counted changes") ?? 0;
  const isRight = checked === run.keys && counted === run.keys + run.changes;
  print({
    query: "large-state",
    backend: options.backend,
    p: options.parallelism,
    ...run,
    heapMb: options.heap,
    isRight,
    restarts: result.restartCount,
    checkpoints: result.checkpointsCompleted,
    wallSeconds: rounded(wallSeconds, 1),
    cpuSeconds: rounded((user + system) / 1e6, 1),
    recordsPerSecond: Math.round((2 * run.keys + run.changes) / wallSeconds),
    peakRssMb,
  });
  if (!isRight) note(`${checked} keys with ${counted} changes; expected ${run.keys} and ${run.keys + run.changes}`);
  return isRight && result.restartCount === (run.fatalAt >= 0 ? 1 : 0) ? 0 : 1;
}

function configurationOf(options: LargeOptions, directory: string, checkpoints: string): Configuration {
  const entries = new Map<string, string>([
    ["parallelism.default", String(options.parallelism)],
    ["execution.target", "threads"],
    ["state.backend.type", options.backend],
    ["state.backend.rocksdb.localdir", join(directory, "state")],
    ["taskmanager.memory.task.heap.size", `${options.heap} mb`],
    ["execution.checkpointing.interval", `${options.checkpointInterval} ms`],
    ["execution.checkpointing.timeout", "30 min"],
    ["execution.checkpointing.dir", checkpoints],
    ["execution.checkpointing.incremental", String(options.backend === "rocksdb")],
    ["restart-strategy.type", "fixed-delay"],
    ["restart-strategy.fixed-delay.attempts", "1"],
    ["restart-strategy.fixed-delay.delay", "100 ms"],
  ]);
  for (const setting of options.set) {
    const end = setting.indexOf("=");
    entries.set(setting.slice(0, end), setting.slice(end + 1));
  }
  return Configuration.fromEntries([...entries].map(([key, value]) => ({ key, value })));
}

/** Prints how large each checkpoint is, and what of it was written for it, until the job has ended. */
async function watchCheckpoints(
  client: JobClient,
  directory: string,
  startMs: number,
): Promise<{ readonly peakRssMb: number }> {
  let hasEnded = false;
  let peakRss = 0;
  let lastId: number | undefined;
  let known = new Set<string>();
  const ended = client.getJobExecutionResult().then(
    () => true,
    () => true,
  );
  while (!hasEnded) {
    hasEnded = await Promise.race([ended, delay(POLL_MS)]);
    peakRss = Math.max(peakRss, process.memoryUsage.rss());
    const { checkpoints, recordsRead, restarts } = client.getProgress();
    if (checkpoints.lastId === undefined || checkpoints.lastId === lastId || hasEnded) continue;
    lastId = checkpoints.lastId;
    const files = await filesBelow(directory);
    const sizes = [...files.values()];
    const fresh = [...files].filter(([path]) => !known.has(path));
    known = new Set(files.keys());
    print({
      checkpoint: lastId,
      seconds: rounded((monotonicMs() - startMs) / 1000, 1),
      recordsRead,
      restarts,
      newMb: megabytes(fresh.map(([, bytes]) => bytes)),
      storedMb: megabytes(sizes),
    });
  }
  return { peakRssMb: Math.round(peakRss / MEBIBYTE) };
}

/** Files come and go while they are counted. */
async function filesBelow(directory: string): Promise<Map<string, number>> {
  const names = await readdir(directory, { recursive: true }).catch((): string[] => []);
  const files = new Map<string, number>();
  for (const name of names) {
    const found = await stat(join(directory, name)).catch(() => undefined);
    if (found?.isFile() === true) files.set(name, found.size);
  }
  return files;
}

function megabytes(sizes: readonly number[]): number {
  return rounded(sizes.reduce((sum, bytes) => sum + bytes, 0) / MEBIBYTE, 2);
}

function delay(ms: number): Promise<false> {
  return new Promise((done) => setTimeout(() => done(false), ms));
}

function largeCommand(): Command {
  return new Command("bench large-state")
    .description("Fill keyed state of many gigabytes, change some of it, restart, and check every key.")
    .option("--gb <n>", "how much state, in GiB", whole(1, 1000), 1)
    .option("--keys <n>", "how many keys, in place of --gb", whole(1, 2 ** 31 - 1))
    .option("--value-bytes <n>", "of the state of a key; 0: a number only", whole(0, 1_000_000), 1000)
    .option("--changes <share>", "share of the keys that are changed afterwards, at random", parseShare, 0.25)
    .option("--heap <mb>", "JavaScript heap of a slot's thread", whole(32, 65_536), 512)
    .option("--parallelism <n>", "subtasks", whole(1, 128), 1)
    .option("--checkpoint-interval <ms>", "from checkpoint to checkpoint", whole(10, 86_400_000), 10_000)
    .addOption(new Option("--backend <name>", "where state lives").choices(["hashmap", "rocksdb"]).default("rocksdb"))
    .option("--no-restart", "do not fail once in the middle of the changes")
    .option("--dir <dir>", "where state and checkpoints are put; removed afterwards", tmpdir())
    .option("--set <key=value>", "a setting of Millrace; may be repeated", parseSetting, [])
    .exitOverride();
}
