import type { JobProgressBody } from "@millrace/rest/client";
import { MillraceError } from "millrace";
import { expect, test } from "vitest";
import { JobWatch, type WatchClock, type WatchedCluster } from "./job-watch.ts";

const JOB = "0".repeat(32);

const progress = (changes: Partial<JobProgressBody>): JobProgressBody => ({
  status: "RUNNING",
  recordsRead: 0,
  recordsWritten: 0,
  restarts: 0,
  tasks: [
    {
      name: "Map",
      parallelism: 3,
      busyMsPerSecond: 0,
      backPressuredMsPerSecond: 0,
      backPressure: "OK",
      isBackPressured: false,
    },
  ],
  checkpoints: { completed: 0, failed: 0 },
  ...changes,
});

/** What the cluster answers, poll by poll: how far the job is, that nobody answers, or nothing more: the job has ended. */
function watched(
  polls: readonly (JobProgressBody | "away")[],
  isTTY = false,
): { watch: JobWatch; text: () => string; nowMs: () => number } {
  let poll = -1;
  let nowMs = 0;
  let text = "";
  const ended = {
    id: JOB,
    name: "job",
    "application-status": "SUCCEEDED",
    "accumulator-results": {},
    "net-runtime": 1,
    "start-time": 0,
    "end-time": 1,
  } as const;
  const at = (): JobProgressBody => polls[poll] as JobProgressBody;
  const cluster = {
    address: "localhost:8081",
    executionResult: async () => {
      poll++;
      if (polls[poll] === "away")
        throw new MillraceError("MR_REST_UNREACHABLE", { what: "No JobManager answers", todo: "Start one" });
      if (poll === polls.length) return { status: { id: "COMPLETED" }, "job-execution-result": ended };
      return { status: { id: "IN_PROGRESS" } };
    },
    progress: async () => at(),
    stall: async () => ({ status: "RUNNING", atMs: nowMs, text: "", shortText: "- the window waits. Send a record." }),
    overview: async () => ({ taskmanagers: 1, "slots-total": 2, "slots-available": 1 }),
    job: async () => ({ vertices: [{ parallelism: 1 }, { parallelism: 3 }] }),
    exceptions: async () => ({
      exceptionHistory: {
        entries: [
          {
            taskName: "Map (2/3)",
            endpoint: "host-a:77",
            stacktrace: "MR_TASKMANAGER_LOST A TaskManager is gone.\n    at x",
          },
        ],
        truncated: false,
      },
    }),
  } as unknown as WatchedCluster;
  const clock: WatchClock = {
    monoMs: () => nowMs,
    wallMs: () => nowMs,
    pause: async (ms) => {
      nowMs += ms;
    },
  };
  const output = { isTTY, columns: 80, write: (each: string) => (text += each) };
  return { watch: new JobWatch(cluster, JOB, output, 10_000, clock), text: () => text, nowMs: () => nowMs };
}

test("S50: a job that is followed shows its progress on a terminal, and nothing in a pipe", async () => {
  const polls = [progress({ recordsRead: 100 }), progress({ recordsRead: 1100 })];
  const terminal = watched(polls, true);
  expect((await terminal.watch.untilEnd())["application-status"]).toBe("SUCCEEDED");
  expect(terminal.text()).toContain("RUNNING  1,100 records  4,000/s");
  const pipe = watched(polls);
  await pipe.watch.untilEnd();
  expect(pipe.text()).toBe("");
});

test("S50: a job that writes nothing is asked why, and again when it has been silent for twice as long", async () => {
  const { watch, text } = watched(Array<JobProgressBody>(100).fill(progress({ recordsWritten: 7 })));
  await watch.untilEnd();
  expect(text()).toBe(
    [10, 20].map((s) => `Nothing has come out for ${s} s:\n- the window waits. Send a record.\n`).join(""),
  );
});

test("S58: a JobManager that is away for a while is waited for, and it is said once", async () => {
  const { watch, text } = watched([progress({}), ...Array<"away">(40).fill("away"), progress({})]);
  await watch.untilEnd();
  expect(text()).toBe(
    "The JobManager at localhost:8081 does not answer. Waiting for it; the job goes on with it.\nThe JobManager answers again.\n",
  );
});

test("a JobManager that does not come back is given up after five minutes", async () => {
  const { watch, nowMs } = watched(Array<"away">(2000).fill("away"));
  await expect(watch.untilEnd()).rejects.toThrow(/MR_REST_UNREACHABLE/);
  expect(nowMs()).toBeGreaterThan(300_000);
  expect(nowMs()).toBeLessThan(301_000);
});

test.each(["CREATED", "INITIALIZING", "RESTARTING"] as const)(
  "S56: a job, %s, that waits for slots says once how many it needs, and how many there are",
  async (status) => {
    const { watch, text } = watched(Array<JobProgressBody>(60).fill(progress({ status, tasks: [] })));
    await watch.untilEnd();
    expect(text()).toBe(
      "The job waits for slots: it needs 3 or more, and 1 of the cluster's 2 are free, in 1 TaskManager.\nStart more with millrace taskmanager --slots 2, or lower its parallelism with -p.\n",
    );
  },
);

test("S54: a restart is said with its cause and where it was", async () => {
  const { watch, text } = watched([progress({}), progress({ restarts: 1 }), progress({ restarts: 1 })]);
  await watch.untilEnd();
  expect(text()).toBe(
    "Restart 1 after a failure in Map (2/3) on host-a:77: MR_TASKMANAGER_LOST A TaskManager is gone.\n",
  );
});
