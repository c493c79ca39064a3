/** Copies of state on the disks of TaskManagers, over failures of tasks, of TaskManagers, and of the JobManager. */
import { describe, expect, test } from "vitest";
import type { PipelineEnvironment } from "../api/environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { pulledSource } from "../testing/pulled-source.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { SimulatedDeployment } from "./testdata/simulated-deployment.ts";

const SPLITS = 8;
const PER_SPLIT = 40;
const KEYS = 8;
const BALLAST = "-".repeat(2000);

const SETTINGS = {
  "parallelism.default": "4",
  "execution.checkpointing.interval": "100 ms",
  "execution.checkpointing.dir": "/shared/checkpoints",
  // What all subtasks need is in the metadata, keyed state is in files.
  "execution.checkpointing.data-inline-threshold": "2000 b",
  "execution.state-recovery.from-local": "true",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "1000",
  "restart-strategy.fixed-delay.delay": "50 ms",
};

/** Every key's counts from 1 on, once each. */
const EXPECTED = Array.from({ length: SPLITS * PER_SPLIT }, (_, n) =>
  JSON.stringify(`${n % KEYS} ${Math.floor(n / KEYS) + 1}`),
).sort();

interface Started {
  readonly deployment: SimulatedDeployment;
  readonly jobId: string;
  readonly rows: CommittedRows;
  readonly failing: Set<number>;
}

/** @param isNamed - Whether the TaskManagers have a resource id. */
async function start(
  seed: number,
  isNamed: boolean,
  settings: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const rows = new CommittedRows();
  const failing = new Set<number>();
  const job = (env: PipelineEnvironment): void => {
    env
      .fromSource(
        pulledSource({ splits: SPLITS, numbersPerSplit: PER_SPLIT, pauseMs: 10 }),
        WatermarkStrategy.noWatermarks(),
        "numbers",
      )
      .uid("numbers")
      .map((n) => {
        for (const armed of failing) {
          failing.clear();
          throw new Error(`armed ${armed}`);
        }
        return { key: n % KEYS, count: 1, ballast: BALLAST };
      })
      .keyBy(({ key }) => key)
      .reduce((left, right) => ({ ...left, count: left.count + right.count }))
      .uid("counts")
      .map(({ key, count }) => `${key} ${count}`)
      .sinkTo(rows.sink())
      .uid("rows");
  };
  const deployment = await SimulatedDeployment.start({
    seed,
    jobs: { job },
    taskManagers: 2,
    slots: 2,
    settingsOf: (number) => ({
      "taskmanager.state.local.root-dirs": `/disk-of-${number}`,
      ...(isNamed ? { "taskmanager.resource-id": `tm-${number}` } : {}),
    }),
  });
  const jobId = await deployment.cluster.run(() => deployment.submit("job", { ...SETTINGS, ...settings }));
  await deployment.until("running", () => deployment.statusOf(jobId) === "RUNNING");
  await deployment.advance(400);
  return { deployment, jobId, rows, failing };
}

/** How much state has been read from where since the TaskManagers have the job. */
async function restoredIn({ deployment, jobId }: Started): Promise<Readonly<Record<string, number>>> {
  const metrics = await deployment.cluster.run(() => deployment.jobManager.metrics(jobId));
  return Object.fromEntries(
    metrics
      .filter(({ identifier }) => identifier.includes("RestoredStateSizeBytes"))
      .map(({ identifier, value }) => [identifier.replace(/^.*taskmanager\.(tm-\d)\..*\./, "$1 "), Number(value)]),
  );
}

const copiesOf = ({ storage: { disk } }: SimulatedDeployment, number: number): readonly string[] =>
  disk.stat(`/disk-of-${number}`) === undefined
    ? []
    : disk.list(`/disk-of-${number}`).flatMap((name) => disk.list(`/disk-of-${number}/${name}`));

async function restarted({ deployment, jobId }: Started): Promise<void> {
  await deployment.until("restarting", () => deployment.statusOf(jobId) === "RESTARTING");
  await deployment.until("running again", () => deployment.statusOf(jobId) === "RUNNING");
}

async function ends({ deployment, jobId, rows }: Started): Promise<void> {
  expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
  expect(rows.rows).toEqual(EXPECTED);
  expect([...copiesOf(deployment, 0), ...copiesOf(deployment, 1)]).toEqual([]);
}

describe("S55: copies of state in a cluster", () => {
  test("S55: a job that restarts in the same TaskManagers reads all of its state from their disks", async () => {
    const started = await start(1, false);
    started.failing.add(1);
    await restarted(started);
    const restored = await restoredIn(started);
    expect(restored).toMatchObject({ "tm-0 REMOTE": 0, "tm-1 REMOTE": 0 });
    expect(Math.min(restored["tm-0 LOCAL_DISK"]!, restored["tm-1 LOCAL_DISK"]!)).toBeGreaterThan(0);
    await ends(started);
  });

  test.each([
    [false, "reads its state from the checkpoint directory"],
    [true, "with a resource id goes on with the slots and the copies of the one before"],
  ])("S55: resource id %s: a TaskManager in the place of a killed one %s", async (isNamed) => {
    const started = await start(2, isNamed);
    await started.deployment.cluster.run(() => started.deployment.restartTaskManager(0));
    await restarted(started);
    const restored = await restoredIn(started);
    expect(restored["tm-1 REMOTE"]).toBe(0);
    expect(restored["tm-0 REMOTE"] === 0).toBe(isNamed);
    expect(restored["tm-0 LOCAL_DISK"]! > 0).toBe(isNamed);
    await ends(started);
  });

  test("S55: copies outlive a JobManager, and another place for a subtask costs no more than a download", async () => {
    const started = await start(3, false);
    await started.deployment.cluster.run(() => started.deployment.restartJobManager());
    await started.deployment.until("running again", () => started.deployment.statusOf(started.jobId) === "RUNNING");
    const restored = Object.entries(await restoredIn(started));
    const sum = (name: string): number =>
      restored.filter(([each]) => each.endsWith(name)).reduce((all, [, bytes]) => all + bytes, 0);
    expect(sum("LOCAL_DISK") + sum("REMOTE")).toBeGreaterThan(0);
    await ends(started);
  });

  test("S55: what is removed from the disk of a TaskManager is read from the checkpoint directory", async () => {
    const started = await start(4, true);
    started.deployment.storage.disk.removeTree("/disk-of-0", 0);
    started.failing.add(1);
    await restarted(started);
    const restored = await restoredIn(started);
    expect(restored).toMatchObject({ "tm-0 LOCAL_DISK": 0, "tm-1 REMOTE": 0 });
    expect(restored["tm-0 REMOTE"]).toBeGreaterThan(0);
    await ends(started);
  });
});
