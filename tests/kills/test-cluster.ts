/** A cluster of real processes: one JobManager with a directory, and TaskManagers; each is replaced when it was killed. */
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Namespaces } from "./namespaces.ts";
import type { JobLine, ProcessSettings, StateLine, SubmitOrder } from "./process-lines.ts";
import { StartedProcess } from "./started-process.ts";

/** How long anything may take before it counts as hanging. */
const PATIENCE_MS = 180_000;
const LOOK_EVERY_MS = 20;

export interface TestClusterOptions {
  readonly directory: string;
  readonly taskManagers: number;
  readonly slots: number;
  readonly heartbeatTimeoutMs: number;
  /** Undefined: all processes are on this machine's own loopback. */
  readonly namespaces: Namespaces | undefined;
  readonly configuration?: Readonly<Record<string, string>>;
}

export class TestCluster {
  readonly taskManagers: StartedProcess[] = [];
  jobManager!: StartedProcess;
  readonly #options: TestClusterOptions;
  readonly #codeDirectory: string;
  /** The last that each job was seen as. */
  readonly #jobs = new Map<string, JobLine>();
  /** Of earlier JobManagers, whose counts begin anew. */
  readonly #earlier = new Map<string, { readonly restarts: number; readonly completed: number }>();
  #state: StateLine = { jobs: [], taskManagers: 0, used: [] };
  #submitted: SubmitOrder | undefined;
  #leaderCount = 0;

  private constructor(options: TestClusterOptions) {
    this.#options = options;
    // What the code of jobs imports is looked for from here upwards.
    const cache = new URL(`../../node_modules/.cache/millrace-kills-${process.pid}`, import.meta.url);
    this.#codeDirectory = fileURLToPath(cache);
  }

  static async start(options: TestClusterOptions): Promise<TestCluster> {
    const cluster = new TestCluster(options);
    await mkdir(options.directory, { recursive: true });
    await cluster.startJobManager();
    for (let number = 0; number < options.taskManagers; number++) await cluster.startTaskManager(number);
    return cluster;
  }

  /** Kills every process. */
  async close(): Promise<void> {
    for (const each of [...this.taskManagers, this.jobManager]) await each.kill();
    await rm(this.#codeDirectory, { recursive: true, force: true });
  }

  /** A new JobManager, with the directory of the one before, whether that lives or not. */
  async startJobManager(): Promise<void> {
    for (const [jobId, { restarts, completed }] of this.#jobs) {
      const before = this.#earlier.get(jobId) ?? { restarts: 0, completed: 0 };
      this.#earlier.set(jobId, { restarts: before.restarts + restarts, completed: before.completed + completed });
      this.#jobs.delete(jobId);
    }
    const { namespaces } = this.#options;
    const number = this.#leaderCount++;
    const leader: StartedProcess = this.#start(
      { role: "jobmanager", name: `jobmanager-${number}`, port: namespaces?.jobManagerPort(number) ?? 0 },
      namespaces?.commandOf(0) ?? [],
      (line) => {
        if (leader === this.jobManager && line.startsWith("STATE "))
          this.#onState(JSON.parse(line.slice(6)) as StateLine);
      },
    );
    this.jobManager = leader;
    await leader.line("STARTED");
    // A job that is known is not another one.
    if (this.#submitted !== undefined) await this.#submit(this.#submitted);
  }

  async startTaskManager(number: number): Promise<void> {
    const { namespaces } = this.#options;
    const process = this.#start(
      { role: "taskmanager", name: `taskmanager-${number}`, port: namespaces?.dataPort(number) ?? 0 },
      namespaces?.commandOf(number + 1) ?? [],
      () => {},
    );
    this.taskManagers[number] = process;
    await process.line("STARTED");
  }

  /** Kills and replaces. */
  async killTaskManager(number: number): Promise<void> {
    await this.taskManagers[number]!.kill();
    await this.startTaskManager(number);
  }

  async killJobManager(): Promise<void> {
    await this.jobManager.kill();
    await this.startJobManager();
  }

  /** Ends one of the threads of a TaskManager's slots; false when it has none. */
  async endThread(number: number, pick: number): Promise<boolean> {
    const process = this.taskManagers[number]!;
    const answer = process.line("THREAD ");
    process.order({ kind: "endThread", number: pick });
    return (await answer) === "THREAD ended";
  }

  /** Begins a job; returns its id. */
  async run(
    { file, args }: Pick<SubmitOrder, "file" | "args">,
    configuration: Readonly<Record<string, string>>,
  ): Promise<string> {
    const jobId = randomBytes(16).toString("hex");
    this.#submitted = { kind: "submit", jobId, file, args, job: configuration };
    await this.#submit(this.#submitted);
    return jobId;
  }

  /** With the counts over all JobManagers. Undefined when the present one has not spoken of it yet. */
  job(jobId: string): JobLine | undefined {
    const job = this.#jobs.get(jobId);
    const before = this.#earlier.get(jobId);
    if (job === undefined || before === undefined) return job;
    return { ...job, restarts: job.restarts + before.restarts, completed: job.completed + before.completed };
  }

  /** How many TaskManagers the JobManager knows of. */
  get registered(): number {
    return this.#state.taskManagers;
  }

  /** One that has slots of a job. */
  async usedTaskManager(): Promise<number> {
    await this.until("a TaskManager has slots of a job", () => this.#state.used.length > 0);
    const [name] = this.#state.used;
    return this.taskManagers.findIndex((each) => each.name === name);
  }

  async untilJob(what: string, jobId: string, holds: (job: JobLine) => boolean): Promise<JobLine> {
    await this.until(`the job is ${what}`, () => {
      const job = this.job(jobId);
      if (job?.status === "FAILED" || job?.status === "CANCELED") throw new Error(`the job is ${JSON.stringify(job)}`);
      return job !== undefined && holds(job);
    });
    return this.job(jobId)!;
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    try {
      while (!holds()) {
        if (performance.now() > end) throw new Error(`not in ${PATIENCE_MS} ms: ${what}`);
        await sleep(LOOK_EVERY_MS);
      }
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${this.#situation()}`);
    }
  }

  async #submit(order: SubmitOrder): Promise<void> {
    const submitted = this.jobManager.line("SUBMITTED");
    this.jobManager.order(order);
    await submitted;
  }

  #start(
    own: Pick<ProcessSettings, "role" | "name" | "port">,
    prefix: readonly string[],
    onLine: (line: string) => void,
  ): StartedProcess {
    const { directory, slots, heartbeatTimeoutMs, configuration } = this.#options;
    const settings: ProcessSettings = {
      ...own,
      directory: join(directory, "jobmanager"),
      codeDirectory: join(this.#codeDirectory, own.name),
      leaderFile: join(directory, "leader"),
      configuration: {
        "taskmanager.numberOfTaskSlots": String(slots),
        "heartbeat.timeout": `${heartbeatTimeoutMs} ms`,
        "heartbeat.interval": `${Math.floor(heartbeatTimeoutMs / 5)} ms`,
        ...configuration,
      },
    };
    const process = new StartedProcess(settings, prefix, onLine);
    return process;
  }

  #onState(state: StateLine): void {
    for (const job of state.jobs) this.#jobs.set(job.jobId, job);
    this.#state = state;
  }

  #situation(): string {
    const jobs = [...this.#jobs.values()].map((job) => JSON.stringify(job));
    const errors = [this.jobManager, ...this.taskManagers].map(
      ({ name, errors }) => `--- ${name}\n${errors.slice(-3000)}`,
    );
    return [`${this.registered} TaskManagers registered`, ...jobs, ...errors].join("\n");
  }
}
