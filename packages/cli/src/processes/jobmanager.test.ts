import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Configuration, type MillraceError } from "millrace";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openJobManager, type RunningJobManager } from "./jobmanager.ts";
import { logLine } from "./process-log.ts";
import { isOfEngine } from "./until-ended.ts";

let directory: string;
const lines: string[] = [];
const log = { info: (text: string) => void lines.push(text), warn: (text: string) => void lines.push(text) };
const opened: RunningJobManager[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-jobmanager-"));
  lines.length = 0;
});

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  await rm(directory, { recursive: true, force: true });
});

async function open(settings: Readonly<Record<string, string>> = {}): Promise<RunningJobManager> {
  const all = {
    "jobmanager.rpc.port": "0",
    "rest.port": "0",
    "high-availability.storageDir": join(directory, "jobs"),
    "process.working-dir": join(directory, "work"),
    ...settings,
  };
  const configuration = Configuration.fromEntries(Object.entries(all).map(([key, value]) => ({ key, value })));
  const jobManager = await openJobManager(configuration, log);
  opened.push(jobManager);
  return jobManager;
}

describe("S56: a JobManager that starts", () => {
  test("says where it listens, where its jobs are, and which leadership it is", async () => {
    const { rpc } = await open();
    expect(lines).toContain(`leads since epoch 1; jobs are kept in ${join(directory, "jobs")}`);
    expect(lines).toContain(`TaskManagers register at localhost:${rpc.port}`);
    expect(lines.at(-1)).toMatch(/^clients ask at http:\/\/localhost:\d+$/);
  });

  test("MR_LISTEN_FAILED: where another one listens it fails, and the other one goes on leading", async () => {
    const first = await open();
    const second = open({ "jobmanager.rpc.port": String(first.rpc.port) });
    await expect(second).rejects.toMatchObject({ code: "MR_LISTEN_FAILED", found: "another process listens there" });
    await first.close();
    await open();
    // The failed one took no leadership.
    expect(lines.filter((line) => line.startsWith("leads")).map((line) => line.slice(0, 19))).toEqual([
      "leads since epoch 1",
      "leads since epoch 2",
    ]);
  });

  test("MR_INSECURE_BIND: refuses an address that other machines can reach", async () => {
    for (const key of ["jobmanager.bind-host", "jobmanager.rpc.address", "rest.bind-address"]) {
      const error = await open({ [key]: "0.0.0.0" }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "MR_INSECURE_BIND" });
      expect((error as MillraceError).todo).toContain(key === "rest.bind-address" ? "loopback" : key);
    }
  });
});

test("a line of the log is one line, whatever is in the names of other people's jobs", () => {
  expect(logLine(0, "jobmanager", "job \u001b[2Jx\n2026 forged: ended")).toBe(
    "1970-01-01T00:00:00.000Z jobmanager: job \\u001b[2Jx\\n2026 forged: ended\n",
  );
});

test("what the engine throws ends a process, what the code of a job has left behind does not", () => {
  expect(
    isOfEngine(
      "Error: x\n    at node:timers:1:1\n    at f (/home/me/job.ts:3:4)\n    at g (/x/packages/core/src/a.ts:1:1)",
    ),
  ).toBe(false);
  expect(isOfEngine("Error: x\n    at f (/x/packages/core/src/a.ts:1:1)\n    at g (/home/me/job.ts:3:4)")).toBe(true);
  expect(isOfEngine("Error: x\n    at f (/x/node_modules/millrace/dist/bundle/index.js:1:1)")).toBe(true);
  expect(isOfEngine("out of memory")).toBe(true);
});
