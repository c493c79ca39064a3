/** What can be asked of a JobManager besides what its own life is about. */
import { describe, expect, test } from "vitest";
import { sha256Hex } from "../base/sha256.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type { JobFunction } from "../job-module.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { SimulatedDeployment } from "./testdata/simulated-deployment.ts";

const ID = "00112233445566778899aabbccddeeff";

const CHECKPOINTED = {
  "parallelism.default": "2",
  "execution.checkpointing.interval": "200 ms",
  "execution.checkpointing.dir": "/shared/checkpoints",
  "execution.checkpointing.savepoint-dir": "/shared/savepoints",
};

async function start(seed: number, settings: Readonly<Record<string, string>> = {}) {
  const rows = new CommittedRows();
  const numbers: JobFunction = (env) => {
    env
      .fromSource(
        DataGeneratorSource.of((n) => n, 100_000, { ratePerSecond: 100 }),
        WatermarkStrategy.noWatermarks(),
        "numbers",
      )
      .uid("numbers")
      .keyBy((n) => n % 7)
      .reduce((left, right) => left + right)
      .uid("sums")
      .sinkTo(rows.sink())
      .uid("rows");
  };
  const deployment = await SimulatedDeployment.start({ seed, jobs: { numbers }, taskManagers: 1, slots: 2, settings });
  const { cluster } = deployment;
  const jobId = await cluster.run(() => deployment.submit("numbers", CHECKPOINTED));
  await deployment.until("checkpointed", () => rows.commitCount > 0);
  const ask = <T>(question: () => Promise<T>): Promise<T> => cluster.run(question);
  const operation = async (requestId: string) => {
    await deployment.until(
      "completed",
      () => deployment.jobManager.operation(jobId, requestId).status !== "IN_PROGRESS",
    );
    return deployment.jobManager.operation(jobId, requestId);
  };
  return { deployment, rows, jobId, ask, operation, api: deployment.jobManager };
}

describe("S57: a request with an id of its client", () => {
  test("is one request however often it is sent: one savepoint, one stop, also when the job has ended with it", async () => {
    const { deployment, api, jobId, ask, operation } = await start(1);
    for (let sent = 0; sent < 3; sent++)
      expect(await ask(() => api.triggerSavepoint(jobId, { requestId: ID }))).toBe(ID);
    expect(await operation(ID)).toMatchObject({ location: expect.stringMatching(/^\/shared\/savepoints\/savepoint-/) });
    const { fs } = deployment.jobManagerPlatform;
    expect(await ask(() => fs.list("/shared/savepoints"))).toHaveLength(1);
    const stop = ID.replace("00", "ff");
    await ask(() => api.stopWithSavepoint(jobId, { requestId: stop }));
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    expect(await ask(() => api.stopWithSavepoint(jobId, { requestId: stop }))).toBe(stop);
    expect(await operation(stop)).toMatchObject({ status: "COMPLETED" });
    await expect(ask(() => api.stopWithSavepoint(jobId))).rejects.toThrow(/MR_JOB_NOT_RUNNING/);
  });

  test("a checkpoint that was asked for is told by its id", async () => {
    const { api, jobId, ask, operation } = await start(2);
    const requestId = await ask(() => api.triggerCheckpoint(jobId));
    const result = await operation(requestId);
    expect(result).toMatchObject({ status: "COMPLETED", checkpointId: expect.any(Number) });
    const { history } = (await api.checkpoints(jobId)).report!;
    expect(history.map(({ checkpointId }) => checkpointId)).toContain(
      (result as { checkpointId: number }).checkpointId,
    );
  });

  test("a savepoint with which the job is cancelled is the last thing of it: nothing is committed after it", async () => {
    const { deployment, rows, api, jobId, ask, operation } = await start(3);
    const requestId = await ask(() => api.triggerSavepoint(jobId, { cancelsJob: true }));
    const commits = rows.commitCount;
    expect(await operation(requestId)).toMatchObject({ status: "COMPLETED" });
    expect(await deployment.untilEnded(jobId)).toBe("CANCELED");
    expect(rows.commitCount).toBeLessThanOrEqual(commits + 2);
    const { latest } = (await api.checkpoints(jobId)).report!;
    expect(latest.savepoint!.checkpointId).toBeGreaterThan(latest.completed!.checkpointId);
  });

  test("the job goes on, with its checkpoints, when there is no such savepoint", async () => {
    const { deployment, rows, api, jobId, ask, operation } = await start(4);
    const { fs } = deployment.jobManagerPlatform;
    await ask(async () => (await fs.open("/shared/file", "create")).close());
    const bad = await ask(() => api.triggerSavepoint(jobId, { cancelsJob: true, directory: "/shared/file/below" }));
    expect(await operation(bad)).toMatchObject({ status: "FAILED" });
    const commits = rows.commitCount;
    await deployment.until("committed again", () => rows.commitCount > commits + 2);
    expect(deployment.statusOf(jobId)).toBe("RUNNING");
  });
});

describe("S57: what a JobManager tells", () => {
  test("how far a job is, what it runs with, and its checkpoints one by one", async () => {
    const { deployment, api, jobId } = await start(5, { "web.checkpoints.history": "3" });
    await deployment.advance(2000);
    expect(await api.progress(jobId)).toMatchObject({
      status: "RUNNING",
      restarts: 0,
      recordsRead: expect.any(Number),
    });
    expect((await api.config(jobId)).execution).toMatchObject({
      parallelism: 2,
      restartStrategy: { kind: "exponential-delay" },
      checkpointing: { intervalMs: 200, mode: "EXACTLY_ONCE", directory: "/shared/checkpoints", isUnaligned: false },
    });
    const { counts, history, summary } = (await api.checkpoints(jobId)).report!;
    expect(counts.completed).toBeGreaterThan(5);
    expect(history.filter(({ status }) => status !== "IN_PROGRESS")).toHaveLength(3);
    expect(summary.stateBytes.min).toBeGreaterThan(0);
    expect(history.at(-1)).toMatchObject({ status: "COMPLETED", isDiscarded: true });
    expect(api.listJobs()[0]!.isBatch).toBe(false);
    const { subtasks } = (await api.job(jobId)).vertices[0]!;
    expect(subtasks[0]!.timestampsMs).toMatchObject({ DEPLOYING: expect.any(Number), RUNNING: expect.any(Number) });
    const [taskManager] = api.taskManagers();
    expect(deployment.jobManagerPlatform.clock.wallMs() - taskManager!.lastHeardMs).toBeLessThan(1100);
    expect(api.configuration()).toContainEqual(expect.objectContaining({ key: "web.checkpoints.history", value: "3" }));
  });

  test("what a job would run, without running it", async () => {
    const { api, ask } = await start(6);
    const bytes = new TextEncoder().encode("numbers");
    const submission = { name: "other", code: { bytes, hash: sha256Hex(bytes) }, args: [], configuration: [] };
    const { plan, isBatch } = await ask(() => api.planJob(submission));
    expect(isBatch).toBe(false);
    expect(plan.vertices.flatMap(({ operators }) => operators.map(({ uid }) => uid))).toEqual([
      "numbers",
      "sums",
      "rows",
    ]);
    expect(api.listJobs()).toHaveLength(1);
    await expect(ask(() => api.planJob({ ...submission, code: { bytes, hash: "0".repeat(64) } }))).rejects.toThrow(
      /MR_JOB_CODE_INVALID/,
    );
  });

  test("a savepoint is removed once; what is none is not removed at all", async () => {
    const { deployment, api, jobId, ask, operation } = await start(7);
    const result = await operation(await ask(() => api.triggerSavepoint(jobId)));
    const { location } = result as { location: string };
    const { fs } = deployment.jobManagerPlatform;
    const disposed = async (requestId: string) => {
      await deployment.until("disposed", () => api.disposal(requestId).status !== "IN_PROGRESS");
      return api.disposal(requestId);
    };
    expect(await disposed(api.disposeSavepoint(location, { requestId: ID }))).toMatchObject({ status: "COMPLETED" });
    expect(await disposed(api.disposeSavepoint(location, { requestId: ID }))).toMatchObject({ status: "COMPLETED" });
    expect(await ask(() => fs.stat(location))).toBeUndefined();
    expect(await disposed(api.disposeSavepoint("/shared/jobs"))).toMatchObject({
      status: "FAILED",
      error: { coded: { code: "MR_SAVEPOINT_NO_SNAPSHOT" } },
    });
    expect(await ask(() => fs.stat("/shared/jobs"))).toBeDefined();
    expect(() => api.disposal(ID.replace("00", "ee"))).toThrow(/MR_OPERATION_UNKNOWN/);
  });
});
