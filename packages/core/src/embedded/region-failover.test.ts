/** Failures of jobs with several pipelined regions: what starts again, what goes on, and what is written in the end. */
import { describe, expect, test } from "vitest";
import type { JobClient } from "../api/job-client.ts";
import { Configuration } from "../config/configuration.ts";
import type { MapFunction, RuntimeContext } from "../operators/functions.ts";
import { SeededRandom } from "../platform/seeded-random.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { pulledSource } from "../testing/pulled-source.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";

const SPLITS = 12;
const PER_SPLIT = 10;
const ALL = Array.from({ length: SPLITS * PER_SPLIT }, (_, n) => n);

const SETTINGS = {
  "parallelism.default": "3",
  "execution.checkpointing.interval": "40 ms",
  "execution.checkpointing.dir": "/checkpoints",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "1000",
  "restart-strategy.fixed-delay.delay": "20 ms",
};

/** What a test knows of the tasks of its job, and what it does to them. */
class Watch {
  /** `name/subtask:attempt`, in the order in which functions were opened. */
  readonly opened: string[] = [];
  readonly seen: { readonly place: string; readonly atMs: number }[] = [];
  readonly platform: SimulatedPlatform;
  /** Of the next record at the place. */
  readonly failing: Set<string> = new Set();

  constructor(platform: SimulatedPlatform) {
    this.platform = platform;
  }

  get nowMs(): number {
    return this.platform.scheduler.nowMs;
  }

  failAt(ms: number, place: string): void {
    this.platform.clock.after(ms, () => this.failing.add(place));
  }

  attemptsOf(place: string): readonly string[] {
    return this.opened.filter((each) => each.startsWith(`${place}:`)).map((each) => each.slice(place.length + 1));
  }
}

class Watched implements MapFunction<number, number> {
  private readonly watch: Watch;
  private readonly name: string;
  private place = "";

  constructor(watch: Watch, name: string) {
    this.watch = watch;
    this.name = name;
  }

  open({ indexOfThisSubtask, attemptNumber }: RuntimeContext): void {
    this.place = `${this.name}/${indexOfThisSubtask}`;
    this.watch.opened.push(`${this.place}:${attemptNumber}`);
  }

  map(n: number): number {
    this.watch.seen.push({ place: this.place, atMs: this.watch.nowMs });
    if (this.watch.failing.delete(this.place)) throw new Error(`once, in ${this.place}`);
    return n;
  }
}

type Build = (env: StreamExecutionEnvironment, watch: Watch, rows: CommittedRows) => void;

const numbers = (pauseMs = 5) => pulledSource({ splits: SPLITS, numbersPerSplit: PER_SPLIT, pauseMs });

/** Every subtask is a region. */
const pipelines: Build = (env, watch, rows) => {
  env
    .fromSource(numbers(), WatermarkStrategy.noWatermarks(), "numbers")
    .map(new Watched(watch, "pipe"))
    .sinkTo(rows.sink());
};

/** A region of all that is shuffled, and one for each pipeline beside it. */
const apart: Build = (env, watch, rows) => {
  env
    .fromSource(numbers(), WatermarkStrategy.noWatermarks(), "shuffled")
    .map(new Watched(watch, "left"))
    .keyBy((n) => n % 31)
    .map(new Watched(watch, "right"))
    .sinkTo(rows.sink());
  env
    .fromSource(numbers(), WatermarkStrategy.noWatermarks(), "alone")
    .map(new Watched(watch, "pipe"))
    .map((n) => n + 1000)
    .sinkTo(rows.sink());
};

interface Run {
  readonly watch: Watch;
  readonly rows: CommittedRows;
}

async function run(
  build: Build,
  act: (watch: Watch, client: JobClient) => void | Promise<void>,
  settings: Readonly<Record<string, string>> = {},
  seed: number | string = 1,
): Promise<Run & { readonly failure: unknown }> {
  const platform = createSimulatedPlatform({ seed });
  const entries = Object.entries({ ...SETTINGS, ...settings }).map(([key, value]) => ({ key, value }));
  const env = StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
  const watch = new Watch(platform);
  const rows = new CommittedRows();
  build(env, watch, rows);
  let failure: unknown;
  await platform.run(async () => {
    const client = await env.executeAsync();
    await act(watch, client);
    await client.getJobExecutionResult().catch((error: unknown) => {
      failure = error;
    });
  }, 600_000);
  return { watch, rows, failure };
}

const valuesOf = ({ rows }: Run): readonly number[] => rows.rows.map(Number).toSorted((a, b) => a - b);
const places = (name: string): readonly string[] => [0, 1, 2].map((subtask) => `${name}/${subtask}`);
const later = (watch: Watch, ms: number): Promise<void> =>
  new Promise((resolve) => {
    watch.platform.clock.after(ms, resolve);
  });

describe("S53: what starts again", () => {
  test("S53: of independent pipelines only the one that failed; attempt numbers prove it", async () => {
    const all = await run(pipelines, (watch) => watch.failAt(100, "pipe/1"));
    expect(places("pipe").map((place) => all.watch.attemptsOf(place))).toEqual([["0"], ["0", "1"], ["0"]]);
    expect(valuesOf(all)).toEqual(ALL);
  });

  test("S53: all others go on while it waits for its restart", async () => {
    const all = await run(pipelines, (watch) => watch.failAt(100, "pipe/1"), {
      "restart-strategy.fixed-delay.delay": "10 s",
    });
    const meanwhile = (place: string): number =>
      all.watch.seen.filter((each) => each.place === place && each.atMs > 150 && each.atMs < 10_000).length;
    expect(meanwhile("pipe/1")).toBe(0);
    // They have taken what it had not asked for yet, and what it had been given since the checkpoint.
    expect(meanwhile("pipe/0") + meanwhile("pipe/2")).toBeGreaterThan(20);
    expect(valuesOf(all)).toEqual(ALL);
  });

  test("S53: everything with the failover strategy full", async () => {
    const all = await run(pipelines, (watch) => watch.failAt(100, "pipe/1"), {
      "jobmanager.execution.failover-strategy": "full",
    });
    expect(places("pipe").map((place) => all.watch.attemptsOf(place))).toEqual([
      ["0", "1"],
      ["0", "1"],
      ["0", "1"],
    ]);
    expect(valuesOf(all)).toEqual(ALL);
  });

  test.each(["left/0", "right/2"])(
    "S53: all that is shuffled together, and no pipeline beside it: %s",
    async (place) => {
      const all = await run(apart, (watch) => watch.failAt(80, place));
      for (const each of [...places("left"), ...places("right")])
        expect(all.watch.attemptsOf(each)).toEqual(["0", "1"]);
      for (const each of places("pipe")) expect(all.watch.attemptsOf(each)).toEqual(["0"]);
      expect(valuesOf(all)).toEqual([...ALL, ...ALL.map((n) => n + 1000)]);
    },
  );

  test("S53: a failure while another region waits restarts that one, too, each by its own count", async () => {
    const all = await run(pipelines, (watch) => {
      watch.failAt(100, "pipe/1");
      watch.failAt(105, "pipe/2");
      watch.failAt(160, "pipe/2");
    });
    expect(places("pipe").map((place) => all.watch.attemptsOf(place).at(-1))).toEqual(["0", "1", "2"]);
    expect(valuesOf(all)).toEqual(ALL);
  });

  test("S53: every failure of a region counts for the restart strategy", async () => {
    const all = await run(
      pipelines,
      (watch) => {
        watch.failAt(50, "pipe/0");
        watch.failAt(100, "pipe/1");
        watch.failAt(150, "pipe/2");
      },
      { "restart-strategy.fixed-delay.attempts": "2" },
    );
    expect(String(all.failure)).toContain("once, in pipe/2");
    expect(places("pipe").map((place) => all.watch.attemptsOf(place).length)).toEqual([2, 2, 1]);
  });

  test("S53: without a checkpoint a region begins again with all splits it was given", async () => {
    const all = await run(pipelines, (watch) => watch.failAt(30, "pipe/1"), {
      "execution.checkpointing.interval": "10 s",
    });
    expect(places("pipe").map((place) => all.watch.attemptsOf(place).at(-1))).toEqual(["0", "1", "0"]);
    expect(valuesOf(all)).toEqual(ALL);
  });
});

describe("S53: the end of a job whose regions are in different states", () => {
  test("S53: a region that has finished does not run again when another fails, and the job finishes once", async () => {
    const all = await run(
      (env, watch, rows) => {
        env
          .fromSource(
            pulledSource({ splits: 1, numbersPerSplit: 5, pauseMs: 1 }),
            WatermarkStrategy.noWatermarks(),
            "short",
          )
          .map(new Watched(watch, "short"))
          .map((n) => n + 1000)
          .sinkTo(rows.sink());
        pipelines(env, watch, rows);
        watch.failAt(150, "pipe/0");
      },
      () => {},
    );
    for (const place of places("short")) expect(all.watch.attemptsOf(place)).toEqual(["0"]);
    expect(all.watch.attemptsOf("pipe/0")).toEqual(["0", "1"]);
    expect(valuesOf(all)).toEqual([...ALL, 1000, 1001, 1002, 1003, 1004]);
  });

  test("S53: a job is cancelled while a region waits for its restart", async () => {
    const all = await run(
      pipelines,
      async (watch, client) => {
        watch.failAt(50, "pipe/1");
        await later(watch, 100);
        expect(client.getProgress().status).toBe("RESTARTING");
        await client.cancel();
      },
      { "restart-strategy.fixed-delay.delay": "10 s" },
    );
    expect(all.watch.attemptsOf("pipe/1")).toEqual(["0"]);
    expect(all.watch.nowMs).toBeLessThan(5000);
  });

  test("S53, S47: no savepoint is taken while a region is missing, and one can be when it is back", async () => {
    const all = await run(pipelines, async (watch, client) => {
      watch.failAt(50, "pipe/1");
      await later(watch, 65);
      await expect(client.triggerSavepoint("/savepoints/a")).rejects.toThrow("MR_SAVEPOINT_NOT_POSSIBLE");
      await later(watch, 60);
      expect(client.getProgress().status).toBe("RUNNING");
      await client.triggerSavepoint("/savepoints/a");
    });
    expect(places("pipe").map((place) => all.watch.attemptsOf(place).at(-1))).toEqual(["0", "1", "0"]);
    expect(valuesOf(all)).toEqual(ALL);
  });

  test.each([false, true])(
    "S53, S47: a region fails while the job stops with a savepoint (drained: %s): the job goes on, or has ended",
    async (isDrained) => {
      for (let atMs = 40; atMs < 60; atMs += 2) {
        const all = await run(
          pipelines,
          async (watch, client) => {
            watch.failAt(atMs, "pipe/1");
            await later(watch, 50);
            const stopped = client.stopWithSavepoint(isDrained, `/savepoints/at-${atMs}`);
            await stopped.catch(() => {});
          },
          {},
          atMs,
        );
        const values = valuesOf(all);
        expect(new Set(values).size, `at ${atMs}`).toBe(values.length);
        if (all.watch.nowMs > 500) expect(values, `at ${atMs}`).toEqual(ALL);
      }
    },
  );
});

describe("S53: every record counts once over random failures", () => {
  test.each([
    ["pipelines", pipelines, ["pipe"]],
    ["a shuffle beside pipelines", apart, ["left", "right", "pipe"]],
  ] as const)("S53: %s", async (_what, build, names) => {
    for (let seed = 0; seed < 25; seed++) {
      const random = new SeededRandom(`failures ${seed}`);
      const all = await run(
        build,
        (watch) => {
          for (let count = random.below(6); count >= 0; count--)
            watch.failAt(random.below(300), `${names[random.below(names.length)]}/${random.below(3)}`);
        },
        {
          "execution.checkpointing.interval": `${10 + random.below(60)} ms`,
          "execution.checkpointing.max-concurrent-checkpoints": String(1 + random.below(3)),
          "restart-strategy.fixed-delay.delay": `${random.below(60)} ms`,
          "parallelism.default": String(1 + random.below(3)),
        },
        seed,
      );
      const expected = names.length === 1 ? ALL : [...ALL, ...ALL.map((n) => n + 1000)];
      expect(valuesOf(all), `seed ${seed}`).toEqual(expected);
    }
  });
});
