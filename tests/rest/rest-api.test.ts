/** What the REST API does beside telling: it runs jobs, lets nobody in who should not be, and stands whatever is sent. */
import { RestClient, startRestEndpoint } from "@millrace/rest";
import fc from "fast-check";
import { Configuration } from "millrace";
import { beforeAll, describe, expect, test } from "vitest";
import { JOB, RestCluster } from "./testdata/rest-cluster.ts";

const OTHER = "ffffffffffffffffffffffffffffff00";

function configured(settings: Readonly<Record<string, string>>): Configuration {
  return Configuration.fromEntries(Object.entries(settings).map(([key, value]) => ({ key, value })));
}

describe("S57: a job over the REST API", () => {
  let cluster: RestCluster;
  let jar: string;

  beforeAll(async () => {
    cluster = await RestCluster.start();
    jar = await cluster.upload("numbers");
  });

  test("its file is there by what is in it, under both kinds of path, until it is removed", async () => {
    expect(jar).toMatch(/^[0-9a-f]{64}_numbers\.mjs$/);
    expect(await cluster.upload("numbers")).toBe(jar);
    expect((await cluster.ask(`HEAD /jars/${jar}`)).status).toBe(200);
    expect((await cluster.ask(`HEAD /v1/jars/${jar.replace("numbers", "others")}`)).status).toBe(404);
    const { body } = await cluster.ask("GET /jars");
    expect(body).toEqual({
      address: "http://localhost:8081",
      files: [
        { id: jar, name: "numbers.mjs", uploaded: expect.any(Number), entry: [{ name: "default", description: null }] },
      ],
    });
    const second = await cluster.upload("numbers-again", "numbers");
    expect((await cluster.ask(`DELETE /v1/jars/${second}`)).status).toBe(200);
    expect((await cluster.ask(`DELETE /v1/jars/${second}`)).status).toBe(404);
  });

  test("its plan can be seen before it runs; of code that throws it is said that it does", async () => {
    const { status, body } = await cluster.ask(`POST /v1/jars/${jar}/plan`, { body: { parallelism: 3 } });
    expect(status).toBe(200);
    expect(body.plan.nodes.map(({ parallelism }: { parallelism: number }) => parallelism)).toEqual([3, 3, 3]);
    expect((await cluster.ask(`GET /v1/jars/${jar}/plan?parallelism=2`)).body.plan.nodes[0].parallelism).toBe(2);
    const broken = await cluster.upload("broken");
    const answer = await cluster.ask(`POST /v1/jars/${broken}/plan`, { body: {} });
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0]).toContain("this job cannot be built");
  });

  test("it is one job however often it is submitted under its id; what is asked wrongly starts none", async () => {
    const path = `POST /v1/jars/${jar}/run`;
    const wrong: readonly (readonly [body: unknown, code: string])[] = [
      [{ entryClass: "org.example.Main" }, "MR_REST_REQUEST_INVALID"],
      [{ jobId: "7" }, "MR_REST_REQUEST_INVALID"],
      [{ parallelism: 0 }, "MR_REST_REQUEST_INVALID"],
      [{ programArgsList: "--a" }, "MR_REST_REQUEST_INVALID"],
      [{ flinkConfiguration: { "no.such.option": "1" } }, "MR_CONFIG_INVALID"],
      [[], "MR_REST_REQUEST_INVALID"],
    ];
    for (const [body, code] of wrong) {
      const answer = await cluster.ask(path, { body });
      expect([answer.status, answer.body.error.coded.code]).toEqual([400, code]);
    }
    expect((await cluster.ask("GET /jobs")).body).toEqual({ jobs: [] });
    await cluster.runNumbers();
    expect((await cluster.ask(path, { body: { jobId: JOB } })).body).toEqual({ jobid: JOB });
    expect((await cluster.ask("GET /jobs")).body).toEqual({ jobs: [{ id: JOB, status: "RUNNING" }] });
  });

  test("it tells how far it is, and what it waits for", async () => {
    const { body } = await cluster.ask(`GET /v1/jobs/${JOB}/progress`);
    expect(body).toMatchObject({
      status: "RUNNING",
      restarts: 1,
      recordsRead: expect.any(Number),
      checkpoints: { completed: expect.any(Number), lastPath: expect.stringMatching(/chk-\d+$/) },
    });
    const { body: stall } = await cluster.ask(`GET /v1/jobs/${JOB}/stall`);
    expect(stall).toMatchObject({ status: "RUNNING", atMs: expect.any(Number), text: expect.any(String) });
    expect(stall.shortText.length).toBeLessThanOrEqual(stall.text.length);
  });

  test("a trigger that is repeated is one savepoint; it stops the job, which then takes no more of them", async () => {
    const stop = { body: { drain: false, triggerId: OTHER } };
    expect((await cluster.ask(`POST /v1/jobs/${JOB}/stop`, stop)).body).toEqual({ "request-id": OTHER });
    const done = await cluster.completed(`GET /v1/jobs/${JOB}/savepoints/${OTHER}`);
    expect(done.body.operation.location).toMatch(/^\/shared\/savepoints\/savepoint-001122-/);
    await cluster.deployment.untilEnded(JOB);
    expect((await cluster.ask(`POST /v1/jobs/${JOB}/stop`, stop)).status).toBe(202);
    const late = await cluster.ask(`POST /v1/jobs/${JOB}/savepoints`);
    expect([late.status, late.body.error.coded.code]).toEqual([409, "MR_JOB_NOT_RUNNING"]);
    expect((await cluster.ask(`PATCH /v1/jobs/${JOB}`)).status).toBe(409);
    const { body } = await cluster.ask(`GET /v1/jobs/${JOB}/execution-result`);
    expect(body["job-execution-result"]).toMatchObject({ id: JOB, "application-status": "SUCCEEDED" });
    const savepoint = done.body.operation.location;
    const disposal = await cluster.ask("POST /savepoint-disposal", { body: { "savepoint-path": savepoint } });
    const disposed = await cluster.completed(`GET /savepoint-disposal/${disposal.body["request-id"]}`);
    expect(disposed.body).toEqual({ status: { id: "COMPLETED" }, operation: {} });
  });

  test("the process is ended only where that is admitted", async () => {
    expect((await cluster.ask("DELETE /v1/cluster")).status).toBe(200);
    expect(cluster.isShutDown).toBe(true);
  });
});

describe("S57: who is let in", () => {
  let cluster: RestCluster;

  beforeAll(async () => {
    cluster = await RestCluster.start({ "rest.server.max-content-length": "2000", "web.submit.enable": "false" });
  });

  test.each([
    ["localhost", 200],
    ["LOCALHOST:8081", 200],
    ["127.0.0.1:8081", 200],
    ["[::1]:8081", 200],
    ["evil.example:8081", 403],
    ["localhost.evil.example", 403],
    ["127.0.0.1.evil.example", 403],
    ["user@localhost", 403],
    ["localhost/x", 403],
    ["10.0.0.1:8081", 403],
  ])("by the name %j in the request: %i", async (host, status) => {
    const answer = await cluster.ask("GET /v1/overview", { headers: { host } });
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.body.error.coded.code).toBe("MR_REST_FORBIDDEN");
  });

  test("a page of another origin changes nothing, and what it reads it is not given", async () => {
    const own = { host: "localhost:8081", origin: "http://localhost:8081" };
    const ask = (question: string, headers: Readonly<Record<string, string>>) =>
      cluster.ask(question, { headers: { host: "localhost:8081", ...headers }, body: {} });
    expect((await ask("DELETE /v1/cluster", { origin: "http://evil.example" })).status).toBe(403);
    expect((await ask("DELETE /v1/cluster", { origin: "http://localhost:3000" })).status).toBe(403);
    expect((await ask("DELETE /v1/cluster", { origin: "null" })).status).toBe(403);
    expect((await ask("DELETE /v1/cluster", { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect(cluster.isShutDown).toBe(false);
    const read = await cluster.ask("GET /v1/overview", { headers: { origin: "http://evil.example" } });
    expect(Object.keys(read.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect((await cluster.ask("POST /v1/savepoint-disposal", { headers: own, body: {} })).status).toBe(400);
  });

  test("what is no JSON, too much or of another kind is refused before anything is done with it", async () => {
    const post = async (body: unknown, type = "application/json"): Promise<number> =>
      (await cluster.ask("POST /v1/savepoint-disposal", { body, headers: { "content-type": type } })).status;
    expect(await post("{")).toBe(400);
    expect(await post('{"__proto__": {"savepoint-path": "/x"}}')).toBe(400);
    expect(await post("savepoint-path=/x", "application/x-www-form-urlencoded")).toBe(415);
    expect(await post("{}", "text/plain")).toBe(415);
    const large = await cluster.ask("POST /v1/savepoint-disposal", { body: { "savepoint-path": "x".repeat(3000) } });
    expect([large.status, large.body.error.coded.code]).toEqual([413, "MR_REST_CONTENT_TOO_LARGE"]);
  });

  test("jobs are submitted only where that is admitted", async () => {
    await expect(cluster.upload("numbers")).rejects.toThrow(/MR_REST_FORBIDDEN.*web\.submit\.enable/);
  });

  test("MR_INSECURE_BIND: no other machine's address is listened at; a port that is taken is passed over", async () => {
    const { jobManager } = cluster.deployment;
    await cluster.deployment.until("registered", () => jobManager.overview().taskManagers === 1);
    const start = (settings: Readonly<Record<string, string>>) =>
      startRestEndpoint({ api: jobManager, configuration: configured(settings), onWarning: () => {} });
    for (const address of ["0.0.0.0", "::", "10.0.0.1", "some.host.example"])
      await expect(start({ "rest.bind-address": address })).rejects.toThrow(/MR_INSECURE_BIND/);
    const first = await start({ "rest.bind-port": "0" });
    const second = await start({ "rest.bind-port": `${first.port},0` });
    try {
      expect(second.port).not.toBe(first.port);
      await expect(start({ "rest.bind-port": String(first.port) })).rejects.toThrow(/MR_LISTEN_FAILED.*EADDRINUSE/);
      const client = new RestClient({ host: "localhost", port: second.port, retryTimeoutMs: 0 });
      expect(await client.overview()).toMatchObject({ taskmanagers: 1, "slots-total": 2 });
      await expect(client.job(OTHER)).rejects.toMatchObject({ code: "MR_JOB_UNKNOWN", where: { jobId: OTHER } });
      await expect(client.shutDown()).rejects.toMatchObject({ code: "MR_REST_FORBIDDEN" });
    } finally {
      await first.close();
      await second.close();
    }
  });
});

describe("S57: whatever is sent", () => {
  test("a file that is too large, has a bad name or is none is refused: MR_REST_CONTENT_TOO_LARGE, MR_JAR_INVALID", async () => {
    const cluster = await RestCluster.start({ "rest.server.max-content-length": "2000" });
    await expect(cluster.upload("big", "x".repeat(2001))).rejects.toThrow(/MR_REST_CONTENT_TOO_LARGE/);
    for (const name of [".hidden", "a b", "x".repeat(200), ""])
      await expect(cluster.upload(name), name).rejects.toThrow(/MR_JAR_INVALID|MR_REST_REQUEST_INVALID/);
    // Nothing of a path is left of a name.
    expect(await cluster.upload("../../up", "numbers")).toMatch(/^[0-9a-f]{64}_up\.mjs$/);
    expect((await cluster.ask("POST /v1/jars/upload", { body: {} })).status).toBe(400);
    expect((await cluster.ask("GET /jars")).body.files).toHaveLength(1);
    expect(cluster.warnings).toEqual([]);
  });

  test("no path, query or body makes the JobManager fail: never a status of 5xx", async () => {
    const cluster = await RestCluster.start();
    const jar = await cluster.upload("numbers");
    const word = fc.oneof(
      fc.constantFrom(
        ..."v1 jobs jars upload run plan overview config checkpoints details subtasks savepoints stop vertices metrics".split(
          " ",
        ),
        ..."taskmanagers savepoint-disposal exceptions progress %2e%2e %2F %00 %ff .. //".split(" "),
        jar,
        JOB,
        OTHER,
      ),
      fc.string({ maxLength: 20 }).map(encodeURIComponent),
    );
    const method = fc.constantFrom("GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS");
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(JOB, true, 0, -1, "/shared", "CANONICAL", "1e999"),
    );
    const field = fc.constantFrom(
      ..."triggerId target-directory cancel-job formatType drain jobId parallelism flinkConfiguration programArgsList".split(
        " ",
      ),
      ..."savepoint-path savepointPath checkpointType claimMode allowNonRestoredState entryClass __proto__".split(" "),
    );
    const body = fc.oneof(
      fc.dictionary(field, value),
      fc.jsonValue({ maxDepth: 3 }),
      fc.string(),
      fc.constant(undefined),
    );
    await fc.assert(
      fc.asyncProperty(
        method,
        fc.array(word, { maxLength: 6 }),
        fc.string({ maxLength: 30 }),
        body,
        async (...sent) => {
          const [verb, words, query, content] = sent;
          fc.pre(words.at(-1) !== "cluster");
          const url = `/${words.join("/")}?${encodeURI(query)}`;
          const answer = await cluster.ask(`${verb} ${url}`, {
            ...(content === undefined ? {} : { body: content }),
            ...(typeof content === "string" ? { headers: { "content-type": "application/json" } } : {}),
          });
          expect(answer.status, `${verb} ${url}`).toBeLessThan(500);
          if (answer.status >= 400 && verb !== "HEAD") expect(answer.body.errors.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 300 },
    );
    expect(cluster.warnings).toEqual([]);
  });
});
