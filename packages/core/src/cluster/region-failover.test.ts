/** Failures of jobs with several pipelined regions on a whole simulated cluster. */
import { describe, expect, test } from "vitest";
import type { PipelineEnvironment } from "../api/environment.ts";
import type { MapFunction, RuntimeContext } from "../operators/functions.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { pulledSource } from "../testing/pulled-source.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { SimulatedDeployment } from "./testdata/simulated-deployment.ts";

const SPLITS = 24;
const PER_SPLIT = 15;
const ALL = Array.from({ length: SPLITS * PER_SPLIT }, (_, n) => n);

const SETTINGS = {
  "parallelism.default": "4",
  "execution.checkpointing.interval": "100 ms",
  "execution.checkpointing.dir": "/shared/checkpoints",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "1000",
  "restart-strategy.fixed-delay.delay": "50 ms",
};

class Watch {
  /** By subtask: its attempts. */
  readonly attempts: number[][] = [[], [], [], []];
  /** `subtask:attempt`, where the next record is to fail. */
  readonly failing: Set<string> = new Set();
}

class Watched implements MapFunction<number, number> {
  private readonly watch: Watch;
  private place = "";

  constructor(watch: Watch) {
    this.watch = watch;
  }

  open({ indexOfThisSubtask, attemptNumber }: RuntimeContext): void {
    this.place = `${indexOfThisSubtask}:${attemptNumber}`;
    this.watch.attempts[indexOfThisSubtask]!.push(attemptNumber);
  }

  map(n: number): number {
    if (this.watch.failing.delete(this.place)) throw new Error(`once, in ${this.place}`);
    return n;
  }
}

async function start(seed: number) {
  const rows = new CommittedRows();
  const watch = new Watch();
  const pipelines = (env: PipelineEnvironment): void => {
    const numbers = pulledSource({ splits: SPLITS, numbersPerSplit: PER_SPLIT, pauseMs: 10 });
    env
      .fromSource(numbers, WatermarkStrategy.noWatermarks(), "numbers")
      .uid("numbers")
      .map(new Watched(watch))
      .sinkTo(rows.sink())
      .uid("rows");
  };
  const deployment = await SimulatedDeployment.start({ seed, jobs: { pipelines }, taskManagers: 2, slots: 2 });
  const jobId = await deployment.cluster.run(() => deployment.submit("pipelines", SETTINGS));
  await deployment.until("running", () => deployment.statusOf(jobId) === "RUNNING");
  return { deployment, jobId, rows, watch };
}

const valuesOf = (rows: CommittedRows): readonly number[] => rows.rows.map(Number).toSorted((a, b) => a - b);

/** Which TaskManager every subtask is in, and its attempt, as the JobManager tells. */
async function placesOf(deployment: SimulatedDeployment, jobId: string) {
  const { vertices } = await deployment.cluster.run(() => deployment.jobManager.job(jobId));
  return vertices.flatMap(({ subtasks }) => subtasks.map(({ taskManagerId, attempt }) => ({ taskManagerId, attempt })));
}

describe("S53: regions in a cluster", () => {
  test("S53: a function that fails restarts its region in the same slot, and no other", async () => {
    const { deployment, jobId, rows, watch } = await start(1);
    await deployment.advance(250);
    watch.failing.add("2:0");
    await deployment.until("restarted", () => watch.attempts[2]!.length === 2);
    await deployment.until("running again", () => deployment.statusOf(jobId) === "RUNNING");
    expect((await placesOf(deployment, jobId)).map(({ attempt }) => attempt)).toEqual([0, 0, 1, 0]);
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    expect(watch.attempts).toEqual([[0], [0], [0, 1], [0]]);
    expect(valuesOf(rows)).toEqual(ALL);
  });

  test.each([2, 3])(
    "S53: a TaskManager that is killed takes the regions in its slots with it; the others go on, seed %i",
    async (seed) => {
      const { deployment, jobId, rows, watch } = await start(seed);
      await deployment.advance(300);
      const before = await placesOf(deployment, jobId);
      const lost = before[0]!.taskManagerId;
      await deployment.cluster.run(async () => {
        const { name } = deployment.jobManager.taskManagers().find(({ taskManagerId }) => taskManagerId === lost)!;
        await deployment.restartTaskManager(Number(name.replace("tm-", "")));
      });
      expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
      const expected = before.map(({ taskManagerId }) => (taskManagerId === lost ? [0, 1] : [0]));
      expect(expected.filter(({ length }) => length === 2)).toHaveLength(2);
      expect(watch.attempts).toEqual(expected);
      expect(valuesOf(rows)).toEqual(ALL);
    },
  );
});
