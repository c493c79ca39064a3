/**
 * One process of a cluster that is going to be killed: a JobManager or a TaskManager, with its settings as JSON. Says what
 * happens on standard output, one line each, and takes orders on standard input.
 */
import { readFileSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { createInterface } from "node:readline";
import workerThreads, { type Worker } from "node:worker_threads";
import type { ClusterOrder, JobLine, ProcessSettings, StateLine, SubmitOrder } from "./process-lines.ts";

/** The threads of slots that live. Noted before the engine imports the class, which it does not know of. */
const threads = new Set<Worker>();
const Original = workerThreads.Worker;
workerThreads.Worker = class extends Original {
  constructor(...args: ConstructorParameters<typeof Original>) {
    super(...args);
    threads.add(this);
    this.once("exit", () => threads.delete(this));
  }
};
syncBuiltinESMExports();
const { Configuration } = await import("millrace");
const { sha256Hex, startJobManager, startTaskManager } = await import("millrace/internal");

const STATUS_EVERY_MS = 50;

const settings = JSON.parse(process.argv[2]!) as ProcessSettings;
const { role, name, codeDirectory, leaderFile } = settings;
const configuration = Configuration.fromEntries(
  Object.entries(settings.configuration).map(([key, value]) => ({ key, value })),
);
const onWarning = (text: string): void => void process.stderr.write(`${name}: ${text}\n`);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

// Whoever has started it is gone: nobody would ever end it.
process.stdin.on("end", () => process.exit(0));

if (role === "taskmanager") {
  await startTaskManager({
    configuration,
    name,
    codeDirectory,
    jobManagerAddress: () => ({ host: "127.0.0.1", port: Number(readFileSync(leaderFile, "utf8")) }),
    dataBind: { host: "127.0.0.1", port: settings.port },
    onWarning,
  });
  onOrder(async (order) => {
    if (order.kind !== "endThread" || threads.size === 0) return say("THREAD none");
    const thread = [...threads][order.number % threads.size]!;
    await thread.terminate();
    say("THREAD ended");
  });
  say("STARTED");
} else {
  const jobManager = await startJobManager({
    configuration,
    address: { host: "127.0.0.1", port: settings.port },
    directory: settings.directory,
    codeDirectory,
    onWarning,
    onFenced: () => process.exit(0),
  });
  await writeFile(`${leaderFile}.${process.pid}`, String(jobManager.address.port));
  await rename(`${leaderFile}.${process.pid}`, leaderFile);
  const submit = async ({ jobId, file, args, job }: SubmitOrder): Promise<void> => {
    const bytes = await readFile(file);
    const entries = Object.entries(job).map(([key, value]) => ({ key, value }));
    await jobManager.submitJob({
      jobId,
      name: "killed",
      code: { bytes, hash: sha256Hex(bytes) },
      args,
      // As `-D` on the command line: above what the job's module sets.
      configuration: entries.map((entry) => ({ ...entry, layer: "command line" as const })),
    });
    say(`SUBMITTED ${jobId}`);
  };
  onOrder(async (order) => {
    if (order.kind === "submit") await submit(order);
  });
  let last = "";
  setInterval(async () => {
    const jobs: JobLine[] = [];
    for (const { jobId } of jobManager.listJobs()) {
      const { status, restarts, failure, timestampsMs } = await jobManager.job(jobId);
      const { counts } = await jobManager.checkpoints(jobId);
      jobs.push({ jobId, status, restarts, completed: counts.completed, failure: failure?.message, timestampsMs });
    }
    const all = jobManager.taskManagers();
    const used = all.filter(({ allocations }) => allocations.length > 0).map((each) => each.name);
    const now = JSON.stringify({ jobs, taskManagers: all.length, used } satisfies StateLine);
    if (now !== last) say(`STATE ${now}`);
    last = now;
  }, STATUS_EVERY_MS);
  say("STARTED");
}

function onOrder(carryOut: (order: ClusterOrder) => unknown): void {
  createInterface({ input: process.stdin }).on("line", (line) => void carryOut(JSON.parse(line) as ClusterOrder));
}
