import { describe, expect, test } from "vitest";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { decodeMetadata } from "../checkpoint/metadata-codec.ts";
import { filesOf, sharedFilesOf } from "../checkpoint/snapshot-files.ts";
import type { CheckpointMetadata } from "../checkpoint/state-handles.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StateSnapshot } from "../state-processor/state-snapshot.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { storedCounts } from "../testing/stored-counts.ts";
import {
  after,
  at,
  checkpointed,
  countRows,
  environmentOn,
  from,
  halfway,
  KEYS,
  numbers,
  type Settings,
} from "../testing/upgrade-jobs.ts";

const inFiles: Settings = {
  ...checkpointed,
  "execution.checkpointing.interval": "40 ms",
  "execution.checkpointing.data-inline-threshold": "0 b",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "100",
  "restart-strategy.fixed-delay.delay": "5 ms",
};
const retained: Settings = {
  ...inFiles,
  "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
};
const claimMode = (mode: string): Settings => ({ "execution.state-recovery.claim-mode": mode });

function build(env: StreamExecutionEnvironment, rows: CommittedRows, onRecord: (n: number) => void = () => {}): void {
  const stream = numbers(env).map((n) => {
    onRecord(n);
    return n;
  });
  storedCounts(stream, "a", (n) => n % KEYS)
    .sinkTo(rows.sink())
    .uid("rows-a");
}

/** Throws at each of these numbers once. */
function failingAt(...numbers: readonly number[]): (n: number) => void {
  const left = new Set(numbers);
  return (n) => {
    if (left.delete(n)) throw new Error(`at ${n}`);
  };
}

interface Visible {
  readonly directory: string;
  readonly metadata: CheckpointMetadata;
}

/** All snapshots on the disk, as somebody sees them who does not take part. */
function snapshotsOn({ storage: { disk } }: SimulatedPlatform): readonly Visible[] {
  const namesIn = (path: string): readonly string[] => (disk.stat(path)?.kind === "directory" ? disk.list(path) : []);
  const jobs = namesIn("/checkpoints").map((job) => `/checkpoints/${job}`);
  return [...jobs, "/savepoints"].flatMap((parent) =>
    namesIn(parent).flatMap((name) => {
      const path = `${parent}/${name}/_metadata`;
      if (disk.stat(path)?.kind !== "file") return [];
      const file = disk.open(path, "read", 0);
      const bytes = new Uint8Array(file.contents.sizeBytes);
      file.contents.read(bytes, 0);
      disk.close(file);
      return [{ directory: `${parent}/${name}`, metadata: decodeMetadata(bytes, path) }];
    }),
  );
}

function missingOn(platform: SimulatedPlatform): readonly string[] {
  const { disk } = platform.storage;
  return snapshotsOn(platform).flatMap(({ directory, metadata }) =>
    filesOf(metadata)
      .map((name) => platform.fs.resolve(directory, name))
      .filter((path) => disk.stat(path) === undefined),
  );
}

/** Shared files that no snapshot beside them refers to. */
function orphansOn(platform: SimulatedPlatform): readonly string[] {
  const { disk } = platform.storage;
  const jobs = disk.stat("/checkpoints") === undefined ? [] : disk.list("/checkpoints");
  return jobs.flatMap((job) => {
    const shared = `/checkpoints/${job}/shared`;
    const referred = new Set(
      snapshotsOn(platform)
        .filter(({ directory }) => directory.startsWith(`/checkpoints/${job}/`))
        .flatMap(({ metadata }) => sharedFilesOf(metadata)),
    );
    return disk.stat(shared) === undefined ? [] : disk.list(shared).filter((name) => !referred.has(name));
  });
}

/** Looks at the disk every few milliseconds. */
function watch(platform: SimulatedPlatform): { readonly violations: string[]; stop(): void } {
  const violations: string[] = [];
  let isOver = false;
  const look = (): void => {
    if (isOver) return;
    violations.push(...missingOn(platform));
    platform.clock.after(6, look);
  };
  look();
  return {
    violations,
    stop: () => {
      isOver = true;
    },
  };
}

async function watched(seed: number, run: (platform: SimulatedPlatform) => Promise<void>): Promise<void> {
  const platform = createSimulatedPlatform({ seed });
  await platform.run(async () => {
    const watching = watch(platform);
    await run(platform);
    watching.stop();
    expect(watching.violations).toEqual([]);
    expect(missingOn(platform)).toEqual([]);
  }, 600_000);
}

describe("S31: incremental checkpoints of whole jobs", () => {
  test.each([1, 2])("S31: restarts count each record once, and no snapshot ever lacks a file, at p = %i", async (p) => {
    for (const retainedCount of ["1", "3"]) {
      const rows = new CommittedRows();
      await watched(50 + p, async (platform) => {
        const settings = { ...inFiles, ...at(p), "execution.checkpointing.num-retained": retainedCount };
        const env = environmentOn(platform, settings);
        build(env, rows, failingAt(33, 34, 90, 131, 170));
        await env.execute();
      });
      expect(rows.rows).toEqual(countRows("a"));
    }
  });

  test("S31: later checkpoints refer to files of earlier ones, and a cancelled job leaves no file that none refers to", async () => {
    await watched(61, async (platform) => {
      const settings = { ...retained, ...at(2), "execution.checkpointing.num-retained": "3" };
      const client = await halfway(platform, settings, (env) => build(env, new CommittedRows()));
      await client.cancel();
      const all = snapshotsOn(platform).map(({ metadata }) => sharedFilesOf(metadata));
      expect(all.length).toBe(3);
      expect(new Set(all.flat()).size).toBeLessThan(all.flat().length);
      expect(orphansOn(platform)).toEqual([]);
    });
  });

  test.each([
    ["NO_CLAIM", false],
    ["CLAIM", true],
  ])(
    "FLINK-26985, FLINK-39964: a job started with %s refers to no file of another's checkpoint",
    async (mode, isClaimed) => {
      for (const seed of [71]) {
        const rows = new CommittedRows();
        await watched(seed, async (platform) => {
          const first = await halfway(platform, { ...retained, ...at(2) }, (env) => build(env, rows));
          await first.cancel();
          const path = first.getProgress().checkpoints.lastPath!;
          const env = environmentOn(platform, { ...inFiles, ...at(2), ...claimMode(mode), ...from(path) });
          build(env, rows, failingAt(100, 125, 160));
          await env.execute();
          expect(platform.storage.disk.stat(`/checkpoints/${first.jobId}`) === undefined).toBe(isClaimed);
          expect(orphansOn(platform)).toEqual([]);
          if (isClaimed) return;
          const again = new CommittedRows();
          const other = environmentOn(platform, { ...inFiles, ...at(2), ...from(path) });
          build(other, again);
          await other.execute();
          expect(again.rows.length).toBeGreaterThan(50);
        });
        expect(rows.rows).toEqual(countRows("a"));
      }
    },
  );

  test("FLINK-39964: a savepoint has all files in its own directory, and can be moved, claimed and lost", async () => {
    const rows = new CommittedRows();
    await watched(81, async (platform) => {
      const first = await halfway(platform, { ...inFiles, ...at(2) }, (env) => build(env, rows));
      const path = await first.stopWithSavepoint(false, "/savepoints", "NATIVE");
      expect(snapshotsOn(platform).flatMap(({ metadata }) => sharedFilesOf(metadata))).toEqual([]);
      await platform.fs.makeDirectory("/elsewhere");
      await platform.fs.rename(path, "/elsewhere/moved");
      const settings = { ...retained, ...at(2), ...claimMode("CLAIM"), ...from("/elsewhere/moved") };
      const second = await halfway(platform, settings, (env) => build(env, rows, failingAt(130)));
      await second.cancel();
      expect(platform.storage.disk.stat("/elsewhere/moved")).toBeUndefined();
      const env = environmentOn(platform, {
        ...inFiles,
        ...at(2),
        ...from(second.getProgress().checkpoints.lastPath!),
      });
      build(env, rows);
      await env.execute();
    });
    expect(rows.rows).toEqual(countRows("a"));
  });

  test("S31: checkpoints that are given up, one behind the other, take nothing from those that are kept", async () => {
    const rows = new CommittedRows();
    await watched(91, async (platform) => {
      const settings = {
        ...inFiles,
        ...at(2),
        "execution.checkpointing.interval": "10 ms",
        "execution.checkpointing.timeout": "36 ms",
        "execution.checkpointing.max-concurrent-checkpoints": "4",
        "execution.checkpointing.tolerable-failed-checkpoints": "1000000",
      };
      const env = environmentOn(platform, settings);
      build(env, rows, failingAt(60, 120));
      const client = await env.executeAsync();
      await after(platform, 900);
      const { failed, completed } = client.getProgress().checkpoints;
      expect(Math.min(failed, completed)).toBeGreaterThan(1);
      await client.getJobExecutionResult();
    });
    expect(rows.rows).toEqual(countRows("a"));
  });

  test("S31: who looks into a checkpoint without its job sees how much is in stores, and is told that entries are not read", async () => {
    const platform = createSimulatedPlatform({ seed: 96 });
    await platform.run(async () => {
      const first = await halfway(platform, { ...retained, ...at(2) }, (env) => build(env, new CommittedRows()));
      await first.cancel();
      const path = first.getProgress().checkpoints.lastPath!;
      const snapshot = await StateSnapshot.open(FileSystems.local(platform.fs), path);
      const operator = snapshot.operators.find(({ metadata }) => metadata.uid === "stored-a")!;
      const [state] = await operator.states();
      expect(state).toMatchObject({ name: "keyed state", kind: "store", keyGroups: 128 });
      expect(state!.bytes).toBeGreaterThan(0);
      const entries = (await operator.state("keyed state")).entries();
      const read = async (): Promise<void> => {
        for await (const _ of entries) throw new Error("an entry");
      };
      await expect(read()).rejects.toThrow(/MR_STATE_NOT_READABLE.*canonical savepoint/s);
    }, 60_000);
  });

  test("S31: a state file that has changed is refused by name before anything is restored", async () => {
    const platform = createSimulatedPlatform({ seed: 95 });
    await platform.run(async () => {
      const first = await halfway(platform, retained, (env) => build(env, new CommittedRows()));
      await first.cancel();
      const path = first.getProgress().checkpoints.lastPath!;
      const shared = `/checkpoints/${first.jobId}/shared`;
      const [name] = sharedFilesOf(snapshotsOn(platform).find(({ directory }) => directory === path)!.metadata);
      platform.storage.disk.flipBit(`${shared}/${name}`, 3, 1);
      const env = environmentOn(platform, { ...inFiles, "restart-strategy.type": "none", ...from(path) });
      build(env, new CommittedRows());
      await expect(env.execute()).rejects.toThrow(new RegExp(`MR_STATE_FILE_CORRUPT.*shared/${name}`));
      await platform.fs.remove(`${shared}/${name}`);
      const other = environmentOn(platform, { ...inFiles, ...from(path) });
      build(other, new CommittedRows());
      await expect(other.execute()).rejects.toThrow(/MR_SAVEPOINT_FILES_MISSING.*incremental checkpoint/);
    }, 60_000);
  });
});
