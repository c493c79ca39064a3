/** Jobs on a whole simulated cluster: what they write is what an undisturbed run writes, whatever happens to the processes. */
import { describe, expect, test, vi } from "vitest";
import type { PipelineEnvironment } from "../api/environment.ts";
import { sha256Hex } from "../base/sha256.ts";
import { listCompleted } from "../checkpoint/checkpoint-reader.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { CHECKPOINTING_TIMEOUT } from "../config/checkpointing-options.ts";
import { PIPELINE_MAX_PARALLELISM } from "../config/pipeline-options.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { SimulatedDeployment, type SimulatedDeploymentOptions } from "./testdata/simulated-deployment.ts";

const COUNT = 1200;
const KEYS = 7;

const CHECKPOINTED = {
  "parallelism.default": "4",
  "execution.checkpointing.interval": "200 ms",
  "execution.checkpointing.dir": "/shared/checkpoints",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "1000",
  "restart-strategy.fixed-delay.delay": "100 ms",
};

/** Counts numbers by key: every row says how many there have been of its key. */
function counts(rows: CommittedRows, ratePerSecond: number | undefined) {
  return (env: PipelineEnvironment): void => {
    env
      .fromSource(
        DataGeneratorSource.of((n) => n, COUNT, ratePerSecond === undefined ? {} : { ratePerSecond }),
        WatermarkStrategy.noWatermarks(),
        "numbers",
      )
      .uid("numbers")
      .map((n) => ({ key: n % KEYS, count: 1 }))
      .keyBy(({ key }) => key)
      .reduce((left, right) => ({ key: left.key, count: left.count + right.count }))
      .uid("counts")
      .sinkTo(rows.sink())
      .uid("rows");
  };
}

/** Every key's counts from 1 on, once each. */
const EXPECTED = Array.from({ length: COUNT }, (_, n) =>
  JSON.stringify({ key: n % KEYS, count: Math.floor(n / KEYS) + 1 }),
).sort();

async function start(
  options: Partial<SimulatedDeploymentOptions> & { readonly seed: number; readonly ratePerSecond?: number },
): Promise<{ readonly deployment: SimulatedDeployment; readonly rows: CommittedRows }> {
  const rows = new CommittedRows();
  const jobs = { counts: counts(rows, options.ratePerSecond) };
  const deployment = await SimulatedDeployment.start({ jobs, taskManagers: 2, slots: 2, ...options });
  return { deployment, rows };
}

describe("S56: a JobManager and TaskManagers", () => {
  test("run a job over several TaskManagers to its end, and give its slots back", async () => {
    const { deployment, rows } = await start({ seed: 1 });
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", CHECKPOINTED));
    const status = await deployment.untilEnded(jobId);
    expect(status).toBe("FINISHED");
    expect(rows.rows).toEqual(EXPECTED);
    expect(deployment.jobManager.overview()).toMatchObject({ taskManagers: 2, slotsTotal: 4, slotsAvailable: 4 });
  });

  test("a job that is cancelled ends, and nothing of it is left", async () => {
    const { deployment } = await start({ seed: 2, ratePerSecond: 100 });
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", CHECKPOINTED));
    await deployment.until("running", () => deployment.statusOf(jobId) === "RUNNING");
    await deployment.advance(1000);
    await deployment.cluster.run(() => deployment.jobManager.cancelJob(jobId));
    expect(await deployment.untilEnded(jobId)).toBe("CANCELED");
    expect(deployment.jobManager.overview().slotsAvailable).toBe(4);
  });

  test("a submission's settings win over the job's code, those of its file do not, and both over the cluster's", async () => {
    const rows = new CommittedRows();
    const read: string[] = [];
    const counted = counts(rows, undefined);
    const job = (env: PipelineEnvironment): void => {
      read.push(`${env.getConfig().get(PIPELINE_MAX_PARALLELISM)} ${env.getConfig().get(CHECKPOINTING_TIMEOUT)}`);
      env.setParallelism(3).setMaxParallelism(64);
      env.getCheckpointConfig().setCheckpointTimeout(7000);
      read.push(
        `${env.getParallelism()} ${env.getMaxParallelism()} ${env.getCheckpointConfig().getCheckpointTimeout()}`,
      );
      counted(env);
    };
    const settings = { "execution.checkpointing.timeout": "5 s", "pipeline.max-parallelism": "16" };
    const deployment = await SimulatedDeployment.start({ seed: 5, jobs: { job }, taskManagers: 2, slots: 2, settings });
    const bytes = new TextEncoder().encode("job");
    const { jobId } = await deployment.cluster.run(() =>
      deployment.jobManager.submitJob({
        name: "job",
        code: { bytes, hash: sha256Hex(bytes) },
        args: [],
        configuration: [
          { key: "pipeline.max-parallelism", value: 32, layer: "file" },
          { key: "parallelism.default", value: 4 },
        ],
      }),
    );
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    // In the JobManager, in both TaskManagers, and in the threads of all slots.
    expect(new Set(read)).toEqual(new Set(["32 5000", "4 64 7000"]));
    expect(read.length).toBe(2 * (1 + 2 + 4));
  });

  test("the same id twice is one job, also when it has ended; another hash than the code's is refused", async () => {
    const { deployment, rows } = await start({ seed: 3 });
    const id = "0123456789abcdef0123456789abcdef";
    await deployment.cluster.run(async () => {
      await Promise.all([deployment.submit("counts", CHECKPOINTED, id), deployment.submit("counts", CHECKPOINTED, id)]);
    });
    await deployment.untilEnded(id);
    await deployment.cluster.run(() => deployment.submit("counts", CHECKPOINTED, id));
    expect(deployment.jobManager.listJobs()).toHaveLength(1);
    expect(rows.rows).toEqual(EXPECTED);
    const code = { bytes: new Uint8Array([1]), hash: "0".repeat(64) };
    const submission = { name: "bad", code, args: [], configuration: [] };
    await expect(deployment.jobManager.submitJob(submission)).rejects.toThrow(/MR_JOB_CODE_INVALID/);
    await expect(deployment.jobManager.submitJob({ ...submission, jobId: "7" })).rejects.toThrow(/MR_JOB_ID_INVALID/);
    await expect(deployment.jobManager.job("7")).rejects.toThrow(/MR_JOB_UNKNOWN/);
    await expect(deployment.jobManager.triggerSavepoint(id)).rejects.toThrow(/MR_JOB_NOT_RUNNING/);
    expect(() => deployment.jobManager.operation(id, "7")).toThrow(/MR_OPERATION_UNKNOWN/);
  });

  test("S51, S54: a job waits for its slots; without them its attempt fails as MR_NO_RESOURCES", async () => {
    const { deployment } = await start({ seed: 4, settings: { "slot.request.timeout": "5 s" } });
    const settings = { ...CHECKPOINTED, "parallelism.default": "5", "restart-strategy.type": "none" };
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", settings));
    expect(await deployment.untilEnded(jobId)).toBe("FAILED");
    expect((await deployment.jobManager.job(jobId)).failure?.coded?.code).toBe("MR_NO_RESOURCES");
  });
});

describe("S54: a TaskManager that is lost", () => {
  test("killed: its tasks fail by name, the job goes on in fresh slots, and no row is lost or there twice", async () => {
    const { deployment, rows } = await start({ seed: 11, taskManagers: 3, ratePerSecond: 400 });
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", CHECKPOINTED));
    await deployment.until("checkpointed", () => rows.commitCount > 0);
    const used = deployment.jobManager.taskManagers().find(({ freeSlotCount }) => freeSlotCount < 2)!;
    const number = Number(used.name.slice(3));
    deployment.taskManagers[number]!.kill();
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    expect(rows.rows).toEqual(EXPECTED);
    const { entries } = await deployment.jobManager.exceptions(jobId);
    expect(entries[0]!.error.coded?.code).toBe("MR_TASKMANAGER_LOST");
    expect(entries[0]!.task?.taskManagerId).toBe(used.taskManagerId);
    expect((await deployment.jobManager.job(jobId)).restarts).toBe(1);
  });

  test("paused: it is given up after heartbeat.timeout, and a zombie that wakes up changes nothing", async () => {
    const { deployment, rows } = await start({ seed: 12, taskManagers: 3, ratePerSecond: 200 });
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", CHECKPOINTED));
    await deployment.until("checkpointed", () => rows.commitCount > 0);
    const used = deployment.jobManager.taskManagers().find(({ freeSlotCount }) => freeSlotCount < 2)!;
    const zombie = deployment.taskManagers[Number(used.name.slice(3))]!;
    zombie.pause();
    const pausedMs = deployment.cluster.scheduler.nowMs;
    await deployment.until("lost", () => deployment.jobManager.overview().taskManagers === 2);
    expect(deployment.cluster.scheduler.nowMs - pausedMs).toBeLessThan(5500);
    await deployment.until("running again", () => deployment.statusOf(jobId) === "RUNNING");
    zombie.resume();
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    expect(rows.rows).toEqual(EXPECTED);
    await deployment.until("registered again", () => deployment.jobManager.overview().taskManagers === 3);
    expect(deployment.jobManager.overview().slotsAvailable).toBe(6);
  });

  test("cut off: the job goes on elsewhere, and the TaskManager comes back when the network does", async () => {
    const { deployment, rows } = await start({ seed: 13, taskManagers: 3, ratePerSecond: 200 });
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", CHECKPOINTED));
    await deployment.until("checkpointed", () => rows.commitCount > 0);
    const used = deployment.jobManager.taskManagers().find(({ freeSlotCount }) => freeSlotCount < 2)!;
    deployment.cluster.faults.partition("leader", `worker-${used.name.slice(3)}`);
    await deployment.until("lost", () => deployment.jobManager.overview().taskManagers === 2);
    deployment.cluster.faults.heal("leader", `worker-${used.name.slice(3)}`);
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    expect(rows.rows).toEqual(EXPECTED);
    await deployment.until("registered again", () => deployment.jobManager.overview().taskManagers === 3);
  });
});

describe("S58: a JobManager that starts again with its directory", () => {
  test("takes its jobs over from their newest checkpoints, with ids that go on rising", async () => {
    const { deployment, rows } = await start({ seed: 21, ratePerSecond: 300 });
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", CHECKPOINTED));
    await deployment.until("checkpointed", () => rows.commitCount > 4);
    const before = (await deployment.jobManager.checkpoints(jobId)).latest!.checkpointId;
    const { epoch } = deployment.jobManager;
    await deployment.cluster.run(() => deployment.restartJobManager());
    expect(deployment.jobManager.epoch).toBeGreaterThan(epoch);
    expect((await deployment.jobManager.checkpoints(jobId)).restored!.checkpointId).toBeGreaterThanOrEqual(before);
    const commits = rows.commitCount;
    await deployment.until("committed again", () => rows.commitCount > commits + 4);
    expect((await deployment.jobManager.checkpoints(jobId)).latest!.checkpointId).toBeGreaterThan(before);
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    expect(rows.rows).toEqual(EXPECTED);
  });

  test("a JobManager that was replaced while it stood still changes nothing when it wakes up", async () => {
    const { deployment, rows } = await start({ seed: 24, ratePerSecond: 200 });
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", CHECKPOINTED));
    await deployment.until("checkpointed", () => rows.commitCount > 0);
    const old = deployment.jobManagerPlatform;
    old.pause();
    const address = { host: "second", port: 6123 };
    deployment.leader = address;
    const platform = deployment.process("second jobmanager", "second");
    await deployment.cluster.run(() => deployment.startJobManager(platform));
    await deployment.until("running again", () => deployment.statusOf(jobId) === "RUNNING");
    old.resume();
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    expect(rows.rows).toEqual(EXPECTED);
    await deployment.until("stopped", () => deployment.fenced.length > 0);
    expect(deployment.fenced).toEqual(["MR_FENCED"]);
  });

  test("one that is replaced while a job runs ends what it has of the job, and leaves its checkpoints alone", async () => {
    const { deployment, rows } = await start({ seed: 25, ratePerSecond: 800 });
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", CHECKPOINTED));
    await deployment.until("checkpointed", () => rows.commitCount > 0);
    const old = deployment.jobManager;
    const { clock, fs } = deployment.jobManagerPlatform;
    deployment.leader = { host: "second", port: 6123 };
    await deployment.cluster.run(() => deployment.startJobManager(deployment.process("second jobmanager", "second")));
    deployment.cluster.faults.partition("leader", "worker-0");
    await deployment.until("stopped", () => deployment.fenced.length > 0);
    await deployment.advance(100);
    const calls = [...["after", "soon"].map((name) => vi.spyOn(clock, name as "soon"))];
    const files = (["open", "remove", "removeTree", "rename", "stat", "list"] as const).map((name) =>
      vi.spyOn(fs, name),
    );
    await expect(old.cancelJob(jobId)).rejects.toThrow(/MR_FENCED/);
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    for (const spy of [...calls, ...files]) expect(spy).not.toHaveBeenCalled();
    expect(rows.rows).toEqual(EXPECTED);
  });

  test("one that is stopped leaves its jobs to the next one; who waits for them there hears MR_JOBMANAGER_STOPPED", async () => {
    const { deployment, rows } = await start({ seed: 26, ratePerSecond: 800 });
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", CHECKPOINTED));
    await deployment.until("checkpointed", () => rows.commitCount > 0);
    const stopped = deployment.jobManager;
    await deployment.cluster.run(() => stopped.close());
    await expect(stopped.cancelJob(jobId)).rejects.toThrow(/MR_JOBMANAGER_STOPPED/);
    await deployment.cluster.run(() => deployment.restartJobManager());
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    expect(rows.rows).toEqual(EXPECTED);
  });

  test("knows the jobs that have ended, and their checkpoints are gone from the disk", async () => {
    const { deployment } = await start({ seed: 22 });
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", CHECKPOINTED));
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    await deployment.cluster.run(() => deployment.restartJobManager());
    expect(deployment.statusOf(jobId)).toBe("FINISHED");
    const { fs } = deployment.jobManagerPlatform;
    expect(await deployment.cluster.run(() => fs.list("/shared/checkpoints"))).toEqual([]);
  });

  test("S41: the checkpoints that a job retained before are its own again: the oldest go first, and none is left at its end", async () => {
    const { deployment, rows } = await start({ seed: 27, ratePerSecond: 300 });
    const settings = { ...CHECKPOINTED, "execution.checkpointing.num-retained": "3" };
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", settings));
    await deployment.until("checkpointed", () => rows.commitCount > 16);
    await deployment.cluster.run(() => deployment.restartJobManager());
    const { fs } = deployment.jobManagerPlatform;
    const commits = rows.commitCount;
    await deployment.until("committed again", () => rows.commitCount > commits);
    const completed = await deployment.cluster.run(() =>
      listCompleted(FileSystems.local(fs), `/shared/checkpoints/${jobId}`),
    );
    expect(completed.length).toBeGreaterThanOrEqual(3);
    expect(completed.length).toBeLessThanOrEqual(4);
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    expect(await deployment.cluster.run(() => fs.list("/shared/checkpoints"))).toEqual([]);
    expect(rows.rows).toEqual(EXPECTED);
  });

  test("S49: what an earlier job of the same id has left is not touched, the checkpoint it starts from least of all", async () => {
    const { deployment, rows } = await start({ seed: 28, ratePerSecond: 300 });
    const jobId = "0123456789abcdef0123456789abcdef";
    const settings = {
      ...CHECKPOINTED,
      "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    };
    await deployment.cluster.run(() => deployment.submit("counts", settings, jobId));
    await deployment.until("checkpointed", () => rows.commitCount > 8);
    await deployment.cluster.run(() => deployment.jobManager.cancelJob(jobId));
    const [path] = await deployment.cluster.run(() =>
      listCompleted(FileSystems.local(deployment.jobManagerPlatform.fs), `/shared/checkpoints/${jobId}`),
    );
    // The JobManager's directory is lost, so that the id is free again.
    await deployment.cluster.run(() => deployment.jobManagerPlatform.fs.removeTree("/shared/jobs"));
    await deployment.cluster.run(() => deployment.restartJobManager());
    const again = { ...settings, "execution.checkpointing.interval": "1 h", "execution.state-recovery.path": path! };
    await deployment.cluster.run(() => deployment.submit("counts", again, jobId));
    await deployment.until("running", () => deployment.statusOf(jobId) === "RUNNING");
    await deployment.cluster.run(() => deployment.restartJobManager());
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    expect(rows.rows).toEqual(EXPECTED);
    const { fs } = deployment.jobManagerPlatform;
    expect(
      await deployment.cluster.run(() => listCompleted(FileSystems.local(fs), `/shared/checkpoints/${jobId}`)),
    ).toEqual([path]);
  });

  test("killed anywhere while a job ends: its result is kept, the job is not run again, and its checkpoints are removed", async () => {
    const settings = { ...CHECKPOINTED, "parallelism.default": "2" };
    let hasEndedUndisturbed = false;
    for (let killAt = 0; !hasEndedUndisturbed; killAt++) {
      const { deployment, rows } = await start({ seed: 1000 + killAt, taskManagers: 1 });
      const { storage } = deployment;
      let effects = 0;
      let isEndStored = false;
      storage.onEffect = ({ path, phase, operation }) => {
        if (/\/jobs\/[0-9a-f]+\/end/.test(path) && operation === "rename" && phase === "after") isEndStored = true;
        const isOfEnd = effects > 0 || (/\/jobs\/[0-9a-f]+\/end/.test(path) && phase === "before");
        if (phase === "after") return undefined;
        return isOfEnd && effects++ === killAt ? { kind: "kill" } : undefined;
      };
      const jobId = await deployment.cluster.run(() => deployment.submit("counts", settings));
      await deployment.until(
        "ended or killed",
        () => deployment.jobManagerPlatform.isDead || deployment.statusOf(jobId) === "FINISHED",
      );
      hasEndedUndisturbed = !deployment.jobManagerPlatform.isDead;
      storage.onEffect = undefined;
      const wasStored = isEndStored;
      await deployment.cluster.run(() => deployment.restartJobManager());
      if (wasStored) expect(deployment.statusOf(jobId)).toBe("FINISHED");
      expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
      await deployment.advance(1000);
      const { fs } = deployment.jobManagerPlatform;
      expect(await deployment.cluster.run(() => fs.list("/shared/checkpoints"))).toEqual([]);
      expect(rows.rows).toEqual(EXPECTED);
      expect((await deployment.jobManager.job(jobId)).status).toBe("FINISHED");
      if (killAt === 0) expect(wasStored).toBe(false);
    }
  });

  test("a job whose checkpoints were in memory only is not started again: what it wrote would be written twice", async () => {
    const { deployment, rows } = await start({ seed: 23, ratePerSecond: 300 });
    const { "execution.checkpointing.dir": _, ...inMemory } = CHECKPOINTED;
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", inMemory));
    await deployment.until("checkpointed", () => rows.commitCount > 0);
    await deployment.cluster.run(() => deployment.restartJobManager());
    expect(await deployment.untilEnded(jobId)).toBe("FAILED");
    expect((await deployment.jobManager.job(jobId)).failure?.coded?.code).toBe("MR_JOB_NOT_RECOVERABLE");
  });
});
