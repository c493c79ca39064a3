import { describe, expect, test } from "vitest";
import { listCompleted } from "../checkpoint/checkpoint-reader.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { runTimed, type TimedResult } from "../testing/timed-checkpoints.ts";
import type { Settings } from "../testing/upgrade-jobs.ts";

const everySecond: Settings = { "execution.checkpointing.interval": "1 s" };
const instant = (): number => 0;

/** The interval is 1000 ms and each checkpoint takes `tookMs`. */
function timed(settings: Settings, tookMs: number, untilMs: number = 6000): Promise<TimedResult> {
  return runTimed({ settings: { ...everySecond, ...settings }, tookMs: () => tookMs, untilMs });
}

describe("S35: periodic checkpoints", () => {
  test("are off unless an interval is set", async () => {
    const { triggeredMs, completed } = await runTimed({ tookMs: instant, untilMs: 60_000 });
    expect([triggeredMs, completed]).toEqual([[], 0]);
  });

  test("start one interval after another, the first one interval after the job", async () => {
    const { triggeredMs, completed } = await runTimed({
      configure: (env) => env.enableCheckpointing(1000),
      tookMs: instant,
      untilMs: 4500,
    });
    expect([triggeredMs, completed]).toEqual([[1000, 2000, 3000, 4000], 4]);
  });

  test("take their interval from the start, however long they take, up to it", async () => {
    expect((await timed({}, 700)).triggeredMs).toEqual([1000, 2000, 3000, 4000, 5000]);
  });
});

describe("S40: the pause between checkpoints", () => {
  test("interval 1000 ms, pause 500 ms, a checkpoint of 700 ms: the next starts 1200 ms after it, 200 ms later than it would", async () => {
    const { triggeredMs } = await timed({ "execution.checkpointing.min-pause": "500 ms" }, 700);
    expect(triggeredMs).toEqual([1000, 2200, 3400, 4600, 5800]);
  });

  test("changes nothing when there is more than that left of the interval", async () => {
    const { triggeredMs } = await timed({ "execution.checkpointing.min-pause": "500 ms" }, 400);
    expect(triggeredMs).toEqual([1000, 2000, 3000, 4000, 5000]);
  });

  test("begins when a checkpoint has ended, whatever the interval and however long it took; it may exceed the interval", async () => {
    const run = await runTimed({
      settings: { ...everySecond, "execution.checkpointing.min-pause": "5 s" },
      tookMs: (index) => [100, 2000, 0][index] ?? 0,
      untilMs: 20_000,
    });
    expect(run.triggeredMs).toEqual([1000, 6100, 13_100, 18_100]);
  });
});

describe("S40: the timeout of a checkpoint", () => {
  const timeout: Settings = {
    "execution.checkpointing.timeout": "500 ms",
    "execution.checkpointing.dir": "/checkpoints",
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "2",
    "restart-strategy.fixed-delay.delay": "1 s",
  };

  test("S36: gives up what has not completed by then, with its files; what completes in time is kept", async () => {
    const run = await runTimed({
      settings: { ...everySecond, ...timeout, "execution.checkpointing.tolerable-failed-checkpoints": "1" },
      tookMs: (index) => (index % 2 === 0 ? 700 : 100),
      untilMs: 5800,
      onEnd: async (client, platform) => {
        const directory = `/checkpoints/${client.jobId}`;
        const names = (await platform.fs.list(directory)).filter((name) => name.startsWith("chk-"));
        expect(names).toEqual(["chk-4"]);
        expect(await listCompleted(FileSystems.local(platform.fs), directory)).toHaveLength(1);
      },
    });
    expect(run).toMatchObject({ triggeredMs: [1000, 2000, 3000, 4000, 5000], completed: 2, failed: 3, restarts: 0 });
  });

  test("tolerable failures: two in a row are survived, the third fails the job over, as the restart strategy says", async () => {
    const settings = { ...everySecond, ...timeout, "execution.checkpointing.tolerable-failed-checkpoints": "2" };
    const run = await runTimed({ settings, tookMs: () => 700, untilMs: 60_000 });
    // Three failures an attempt, the last half a second after its trigger, then a second of delay.
    expect(run.triggeredMs).toEqual(
      [1, 2, 3, 5.5, 6.5, 7.5, 10, 11, 12].map((seconds) => expect.closeTo(seconds * 1000, -3)),
    );
    expect(run).toMatchObject({ failed: 9, completed: 0, restarts: 2 });
    expect(run.failure).toContain("MR_CHECKPOINT_FAILED");
  });

  test("tolerable failures: none by default, and one that completes in between forgets those before it", async () => {
    const none = await runTimed({ settings: { ...everySecond, ...timeout }, tookMs: () => 700, untilMs: 60_000 });
    expect(none).toMatchObject({ failed: 3, restarts: 2 });
    const settings = { ...everySecond, ...timeout, "execution.checkpointing.tolerable-failed-checkpoints": "2" };
    const between = await runTimed({ settings, tookMs: (index) => (index % 3 === 2 ? 0 : 700), untilMs: 30_500 });
    expect(between).toMatchObject({ failed: 20, completed: 10, restarts: 0 });
  });
});

describe("S40, S42: how many checkpoints are taken at a time", () => {
  const atATime = (count: number): Settings => ({
    "execution.checkpointing.max-concurrent-checkpoints": String(count),
  });

  test("one by default: what is due meanwhile starts when it has ended", async () => {
    const { triggeredMs, completed } = await timed({}, 2500, 9000);
    expect([triggeredMs, completed]).toEqual([[1000, 3500, 6000, 8500], 3]);
  });

  test("two at a time: the third starts when the first has ended", async () => {
    const { triggeredMs, completed } = await timed(atATime(2), 2500, 6300);
    expect([triggeredMs, completed]).toEqual([[1000, 2000, 3500, 4500, 6000], 3]);
  });

  test("three at a time, all of which complete, in their order", async () => {
    const { triggeredMs, completed } = await timed(atATime(3), 2500, 6600);
    expect([triggeredMs, completed]).toEqual([[1000, 2000, 3000, 4000, 5000, 6000], 4]);
  });

  test("a newer one that is faster subsumes the older ones", async () => {
    const run = await runTimed({
      settings: { ...everySecond, ...atATime(3) },
      tookMs: (index) => [2500, 2500, 100][index] ?? 0,
      untilMs: 5500,
    });
    expect(run).toMatchObject({ triggeredMs: [1000, 2000, 3000, 4000, 5000], completed: 3, failed: 0 });
  });
});
