/** A JobManager and TaskManagers as processes of this machine, and what becomes of a job when they are killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ProcessSettings } from "./testdata/process.ts";

const COUNT = 6000;
const KEYS = 13;
const root = fileURLToPath(new URL("../../", import.meta.url));
const main = fileURLToPath(new URL("./testdata/process.ts", import.meta.url));

/** What a client would have made one file of. */
const JOB = `
import { DataGeneratorSource, WatermarkStrategy } from "millrace";
import { FileSink, jsonLines } from "@millrace/connector-files";
export default function counts(env, args) {
  env
    .fromSource(
      DataGeneratorSource.of((n) => n, ${COUNT}, { ratePerSecond: args.number("rate") }),
      WatermarkStrategy.noWatermarks(),
      "numbers",
    )
    .uid("numbers")
    .map((n) => ({ key: n % ${KEYS}, count: 1 }))
    .keyBy(({ key }) => key)
    .reduce((left, right) => ({ key: left.key, count: left.count + right.count }))
    .uid("counts")
    .sinkTo(FileSink.to(args.get("output"), jsonLines()))
    .uid("rows");
}
`;

const EXPECTED = Array.from({ length: COUNT }, (_, n) =>
  JSON.stringify({ key: n % KEYS, count: Math.floor(n / KEYS) + 1 }),
).sort();

interface JobLine {
  readonly status: string;
  readonly restarts: number;
  readonly completed: number;
  readonly used: readonly string[];
  readonly failure?: { readonly message: string };
}

class Started {
  readonly child: ChildProcess;
  lines: string[] = [];
  errors = "";

  constructor(role: "jobmanager" | "taskmanager", settings: ProcessSettings) {
    const args = ["--import", "tsx", main, role, JSON.stringify(settings)];
    this.child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let rest = "";
    this.child.stdout!.on("data", (chunk) => {
      const lines = `${rest}${chunk}`.split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
    });
    this.child.stderr!.on("data", (chunk) => {
      this.errors += chunk;
    });
  }

  /** The first line with this beginning that passes, from now on or before. */
  async line(beginning: string, passes: (rest: string) => boolean = () => true): Promise<string> {
    let seen = 0;
    for (;;) {
      for (; seen < this.lines.length; seen++) {
        const line = this.lines[seen]!;
        if (line.startsWith(`${beginning} `) || line === beginning) {
          const rest = line.slice(beginning.length + 1);
          if (passes(rest)) return rest;
        }
      }
      if (this.child.exitCode !== null) throw new Error(`the process has ended: ${this.errors}`);
      await new Promise<void>((resolve) => this.child.stdout!.once("data", () => setImmediate(resolve)));
    }
  }

  async job(passes: (job: JobLine) => boolean): Promise<JobLine> {
    const isOver = (job: JobLine): boolean => job.status === "FAILED" || job.status === "FINISHED";
    const parse = (line: string): JobLine => JSON.parse(line) as JobLine;
    const found = parse(await this.line("JOB", (line) => passes(parse(line)) || isOver(parse(line))));
    if (!passes(found)) throw new Error(`the job is ${JSON.stringify(found)}: ${this.errors}`);
    return found;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = new Promise((resolve) => this.child.once("close", resolve));
    this.child.kill(signal);
    await closed;
  }
}

describe("S56: processes", () => {
  let directory: string;
  let codeDirectory: string;
  let port: number;
  const started: Started[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "millrace-cluster-"));
    // What the job imports is found from here.
    codeDirectory = join(root, "node_modules", ".cache", `millrace-cluster-${process.pid}`);
    await writeFile(join(directory, "job.mjs"), JOB);
    port = 0;
  });

  afterEach(async () => {
    await Promise.all(started.splice(0).map((each) => each.kill()));
    await rm(directory, { recursive: true, force: true });
    await rm(codeDirectory, { recursive: true, force: true });
  });

  async function jobManager(rate: number): Promise<Started> {
    const process = new Started("jobmanager", {
      directory: join(directory, "jobmanager"),
      codeDirectory,
      port,
      name: "jobmanager",
      job: {
        file: join(directory, "job.mjs"),
        id: "00112233445566778899aabbccddeeff",
        args: ["--output", join(directory, "rows"), "--rate", String(rate)],
        settings: {
          "parallelism.default": "4",
          "execution.checkpointing.interval": "100 ms",
          "execution.checkpointing.dir": join(directory, "checkpoints"),
          "restart-strategy.type": "fixed-delay",
          "restart-strategy.fixed-delay.attempts": "20",
          "restart-strategy.fixed-delay.delay": "50 ms",
        },
      },
    });
    started.push(process);
    port = Number(await process.line("PORT"));
    return process;
  }

  function taskManager(name: string): Started {
    const process = new Started("taskmanager", { directory, codeDirectory: `${codeDirectory}/${name}`, port, name });
    started.push(process);
    return process;
  }

  async function rows(): Promise<readonly string[]> {
    const all: string[] = [];
    for (const name of await readdir(join(directory, "rows"))) {
      if (!name.startsWith(".")) all.push(...(await readFile(join(directory, "rows", name), "utf8")).split("\n"));
    }
    return all.filter((row) => row !== "").sort();
  }

  test("run a job with a keyed exchange between them to its end", async () => {
    const leader = await jobManager(20_000);
    taskManager("one");
    taskManager("two");
    const { restarts } = await leader.job(({ status }) => status === "FINISHED");
    expect(restarts).toBe(0);
    expect(await rows()).toEqual(EXPECTED);
  }, 180_000);

  test("S54: a TaskManager that is killed costs no row, and none is written twice", async () => {
    const leader = await jobManager(1500);
    const others = new Map(["one", "two", "three"].map((name) => [name, taskManager(name)]));
    const { used } = await leader.job(({ status, completed }) => status === "RUNNING" && completed > 0);
    await others.get(used[0]!)!.kill();
    const { restarts } = await leader.job(({ status }) => status === "FINISHED");
    expect(restarts).toBeGreaterThanOrEqual(1);
    expect(await rows()).toEqual(EXPECTED);
  }, 180_000);

  test("S58: a JobManager that is killed and started again goes on with the job", async () => {
    const first = await jobManager(1500);
    taskManager("one");
    taskManager("two");
    await first.job(({ status, completed }) => status === "RUNNING" && completed > 0);
    await first.kill();
    const second = await jobManager(1500);
    await second.job(({ status }) => status === "FINISHED");
    expect(await rows()).toEqual(EXPECTED);
  }, 180_000);
});
