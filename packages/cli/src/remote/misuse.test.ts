/** What is wrong with a command that asks a cluster is said before any cluster is asked. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { main } from "../main.ts";
import { type CapturedCommand, captured } from "../testing/captured-command.ts";

const millrace = (...args: readonly string[]): Promise<CapturedCommand> => captured(main, args);

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-misuse-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe("S50: what cannot be done says what is wrong", () => {
  const none = "0".repeat(32);

  test.each([
    [["stop", "numbers"], /MR_JOB_ID_INVALID[\s\S]*a job's name is not its id/],
    [["cancel"], /MR_JOB_ID_INVALID/],
    [["stop", "-type", "round", none], /MR_CONFIG_INVALID[\s\S]*canonical or native/],
    [["stop"], /missing required argument/],
    [["savepoint"], /missing required argument 'job id'/],
    [["savepoint", none, "-d", "/x"], /removed by its path/],
    [["stopp", none], /Did you mean stop/],
    [["list", "--runing"], /Did you mean --running/],
  ])("%j", async (args, text) => {
    const result = await millrace(...args);
    expect(result.error).toMatch(text);
    expect(result.code).toBe(2);
  });

  test.each([
    [["-d", "x.ts"], /-d without -m/],
    [["-sae", "x.ts"], /-sae without -m/],
    [["-m", "h:1", "-d", "-sae", "x.ts"], /-d and -sae/],
    [["-m", "h:1", "-t", "threads", "x.ts"], /-m and -t threads/],
    [["-m", "h:1", "-d", "--explain-stall", "1 s", "x.ts"], /-d and --explain-stall/],
    [["-m", "h:1", "--explain-stall", "soon", "x.ts"], /MR_CONFIG_INVALID[\s\S]*--explain-stall "soon"/],
    [["-m", "localhost", "x.ts"], /MR_JOB_NOT_FOUND/],
    [["x.ts", "-m", "h:1"], /MR_JOB_ARGUMENT_INVALID/],
  ])("run %j", async (args, text) => {
    const { code, error } = await millrace("run", ...args);
    expect(error).toMatch(text);
    expect(code).toBe(2);
  });

  test.each([
    [["explain", "-t", "threads", "x.ts"], /MR_CONFIG_INVALID[\s\S]*explain[\s\S]*-t/],
    [["explain", "-s", "/chk-1", "-n", "x.ts"], /MR_CONFIG_INVALID[\s\S]*-s, -n/],
    [["check", "--against", "/chk-1", "-s", "/chk-2", "x.ts"], /MR_CONFIG_INVALID[\s\S]*-s[\s\S]*-n[\s\S]*--against/],
    [["check", "--against", "/chk-1", "-n", "x.ts"], /MR_JOB_NOT_FOUND/],
    [["lock", "-cm", "claim", "x.ts"], /MR_CONFIG_INVALID[\s\S]*--claimMode/],
    [["lock", "-rm", "claim", "x.ts"], /MR_CONFIG_INVALID[\s\S]*--restoreMode/],
  ])("%j: what says how a job is run means nothing to what does not run it", async (args, text) => {
    const { code, error } = await millrace(...args);
    expect(error).toMatch(text);
    expect(code).toBe(2);
  });

  test.each([
    [["cluster", "--taskmanagers", "0"], /MR_CONFIG_INVALID[\s\S]*--taskmanagers "0"/],
    [["cluster", "--slots", "none"], /MR_CONFIG_INVALID[\s\S]*taskmanager\.numberOfTaskSlots/],
    [["taskmanager", "-D", "jobmanager.rpc.port=0"], /MR_CONFIG_INVALID[\s\S]*has to know where/],
    [["taskmanager", "-D", "taskmanager.bind-host=0.0.0.0"], /MR_INSECURE_BIND[\s\S]*taskmanager\.bind-host/],
    [["jobmanager", "--host", "0.0.0.0"], /MR_INSECURE_BIND[\s\S]*jobmanager\.rpc\.address/],
    [["jobmanager", "--webui-port", "none"], /MR_CONFIG_INVALID[\s\S]*rest\.port/],
    [["jobmanager", "now"], /too many arguments/],
  ])("%j", async (args, text) => {
    const own = args[0] === "cluster" ? [] : ["-D", `process.working-dir=${directory}/work`];
    const jobs = ["-D", `high-availability.storageDir=${directory}/jobs`];
    const { code, error } = await millrace(...args, ...own, ...jobs);
    expect(error).toMatch(text);
    expect(code).toBe(2);
  });

  test.each(["localhost", "localhost:0", "localhost:70000", "https://localhost:1", "a b:1"])("-m %j", async (given) => {
    const { code, error } = await millrace("list", "-m", given);
    expect(error).toMatch(/MR_CONFIG_INVALID[\s\S]*HOST:PORT/);
    expect(code).toBe(2);
  });

  test("MR_REST_UNREACHABLE: where no JobManager is, how to start one", async () => {
    const { code, error } = await millrace("list", "-m", "localhost:9");
    expect(error).toMatch(/MR_REST_UNREACHABLE[\s\S]*localhost:9[\s\S]*millrace jobmanager/);
    expect(code).toBe(1);
  });
});
