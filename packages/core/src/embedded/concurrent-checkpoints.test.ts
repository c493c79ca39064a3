import fc from "fast-check";
import { expect, test } from "vitest";
import type { Sink } from "../connectors/sink.ts";
import type { Clock } from "../platform/platform.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { checkpointed, counted, countRows, environmentOn, numbers, RECORDS } from "../testing/upgrade-jobs.ts";

/** Far behind the end of every job here, restarts included. */
const LIMIT_MS = 60_000;

interface Flushes {
  /** How long each of them takes, in turn. */
  readonly durationsMs: readonly number[];
  begun: number;
  /** Of one writer. */
  mostAtOnce: number;
  /** Those that ended before an older one of the same writer. */
  overtakingCount: number;
}

/** The sink, with flushes that take their time: as long as one is under way its checkpoint is pending. */
function slowToFlush<T, C>(sink: Sink<T, C>, clock: Clock, flushes: Flushes): Sink<T, C> {
  return {
    ...sink,
    createWriter: (context, restored) => {
      const writer = sink.createWriter(context, restored);
      const underWay: number[] = [];
      const flush = (): Promise<void> => {
        const number = flushes.begun++;
        underWay.push(number);
        flushes.mostAtOnce = Math.max(flushes.mostAtOnce, underWay.length);
        return new Promise((resolve) => {
          clock.after(flushes.durationsMs[number % flushes.durationsMs.length]!, () => {
            if (underWay[0] !== number) flushes.overtakingCount++;
            underWay.splice(underWay.indexOf(number), 1);
            resolve();
          });
        });
      };
      return {
        write: (value, at) => writer.write(value, at),
        isAvailable: () => writer.isAvailable(),
        whenAvailable: () => writer.whenAvailable(),
        prepareCommit: (isEnd) => writer.prepareCommit(isEnd),
        flush,
        close: () => writer.close(),
      };
    },
  };
}

interface Disturbed {
  /** Counted over all attempts: the records at which the job fails. */
  readonly failing: readonly number[];
  readonly durationsMs: readonly number[];
  readonly parallelism: number;
}

/** Runs the job to its end with up to four checkpoints at a time. */
async function runDisturbed({ failing, durationsMs, parallelism }: Disturbed): Promise<{
  readonly rows: readonly string[];
  readonly flushes: Flushes;
}> {
  const platform = createSimulatedPlatform({ seed: 101 });
  const rows = new CommittedRows();
  const flushes: Flushes = { durationsMs, begun: 0, mostAtOnce: 0, overtakingCount: 0 };
  await platform.run(async () => {
    const env = environmentOn(platform, {
      ...checkpointed,
      "execution.checkpointing.max-concurrent-checkpoints": "4",
      "restart-strategy.type": "fixed-delay",
      "restart-strategy.fixed-delay.attempts": "100",
      "restart-strategy.fixed-delay.delay": "10 ms",
      "parallelism.default": String(parallelism),
    });
    let count = 0;
    const stream = numbers(env).map((n) => {
      if (failing.includes(++count)) throw new Error("now");
      return n;
    });
    counted(stream, "a", "counts").sinkTo(slowToFlush(rows.sink(), platform.clock, flushes));
    await env.execute();
  }, LIMIT_MS);
  return { rows: rows.rows, flushes };
}

test("S42: failures: several checkpoints at a time, of which newer ones may complete first, cost no record", async () => {
  const failing = fc.uniqueArray(fc.integer({ min: 1, max: 2 * RECORDS }), { maxLength: 4 });
  const durationsMs = fc.array(fc.integer({ min: 0, max: 350 }), { minLength: 1, maxLength: 6 });
  const parallelism = fc.constantFrom(1, 2);
  let mostAtOnce = 0;
  let overtakingCount = 0;
  await fc.assert(
    fc.asyncProperty(fc.record({ failing, durationsMs, parallelism }), async (disturbed) => {
      const { rows, flushes } = await runDisturbed(disturbed);
      mostAtOnce = Math.max(mostAtOnce, flushes.mostAtOnce);
      overtakingCount += flushes.overtakingCount;
      expect(rows).toEqual(countRows("a"));
    }),
    { numRuns: 8, examples: [[{ failing: [90, 150], durationsMs: [350, 20], parallelism: 1 }]] },
  );
  expect(mostAtOnce).toBe(4);
  expect(overtakingCount).toBeGreaterThan(0);
});

test("S42: failures: a job ends though each checkpoint that could be its last is overtaken by a newer one", async () => {
  const { rows } = await runDisturbed({ failing: [], durationsMs: [195, 4, 4, 8, 226], parallelism: 2 });
  expect(rows).toEqual(countRows("a"));
});
