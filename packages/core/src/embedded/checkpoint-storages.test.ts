import { describe, expect, test } from "vitest";
import { FileSystemCheckpointStorage, JobManagerCheckpointStorage } from "../api/checkpoint-storages.ts";
import { loadCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { filesOf } from "../checkpoint/snapshot-files.ts";
import { Configuration } from "../config/configuration.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { checkpointed, counted, countRows, environmentOn, from, halfway, numbers } from "../testing/upgrade-jobs.ts";

const interval = { "execution.checkpointing.interval": "100 ms" };

/** Keeps `bytes` for each key, in one state of one subtask. */
function build(env: StreamExecutionEnvironment, rows: CommittedRows, bytes: number = 1): void {
  const stream = numbers(env);
  stream
    .map((n) => ({ key: n % 2, text: "x".repeat(bytes) }))
    .keyBy((value) => value.key)
    .reduce((left) => left)
    .uid("texts")
    .map(() => "")
    .filter(() => false)
    .sinkTo(rows.sink())
    .uid("none");
  counted(stream, "a", "counts").sinkTo(rows.sink()).uid("rows");
}

async function failureOf(platform: SimulatedPlatform, work: () => Promise<unknown>): Promise<string> {
  return platform.run(
    () =>
      work().then(
        () => "",
        (error: unknown) => String(error),
      ),
    600_000,
  );
}

describe("S32: checkpoints in memory", () => {
  test("bring a job back after a failure, and leave no file", async () => {
    const platform = createSimulatedPlatform({ seed: 91 });
    const rows = new CommittedRows();
    await platform.run(async () => {
      const env = environmentOn(platform, { ...interval, "restart-strategy.type": "fixed-delay" });
      env.getCheckpointConfig().setCheckpointStorage(new JobManagerCheckpointStorage());
      let count = 0;
      const failing = numbers(env).map((n) => {
        if (++count === 120) throw new Error("once");
        return n;
      });
      counted(failing, "a", "counts").sinkTo(rows.sink());
      await env.execute();
    }, 600_000);
    expect(rows.rows).toEqual(countRows("a"));
    const left = await platform.run(async () => [
      ...(await platform.fs.list("/")).filter((name) => name !== "tmp"),
      ...((await platform.fs.stat("/tmp")) === undefined ? [] : await platform.fs.list("/tmp")),
    ]);
    expect(left).toEqual([]);
  });

  test("take no state above 5 MiB, or above what is set: the job ends by name, whatever the restart strategy", async () => {
    for (const [storage, bytes] of [
      [new JobManagerCheckpointStorage(), 2.6 * 1024 * 1024],
      [new JobManagerCheckpointStorage(1000), 600],
    ] as const) {
      const platform = createSimulatedPlatform({ seed: 92 });
      const failure = await failureOf(platform, () => {
        const env = environmentOn(platform, { ...interval, "restart-strategy.fixed-delay.attempts": "1000" });
        env.getCheckpointConfig().setCheckpointStorage(storage);
        build(env, new CommittedRows(), bytes);
        return env.execute();
      });
      expect(failure).toMatch(/MR_STATE_TOO_LARGE_FOR_MEMORY|too large for checkpoints that are kept in memory/);
    }
  });

  test("that have a directory are one _metadata in it, and a job starts from it", async () => {
    const platform = createSimulatedPlatform({ seed: 93 });
    const rows = new CommittedRows();
    await platform.run(async () => {
      const settings = {
        ...checkpointed,
        "execution.checkpointing.storage": "jobmanager",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
      };
      const client = await halfway(platform, settings, (env) => build(env, rows, 50_000));
      await client.cancel();
      const path = client.getProgress().checkpoints.lastPath!;
      expect(await platform.fs.list(path)).toEqual(["_metadata"]);
      const env = environmentOn(platform, { ...settings, ...from(path) });
      build(env, rows, 50_000);
      await env.execute();
    }, 600_000);
    expect(new Set(rows.rows).size).toBe(countRows("a").length);
  });
});

describe("S32: checkpoints in files", () => {
  test("lie below the path of a file: URL, and a job starts from one by its URL", async () => {
    const platform = createSimulatedPlatform({ seed: 94 });
    const rows = new CommittedRows();
    await platform.run(async () => {
      const storage = new FileSystemCheckpointStorage("file:///data/my%20checkpoints");
      const retained = {
        ...interval,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
      };
      const client = await halfway(platform, retained, (env) => {
        env.getCheckpointConfig().setCheckpointStorage(storage);
        build(env, rows, 50_000);
      });
      const savepoint = await client.triggerSavepoint("file:///data/savepoints");
      expect(savepoint).toMatch(/^\/data\/savepoints\/savepoint-/);
      await client.cancel();
      const path = client.getProgress().checkpoints.lastPath!;
      expect(path).toMatch(/^\/data\/my checkpoints\/[0-9a-f]{32}\/chk-\d+$/);
      expect(filesOf((await loadCheckpoint(FileSystems.local(platform.fs), path)).metadata).length).toBeGreaterThan(0);
      const env = environmentOn(platform, { ...interval, ...from(`file://${encodeURI(path)}/_metadata`) });
      build(env, rows, 50_000);
      await env.execute();
    }, 600_000);
    expect(new Set(rows.rows).size).toBe(countRows("a").length);
  });

  test("need a directory", async () => {
    const platform = createSimulatedPlatform({ seed: 95 });
    const failure = await failureOf(platform, () => {
      const env = environmentOn(platform, { ...interval, "state.checkpoint-storage": "filesystem" });
      build(env, new CommittedRows());
      return env.execute();
    });
    expect(failure).toMatch(
      /MR_CONFIG_INVALID.*state\.checkpoint-storage|MR_CONFIG_INVALID.*execution\.checkpointing\.dir/s,
    );
  });

  test("MR_FILE_SYSTEM_UNSUPPORTED: a place in another file system whose package is not installed is not taken for a path", async () => {
    const platform = createSimulatedPlatform({ seed: 96 });
    const failures = await platform.run(async () => {
      const client = await halfway(platform, interval, (env) => build(env, new CommittedRows()));
      const asked = [
        client.triggerSavepoint("s3://bucket/savepoints"),
        loadCheckpoint(FileSystems.of(platform, new Configuration()), "hdfs:///chk-1"),
      ];
      const failed = await Promise.all(asked.map((each) => each.then(String, String)));
      await client.cancel();
      return failed;
    }, 600_000);
    for (const failure of failures)
      expect(failure).toMatch(
        /MR_FILE_SYSTEM_UNSUPPORTED.*(?:s3|hdfs):\/\/.*npm install @millrace\/storage-(?:s3|hdfs)/s,
      );
  });
});
