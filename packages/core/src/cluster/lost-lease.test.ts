/** Another JobManager takes the lead while a job is in each of its states: what is committed goes on, and is committed once. */
import { describe, expect, test } from "vitest";
import type { PipelineEnvironment } from "../api/environment.ts";
import type { JobStatus } from "../api/job-client.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { SimulatedDeployment } from "./testdata/simulated-deployment.ts";

const COUNT = 400;
const KEYS = 7;
const EXPECTED = Array.from({ length: COUNT }, (_, n) => `${n % KEYS} ${Math.floor(n / KEYS) + 1}`);

const CHECKPOINTED = {
  "parallelism.default": "2",
  "execution.checkpointing.interval": "100 ms",
  "execution.checkpointing.dir": "/shared/checkpoints",
  "restart-strategy.fixed-delay.attempts": "1000",
  "restart-strategy.fixed-delay.delay": "100 ms",
};

interface Case {
  readonly state: JobStatus;
  /** Of all records: the function throws once at this one. */
  readonly failsAt?: number;
  readonly isCancelled?: boolean;
  readonly restarts?: boolean;
  /** What becomes of the job. */
  readonly ends: JobStatus;
}

const CASES: readonly Case[] = [
  { state: "CREATED", ends: "FINISHED" },
  { state: "INITIALIZING", ends: "FINISHED" },
  { state: "RUNNING", ends: "FINISHED" },
  { state: "FAILING", failsAt: 250, ends: "FINISHED" },
  { state: "RESTARTING", failsAt: 250, ends: "FINISHED" },
  { state: "CANCELLING", isCancelled: true, ends: "CANCELED" },
  { state: "FINISHED", ends: "FINISHED" },
  { state: "FAILED", failsAt: 250, restarts: false, ends: "FAILED" },
  { state: "CANCELED", isCancelled: true, ends: "CANCELED" },
];

function counts(rows: CommittedRows, onRecord: () => void) {
  return (env: PipelineEnvironment): void => {
    env
      .fromSource(
        DataGeneratorSource.of((n) => n, COUNT, { ratePerSecond: 200 }),
        WatermarkStrategy.noWatermarks(),
        "numbers",
      )
      .uid("numbers")
      .map((n) => {
        onRecord();
        return { key: n % KEYS, count: 1 };
      })
      .keyBy(({ key }) => key)
      .reduce((left, right) => ({ key: left.key, count: left.count + right.count }))
      .uid("counts")
      .map(({ key, count }) => `${key} ${count}`)
      .sinkTo(rows.sink())
      .uid("rows");
  };
}

describe("FLINK-34518: a JobManager that loses its lead in whatever state a job is", () => {
  test.each(CASES)("S58: $state: it is $ends in the end, and no row is lost or there twice", async (each) => {
    const rows = new CommittedRows();
    let records = 0;
    const job = counts(rows, () => {
      if (++records === each.failsAt) throw new Error("once");
    });
    const deployment = await SimulatedDeployment.start({
      seed: `lost lease, ${each.state}`,
      jobs: { job },
      taskManagers: 2,
      slots: 1,
    });
    const settings = { ...CHECKPOINTED, "restart-strategy.type": each.restarts === false ? "none" : "fixed-delay" };
    const jobId = "34518".padStart(32, "0");
    const { jobManager: old, cluster } = deployment;
    const submitted = deployment.submit("job", settings, jobId).then(
      () => true,
      () => false,
    );
    if (each.isCancelled === true || each.state === "RUNNING")
      await deployment.until("checkpointed", () => rows.commitCount > 2);
    if (each.isCancelled === true) old.cancelJob(jobId).catch(() => {});
    await deployment.until(each.state, () => deployment.statusOf(jobId) === each.state);
    deployment.leader = { host: "second", port: 6123 };
    await cluster.run(() => deployment.startJobManager(deployment.process("second jobmanager", "second")));
    // A client that is not told that its job is kept asks again, for the same job (L1).
    if (!(await cluster.run(() => submitted))) await cluster.run(() => deployment.submit("job", settings, jobId));
    expect(await deployment.untilEnded(jobId)).toBe(each.ends);
    await deployment.until("stopped", () => deployment.fenced.length > 0);
    expect(deployment.fenced).toEqual(["MR_FENCED"]);
    const written = rows.rows.map((row) => JSON.parse(row) as string);
    expect(new Set(written).size).toBe(written.length);
    if (each.ends === "FINISHED") expect(written.toSorted()).toEqual(EXPECTED.toSorted());
    await deployment.advance(10_000);
    expect(rows.rows.length).toBe(written.length);
  });
});
