/** Runs a job again and again on a cluster whose processes are killed all the time, and compares what it has written. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type JobName, type JobResult, type KeyedSize, makeJob, resultOf } from "./kill-jobs.ts";
import { type Fault, type FaultKind, killPlan } from "./kill-plan.ts";
import type { Namespaces } from "./namespaces.ts";
import type { JobLine } from "./process-lines.ts";
import { TestCluster } from "./test-cluster.ts";

export interface KillsOptions {
  readonly job: JobName;
  /** Faults of all kinds; each is a signal, or the end of a thread. */
  readonly kills: number;
  readonly seed: string;
  /** Is emptied. */
  readonly directory: string;
  /** Flights, for the main job. */
  readonly input: string;
  readonly keyedSize: KeyedSize;
  readonly taskManagers: number;
  readonly namespaces: Namespaces | undefined;
  readonly print: (line: string) => void;
}

export interface KillsReport {
  readonly job: JobName;
  readonly kills: Readonly<Partial<Record<FaultKind, number>>>;
  readonly rounds: number;
  readonly restarts: number;
  readonly checkpoints: number;
  readonly rows: number;
  readonly seconds: number;
}

const PARALLELISM = 4;
/** So that a process that hangs is missed after a time in which a run goes on. */
const HEARTBEAT_TIMEOUT_MS = 2000;

const JOB_SETTINGS: Readonly<Record<string, string>> = {
  "parallelism.default": String(PARALLELISM),
  "execution.checkpointing.interval": "200 ms",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "1000000",
  "restart-strategy.fixed-delay.delay": "50 ms",
};

/** @throws Error when a result is not that of the undisturbed run, the job fails, or anything hangs */
export async function runKills(options: KillsOptions): Promise<KillsReport> {
  const { directory, taskManagers, namespaces } = options;
  await rm(directory, { recursive: true, force: true });
  const cluster = await TestCluster.start({
    directory,
    taskManagers,
    slots: Math.ceil(PARALLELISM / Math.max(1, taskManagers - 1)),
    heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
    namespaces,
  });
  try {
    return await new KillsRun(options, cluster).run();
  } finally {
    await cluster.close();
  }
}

class KillsRun {
  readonly #options: KillsOptions;
  readonly #cluster: TestCluster;
  readonly #kills: Partial<Record<FaultKind, number>> = {};
  #killCount = 0;
  #restarts = 0;
  #checkpoints = 0;

  constructor(options: KillsOptions, cluster: TestCluster) {
    this.#options = options;
    this.#cluster = cluster;
  }

  async run(): Promise<KillsReport> {
    const { job: name, kills, seed, directory, input, keyedSize, namespaces, print } = this.#options;
    const job = await makeJob(name, directory, input, keyedSize);
    const started = performance.now();
    const undisturbed = join(directory, "undisturbed");
    const firstId = await this.#cluster.run({ ...job, args: job.argsOf(undisturbed) }, settingsOf(directory));
    await this.#cluster.untilJob("finished", firstId, ({ status }) => status === "FINISHED");
    const expected = await resultOf(job, undisturbed);
    print(`${name}: undisturbed ${seconds(started)} s, ${expected.rows} rows`);

    const plan = killPlan({ seed, heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS, hasNetwork: namespaces !== undefined });
    let rounds = 0;
    for (; this.#killCount < kills; rounds++) {
      const output = join(directory, `round-${rounds}`);
      const jobId = await this.#cluster.run({ ...job, args: job.argsOf(output) }, settingsOf(directory));
      const end = await this.#disturb(jobId, plan);
      checkSame(name, rounds, await resultOf(job, output), expected);
      this.#restarts += end.restarts;
      this.#checkpoints += end.completed;
      print(`${name}: round ${rounds}: result equal after ${end.restarts} restarts, ${end.completed} checkpoints`);
      await rm(output, { recursive: true });
    }
    return {
      job: name,
      kills: this.#kills,
      rounds,
      restarts: this.#restarts,
      checkpoints: this.#checkpoints,
      rows: expected.rows,
      seconds: Number(seconds(started)),
    };
  }

  /** Until the job has finished. */
  async #disturb(jobId: string, plan: Generator<Fault, never>): Promise<JobLine> {
    const cluster = this.#cluster;
    const isOver = (): boolean => cluster.job(jobId)?.status === "FINISHED";
    while (this.#killCount < this.#options.kills) {
      const fault = plan.next().value;
      const { completed } = cluster.job(jobId) ?? { completed: 0 };
      if (fault.waitsForCheckpoint) {
        await cluster.untilJob("checkpointed", jobId, (job) => job.completed > completed || job.status === "FINISHED");
      }
      await sleep(fault.delayMs);
      if (isOver()) break;
      if (!(await this.#commit(fault))) continue;
      this.#kills[fault.kind] = (this.#kills[fault.kind] ?? 0) + 1;
      this.#killCount++;
      this.#options.print(
        `${this.#options.job}: ${this.#killCount} ${fault.kind}, job ${cluster.job(jobId)?.status ?? "unknown"}`,
      );
    }
    return cluster.untilJob("finished", jobId, ({ status }) => status === "FINISHED");
  }

  /** False when there is nothing to do it to. */
  async #commit({ kind, pick, pauseMs }: Fault): Promise<boolean> {
    const cluster = this.#cluster;
    const { namespaces } = this.#options;
    const number = pick % cluster.taskManagers.length;
    switch (kind) {
      case "TaskManager killed":
        await cluster.killTaskManager(number);
        return true;
      case "TaskManager paused":
      case "TaskManager hung": {
        const process = cluster.taskManagers[number]!;
        process.stop();
        await sleep(pauseMs);
        process.resume();
        return true;
      }
      case "worker killed":
        return cluster.endThread(number, pick);
      case "JobManager killed":
        await cluster.killJobManager();
        return true;
      case "JobManager paused": {
        const process = cluster.jobManager;
        process.stop();
        await sleep(pauseMs);
        process.resume();
        return true;
      }
      case "JobManager a zombie": {
        const zombie = cluster.jobManager;
        zombie.stop();
        await cluster.startJobManager();
        await sleep(pauseMs);
        zombie.resume();
        await cluster.until("the JobManager that was replaced has ended", () => !zombie.isAlive);
        return true;
      }
      case "network cut":
        if (namespaces === undefined) return false;
        namespaces.cut(number, true);
        await sleep(pauseMs);
        namespaces.cut(number, false);
        return true;
    }
  }
}

function settingsOf(directory: string): Readonly<Record<string, string>> {
  return { ...JOB_SETTINGS, "execution.checkpointing.dir": join(directory, "checkpoints") };
}

function checkSame(job: JobName, round: number, found: JobResult, expected: JobResult): void {
  if (found.hash === expected.hash && found.rows === expected.rows) return;
  throw new Error(
    `${job}, round ${round}: ${found.rows} rows with the hash ${found.hash}; undisturbed ${expected.rows} with ${expected.hash}`,
  );
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(1);
}
