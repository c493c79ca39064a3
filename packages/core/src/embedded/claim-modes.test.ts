import { describe, expect, test } from "vitest";
import { listCompleted } from "../checkpoint/checkpoint-reader.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import {
  after,
  checkpointed,
  counted,
  countRows,
  environmentOn,
  from,
  halfway,
  numbers,
  type Settings,
} from "../testing/upgrade-jobs.ts";

/** Every state in a file of its own: what refers to another snapshot's file would be seen. */
const inFiles: Settings = { ...checkpointed, "execution.checkpointing.data-inline-threshold": "0 b" };
const retained: Settings = {
  ...inFiles,
  "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
};
const claim: Settings = { "execution.state-recovery.claim-mode": "CLAIM" };

function build(env: StreamExecutionEnvironment, rows: CommittedRows, onRecord: (n: number) => void = () => {}): void {
  const stream = numbers(env).map((n) => {
    onRecord(n);
    return n;
  });
  counted(stream, "a", "count-a").sinkTo(rows.sink()).uid("rows-a");
}

/** Runs a job to about its half, cancels it, and returns the directory of the newest checkpoint it left. */
async function leftBy(platform: SimulatedPlatform, rows: CommittedRows, settings: Settings = {}): Promise<string> {
  const client = await halfway(platform, { ...retained, ...settings }, (env) => build(env, rows));
  await client.cancel();
  return client.getProgress().checkpoints.lastPath!;
}

async function finish(platform: SimulatedPlatform, rows: CommittedRows, settings: Settings): Promise<void> {
  const env = environmentOn(platform, settings);
  build(env, rows);
  await env.execute();
}

describe("F17: NO_CLAIM, what a job starts from stays its owner's", () => {
  test("FLINK-26985: it can be restored again after the job's own checkpoints have long replaced it", async () => {
    const platform = createSimulatedPlatform({ seed: 31 });
    const rows = new CommittedRows();
    await platform.run(async () => {
      const path = await leftBy(platform, rows);
      const files = await platform.fs.list(path);
      await finish(platform, rows, { ...inFiles, ...from(path) });
      expect(rows.rows).toEqual(countRows("a"));
      expect(await platform.fs.list(path)).toEqual(files);
      const again = new CommittedRows();
      await finish(platform, again, { ...inFiles, ...from(path) });
      expect(again.rows.length).toBeGreaterThan(50);
    }, 60_000);
  });

  test("FLINK-39964: the first checkpoint is full, so it can be restored when the other is gone", async () => {
    const platform = createSimulatedPlatform({ seed: 32 });
    const rows = new CommittedRows();
    await platform.run(async () => {
      const first = await leftBy(platform, rows);
      const client = await halfway(platform, { ...retained, ...from(first) }, (env) => build(env, rows));
      await client.cancel();
      await platform.fs.removeTree(first);
      await finish(platform, rows, { ...inFiles, ...from(client.getProgress().checkpoints.lastPath!) });
    }, 60_000);
    expect(rows.rows).toEqual(countRows("a"));
  });
});

describe("F17: CLAIM, what a job starts from is its own", () => {
  test("it goes with the first checkpoint that replaces it, and nothing else goes with it", async () => {
    const platform = createSimulatedPlatform({ seed: 33 });
    const rows = new CommittedRows();
    await platform.run(async () => {
      const client = await halfway(platform, inFiles, (env) => build(env, rows));
      const path = await client.stopWithSavepoint(false, "/savepoints");
      const note = await platform.fs.open(`${path}/README`, "create");
      await note.close();
      const next = await halfway(platform, { ...retained, ...claim, ...from(path) }, (env) => build(env, rows));
      expect(next.getProgress().checkpoints.completed).toBeGreaterThan(0);
      expect(await platform.fs.list(path)).toEqual(["README"]);
      await next.cancel();
      await finish(platform, rows, { ...inFiles, ...from(next.getProgress().checkpoints.lastPath!) });
    }, 60_000);
    expect(rows.rows).toEqual(countRows("a"));
  });

  test("S41: it counts as one of num-retained, and the directory of the job that left it goes with its last checkpoint", async () => {
    const platform = createSimulatedPlatform({ seed: 34 });
    const rows = new CommittedRows();
    await platform.run(async () => {
      const path = await leftBy(platform, rows, { "execution.checkpointing.num-retained": "1" });
      const jobDirectory = platform.fs.resolve(path, "..");
      const settings = { ...inFiles, ...claim, ...from(path), "execution.checkpointing.num-retained": "3" };
      const env = environmentOn(platform, settings);
      build(env, rows);
      const client = await env.executeAsync();
      while (client.getProgress().checkpoints.completed < 2) await after(platform, 5);
      expect(await platform.fs.list(jobDirectory)).toContain(path.slice(jobDirectory.length + 1));
      while (client.getProgress().checkpoints.completed < 3) await after(platform, 5);
      await after(platform, 50);
      expect(await platform.fs.stat(jobDirectory)).toBeUndefined();
      await client.getJobExecutionResult();
    }, 60_000);
    expect(rows.rows).toEqual(countRows("a"));
  });

  test("a job that fails before its first checkpoint leaves it, since there is nothing else to go on from", async () => {
    const platform = createSimulatedPlatform({ seed: 35 });
    const rows = new CommittedRows();
    await platform.run(async () => {
      const path = await leftBy(platform, rows);
      const env = environmentOn(platform, { ...inFiles, ...claim, ...from(path) });
      build(env, rows, () => {
        throw new Error("at once");
      });
      await expect(env.execute()).rejects.toThrow("at once");
      await finish(platform, rows, { ...inFiles, ...claim, ...from(path) });
      expect(await platform.fs.stat(path)).toBeUndefined();
    }, 60_000);
    expect(rows.rows).toEqual(countRows("a"));
  });

  test("FLINK-39964: a restart before the first checkpoint begins from it, and one whose files are gone fails by name", async () => {
    for (const isGone of [false, true]) {
      const platform = createSimulatedPlatform({ seed: 36 });
      const rows = new CommittedRows();
      await platform.run(async () => {
        const client = await halfway(platform, inFiles, (env) => build(env, rows));
        const path = await client.stopWithSavepoint(false, "/savepoints");
        const settings = {
          ...inFiles,
          ...claim,
          ...from(path),
          "execution.checkpointing.interval": "1 h",
          "restart-strategy.type": "fixed-delay",
        };
        let hasFailed = false;
        const env = environmentOn(platform, settings);
        build(env, rows, () => {
          if (hasFailed) return;
          hasFailed = true;
          throw new Error("once");
        });
        const next = await env.executeAsync();
        if (isGone) {
          while ((await next.getJobStatus()) !== "RESTARTING") await after(platform, 1);
          await platform.fs.rename(path, "/moved");
          await expect(next.getJobExecutionResult()).rejects.toThrow(
            /MR_STATE_FILE_CORRUPT|MR_SAVEPOINT_FILES_MISSING/,
          );
          return;
        }
        await next.getJobExecutionResult();
        expect(rows.rows).toEqual(countRows("a"));
      }, 60_000);
    }
  });
});

describe("S41: what is left of a job's checkpoints", () => {
  const kept = async (retention: string, end: "cancel" | "fail" | "finish"): Promise<number> => {
    const platform = createSimulatedPlatform({ seed: 37 });
    let count = 0;
    await platform.run(async () => {
      const settings = {
        ...inFiles,
        "execution.checkpointing.externalized-checkpoint-retention": retention,
        "execution.checkpointing.num-retained": "2",
      };
      let isFailing = false;
      const client = await halfway(platform, settings, (env) =>
        build(env, new CommittedRows(), () => {
          if (isFailing) throw new Error("now");
        }),
      );
      if (end === "cancel") await client.cancel();
      isFailing = end === "fail";
      await client.getJobExecutionResult().catch(() => {});
      const directory = `/checkpoints/${client.jobId}`;
      if ((await platform.fs.stat(directory)) !== undefined)
        count = (await listCompleted(FileSystems.local(platform.fs), directory)).length;
    }, 60_000);
    return count;
  };

  test("RETAIN_ON_CANCELLATION keeps num-retained of them after a cancellation and a failure", async () => {
    expect(await kept("RETAIN_ON_CANCELLATION", "cancel")).toBe(2);
    expect(await kept("RETAIN_ON_CANCELLATION", "fail")).toBe(2);
    expect(await kept("RETAIN_ON_CANCELLATION", "finish")).toBe(0);
  });

  test("DELETE_ON_CANCELLATION keeps them after a failure only", async () => {
    expect(await kept("DELETE_ON_CANCELLATION", "cancel")).toBe(0);
    expect(await kept("DELETE_ON_CANCELLATION", "fail")).toBe(2);
    expect(await kept("DELETE_ON_CANCELLATION", "finish")).toBe(0);
  });

  test("a damaged newest one ends the job at once, and those that the message names are kept whatever the retention", async () => {
    const platform = createSimulatedPlatform({ seed: 39 });
    await platform.run(async () => {
      let isFailing = false;
      const settings = {
        ...inFiles,
        "execution.checkpointing.num-retained": "3",
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "1000000",
      };
      const client = await halfway(platform, settings, (env) =>
        build(env, new CommittedRows(), () => {
          if (isFailing) throw new Error("now");
        }),
      );
      isFailing = true;
      while ((await client.getJobStatus()) !== "RESTARTING") await after(platform, 1);
      const newest = client.getProgress().checkpoints.lastPath!;
      const [file] = (await platform.fs.list(newest)).filter((name) => name !== "_metadata");
      platform.storage.disk.flipBit(`${newest}/${file}`, 0, 1);
      const error = await client.getJobExecutionResult().catch((thrown: unknown) => thrown);
      expect(String(error)).toMatch(/MR_STATE_FILE_CORRUPT/);
      const named = [...String(error).matchAll(/-s (\S+\/chk-\d+)/g)].map(([, path]) => path!);
      expect(named.length).toBe(2);
      for (const path of named) expect((await platform.fs.stat(`${path}/_metadata`))?.kind, path).toBe("file");
    }, 60_000);
  });

  test("NO_EXTERNALIZED_CHECKPOINTS keeps none", async () => {
    for (const end of ["cancel", "fail", "finish"] as const)
      expect(await kept("NO_EXTERNALIZED_CHECKPOINTS", end)).toBe(0);
  });
});

test("S49: a job starts from a checkpoint by its directory, by its _metadata, or from the newest of a job", async () => {
  const platform = createSimulatedPlatform({ seed: 38 });
  await platform.run(async () => {
    const rows = new CommittedRows();
    const path = await leftBy(platform, rows);
    const committed = rows.rows;
    for (const given of [path, `${path}/_metadata`, platform.fs.resolve(path, "..")]) {
      const all = new CommittedRows();
      await finish(platform, all, { ...inFiles, ...from(given) });
      expect(new Set([...committed, ...all.rows]).size, given).toBe(countRows("a").length);
    }
  }, 60_000);
});
