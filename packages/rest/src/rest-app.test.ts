import { Configuration } from "millrace";
import { type JobManagerApi, MillraceError } from "millrace/internal";
import { createSimulatedPlatform } from "millrace/testing";
import { expect, test } from "vitest";
import { JarStore } from "./jar-store.ts";
import { createRestApp } from "./rest-app.ts";

const JOB = "00112233445566778899aabbccddeeff";

async function answering(api: Partial<JobManagerApi>) {
  const { fs, clock } = createSimulatedPlatform({ seed: 1 });
  const warnings: string[] = [];
  const app = await createRestApp({
    // Only what is asked is there.
    api: api as JobManagerApi,
    jars: new JarStore(fs, "/jars"),
    configuration: Configuration.fromEntries([]),
    clock,
    url: () => "http://localhost:8081",
    onWarning: (text) => void warnings.push(text),
    onShutDown: undefined,
  });
  return { app, warnings };
}

const notRunning = new MillraceError("MR_JOB_NOT_RUNNING", { what: "Not running", todo: "Wait" });

test.each([
  ["is still being loaded is asked for again: 503", undefined, 503],
  ["has ended is not: 409", 5, 409],
])("what a job cannot do that %s", async (_, endTimeMs, status) => {
  const { app, warnings } = await answering({
    listJobs: () => [{ jobId: JOB, endTimeMs } as ReturnType<JobManagerApi["listJobs"]>[number]],
    triggerSavepoint: () => Promise.reject(notRunning),
  });
  const answer = await app.inject({ method: "POST", url: `/jobs/${JOB}/savepoints` });
  expect(answer.statusCode).toBe(status);
  expect(warnings).toEqual([]);
});

test("a failure of the JobManager itself is told where it happened, and without its stack to whoever has asked", async () => {
  const { app, warnings } = await answering({
    job: () => Promise.reject(new TypeError("x is not a function")),
  });
  const answer = await app.inject({ method: "GET", url: `/v1/jobs/${JOB}` });
  expect(answer.statusCode).toBe(500);
  expect(answer.json().errors).toEqual(["x is not a function"]);
  expect(answer.body).not.toContain("rest-app.test.ts");
  expect(warnings).toEqual([`GET /v1/jobs/${JOB} failed: x is not a function`]);
});

test("only as much is remembered of job files as there is room for: the oldest go", async () => {
  const platform = createSimulatedPlatform({ seed: 2 });
  const jars = new JarStore(platform.fs, "/jars");
  const ids: string[] = [];
  for (let n = 0; n < 103; n++) {
    ids.push(await platform.run(() => jars.put("job.mjs", new TextEncoder().encode(`job ${n}`))));
    await platform.scheduler.advance(10);
  }
  const kept = await platform.run(() => jars.list());
  expect(kept.map(({ id }) => id)).toEqual(ids.slice(3).reverse());
  expect(await platform.run(() => jars.read(ids[0]!))).toBeUndefined();
  expect(await platform.run(() => jars.get("../jars"))).toBeUndefined();
  const file = await platform.run(() => platform.fs.open(`/jars/${ids[50]!}`, "update"));
  await platform.run(() => file.write(new Uint8Array([0]), 0));
  expect(await platform.run(() => jars.read(ids[50]!))).toBeUndefined();
  expect(await platform.run(() => jars.read(ids[51]!))).toEqual(new TextEncoder().encode("job 51"));
});
