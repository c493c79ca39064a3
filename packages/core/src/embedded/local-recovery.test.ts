import { describe, expect, test } from "vitest";
import type { EffectHook } from "../platform/disk-faults.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import {
  after,
  at,
  checkpointed,
  counted,
  countRows,
  environmentOn,
  numbers,
  type Settings,
} from "../testing/upgrade-jobs.ts";

const LOCAL = "/disk/copies";
const local: Settings = {
  ...checkpointed,
  "execution.checkpointing.interval": "100 ms",
  // Nothing is in the metadata: files are what is looked at.
  "execution.checkpointing.data-inline-threshold": "0 b",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "100",
  "restart-strategy.fixed-delay.delay": "5 ms",
  "state.backend.local-recovery": "true",
  "taskmanager.state.local.root-dirs": LOCAL,
};
const heap: Settings = { ...local, "state.backend.type": "hashmap" };
const stores: Settings = {
  ...local,
  "state.backend.type": "rocksdb",
  "state.backend.rocksdb.object-cache.max-entries": "16",
  "state.backend.rocksdb.localdir": "/disk/stores",
  "execution.checkpointing.incremental": "true",
};

interface Run {
  readonly rows: readonly string[];
  /** Of state that was read, in bytes. */
  readonly restored: { readonly LOCAL_DISK: number; readonly REMOTE: number };
  readonly warnings: string;
  /** Checkpoints that have copies, as somebody finds them who looks now and then. */
  readonly seen: readonly (readonly string[])[];
  readonly left: readonly string[];
}

interface Interruptions {
  /** The numbers at which the job fails, once each. */
  readonly at?: readonly number[];
  /** What happens right before. */
  readonly before?: (platform: SimulatedPlatform) => void;
  readonly onEffect?: EffectHook;
}

/** Two counts of numbers. */
async function run(settings: Settings, interruptions: Interruptions = {}): Promise<Run> {
  const { at: interruptedAt = [120], before, onEffect } = interruptions;
  const seed = 7;
  const platform = createSimulatedPlatform({ seed });
  platform.storage.onEffect = onEffect;
  const rows = new CommittedRows();
  const left = new Set(interruptedAt);
  const seen: (readonly string[])[] = [];
  let restored = { LOCAL_DISK: 0, REMOTE: 0 };
  await platform.run(async () => {
    const env = environmentOn(platform, settings);
    const stream = numbers(env).map((n) => {
      if (!left.delete(n)) return n;
      before?.(platform);
      throw new Error(`at ${n}`);
    });
    for (const label of ["a", "b"]) counted(stream, label, `counts-${label}`).sinkTo(rows.sink()).uid(`rows-${label}`);
    const client = await env.executeAsync();
    const result = client.getJobExecutionResult();
    let isOver = false;
    void result.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      seen.push(copiesOn(platform));
      const metrics = await client.getMetrics();
      const of = (name: string): number => Number(metrics.find((metric) => metric.name === name)?.value ?? 0);
      restored = { LOCAL_DISK: of("LOCAL_DISK"), REMOTE: of("REMOTE") };
      await after(platform, 50);
    }
    await result;
  }, 600_000);
  const all = platform.storage.disk;
  return {
    rows: rows.rows,
    restored,
    warnings: platform.proc.errorOutput(),
    seen,
    left: all.stat(LOCAL) === undefined ? [] : all.list(LOCAL),
  };
}

function copiesOn({ storage: { disk } }: SimulatedPlatform): readonly string[] {
  if (disk.stat(LOCAL) === undefined) return [];
  return disk.list(LOCAL).flatMap((name) => disk.list(`${LOCAL}/${name}`).map((id) => `${LOCAL}/${name}/${id}`));
}

function filesOn(platform: SimulatedPlatform): readonly string[] {
  return copiesOn(platform).flatMap((path) => platform.storage.disk.list(path).map((name) => `${path}/${name}`));
}

/** When nothing of the attempt that has failed is being written any more. */
function later(platform: SimulatedPlatform, each: (path: string, number: number) => void): void {
  platform.clock.after(150, () => {
    for (const [number, path] of filesOn(platform).entries()) each(path, number);
  });
}

/** One way for each number: damaged, cut off, gone. */
function spoil({ storage: { disk } }: SimulatedPlatform, path: string, number: number): void {
  if (number % 3 === 0) disk.flipBit(path, 0, 3);
  else if (number % 3 === 2) disk.remove(path, 0);
  else {
    const file = disk.open(path, "update", 0);
    disk.truncate(file, path, { sizeBytes: file.contents.sizeBytes - 1, nowMs: 0, client: "" });
    disk.close(file);
  }
}

const expected = [...countRows("a"), ...countRows("b")].sort();

describe.each([
  ["hashmap", 3, heap],
  ["rocksdb", 2, stores],
])("S55: local recovery of jobs on %s, at p = %i", (_backend, p, given) => {
  const settings = { ...given, ...at(p) };

  test("S55: restarts read nothing from the checkpoint directory", async () => {
    const { rows, restored, warnings, seen, left } = await run(settings, { at: [60, 120, 121] });
    expect(rows).toEqual(expected);
    expect(restored.LOCAL_DISK).toBeGreaterThan(0);
    expect(restored.REMOTE).toBe(0);
    expect(warnings).not.toMatch(/cop(y|ies)/);
    // The complete one, the next, and those that are being removed.
    expect(Math.max(...seen.map(({ length }) => length))).toBeLessThan(5);
    expect(left).toEqual([]);
  });

  test("S55: without it everything is read from there, and there are no copies", async () => {
    const { rows, restored, seen } = await run({ ...settings, "state.backend.local-recovery": "false" });
    expect(rows).toEqual(expected);
    expect(restored.LOCAL_DISK).toBe(0);
    expect(restored.REMOTE).toBeGreaterThan(0);
    expect(seen.flat()).toEqual([]);
  });

  test("S55: copies that are damaged, cut off or gone are not used, and what they were copies of is", async () => {
    const slow = { ...settings, "restart-strategy.fixed-delay.delay": "300 ms" };
    const all = await run(slow, { before: (platform) => later(platform, (path, n) => spoil(platform, path, n)) });
    expect(all.rows).toEqual(expected);
    expect(all.restored.LOCAL_DISK).toBe(0);
    expect(all.restored.REMOTE).toBeGreaterThan(0);
    expect(all.warnings).toMatch(/is damaged: state is read from the checkpoint/);
    // One file that is gone is one that is read from there.
    const one = await run(slow, {
      before: (platform) => later(platform, (path, n) => (n % 8 === 0 ? spoil(platform, path, 2) : undefined)),
    });
    expect(one.rows).toEqual(expected);
    expect(Math.min(one.restored.LOCAL_DISK, one.restored.REMOTE)).toBeGreaterThan(0);
  });
});

test("S55: a disk without room for copies fails no checkpoint, and says so once", async () => {
  const isCopy = (path: string): boolean => path.startsWith(LOCAL);
  const { rows, restored, warnings, left } = await run(stores, {
    onEffect: ({ path, operation, phase }) =>
      isCopy(path) && phase === "before" && operation !== "remove tree" && operation !== "stat"
        ? { kind: "fail", errno: "ENOSPC" }
        : undefined,
  });
  expect(rows).toEqual(expected);
  expect(restored.LOCAL_DISK).toBe(0);
  expect(warnings.match(/no local copy of the state of checkpoint \d+ could be kept: ENOSPC/g)).toHaveLength(1);
  expect(left).toEqual([]);
});

test("S55: copies on another disk than the stores are read like any others", async () => {
  const { rows, restored } = await run(stores, {
    onEffect: ({ operation, path, phase }) =>
      operation === "rename" && path.startsWith("/disk/") && phase === "before"
        ? { kind: "fail", errno: "EXDEV" }
        : undefined,
  });
  expect(rows).toEqual(expected);
  expect(restored.LOCAL_DISK).toBeGreaterThan(0);
  expect(restored.REMOTE).toBe(0);
});

test("S55: a savepoint leaves no copy", async () => {
  const platform = createSimulatedPlatform({ seed: 8 });
  await platform.run(async () => {
    const env = environmentOn(platform, { ...heap, "execution.checkpointing.interval": "1 h" });
    counted(numbers(env), "a", "counts").sinkTo(new CommittedRows().sink()).uid("rows");
    const client = await env.executeAsync();
    await after(platform, 100);
    await client.triggerSavepoint("/savepoints");
    expect(copiesOn(platform)).toEqual([]);
    await client.cancel();
  }, 60_000);
});
