import { parseJobArguments } from "millrace";
import { expect, test } from "vitest";
import type { EngineOptions } from "./engine-options.ts";
import { DEFAULT_CHANNEL, jobArgumentsOf, jobRunOf } from "./job-run.ts";

const options: EngineOptions = {
  job: "ds-session",
  events: 1000,
  seed: -7,
  eventsPerSecond: 500,
  warm: 0.25,
  parallelism: 2,
  backend: "hashmap",
  target: "threads",
  checkpointIntervalMs: 0,
};

test("the module of the jobs reads from its arguments what the benchmark wrote into them", () => {
  const full = { ...options, rowsFile: "rows.txt", profileFile: "run.cpuprofile", ratePerSecond: 9 };
  expect(jobRunOf(parseJobArguments(jobArgumentsOf(full, "here")))).toEqual({
    job: "ds-session",
    events: 1000,
    seed: -7,
    eventsPerSecond: 500,
    firstMeasured: 250,
    keepsRows: true,
    channel: "here",
    profileFile: "run.cpuprofile",
    ratePerSecond: 9,
  });
  expect(jobRunOf(parseJobArguments(jobArgumentsOf(options, "here")))).toMatchObject({
    keepsRows: false,
    profileFile: undefined,
    ratePerSecond: undefined,
  });
});

test("the module can be run without arguments", () => {
  expect(jobRunOf(parseJobArguments([]))).toMatchObject({
    job: "ds-keyed-sum",
    events: 1_000_000,
    channel: DEFAULT_CHANNEL,
  });
});

test("a job that there is not is refused", () => {
  expect(() => jobRunOf(parseJobArguments(["--job", "q5"]))).toThrow("there is no job q5");
});
