/** A cluster as its users start it, process by process, and a command that follows a job through the end of its JobManager. Kills of all kinds are in `tests/kills`. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RestClient } from "@millrace/rest";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { LONG, settingFlags, startLeader } from "../support/cluster.ts";
import { type StartedCommand, startMillrace } from "../support/millrace.ts";

const COUNT = 6000;
const KEYS = 13;

const JOB = `import { DataGeneratorSource, type JobArguments, type StreamExecutionEnvironment, WatermarkStrategy } from "millrace";
import { FileSink, jsonLines } from "@millrace/connector-files";

export default function counts(env: StreamExecutionEnvironment, args: JobArguments): void {
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

describe("S56: processes", () => {
  let directory: string;
  let jobManager: StartedCommand;
  const taskManagers: StartedCommand[] = [];
  const ports = { "jobmanager.rpc.port": "0", "rest.port": "0" };
  let client: RestClient;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "millrace-cluster-"));
    await writeFile(join(directory, "counts.ts"), JOB);
    await startJobManager();
    for (const name of ["one", "two"]) taskManagers.push(startTaskManager(name));
    await vi.waitFor(async () => expect((await client.overview())["slots-total"]).toBe(4), LONG);
  }, 240_000);

  afterAll(async () => {
    for (const started of [...taskManagers, jobManager]) started.process.kill("SIGKILL");
    await Promise.all([...taskManagers, jobManager].map(({ exit }) => exit));
    await rm(directory, { recursive: true, force: true });
  });

  const settings = (): Readonly<Record<string, string>> => ({
    ...ports,
    "high-availability.storageDir": join(directory, "jobmanager"),
    "process.working-dir": join(directory, "work"),
  });

  async function startJobManager(): Promise<void> {
    const { command, rpcPort, restPort } = await startLeader("jobmanager", settings());
    jobManager = command;
    ports["jobmanager.rpc.port"] = String(rpcPort);
    ports["rest.port"] = String(restPort);
    client = new RestClient({ host: "localhost", port: restPort, retryTimeoutMs: 60_000 });
  }

  function startTaskManager(name: string): StartedCommand {
    return startMillrace([
      ...["taskmanager", "--slots", "2"],
      ...settingFlags({ ...settings(), "taskmanager.resource-id": name }),
    ]);
  }

  /** Follows a job of four subtasks. */
  function run(output: string, rate: number): StartedCommand {
    const own = settingFlags({
      "execution.checkpointing.interval": "100 ms",
      "execution.checkpointing.dir": join(directory, "checkpoints"),
      "restart-strategy.type": "fixed-delay",
      "restart-strategy.fixed-delay.attempts": "20",
      "restart-strategy.fixed-delay.delay": "50 ms",
    });
    const args = ["--output", join(directory, output), "--rate", String(rate)];
    return startMillrace(["run", "-m", client.address, "-p", "4", ...own, join(directory, "counts.ts"), ...args]);
  }

  /** Waits until a job has been submitted and has taken a checkpoint; its id. */
  async function untilCheckpointed({ out, error }: StartedCommand): Promise<string> {
    await vi.waitFor(() => expect(out(), error()).toContain("JobID"), LONG);
    const jobId = /JobID (\S+)/.exec(out())![1]!;
    await vi.waitFor(async () => {
      const { status, checkpoints } = await client.progress(jobId);
      expect(status === "RUNNING" && checkpoints.completed).toBeGreaterThan(0);
    }, LONG);
    return jobId;
  }

  async function rows(output: string): Promise<readonly string[]> {
    const all: string[] = [];
    for (const name of await readdir(join(directory, output))) {
      if (!name.startsWith(".")) all.push(...(await readFile(join(directory, output, name), "utf8")).split("\n"));
    }
    return all.filter((row) => row !== "").sort();
  }

  test("S58: a JobManager that is killed and started again goes on with the job, and so does who follows it", async () => {
    const followed = run("taken-over", 1500);
    await untilCheckpointed(followed);
    jobManager.process.kill("SIGKILL");
    await jobManager.exit;
    await vi.waitFor(() => expect(followed.error()).toContain("does not answer"), LONG);
    await startJobManager();
    const { code, error } = await followed.exit;
    expect(error).toContain("The JobManager answers again.");
    expect(code).toBe(0);
    expect(await rows("taken-over")).toEqual(EXPECTED);
  }, 240_000);

  test("end when they are told to, and their jobs stay", async () => {
    const told = [jobManager, ...taskManagers];
    for (const { process } of told) process.kill("SIGTERM");
    const exits = await Promise.all(told.map(({ exit }) => exit));
    expect(exits.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(exits[0]!.out).toMatch(/taken over[\s\S]*its jobs go on when a JobManager with the same directory starts/);
  }, 240_000);
});
