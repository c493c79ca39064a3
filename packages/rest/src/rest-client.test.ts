import { Configuration } from "millrace";
import { MillraceError, toErrorMessage } from "millrace/internal";
import { createSimulatedPlatform } from "millrace/testing";
import { describe, expect, test } from "vitest";
import { RestClient, type RestClientOptions } from "./rest-client.ts";

const JOB = "00112233445566778899aabbccddeeff";

type Answer = { readonly status?: number; readonly body: unknown } | "refused" | "silent";

/** A client whose requests are answered one after the other, the last answer again and again. */
function scripted(answers: readonly Answer[], options: Partial<RestClientOptions> = {}) {
  const platform = createSimulatedPlatform({ seed: 1 });
  const requests: { readonly method: string; readonly path: string; readonly body: unknown; readonly atMs: number }[] =
    [];
  const client = new RestClient({
    host: "localhost",
    port: 8081,
    clock: platform.clock,
    random: platform.random,
    fetch: (url, { method, body, signal } = {}) => {
      const answer = answers[Math.min(requests.length, answers.length - 1)]!;
      const { pathname, search } = new URL(String(url));
      const sent = typeof body === "string" ? JSON.parse(body) : body;
      requests.push({ method: method!, path: `${pathname}${search}`, body: sent, atMs: platform.clock.monoMs() });
      if (answer === "refused") {
        return Promise.reject(
          new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:8081") }),
        );
      }
      if (answer === "silent") {
        return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
      }
      const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
      // The client looks at nothing else.
      return Promise.resolve({ status: answer.status ?? 200, text: async () => text } as Response);
    },
    ...options,
  });
  return { client, requests, platform };
}

const STARTING = { status: 503, body: { errors: ["starting"] } };

describe("a client", () => {
  test("repeats a call, with growing pauses, while nobody answers and while the JobManager is starting", async () => {
    const { client, requests, platform } = scripted(["refused", "refused", STARTING, { body: { taskmanagers: 2 } }]);
    expect(await platform.run(() => client.overview())).toEqual({ taskmanagers: 2 });
    expect(requests.map(({ path }) => path)).toEqual(new Array(4).fill("/v1/overview"));
    const [first, second, third, fourth] = requests.map(({ atMs }) => Math.round(atMs));
    expect([second! - first!, third! - second!, fourth! - third!]).toEqual([50, 100, 200]);
  });

  test("gives up when its time is over: MR_REST_UNREACHABLE says where and why", async () => {
    const { client, platform } = scripted(["refused"], { retryTimeoutMs: 5000 });
    await expect(platform.run(() => client.jobs())).rejects.toThrow(
      /MR_REST_UNREACHABLE .*localhost:8081.*connect ECONNREFUSED/,
    );
    expect(platform.clock.monoMs()).toBeGreaterThan(3000);
    expect(platform.clock.monoMs()).toBeLessThan(5100);
  });

  test("waits for one answer no longer than it may", async () => {
    const { client, platform } = scripted(["silent"], { retryTimeoutMs: 0, requestTimeoutMs: 700 });
    await expect(platform.run(() => client.jobs())).rejects.toThrow(/MR_REST_UNREACHABLE .*no answer within 700 ms/);
  });

  test("is where the configuration says, unless somebody says otherwise", () => {
    const entries = Object.entries({ "rest.address": "127.0.0.1", "rest.port": "9000" });
    const configuration = Configuration.fromEntries(entries.map(([key, value]) => ({ key, value })));
    expect(RestClient.of(configuration).address).toBe("127.0.0.1:9000");
    expect(RestClient.of(configuration, { host: "::1", port: 1 }).address).toBe("[::1]:1");
  });

  test("throws what the JobManager answers as it was there, with its code and its parts", async () => {
    const failure = new MillraceError("MR_JOB_UNKNOWN", { what: "Unknown", where: { jobId: JOB }, todo: "List them" });
    const body = { errors: [failure.message], error: toErrorMessage(failure) };
    const { client, requests, platform } = scripted([{ status: 404, body }]);
    const thrown = await platform.run(() => client.job(JOB).catch((error: unknown) => error));
    expect(thrown).toBeInstanceOf(MillraceError);
    expect(thrown).toMatchObject({ code: "MR_JOB_UNKNOWN", where: { jobId: JOB }, message: failure.message });
    expect(requests).toHaveLength(1);
  });

  test("says of what is no JobManager of this version that it is none", async () => {
    const page = scripted([{ body: "<html>hello</html>" }]);
    await expect(page.platform.run(() => page.client.overview())).rejects.toThrow(/MR_REST_ANSWER_INVALID .*<html>/);
    const proxy = scripted([{ status: 502, body: "Bad gateway" }]);
    await expect(proxy.platform.run(() => proxy.client.overview())).rejects.toThrow(/MR_REST_ANSWER_INVALID .*502/);
    const flink = scripted([{ status: 404, body: { errors: ["Unable to load requested file"] } }]);
    await expect(flink.platform.run(() => flink.client.overview())).rejects.toThrow(
      /MR_REST_REFUSED .*status 404: Unable to load/,
    );
  });

  test("chooses the ids of what it begins, so that a repeated request is the same one", async () => {
    const { client, requests, platform } = scripted(["refused", { status: 202, body: { "request-id": "1" } }]);
    await platform.run(() => client.savepoint(JOB, { "target-directory": "/backups" }));
    expect(requests[0]!.body).toEqual({
      "target-directory": "/backups",
      triggerId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(requests[1]!.body).toEqual(requests[0]!.body);
  });

  test("sends a job file only when the JobManager has none with its hash", async () => {
    const submission = { fileName: "job.mjs", code: new TextEncoder().encode("export default () => {};") };
    const known = scripted([{ body: {} }, { body: { jobid: JOB } }]);
    expect(await known.platform.run(() => known.client.submit(submission))).toEqual({ jobId: JOB, isUploaded: false });
    expect(known.requests.map(({ method }) => method)).toEqual(["HEAD", "POST"]);
    expect(known.requests[1]!.path).toMatch(/^\/v1\/jars\/[0-9a-f]{64}_job\.mjs\/run$/);

    const fresh = scripted([{ status: 404, body: {} }, { body: { status: "success" } }, { body: { jobid: JOB } }]);
    const sent = fresh.client.submit({ ...submission, programArgsList: ["--hours", "2"], jobId: JOB });
    expect(await fresh.platform.run(() => sent)).toEqual({ jobId: JOB, isUploaded: true });
    expect(fresh.requests.map(({ path }) => path.replace(/[0-9a-f]{64}/, "HASH"))).toEqual([
      "/v1/jars/HASH_job.mjs",
      "/v1/jars/upload",
      "/v1/jars/HASH_job.mjs/run",
    ]);
    expect((fresh.requests[1]!.body as FormData).get("jarfile")).toMatchObject({ name: "job.mjs", size: 24 });
    expect(fresh.requests[2]!.body).toEqual({ programArgsList: ["--hours", "2"], jobId: JOB });
    await expect(known.client.submit({ ...submission, fileName: "../job.mjs" })).rejects.toThrow(/MR_JAR_INVALID/);
  });

  test("waits for a savepoint and returns its directory, or throws what it failed with", async () => {
    const busy = { body: { status: { id: "IN_PROGRESS" } } };
    const done = { body: { status: { id: "COMPLETED" }, operation: { location: "/backups/savepoint-1" } } };
    const good = scripted([busy, busy, done]);
    expect(await good.platform.run(() => good.client.awaitSavepoint(JOB, "7"))).toBe("/backups/savepoint-1");
    const error = toErrorMessage(new MillraceError("MR_SAVEPOINT_FAILED", { what: "No savepoint", todo: "Look" }));
    const failed = { body: { status: { id: "COMPLETED" }, operation: { "failure-cause": { error } } } };
    const bad = scripted([busy, failed]);
    await expect(bad.platform.run(() => bad.client.awaitSavepoint(JOB, "7"))).rejects.toThrow(/MR_SAVEPOINT_FAILED/);
  });

  test("stops waiting when it is told to", async () => {
    const { client, platform } = scripted([{ body: { status: { id: "IN_PROGRESS" } } }]);
    const stop = new AbortController();
    platform.clock.after(1000, () => stop.abort(new Error("enough")));
    await expect(platform.run(() => client.awaitEnd(JOB, { signal: stop.signal }))).rejects.toThrow("enough");
  });
});
