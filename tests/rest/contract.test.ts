/** Every answer has what Flink's has, but for what is declared here, with its reason. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keysOf } from "./key-shapes.ts";
import { type Answer, JOB, RestCluster } from "./testdata/rest-cluster.ts";

interface Shape {
  readonly status: number;
  readonly keys: readonly string[];
}

const flink = JSON.parse(readFileSync(new URL("./testdata/flink-2.3-shapes.json", import.meta.url), "utf8")) as {
  readonly answers: Readonly<Record<string, Shape>>;
  readonly failures: Readonly<Record<string, number>>;
};

/** What Millrace does not know or does not have, so that it says nothing. */
const LEFT_OUT: readonly RegExp[] = [
  // Applications are jobs here.
  /application-id/,
  // Records are counted, bytes are not.
  /(read|write)-bytes/,
  // Memory is not given to slots.
  /(total|free)Resource\.|resource\.|memoryConfiguration\.|hardware\.(free|managed|physical)Memory|assignedTasks|jmxPort/,
  // Metrics of a Java process.
  /^metrics\./,
  // A subtask is deployed or it is not.
  /status-duration\.(CREATED|SCHEDULED|INITIALIZING)/,
  // There is no changelog.
  /^changelog_/,
  // Each of the vertices has one.
  /^maxParallelism/,
  // Serialized Java.
  /serialized-throwable/,
];

/** What Flink has not. */
const ADDED: readonly RegExp[] = [
  /^millrace-version/,
  /^restarts/,
  // The failure with its parts.
  /failure-cause\.error\./,
  // In Flink empty for such a job.
  /^stream-graph\.nodes/,
  // What the job was submitted with.
  /user-config\./,
];

/** Values that are there or not, and not always of one type, in both. */
function comparable(keys: Iterable<string>): readonly string[] {
  const shapes = [...keys]
    // Percentiles without numbers are texts.
    .map((key) => key.replace(/\.(p50|p90|p95|p99|p999):(number|string)$/, ".$1"))
    .filter((key) => !/:(\{\}|null)$|\[\]$/.test(key))
    // Only of jobs in which a checkpoint has failed, or none is under way.
    .filter((key) => !/failure_(message|timestamp)|latest\.failed/.test(key));
  return [...new Set(shapes)].sort();
}

const TRIGGER = "0123456789abcdef0123456789abcdef";

describe("S57: answers are Flink's", () => {
  let cluster: RestCluster;
  const answers = new Map<string, Answer>();

  async function ask(name: string, question: string, body?: unknown): Promise<Answer> {
    const answer = await cluster.ask(question, body === undefined ? {} : { body });
    answers.set(name, answer);
    return answer;
  }

  beforeAll(async () => {
    cluster = await RestCluster.start({ "web.checkpoints.history": "50" });
    await cluster.runNumbers();
    const job = `/v1/jobs/${JOB}`;
    await ask("POST /jobs/:jobid/savepoints", `POST ${job}/savepoints`, { triggerId: TRIGGER, "cancel-job": false });
    answers.set("GET /jobs/:jobid/savepoints/:triggerid", await cluster.completed(`GET ${job}/savepoints/${TRIGGER}`));
    const taken = await ask("POST /jobs/:jobid/checkpoints", `POST ${job}/checkpoints`, { checkpointType: "FULL" });
    const checkpoint = await cluster.completed(`GET ${job}/checkpoints/${taken.body["request-id"]}`);
    answers.set("GET /jobs/:jobid/checkpoints/:triggerid", checkpoint);
    await cluster.deployment.cluster.run(async () => {
      const { fs } = cluster.deployment.jobManagerPlatform;
      await (await fs.open("/shared/file", "create")).close();
    });
    const refused = await cluster.ask(`POST ${job}/savepoints`, { body: { "target-directory": "/shared/file/below" } });
    const failed = await cluster.completed(`GET ${job}/savepoints/${refused.body["request-id"]}`);
    answers.set("GET /jobs/:jobid/savepoints/:triggerid failed", failed);
    const disposal = await ask("POST /savepoint-disposal", "POST /v1/savepoint-disposal", {
      "savepoint-path": "/none",
    });
    const disposed = await cluster.completed(`GET /v1/savepoint-disposal/${disposal.body["request-id"]}`);
    answers.set("GET /savepoint-disposal/:triggerid", disposed);
    for (const path of ["/overview", "/config", "/jobs", "/jobs/overview", "/jobmanager/config", "/taskmanagers"])
      await ask(`GET ${path}`, `GET /v1${path}`);
    const { id } = answers.get("GET /taskmanagers")!.body.taskmanagers[0];
    await ask("GET /taskmanagers/:taskmanagerid", `GET /v1/taskmanagers/${id}`);
    const paths = ["", "/plan", "/config", "/exceptions", "/accumulators", "/checkpoints", "/checkpoints/config"];
    for (const path of [...paths, "/status", "/execution-result", "/metrics"])
      await ask(`GET /jobs/:jobid${path}`, `GET ${job}${path}`);
    await ask("GET /jobs/:jobid/metrics?get", `GET ${job}/metrics?get=numRestarts,uptime,nosuch`);
    const vertex = answers.get("GET /jobs/:jobid")!.body.vertices[1].id;
    const latest = answers.get("GET /jobs/:jobid/checkpoints")!.body.latest.completed.id;
    const details = "/jobs/:jobid/checkpoints/details/:checkpointid";
    await ask(`GET ${details}`, `GET ${job}/checkpoints/details/${latest}`);
    await ask(`GET ${details}/subtasks/:vertexid`, `GET ${job}/checkpoints/details/${latest}/subtasks/${vertex}`);
    await ask("GET /jobs/:jobid/vertices/:vertexid", `GET ${job}/vertices/${vertex}`);
    await ask("GET /jobs/:jobid/vertices/:vertexid/subtasktimes", `GET ${job}/vertices/${vertex}/subtasktimes`);
    await ask("GET /jobs/:jobid/vertices/:vertexid/subtasks/:subtaskindex", `GET ${job}/vertices/${vertex}/subtasks/0`);
    await ask("PATCH /jobs/:jobid", `PATCH ${job}?mode=cancel`);
    await cluster.deployment.untilEnded(JOB);
    await ask("GET /jobs/:jobid/execution-result ended", `GET ${job}/execution-result`);
  });

  afterAll(() => expect(cluster.warnings).toEqual([]));

  test.each(Object.keys(flink.answers))("%s", (name) => {
    const shape = flink.answers[name]!;
    const answer = answers.get(name)!;
    expect(answer.status).toBe(shape.status);
    const ours = comparable(keysOf(answer.body));
    const theirs = comparable(shape.keys);
    const isIn = (key: string, patterns: readonly RegExp[]): boolean => patterns.some((each) => each.test(key));
    expect(theirs.filter((key) => !ours.includes(key) && !isIn(key, LEFT_OUT))).toEqual([]);
    expect(ours.filter((key) => !theirs.includes(key) && !isIn(key, ADDED))).toEqual([]);
  });

  test("nothing else answers than what is compared, but for job files, progress and the end of the process", () => {
    expect(Object.keys(flink.answers).sort()).toEqual([...answers.keys()].sort());
  });

  test("failures have Flink's statuses, a list of messages, and the failure itself", async () => {
    const job = `/v1/jobs/${JOB}`;
    const none = "f".repeat(32);
    const questions: Readonly<Record<string, readonly [question: string, body?: unknown]>> = {
      "unknown job": [`GET /v1/jobs/${none}`],
      "no job id": ["GET /v1/jobs/xyz"],
      "unknown checkpoint": [`GET ${job}/checkpoints/details/99999`],
      "unknown vertex": [`GET ${job}/vertices/${none}`],
      "no checkpoint id": [`GET ${job}/checkpoints/details/x`],
      "unknown mode": [`PATCH ${job}?mode=explode`],
      "unknown trigger": [`GET ${job}/savepoints/${none}`],
      "bad trigger id": [`POST ${job}/savepoints`, { triggerId: "zz" }],
      "bad type": [`POST ${job}/savepoints`, { "cancel-job": "perhaps" }],
      "bad format": [`POST ${job}/savepoints`, { formatType: "ODD" }],
      "unknown path": ["GET /v1/nosuch"],
      "no savepoint path": ["POST /v1/savepoint-disposal", {}],
    };
    for (const [name, status] of Object.entries(flink.failures)) {
      const [question, body] = questions[name]!;
      const answer = await cluster.ask(question, body === undefined ? {} : { body });
      expect([name, answer.status]).toEqual([name, status]);
      expect(answer.body.errors[0]).toMatch(/^MR_/);
      const { code } = answer.body.error.coded;
      expect(code).toBe(answer.body.errors[0].split(" ")[0]);
      if (["unknown checkpoint", "unknown vertex", "unknown path"].includes(name))
        expect(code).toBe("MR_REST_NOT_FOUND");
    }
  });
});
