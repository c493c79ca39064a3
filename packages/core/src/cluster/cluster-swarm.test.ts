/** Random faults on a whole simulated cluster. A seed that fails is to be run alone, with its number. */
import { expect, test } from "vitest";
import type { PipelineEnvironment } from "../api/environment.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import { SeededRandom } from "../platform/seeded-random.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { SimulatedDeployment } from "./testdata/simulated-deployment.ts";

const COUNT = 300;
const SETTINGS = {
  "parallelism.default": "3",
  "execution.checkpointing.interval": "200 ms",
  "execution.checkpointing.dir": "/shared/checkpoints",
  "execution.checkpointing.tolerable-failed-checkpoints": "100",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "1000",
  "restart-strategy.fixed-delay.delay": "100 ms",
};

test.each([1, 2, 3, 4, 5, 6])(
  "S54, S58: kills, pauses and partitions of any process change no row, and the job ends (seed %i)",
  async (seed) => {
    const rows = new CommittedRows();
    const counts = (env: PipelineEnvironment): void => {
      env
        .fromSource(
          DataGeneratorSource.of((n) => n, COUNT, { ratePerSecond: 60 }),
          WatermarkStrategy.noWatermarks(),
          "numbers",
        )
        .map((n) => ({ key: n % 5, count: 1 }))
        .keyBy(({ key }) => key)
        .reduce((left, right) => ({ key: left.key, count: left.count + right.count }))
        .uid("counts")
        .sinkTo(rows.sink())
        .uid("rows");
    };
    const deployment = await SimulatedDeployment.start({ seed, jobs: { counts }, taskManagers: 3, slots: 2 });
    const jobId = await deployment.cluster.run(() => deployment.submit("counts", SETTINGS));
    const random = new SeededRandom(seed).fork("faults");
    for (let faults = 0; faults < 4; faults++) {
      await deployment.advance(300 + (random.u32() % 3000));
      const number = random.u32() % 3;
      const platform = deployment.taskManagers[number]!;
      const kind = random.u32() % 4;
      if (kind === 0) {
        await deployment.cluster.run(() => deployment.restartTaskManager(number));
      } else if (kind === 1) {
        platform.pause();
        await deployment.advance(random.u32() % 8000);
        platform.resume();
      } else if (kind === 2) {
        deployment.cluster.faults.partition("leader", `worker-${number}`);
        await deployment.advance(random.u32() % 8000);
        deployment.cluster.faults.healAll();
      } else {
        await deployment.cluster.run(() => deployment.restartJobManager());
      }
    }
    expect(await deployment.untilEnded(jobId)).toBe("FINISHED");
    const expected = Array.from({ length: COUNT }, (_, n) =>
      JSON.stringify({ key: n % 5, count: Math.floor(n / 5) + 1 }),
    );
    expect(rows.rows).toEqual(expected.sort());
  },
);
