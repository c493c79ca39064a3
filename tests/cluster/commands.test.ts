/** The commands that ask a cluster, as their users write them, against a cluster that one command has started. */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "@millrace/cli";
import { RestClient } from "@millrace/rest/client";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type CapturedCommand, captured } from "../../packages/cli/src/testing/captured-command.ts";
import { LONG, settingFlags, startLeader } from "../support/cluster.ts";
import type { StartedCommand } from "../support/millrace.ts";

let directory: string;
let cluster: StartedCommand;
let client: RestClient;
let address: string;
let numbers: string;

/** Counts on and on, a row for each number; fails at one when told to. */
const NUMBERS = `import { DataGeneratorSource, type JobArguments, type StreamExecutionEnvironment } from "millrace";
import { FileSink, jsonLines } from "@millrace/connector-files";

interface Unused { readonly makes: "the lines of the compiled code differ" }

export const summary = (args: JobArguments): string => \`summary of \${args.get("count")}\\n\`;

export default function numbers(env: StreamExecutionEnvironment, args: JobArguments): void {
  const failsAt = args.number("fails-at", -1);
  env
    .fromSource(
      DataGeneratorSource.of((n) => n, args.number("count", 1_000_000), { ratePerSecond: args.number("rate", 500) }),
      { boundedOutOfOrderness: 0, timestamp: (n) => n },
      "numbers",
    )
    .uid("numbers")
    .map((n): number => {
      if (n === failsAt) throw new RangeError("not this one");
      return n;
    })
    .keyBy(() => "all")
    .reduce((left, right) => Math.max(left, right))
    .uid("largest")
    .sinkTo(FileSink.to(args.get("output"), jsonLines()))
    .uid("rows");
}
`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-commands-"));
  // Its summary is made here, where millrace has to be installed then.
  await symlink(fileURLToPath(new URL("../../node_modules", import.meta.url)), join(directory, "node_modules"));
  numbers = join(directory, "numbers.ts");
  await writeFile(numbers, NUMBERS);
  const { command, restPort } = await startLeader("cluster", {
    "jobmanager.rpc.port": "0",
    "rest.port": "0",
    "high-availability.storageDir": join(directory, "jobs"),
    "process.working-dir": join(directory, "work"),
  });
  cluster = command;
  address = `localhost:${restPort}`;
  client = new RestClient({ host: "localhost", port: restPort });
  await vi.waitFor(async () => expect((await client.overview())["slots-total"]).toBe(1), LONG);
}, 240_000);

afterAll(async () => {
  cluster.process.kill("SIGINT");
  const { code, out, error } = await cluster.exit;
  await rm(directory, { recursive: true, force: true });
  expect(code, error).toBe(0);
  // Its TaskManager has ended with it.
  expect(out).toMatch(/tm-1: ended/);
}, 60_000);

const millrace = (...args: readonly string[]): Promise<CapturedCommand> => captured(main, args);

const settings = (): readonly string[] =>
  settingFlags({ "execution.checkpointing.dir": join(directory, "checkpoints") });

async function submitted(...args: readonly string[]): Promise<string> {
  const { code, out, error } = await millrace("run", "-m", address, "-d", ...args);
  expect(code, error).toBe(0);
  return /^Job has been submitted with JobID ([0-9a-f]{32})\n$/.exec(out)![1]!;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  await vi.waitFor(async () => expect(await holds()).toBe(true), { timeout: 50_000, interval: 50 });
}

const reads = (jobId: string): Promise<void> => until(async () => (await client.progress(jobId)).recordsRead > 0);

async function rows(output: string): Promise<readonly number[]> {
  const all: number[] = [];
  for (const name of (await readdir(output)).filter((each) => !each.startsWith("."))) {
    all.push(...(await readFile(join(output, name), "utf8")).split("\n").filter(Boolean).map(Number));
  }
  return all.sort((left, right) => left - right);
}

describe("S50: run -m", () => {
  test("follows the job to its end, and sends its file once", async () => {
    const output = join(directory, "all");
    const args = ["--count", "200", "--rate", "100000", "--output", output];
    const { code, out, error } = await millrace("run", "-m", address, numbers, ...args);
    expect(error).toContain('Job "numbers" FINISHED: 200 records read, 200 written');
    expect(out).toMatch(/^Job has been submitted with JobID [0-9a-f]{32}\nsummary of 200\n$/);
    expect(code).toBe(0);
    expect(await rows(output)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    const second = await millrace(
      "run",
      `--jobmanager=http://${address}/`,
      numbers,
      ...args.slice(0, 4),
      "--output",
      join(directory, "again"),
    );
    expect(second.code, second.error).toBe(0);
    expect(await readdir(join(directory, "jobs", "code"))).toHaveLength(1);
  });

  test("a job that fails says where, with the lines of its TypeScript source, and ends with 1", async () => {
    const args = ["--fails-at", "7", "--output", join(directory, "failed")];
    const { code, error } = await millrace("run", "-m", address, numbers, ...args);
    expect(error).toMatch(/Failed in Source: numbers.* \(1\/1\) on the TaskManager .*tm-1/);
    expect(error).toContain("MR_USER_FUNCTION_FAILED");
    expect(error).toContain("RangeError: not this one");
    expect(error).toContain(`${numbers}:18:`);
    expect(code).toBe(1);
  });

  test("a job whose code cannot build it is an error with -d, too", async () => {
    const { code, error } = await millrace("run", "-m", address, "-d", numbers);
    expect(error).toMatch(/MR_JOB_ARGUMENT_INVALID[\s\S]*output/);
    expect(code).toBe(2);
  });

  test("a job that would end the process that builds it fails, and the JobManager goes on", async () => {
    const exits = join(directory, "exits.ts");
    await writeFile(exits, "export default () => process.exit(3);\n");
    const { code, error } = await millrace("run", "-m", address, "-d", exits);
    expect(error).toMatch(/MR_PROCESS_EXIT[\s\S]*process\.exit\(3\)/);
    expect(code).toBe(1);
    expect((await client.overview())["slots-total"]).toBe(1);
  });
});

test("S50: -d, list, savepoint, checkpoint, stop, run -s and cancel are a life of a job without loss or repetition", async () => {
  const output = join(directory, "life");
  const jobId = await submitted(...settings(), numbers, "--output", output);
  await reads(jobId);
  const listed = await millrace("list", "-m", address);
  expect(listed.out).toMatch(
    new RegExp(
      `^-+ Running/Restarting Jobs -+\\n.* : ${jobId} : numbers \\(RUNNING\\)\\n-+\\nNo scheduled jobs\\.\\n$`,
    ),
  );

  const saved = await millrace("savepoint", "-m", address, jobId, join(directory, "savepoints"), "-type", "native");
  expect(saved.error).toBe("");
  const savepoint = /Savepoint completed\. Path: (.*)\nYou can resume your program from this savepoint/.exec(
    saved.out,
  )![1]!;
  expect(existsSync(join(savepoint, "_metadata"))).toBe(true);
  const checkpointed = await millrace("checkpoint", "-m", address, "-full", jobId);
  expect(checkpointed.out).toMatch(/Checkpoint\(FULL\) \d+ for job [0-9a-f]{32} completed\./);

  const stopped = await millrace("stop", "-m", address, "-p", join(directory, "savepoints"), jobId);
  expect(stopped.code, stopped.error).toBe(0);
  expect(stopped.out).toContain(`Suspending job "${jobId}" with a CANONICAL savepoint.`);
  const last = /Savepoint completed\. Path: (.*)\n/.exec(stopped.out)![1]!;
  await until(async () => (await client.job(jobId)).state === "FINISHED");
  const before = await rows(output);

  const next = await submitted("-s", last, ...settings(), numbers, "--output", output);
  await reads(next);
  expect((await millrace("savepoint", "-m", address, "-d", savepoint)).out).toContain(
    `Savepoint '${savepoint}' disposed.`,
  );
  expect(existsSync(savepoint)).toBe(false);
  const drained = await millrace("stop", "-m", address, "-d", "-p", join(directory, "savepoints"), next);
  expect(drained.out).toContain(`Draining job "${next}"`);
  await until(async () => (await client.job(next)).state === "FINISHED");
  const all = await rows(output);
  expect(all.length).toBeGreaterThan(before.length);
  expect(all).toEqual(Array.from({ length: all.length }, (_, n) => n));

  const third = await submitted(...settings(), numbers, "--output", join(directory, "cancelled"));
  await reads(third);
  expect((await millrace("cancel", "-m", address, third)).out).toBe(
    `Cancelling job ${third}.\nCancelled job ${third}.\n`,
  );
  const ended = await millrace("list", "-m", address, "-a");
  expect(ended.out).toMatch(new RegExp(`Terminated Jobs[\\s\\S]*${third} : numbers \\(CANCELED\\)`));
});

test("S50: a job that the cluster does not know is an error", async () => {
  const none = "0".repeat(32);
  for (const command of ["cancel", "stop", "savepoint", "checkpoint"]) {
    const { code, error } = await millrace(command, "-m", address, none);
    expect(error).toContain("MR_JOB_UNKNOWN");
    expect(code).toBe(1);
  }
});
