import { Configuration } from "millrace";
import { type JobManagerApi, MillraceError } from "millrace/internal";
import { createSimulatedPlatform } from "millrace/testing";
import { expect, test } from "vitest";
import { JarStore } from "./jar-store.ts";
import { createRestApp } from "./rest-app.ts";

const JOB = "00112233445566778899aabbccddeeff";

async function answering(api: Partial<JobManagerApi>, jars?: JarStore) {
  const { fs, clock } = createSimulatedPlatform({ seed: 1 });
  const warnings: string[] = [];
  const app = await createRestApp({
    // Only what is asked is there.
    api: api as JobManagerApi,
    jars: jars ?? new JarStore(fs, "/jars"),
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

test("settings of a file stay below those of the job's code, all others are above", async () => {
  const submitted: unknown[] = [];
  const [hash, name] = ["0".repeat(64), "flights.mjs"];
  const id = `${hash}_${name}`;
  const jar = { get: async () => ({ id, hash, name, uploadedMs: 0 }), read: async () => new Uint8Array(1) };
  const { app } = await answering(
    {
      submitJob: async (submission) => {
        submitted.push({ name: submission.name, configuration: submission.configuration });
        return { jobId: JOB, isNew: true };
      },
    },
    // Only what is asked is there.
    jar as unknown as JarStore,
  );
  const payload = {
    parallelism: 2,
    flinkConfiguration: { "pipeline.name": "own" },
    fileConfiguration: { "pipeline.name": "of the file", "pipeline.max-parallelism": "32" },
  };
  const answer = await app.inject({ method: "POST", url: `/jars/${id}/run`, payload });
  expect(answer.statusCode, answer.body).toBe(200);
  expect(submitted).toEqual([
    {
      name: "own",
      configuration: [
        { key: "pipeline.name", value: "of the file", origin: "fileConfiguration", layer: "file" },
        { key: "pipeline.max-parallelism", value: "32", origin: "fileConfiguration", layer: "file" },
        { key: "pipeline.name", value: "own", origin: "flinkConfiguration" },
        { key: "parallelism.default", value: 2, origin: "parallelism" },
      ],
    },
  ]);
});
