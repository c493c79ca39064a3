import { describe, expect, test } from "vitest";
import type { DataStreamSource } from "../api/data-stream-source.ts";
import type { JobClient } from "../api/job-client.ts";
import { loadCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";

const COUNT = 300;
const KEYS = 5;

function environment(
  platform: SimulatedPlatform,
  settings: Readonly<Record<string, string>> = {},
): StreamExecutionEnvironment {
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
}

const after = (platform: SimulatedPlatform, ms: number): Promise<void> =>
  new Promise((resolve) => void platform.clock.after(ms, resolve));

async function until(platform: SimulatedPlatform, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 20_000; turn++) {
    if (await holds()) return;
    await after(platform, 5);
  }
  throw new Error("waited for nothing");
}

const isRunning = async (client: JobClient): Promise<boolean> => (await client.getJobStatus()) === "RUNNING";

function numbers(env: StreamExecutionEnvironment, name: string, count: number = COUNT): DataStreamSource<number> {
  return env.fromSource(
    DataGeneratorSource.of((i) => i, count, { ratePerSecond: 200 }),
    { boundedOutOfOrderness: 0, timestamp: (n) => n * 10 },
    name,
  );
}

/** Counts of each key, and of each second of event time: every row is there once when every record counts once. */
function countingJob(
  env: StreamExecutionEnvironment,
  rows: CommittedRows,
  onRecord: (n: number) => void = () => {},
): void {
  const keyed = numbers(env, "numbers")
    .map((n: number) => {
      onRecord(n);
      return { key: n % KEYS, count: 1 };
    })
    .keyBy((value) => value.key);
  keyed
    .reduce((left, right) => ({ key: left.key, count: left.count + right.count }))
    .uid("counts")
    .sinkTo(rows.sink())
    .uid("rows");
  keyed
    .window(TumblingEventTimeWindows.of("1 s"))
    .aggregate(
      { createAccumulator: () => 0, add: (_value, count) => count + 1, getResult: (count) => count },
      (key, window, count) => ({ key, start: window.start, count }),
    )
    .uid("windows")
    .sinkTo(rows.sink())
    .uid("window-rows");
}

const expectedRows: readonly string[] = [
  ...Array.from({ length: KEYS }, (_, key) =>
    Array.from({ length: COUNT / KEYS }, (_, index) => ({ key, count: index + 1 })),
  ).flat(),
  ...Array.from({ length: KEYS }, (_, key) =>
    Array.from({ length: 3 }, (_, second) => ({ key, start: second * 1000, count: 100 / KEYS })),
  ).flat(),
]
  .map((row) => JSON.stringify(row))
  .sort();

const windowRows = (rows: Pick<CommittedRows, "rows">): readonly string[] =>
  rows.rows.filter((row) => row.includes("start"));

const checkpointed = { "execution.checkpointing.interval": "100 ms", "execution.checkpointing.dir": "/checkpoints" };
const at = (parallelism: number): Record<string, string> => ({ "parallelism.default": String(parallelism) });
const from = (path: string): Record<string, string> => ({ "execution.state-recovery.path": path });

/** A job that has read about half of its records. */
async function halfway(
  platform: SimulatedPlatform,
  settings: Readonly<Record<string, string>>,
  build: (env: StreamExecutionEnvironment) => void,
): Promise<JobClient> {
  const env = environment(platform, settings);
  build(env);
  const client = await env.executeAsync("counting");
  await after(platform, 750);
  return client;
}

async function resume(
  platform: SimulatedPlatform,
  settings: Readonly<Record<string, string>>,
  build: (env: StreamExecutionEnvironment) => void,
): Promise<void> {
  const env = environment(platform, settings);
  build(env);
  await env.execute("counting");
}

describe("savepoints of a running job", () => {
  test.each([
    [1, 3],
    [3, 1],
  ])(
    "S47, F17: a savepoint lies in a directory of its own, can be moved, and restores at another parallelism, %i to %i",
    async (before, behind) => {
      const platform = createSimulatedPlatform({ seed: 1 });
      const rows = new CommittedRows();
      await platform.run(async () => {
        const client = await halfway(platform, { ...checkpointed, ...at(before) }, (env) => countingJob(env, rows));
        const path = await client.triggerSavepoint("/savepoints");
        expect(path).toMatch(new RegExp(`^/savepoints/savepoint-${client.jobId.slice(0, 6)}-[0-9a-f]{12}$`));
        expect(await isRunning(client)).toBe(true);
        const { metadata } = await loadCheckpoint(FileSystems.local(platform.fs), path);
        expect(metadata.savepoint).toEqual({ format: "CANONICAL", isDrained: false });
        // What the job commits after its savepoint would be committed twice by one that goes on from it.
        await client.cancel();
        const committed = rows.rows.length;
        expect(committed).toBeLessThan(expectedRows.length);
        expect(await platform.fs.list("/checkpoints")).toEqual([]);
        await platform.fs.makeDirectory("/elsewhere");
        await platform.fs.rename(path, "/elsewhere/moved");
        await resume(platform, { ...checkpointed, ...at(behind), ...from("/elsewhere/moved") }, (env) =>
          countingJob(env, rows),
        );
        expect(await platform.fs.list("/elsewhere/moved")).toContain("_metadata");
      }, 120_000);
      expect(rows.rows).toEqual(expectedRows);
    },
  );

  test("S47: a job without checkpoints takes savepoints, too, large states in files beside the metadata", async () => {
    const platform = createSimulatedPlatform({ seed: 2 });
    const rows = new CommittedRows();
    const settings = {
      "execution.checkpointing.data-inline-threshold": "0 b",
      "execution.checkpointing.savepoint-dir": "/savepoints",
    };
    await platform.run(async () => {
      const client = await halfway(platform, settings, (env) => countingJob(env, rows));
      const path = await client.triggerSavepoint(undefined, "NATIVE");
      expect((await loadCheckpoint(FileSystems.local(platform.fs), path)).metadata.savepoint?.format).toBe("NATIVE");
      expect((await platform.fs.list(path)).length).toBeGreaterThan(4);
      await client.cancel();
      expect(rows.rows).toEqual([]);
      await resume(platform, { ...settings, ...from(`${path}/_metadata`) }, (env) => countingJob(env, rows));
    }, 120_000);
    expect(rows.rows).toEqual(expectedRows);
  });

  test("F17: a savepoint with missing files is refused before anything starts, and says which", async () => {
    const platform = createSimulatedPlatform({ seed: 2 });
    await platform.run(async () => {
      const settings = { "execution.checkpointing.data-inline-threshold": "0 b" };
      const client = await halfway(platform, settings, (env) => countingJob(env, new CommittedRows()));
      const path = await client.triggerSavepoint("/savepoints");
      await client.cancel();
      const [first, second] = (await platform.fs.list(path)).filter((name) => name !== "_metadata");
      for (const name of [first!, second!]) await platform.fs.remove(`${path}/${name}`);
      const resumed = resume(platform, { ...settings, ...from(path) }, (env) => countingJob(env, new CommittedRows()));
      await expect(resumed).rejects.toThrow(/MR_SAVEPOINT_FILES_MISSING.*2 of \d+ missing: [-0-9a-f]+, [-0-9a-f]+/s);
    }, 120_000);
  });

  test("FLINK-10354: nothing is committed on a savepoint, so a crash before the next checkpoint commits nothing twice", async () => {
    const platform = createSimulatedPlatform({ seed: 3 });
    const rows = new CommittedRows();
    let isToFail = false;
    await platform.run(async () => {
      const settings = {
        ...checkpointed,
        "execution.checkpointing.interval": "400 ms",
        "restart-strategy.type": "fixed-delay",
      };
      const client = await halfway(platform, settings, (env) =>
        countingJob(env, rows, () => {
          if (!isToFail) return;
          isToFail = false;
          throw new Error("crash");
        }),
      );
      await until(platform, () => client.getProgress().checkpoints.completed === 1);
      const { commitCount } = rows;
      await client.triggerSavepoint("/savepoints");
      expect(rows.commitCount).toBe(commitCount);
      isToFail = true;
      await client.getJobExecutionResult();
      expect(client.getProgress().restarts).toBe(1);
    }, 120_000);
    expect(rows.rows).toEqual(expectedRows);
  });

  test("F17: a restart begins from a checkpoint, so a savepoint may be removed while its job runs", async () => {
    const platform = createSimulatedPlatform({ seed: 4 });
    const rows = new CommittedRows();
    let isToFail = false;
    await platform.run(async () => {
      const settings = { ...checkpointed, "restart-strategy.type": "fixed-delay" };
      const client = await halfway(platform, settings, (env) =>
        countingJob(env, rows, () => {
          if (!isToFail) return;
          isToFail = false;
          throw new Error("crash");
        }),
      );
      await platform.fs.removeTree(await client.triggerSavepoint("/savepoints"));
      isToFail = true;
      await client.getJobExecutionResult();
    }, 120_000);
    expect(rows.rows).toEqual(expectedRows);
  });

  test("F17: a savepoint does not wait for a checkpoint that is being taken, nor for the pause behind it", async () => {
    const platform = createSimulatedPlatform({ seed: 5 });
    const rows = new CommittedRows();
    await platform.run(async () => {
      // A slow disk: a checkpoint is under way nearly always.
      const settings = {
        ...checkpointed,
        "execution.checkpointing.min-pause": "10 s",
        "execution.checkpointing.data-inline-threshold": "0 b",
      };
      const client = await halfway(platform, settings, (env) => countingJob(env, rows));
      const [first, second] = await Promise.all([
        client.triggerSavepoint("/savepoints"),
        client.triggerSavepoint("/savepoints"),
      ]);
      expect(first).not.toBe(second);
      await client.cancel();
      await resume(platform, { ...checkpointed, ...from(second) }, (env) => countingJob(env, rows));
    }, 120_000);
    expect(rows.rows).toEqual(expectedRows);
  });

  test("F17: a savepoint that cannot be written fails by name, leaves nothing behind, and the job goes on", async () => {
    const platform = createSimulatedPlatform({ seed: 6 });
    const rows = new CommittedRows();
    await platform.run(async () => {
      const settings = { ...checkpointed, "execution.checkpointing.data-inline-threshold": "0 b" };
      const client = await halfway(platform, settings, (env) => countingJob(env, rows));
      let isDenied = true;
      platform.storage.onEffect = (effect) =>
        isDenied && effect.phase === "before" && effect.path.includes("/savepoints/") && effect.operation === "sync"
          ? { kind: "fail", errno: "EIO" }
          : undefined;
      for (const take of [
        () => client.triggerSavepoint("/savepoints"),
        () => client.stopWithSavepoint(false, "/savepoints"),
      ]) {
        await expect(take()).rejects.toThrow(/MR_(SAVEPOINT_FAILED|CHECKPOINT_STORAGE_FAILED).*EIO/s);
        await until(platform, () => isRunning(client));
      }
      isDenied = false;
      await client.getJobExecutionResult();
      expect(client.getProgress().restarts).toBe(0);
    }, 120_000);
    expect(rows.rows).toEqual(expectedRows);
  });

  test("F17: what is asked of a job that cannot is refused by name", async () => {
    const platform = createSimulatedPlatform({ seed: 7 });
    await platform.run(async () => {
      const env = environment(platform, checkpointed);
      countingJob(env, new CommittedRows());
      const client = await env.executeAsync();
      await until(platform, () => isRunning(client));
      await expect(client.triggerSavepoint()).rejects.toThrow("MR_SAVEPOINT_DIRECTORY_MISSING");
      const stopped = client.stopWithSavepoint(false, "/savepoints");
      await until(platform, async () => (await platform.fs.stat("/savepoints")) !== undefined);
      await expect(client.stopWithSavepoint(true, "/savepoints")).rejects.toThrow("MR_SAVEPOINT_NOT_POSSIBLE");
      const path = await stopped;
      await expect(client.triggerSavepoint("/savepoints")).rejects.toThrow(/MR_SAVEPOINT_NOT_POSSIBLE.*FINISHED/s);
      expect(await platform.fs.list("/savepoints")).toEqual([path.slice("/savepoints/".length)]);

      const batch = environment(platform, { "execution.runtime-mode": "BATCH" });
      countingJob(batch, new CommittedRows());
      const batchClient = await batch.executeAsync();
      await expect(batchClient.triggerSavepoint("/savepoints")).rejects.toThrow("MR_BATCH_NO_CHECKPOINTS");
      await batchClient.cancel();
    }, 120_000);
  });
});

describe("the end with a savepoint", () => {
  /** One source that ends at once, one that goes on; a window over both. */
  function twoSources(env: StreamExecutionEnvironment, rows: CommittedRows): void {
    numbers(env, "short", 20)
      .union(numbers(env, "long"))
      .keyBy(() => "all")
      .window(TumblingEventTimeWindows.of("1 s"))
      .aggregate(
        { createAccumulator: () => 0, add: (_value, count) => count + 1, getResult: (count) => count },
        (_key, window, count) => ({ start: window.start, count }),
      )
      .uid("windows")
      .sinkTo(rows.sink())
      .uid("rows");
  }

  const shapes = [
    ["one source", countingJob, expectedRows],
    [
      "several sources, one at its end",
      twoSources,
      [120, 100, 100].map((count, second) => JSON.stringify({ start: second * 1000, count })).sort(),
    ],
  ] as const;

  test.each(shapes.flatMap(([name, build, expected]) => [1, 2].map((p) => [name, p, build, expected] as const)))(
    "FLINK-21132: a suspended job fires no window that is not due and goes on as if it had never stopped, %s, parallelism %i",
    async (_name, parallelism, build, expected) => {
      const platform = createSimulatedPlatform({ seed: 8 });
      const rows = new CommittedRows();
      const settings = { ...checkpointed, ...at(parallelism) };
      await platform.run(async () => {
        const client = await halfway(platform, settings, (env) => build(env, rows));
        const path = await client.stopWithSavepoint(false, "/savepoints");
        expect(await client.getJobStatus()).toBe("FINISHED");
        // The record at 1000 ms has been seen, the one at 2000 has not: one window of each key is due.
        for (const row of windowRows(rows)) expect((JSON.parse(row) as { start: number }).start).toBe(0);
        expect(windowRows(rows).length).toBeGreaterThan(0);
        expect((await loadCheckpoint(FileSystems.local(platform.fs), path)).metadata.savepoint?.isDrained).toBe(false);
        // Its own checkpoints go with it, the savepoint is its user's.
        expect(await platform.fs.list("/checkpoints")).toEqual([]);
        await resume(platform, { ...settings, ...from(path) }, (env) => build(env, rows));
        expect(await platform.fs.list("/savepoints")).toHaveLength(1);
      }, 120_000);
      expect(rows.rows).toEqual(expected);
    },
  );

  test.each(shapes.flatMap(([name, build, expected]) => [1, 2].map((p) => [name, p, build, expected] as const)))(
    "FLINK-21453: a drained job fires all of its windows and commits them, %s, parallelism %i",
    async (_name, parallelism, build, expected) => {
      const platform = createSimulatedPlatform({ seed: 9 });
      const rows = new CommittedRows();
      await platform.run(async () => {
        const settings = { ...checkpointed, ...at(parallelism) };
        const client = await halfway(platform, settings, (env) => build(env, rows));
        const path = await client.stopWithSavepoint(true, "/savepoints");
        expect(await client.getJobStatus()).toBe("FINISHED");
        const { recordsRead } = client.getProgress();
        expect(recordsRead).toBeGreaterThan(100);
        expect(recordsRead).toBeLessThan(COUNT);
        const counts = windowRows(rows).map((row) => JSON.parse(row) as { start: number; count: number });
        expect(new Set(counts.map(({ start }) => start))).toEqual(new Set([0, 1000]));
        expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(recordsRead);
        expect((await loadCheckpoint(FileSystems.local(platform.fs), path)).metadata.savepoint?.isDrained).toBe(true);

        // A job that goes on all the same begins its event time again: what it reads is not late.
        await resume(platform, { ...settings, ...from(path) }, (env) => build(env, rows));
        const all = windowRows(rows).map((row) => JSON.parse(row) as { start: number; count: number });
        const undisturbed = windowRows({ rows: expected }).map((row) => JSON.parse(row) as { count: number });
        const sumOf = (counted: readonly { count: number }[]): number =>
          counted.reduce((sum, { count }) => sum + count, 0);
        expect(sumOf(all)).toBe(sumOf(undisturbed));
        expect(new Set(all.map(({ start }) => start))).toEqual(new Set([0, 1000, 2000]));
      }, 120_000);
    },
  );

  test("F17: a job of bounded sources that are at their end already is suspended and drained alike", async () => {
    for (const isDrained of [false, true]) {
      const platform = createSimulatedPlatform({ seed: 10 });
      const rows = new CommittedRows();
      await platform.run(async () => {
        const client = await halfway(platform, { ...checkpointed }, (env) => {
          numbers(env, "short", 149).sinkTo(rows.sink()).uid("rows");
        });
        // The last checkpoint of the job takes a while, so there is time to ask.
        platform.storage.onEffect = ({ operation, path }) =>
          operation === "sync" && path.startsWith("/checkpoints/") ? { kind: "delay", delayMs: 500 } : undefined;
        const path = await client.stopWithSavepoint(isDrained, "/savepoints");
        expect((await loadCheckpoint(FileSystems.local(platform.fs), path)).metadata.savepoint?.isDrained).toBe(
          isDrained,
        );
      }, 120_000);
      expect(rows.rows).toHaveLength(149);
    }
  });

  test.each(["suspend", "drain"] as const)(
    "F17: a job that fails before the savepoint of a %s is complete restarts and goes on",
    async (kind) => {
      const platform = createSimulatedPlatform({ seed: 11 });
      const rows = new CommittedRows();
      await platform.run(async () => {
        const settings = {
          ...checkpointed,
          "restart-strategy.type": "fixed-delay",
          "execution.checkpointing.data-inline-threshold": "0 b",
        };
        let isAsked = false;
        let isFailed = false;
        const client = await halfway(platform, settings, (env) => {
          countingJob(env, rows);
          // Fails at the end of event time, or with the next of its timers.
          numbers(env, "other")
            .keyBy(() => 1)
            .process({
              processElement: (_n: number, context) => {
                context.timerService.registerProcessingTimeTimer(context.currentProcessingTime() + 1);
                context.timerService.registerEventTimeTimer(1e12);
              },
              onTimer: (timeMs: number, context) => {
                if (context.timeDomain === "processing") context.timerService.registerProcessingTimeTimer(timeMs + 10);
                if (!isAsked || isFailed) return;
                isFailed = true;
                throw new Error("while it ends");
              },
            })
            .uid("failing")
            .sinkTo(rows.sink())
            .uid("nothing");
        });
        // As soon as the savepoint's directory is there, and long before the savepoint is.
        platform.storage.onEffect = ({ operation, path, phase }) => {
          if (operation === "sync directory" && path === "/savepoints" && phase === "after") isAsked = true;
          return operation === "sync" && path.startsWith("/savepoints/") ? { kind: "delay", delayMs: 500 } : undefined;
        };
        await expect(client.stopWithSavepoint(kind === "drain", "/savepoints")).rejects.toThrow("MR_SAVEPOINT_FAILED");
        await client.getJobExecutionResult();
        expect(isFailed).toBe(true);
        expect(client.getProgress().restarts).toBe(1);
        expect(await platform.fs.list("/savepoints")).toEqual([]);
      }, 120_000);
      expect(rows.rows).toEqual(expectedRows);
    },
  );
});

describe("FLINK-26783: a sink that fails to commit behind the last savepoint", () => {
  class FailingRows extends CommittedRows {
    failuresLeft = 0;

    override commit(transaction: Parameters<CommittedRows["commit"]>[0]): void {
      if (this.failuresLeft-- > 0) throw new Error("the database is away");
      super.commit(transaction);
    }
  }

  test.each(["suspend", "drain"] as const)(
    "%s: with restarts left the job starts from the savepoint, commits and ends",
    async (kind) => {
      const platform = createSimulatedPlatform({ seed: 12 });
      const rows = new FailingRows();
      await platform.run(async () => {
        const settings = { ...checkpointed, "restart-strategy.type": "fixed-delay" };
        const client = await halfway(platform, settings, (env) => countingJob(env, rows));
        rows.failuresLeft = 1;
        const path = await client.stopWithSavepoint(kind === "drain", "/savepoints");
        expect(await client.getJobStatus()).toBe("FINISHED");
        expect(client.getProgress().restarts).toBe(1);
        if (kind === "drain") return;
        await resume(platform, { ...checkpointed, ...from(path) }, (env) => countingJob(env, rows));
      }, 120_000);
      if (kind === "suspend") expect(rows.rows).toEqual(expectedRows);
      else expect(new Set(rows.rows).size).toBe(rows.rows.length);
    },
  );

  test.each([1, 2])(
    "without restarts it fails, says where the savepoint is, and a job from there commits once, parallelism %i",
    async (parallelism) => {
      const platform = createSimulatedPlatform({ seed: 13 });
      const rows = new FailingRows();
      await platform.run(async () => {
        const settings = { ...checkpointed, ...at(parallelism), "restart-strategy.type": "none" };
        const client = await halfway(platform, settings, (env) => countingJob(env, rows));
        rows.failuresLeft = 1;
        const failure = await client.stopWithSavepoint(false, "/savepoints").then(
          () => "none",
          (error: unknown) => String(error),
        );
        const path = /\/savepoints\/savepoint-[0-9a-f]{6}-[0-9a-f]{12}/.exec(failure)?.[0];
        expect(failure).toMatch(/MR_STOP_UNCOMMITTED.*the database is away/s);
        await expect(client.getJobExecutionResult()).rejects.toThrow("MR_STOP_UNCOMMITTED");
        rows.failuresLeft = 0;
        await resume(platform, { ...settings, ...from(path!) }, (env) => countingJob(env, rows));
      }, 120_000);
      expect(rows.rows).toEqual(expectedRows);
    },
  );
});
