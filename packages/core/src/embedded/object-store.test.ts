/** Jobs whose checkpoints are in an object store: no directories, no rename, and requests that fail. */
import { describe, expect, test } from "vitest";
import { loadCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import { DirectoryCheckpointStorage } from "../checkpoint/checkpoint-storage.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { Configuration } from "../config/configuration.ts";
import { SeededRandom } from "../platform/seeded-random.ts";
import { type ObjectVerdict, SimulatedObjectStore } from "../platform/simulated-object-store.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { counted, countRows, environmentOn, from, halfway, numbers } from "../testing/upgrade-jobs.ts";

const settings = {
  "execution.checkpointing.interval": "100 ms",
  "execution.checkpointing.dir": "s3://bucket/checkpoints",
  "execution.checkpointing.data-inline-threshold": "0 b",
  "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
};

function platformWith(store: SimulatedObjectStore, seed: number): SimulatedPlatform {
  return createSimulatedPlatform({ seed, packages: { "@millrace/storage-s3": store.package } });
}

function build(env: StreamExecutionEnvironment, rows: CommittedRows): void {
  counted(numbers(env), "a", "counts").sinkTo(rows.sink()).uid("rows");
}

/** The highest count of a key. */
const lastRow = countRows("a").reduce((last, row) => (countOf(row) > countOf(last) ? row : last));

function countOf(row: string): number {
  return Number(/(\d+)"?$/.exec(row)![1]);
}

const checkpointsIn = (store: SimulatedObjectStore): readonly string[] =>
  [...store.objects.keys()].filter((path) => path.endsWith("/_metadata"));

describe("S32: checkpoints in an object store", () => {
  test("bring a job back after failures, and only the retained one is left of them", async () => {
    const store = new SimulatedObjectStore();
    const platform = platformWith(store, 31);
    const rows = new CommittedRows();
    await platform.run(async () => {
      const env = environmentOn(platform, { ...settings, "restart-strategy.type": "fixed-delay" });
      let count = 0;
      const failing = numbers(env).map((n) => {
        if (++count % 120 === 0 && count < 400) throw new Error("now and then");
        return n;
      });
      counted(failing, "a", "counts").sinkTo(rows.sink());
      await env.execute();
    }, 600_000);
    expect(rows.rows).toEqual(countRows("a"));
    expect([...store.objects.keys()]).toEqual([]);
  });

  test("a job starts from a checkpoint and from a savepoint by their URIs, and a savepoint can be moved", async () => {
    const store = new SimulatedObjectStore();
    const platform = platformWith(store, 32);
    const rows = new CommittedRows();
    await platform.run(async () => {
      const client = await halfway(platform, settings, (env) => build(env, rows));
      const savepoint = await client.triggerSavepoint("s3://bucket/savepoints/");
      expect(savepoint).toMatch(/^s3:\/\/bucket\/savepoints\/savepoint-[0-9a-f]{6}-[0-9a-f]{12}$/);
      await client.cancel();
      const path = client.getProgress().checkpoints.lastPath!;
      expect(path).toMatch(/^s3:\/\/bucket\/checkpoints\/[0-9a-f]{32}\/chk-\d+$/);
      for (const [name, bytes] of store.objects) {
        if (name.startsWith(savepoint)) store.objects.set(name.replace(savepoint, "s3://other/moved"), bytes);
      }
      for (const start of [path, `${path}/_metadata`, savepoint, "s3://other/moved"]) {
        const again = new CommittedRows();
        const env = environmentOn(platform, { ...settings, ...from(start) });
        build(env, again);
        await env.execute();
        const missing = countRows("a").filter((row) => !again.rows.includes(row));
        expect(again.rows).toEqual(countRows("a").filter((row) => !missing.includes(row)));
        // It has gone on from the middle, to the end.
        expect(missing.length).toBeGreaterThan(0);
        expect(again.rows).toContain(lastRow);
      }
    }, 600_000);
  });

  test("whatever becomes of requests, every row is committed once, and what is listed is whole", async () => {
    for (let seed = 0; seed < 12; seed++) {
      const store = new SimulatedObjectStore();
      const random = new SeededRandom(`faults ${seed}`);
      const kinds: readonly ObjectVerdict[] = [{ kind: "refused" }, { kind: "lost" }, { kind: "slow", delayMs: 300 }];
      const platform = platformWith(store, seed);
      const rows = new CommittedRows();
      const verdicts = new Set<string>();
      await platform.run(async () => {
        const env = environmentOn(platform, {
          ...settings,
          "restart-strategy.type": "fixed-delay",
          "restart-strategy.fixed-delay.attempts": "1000",
          "execution.checkpointing.tolerable-failed-checkpoints": "2",
        });
        let count = 0;
        const failing = numbers(env).map((n) => {
          if (++count % 150 === 0 && count < 600) throw new Error("now and then");
          return n;
        });
        counted(failing, "a", "counts").sinkTo(rows.sink());
        store.onRequest = ({ index }) => {
          if (index < 6 || index > 400 || random.u32() % 10 > 0) return undefined;
          const verdict = kinds[random.u32() % kinds.length]!;
          verdicts.add(verdict.kind);
          return verdict;
        };
        await env.execute();
      }, 6_000_000);
      expect(rows.rows, `seed ${seed}`).toEqual(countRows("a"));
      expect(verdicts.size).toBeGreaterThan(1);
    }
  });

  test("R2: state of which only a part arrives is not used", async () => {
    const store = new SimulatedObjectStore();
    const platform = platformWith(store, 35);
    const failure = await platform.run(async () => {
      const client = await halfway(platform, settings, (env) => build(env, new CommittedRows()));
      await client.cancel();
      const path = client.getProgress().checkpoints.lastPath!;
      store.onRequest = (request) =>
        request.kind === "read" && !request.path.endsWith("/_metadata") ? { kind: "short" } : undefined;
      const env = environmentOn(platform, { ...settings, ...from(path) });
      build(env, new CommittedRows());
      return env.execute().then(String, String);
    }, 600_000);
    expect(failure).toMatch(/MR_STATE_FILE_CORRUPT.*s3:\/\/bucket/);
  });

  test("a store that nobody can write to is refused before the job runs", async () => {
    const store = new SimulatedObjectStore();
    store.onRequest = () => ({ kind: "refused" });
    const platform = platformWith(store, 33);
    const failure = await platform.run(async () => {
      const env = environmentOn(platform, settings);
      build(env, new CommittedRows());
      return env.execute().then(String, String);
    }, 600_000);
    expect(failure).toMatch(/MR_CHECKPOINT_STORAGE_FAILED.*s3:\/\/bucket\/checkpoints/);
  });
});

describe("F5: of two JobManagers that write one checkpoint", () => {
  test("MR_CHECKPOINT_EXISTS: the second neither overwrites nor removes what the first has completed", async () => {
    const store = new SimulatedObjectStore();
    const platform = platformWith(store, 34);
    const storage = (): DirectoryCheckpointStorage =>
      new DirectoryCheckpointStorage({
        fs: FileSystems.of(platform, new Configuration()),
        random: platform.random,
        directory: "s3://bucket/checkpoints",
        jobId: "job",
        hasJobDirectory: true,
        limits: { inlineBelowBytes: 0, stateBytesMax: Number.POSITIVE_INFINITY },
      });
    const metadata = { jobId: "job", checkpointId: 1, timestampMs: 1, graphHash: "", operators: [], coordinators: [] };
    await platform.run(async () => {
      const [first, zombie] = [storage(), storage()];
      for (const each of [first, zombie]) await each.prepare(1);
      await first.storeMetadata({ ...metadata, jobName: "first" });
      await expect(zombie.storeMetadata({ ...metadata, jobName: "zombie" })).rejects.toThrow("MR_CHECKPOINT_EXISTS");
      await zombie.discard(1);
      const files = FileSystems.of(platform, new Configuration());
      expect((await loadCheckpoint(files, "s3://bucket/checkpoints/job")).metadata.jobName).toBe("first");
    });
    expect(checkpointsIn(store)).toHaveLength(1);
  });
});
