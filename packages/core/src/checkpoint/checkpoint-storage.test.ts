import { expect, test } from "vitest";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { listCompleted, loadCheckpoint, readState } from "./checkpoint-reader.ts";
import { FileSystemCheckpointStorage, METADATA_FILE } from "./checkpoint-storage.ts";
import { decodeMetadata, encodeMetadata } from "./metadata-codec.ts";
import type { CheckpointMetadata, StateHandle } from "./state-handles.ts";

const INLINE_BELOW_BYTES = 100;

function storageOn(platform: SimulatedPlatform): FileSystemCheckpointStorage {
  return new FileSystemCheckpointStorage({
    fs: platform.fs,
    random: platform.random,
    directory: "/checkpoints",
    jobId: "job",
    hasJobDirectory: true,
    inlineBelowBytes: INLINE_BELOW_BYTES,
  });
}

function metadataOf(checkpointId: number, keyed: StateHandle, lists: StateHandle): CheckpointMetadata {
  return {
    jobId: "job",
    jobName: "test",
    checkpointId,
    timestampMs: 1000 + checkpointId,
    graphHash: "abc",
    operators: [
      {
        uid: "sum",
        name: "Sum",
        parallelism: 1,
        maxParallelism: 128,
        isStateful: true,
        subtasks: [{ uid: "sum", keyed, lists }],
      },
    ],
    coordinators: [{ uid: "source", handle: { kind: "inline", bytes: new Uint8Array([7, 7]) } }],
  };
}

const stateOf = (checkpointId: number, sizeBytes: number): Uint8Array => new Uint8Array(sizeBytes).fill(checkpointId);

async function take(storage: FileSystemCheckpointStorage, checkpointId: number): Promise<void> {
  const keyed = await storage.write(checkpointId, stateOf(checkpointId, 5000));
  const lists = await storage.write(checkpointId, stateOf(checkpointId, 10));
  await storage.storeMetadata(metadataOf(checkpointId, keyed, lists));
}

/** The completed checkpoints on the disk, each read to the last byte. */
async function readAll(platform: SimulatedPlatform): Promise<number[]> {
  const { fs } = platform;
  if ((await fs.stat("/checkpoints/job")) === undefined) return [];
  const ids: number[] = [];
  for (const path of await listCompleted(fs, "/checkpoints/job")) {
    const { metadata, directory } = await loadCheckpoint(fs, path);
    const { keyed, lists } = metadata.operators[0]!.subtasks[0]!;
    expect(await readState(fs, directory, keyed!)).toEqual(stateOf(metadata.checkpointId, 5000));
    expect(await readState(fs, directory, lists)).toEqual(stateOf(metadata.checkpointId, 10));
    ids.push(metadata.checkpointId);
  }
  return ids;
}

test("after a power cut at any effect every listed checkpoint is whole, and a completed one is never lost", async () => {
  const outcomes = new Set<string>();
  let crashCount = 0;
  for (let crashIndex = 0; ; crashIndex++) {
    const platform = createSimulatedPlatform({ seed: crashIndex });
    const storage = storageOn(platform);
    const phase = crashIndex % 2 === 0 ? "before" : "after";
    platform.storage.onEffect = (effect) =>
      effect.index === Math.floor(crashIndex / 2) && effect.phase === phase ? { kind: "powerOff" } : undefined;
    const completed: number[] = [];
    const discarded: number[] = [];
    let isDone = false;
    const script = async (): Promise<void> => {
      await storage.initialize();
      for (const id of [1, 2]) {
        await take(storage, id);
        completed.push(id);
      }
      discarded.push(1);
      await storage.discard(1);
    };
    void script().then(() => {
      isDone = true;
    });
    await platform.scheduler.runUntil(() => isDone || platform.isDead);
    if (isDone) break;
    crashCount++;
    const next = platform.restart();
    const found = await next.run(() => readAll(next));
    for (const id of completed) {
      if (!discarded.includes(id)) expect(found).toContain(id);
    }
    outcomes.add(found.join());
  }
  expect(crashCount).toBeGreaterThan(40);
  expect([...outcomes].sort()).toEqual(["", "1", "1,2", "2"]);
});

test("a full disk fails the checkpoint by name and leaves the completed ones", async () => {
  const platform = createSimulatedPlatform({ seed: 1, disk: { capacityBytes: 12_000 } });
  await platform.run(async () => {
    const storage = storageOn(platform);
    await storage.initialize();
    await take(storage, 1);
    await expect(storage.write(2, new Uint8Array(50_000))).rejects.toThrow("MR_DISK_FULL");
    expect(await readAll(platform)).toEqual([1]);
    await storage.discard(2);
    expect(await platform.fs.list("/checkpoints/job")).toEqual(["chk-1", "shared", "taskowned"]);
  });
});

test("a path names a checkpoint by its directory, its metadata file or its job's directory", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    const storage = storageOn(platform);
    await storage.initialize();
    for (const id of [1, 2, 10]) await take(storage, id);
    const idAt = async (path: string): Promise<number> =>
      (await loadCheckpoint(platform.fs, path)).metadata.checkpointId;
    expect(await idAt("/checkpoints/job/chk-2")).toBe(2);
    expect(await idAt(`/checkpoints/job/chk-2/${METADATA_FILE}`)).toBe(2);
    expect(await idAt("/checkpoints/job")).toBe(10);
  });
});

test("a path that is no checkpoint is refused with what is there instead", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    await platform.fs.makeDirectory("/data/raw");
    await expect(loadCheckpoint(platform.fs, "/nowhere")).rejects.toThrow(/MR_CHECKPOINT_NOT_FOUND.*nothing there/);
    await expect(loadCheckpoint(platform.fs, "/data")).rejects.toThrow(/MR_CHECKPOINT_NOT_FOUND.*raw/);
  });
});

test("a state file that is short, changed or missing is found out before it is used", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    const storage = storageOn(platform);
    const handle = await storage.write(1, stateOf(1, 5000));
    if (handle.kind !== "file") throw new Error("expected a file");
    const directory = "/checkpoints/job/chk-1";
    const path = `${directory}/${handle.name}`;
    platform.storage.disk.flipBit(path, 4000, 3);
    await expect(readState(platform.fs, directory, handle)).rejects.toThrow(/MR_STATE_FILE_CORRUPT.*checksum/);
    const file = await platform.fs.open(path, "update");
    await file.truncate(4999);
    await file.close();
    await expect(readState(platform.fs, directory, handle)).rejects.toThrow(/MR_STATE_FILE_CORRUPT.*4999 bytes/);
    await platform.fs.remove(path);
    await expect(readState(platform.fs, directory, handle)).rejects.toThrow(/MR_STATE_FILE_CORRUPT.*ENOENT/);
  });
});

test("metadata is read back as it was written; any flipped bit or lost end is found", () => {
  const metadata = metadataOf(
    3,
    { kind: "file", name: "f-1", sizeBytes: 5000, crc32c: 123 },
    { kind: "inline", bytes: new Uint8Array([1, 2, 3]) },
  );
  const bytes = encodeMetadata(metadata);
  expect(decodeMetadata(bytes, "m")).toMatchObject({ ...metadata, operators: [{ uid: "sum", maxParallelism: 128 }] });
  expect(decodeMetadata(bytes, "m").operators[0]!.subtasks).toEqual(metadata.operators[0]!.subtasks);
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << bit;
      expect(() => decodeMetadata(flipped, "m")).toThrow(/MR_CHECKPOINT_CORRUPT|MR_FORMAT_VERSION_UNSUPPORTED/);
    }
    expect(() => decodeMetadata(bytes.subarray(0, at), "m")).toThrow("MR_CHECKPOINT_CORRUPT");
  }
});
