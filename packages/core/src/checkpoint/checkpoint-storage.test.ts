import { describe, expect, test } from "vitest";
import { FileSystemError, type LocalFs } from "../platform/platform.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { listCompleted, loadCheckpoint, readState } from "./checkpoint-reader.ts";
import { DirectoryCheckpointStorage } from "./checkpoint-storage.ts";
import { FileSystems } from "./file-systems.ts";
import { METADATA_FILE } from "./snapshot-directory.ts";
import type { CheckpointMetadata, StateHandle } from "./state-handles.ts";

const INLINE_BELOW_BYTES = 100;

function storageOn(platform: SimulatedPlatform, fs: LocalFs = platform.fs): DirectoryCheckpointStorage {
  return new DirectoryCheckpointStorage({
    fs: FileSystems.local(fs),
    random: platform.random,
    directory: "/checkpoints",
    jobId: "job",
    hasJobDirectory: true,
    limits: { inlineBelowBytes: INLINE_BELOW_BYTES, stateBytesMax: Number.POSITIVE_INFINITY },
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

const inline = (byte: number): StateHandle => ({ kind: "inline", bytes: new Uint8Array([byte]) });

async function take(storage: DirectoryCheckpointStorage, checkpointId: number): Promise<void> {
  const keyed = await storage.write(checkpointId, stateOf(checkpointId, 5000));
  const lists = await storage.write(checkpointId, stateOf(checkpointId, 10));
  await storage.storeMetadata(metadataOf(checkpointId, keyed, lists));
}

/** The completed checkpoints on the disk, each read to the last byte. */
async function readAll(platform: SimulatedPlatform): Promise<number[]> {
  const fs = FileSystems.local(platform.fs);
  if ((await fs.stat("/checkpoints/job")) === undefined) return [];
  const ids: number[] = [];
  for (const path of await listCompleted(fs, "/checkpoints/job")) {
    const { metadata, directory } = await loadCheckpoint(fs, path);
    const { keyed, lists } = metadata.operators[0]!.subtasks[0]!;
    expect(await readState(fs, directory, keyed as StateHandle)).toEqual(stateOf(metadata.checkpointId, 5000));
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
      // Given up while a task still writes.
      const late = storage.write(3, stateOf(3, 5000));
      await storage.discard(3);
      await late;
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
      (await loadCheckpoint(FileSystems.local(platform.fs), path)).metadata.checkpointId;
    expect(await idAt("/checkpoints/job/chk-2")).toBe(2);
    expect(await idAt(`/checkpoints/job/chk-2/${METADATA_FILE}`)).toBe(2);
    expect(await idAt("/checkpoints/job")).toBe(10);
  });
});

test("a path that is no checkpoint is refused with what is there instead", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    await platform.fs.makeDirectory("/data/raw");
    await expect(loadCheckpoint(FileSystems.local(platform.fs), "/nowhere")).rejects.toThrow(
      /MR_CHECKPOINT_NOT_FOUND.*nothing there/,
    );
    await expect(loadCheckpoint(FileSystems.local(platform.fs), "/data")).rejects.toThrow(
      /MR_CHECKPOINT_NOT_FOUND.*raw/,
    );
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
    await expect(readState(FileSystems.local(platform.fs), directory, handle)).rejects.toThrow(
      /MR_STATE_FILE_CORRUPT.*checksum/,
    );
    const file = await platform.fs.open(path, "update");
    await file.truncate(4999);
    await file.close();
    await expect(readState(FileSystems.local(platform.fs), directory, handle)).rejects.toThrow(
      /MR_STATE_FILE_CORRUPT.*4999 bytes/,
    );
    await platform.fs.remove(path);
    await expect(readState(FileSystems.local(platform.fs), directory, handle)).rejects.toThrow(
      /MR_STATE_FILE_CORRUPT.*ENOENT/,
    );
  });
});

describe("a read that the disk fails", () => {
  /** Reads a state file on a disk that fails so many reads. */
  async function readWith(failures: number, errno: string): Promise<Uint8Array> {
    const platform = createSimulatedPlatform({ seed: 1 });
    return platform.run(async () => {
      const handle = await storageOn(platform).write(1, stateOf(1, 5000));
      let left = failures;
      platform.storage.onEffect = ({ operation, phase }) =>
        operation === "read" && phase === "before" && left-- > 0 ? { kind: "fail", errno } : undefined;
      return readState(FileSystems.local(platform.fs), "/checkpoints/job/chk-1", handle);
    });
  }

  test("is tried again", async () => {
    expect(await readWith(2, "EIO")).toHaveLength(5000);
  });

  test("and again says that the file cannot be read, not that it is damaged", async () => {
    await expect(readWith(3, "EIO")).rejects.toThrow(/MR_CHECKPOINT_UNREADABLE.*EIO/);
  });

  test("for good is not tried again", async () => {
    await expect(readWith(1, "EACCES")).rejects.toThrow(/MR_CHECKPOINT_UNREADABLE.*EACCES/);
  });
});

/** Renames, and says that it could not. */
function renamingInSecret(fs: LocalFs): LocalFs {
  const rename: LocalFs["rename"] = async (from, to) => {
    await fs.rename(from, to);
    throw new FileSystemError("EIO", "rename", to);
  };
  return new Proxy(fs, {
    get: (target, name) => {
      if (name === "rename") return rename;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

test("FLINK-22494: a checkpoint whose storing has come to an unknown end is whole, or discarded and never listed", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    await take(storageOn(platform), 1);
    const storage = storageOn(platform, renamingInSecret(platform.fs));
    await storage.initialize();
    await expect(take(storage, 2)).rejects.toThrow("MR_CHECKPOINT_STORAGE_FAILED");
    // Whoever starts now, since the process has gone down, finds both whole.
    expect(await readAll(platform)).toEqual([1, 2]);
    await storage.discard(2);
    expect(await readAll(platform)).toEqual([1]);
    expect(await platform.fs.list("/checkpoints/job")).toEqual(["chk-1", "shared", "taskowned"]);
  });
});

test("a discarded checkpoint stays gone, whatever its tasks still write (F4)", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    const storage = storageOn(platform);
    await storage.initialize();
    // Under way while it is discarded, in any phase of the write.
    const early = storage.write(1, stateOf(1, 5000));
    await storage.discard(1);
    expect((await early).kind).toBe("file");
    expect(await platform.fs.list("/checkpoints/job")).toEqual(["shared", "taskowned"]);
    // Begun afterwards.
    await expect(storage.write(1, stateOf(1, 5000))).rejects.toThrow("MR_CHECKPOINT_ABORTED");
    await expect(storage.write(1, stateOf(1, 5))).rejects.toThrow("MR_CHECKPOINT_ABORTED");
    await expect(storage.storeMetadata(metadataOf(1, inline(1), inline(2)))).rejects.toThrow("MR_CHECKPOINT_ABORTED");
    expect(await platform.fs.list("/checkpoints/job")).toEqual(["shared", "taskowned"]);
  });
});

test("a completed checkpoint of an earlier job in the same directory is neither overwritten nor discarded (F5)", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    const first = storageOn(platform);
    await first.initialize();
    await take(first, 1);
    const second = storageOn(platform);
    await second.initialize();
    await expect(second.write(1, stateOf(9, 5000))).rejects.toThrow("MR_CHECKPOINT_EXISTS");
    await expect(second.storeMetadata(metadataOf(1, inline(1), inline(2)))).rejects.toThrow("MR_CHECKPOINT_EXISTS");
    await second.discard(1);
    expect(await readAll(platform)).toEqual([1]);
    await take(second, 2);
    await second.discard(2);
    expect(await readAll(platform)).toEqual([1]);
  });
});

test("what a crashed attempt left under the same number is cleared before the number is used again", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    await storageOn(platform).write(1, stateOf(8, 5000));
    const storage = storageOn(platform);
    await take(storage, 1);
    expect(await platform.fs.list("/checkpoints/job/chk-1")).toHaveLength(2);
    expect(await readAll(platform)).toEqual([1]);
  });
});

test("a directory that cannot be written to is refused by name", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    const file = await platform.fs.open("/checkpoints", "create");
    await file.close();
    await expect(storageOn(platform).initialize()).rejects.toThrow("MR_CHECKPOINT_STORAGE_FAILED");
  });
});

test("a path beside completed checkpoints is refused with their names", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    const storage = storageOn(platform);
    for (const id of [3, 5]) await take(storage, id);
    await storage.write(6, stateOf(6, 5000));
    const absent = loadCheckpoint(FileSystems.local(platform.fs), "/checkpoints/job/chk-4");
    await expect(absent).rejects.toThrow(
      /MR_CHECKPOINT_NOT_FOUND.*nothing there; \/checkpoints\/job has chk-3, chk-5\./,
    );
    const unfinished = loadCheckpoint(FileSystems.local(platform.fs), "/checkpoints/job/chk-6");
    await expect(unfinished).rejects.toThrow(/MR_CHECKPOINT_NOT_FOUND.*without _metadata.*has chk-3, chk-5\./);
    const [name] = (await platform.fs.list("/checkpoints/job/chk-3")).filter((each) => each !== METADATA_FILE);
    const stateFile = loadCheckpoint(FileSystems.local(platform.fs), `/checkpoints/job/chk-3/${name}`);
    await expect(stateFile).rejects.toThrow(/MR_CHECKPOINT_NOT_FOUND.*not named _metadata/);
  });
});

test("a damaged checkpoint is refused with the command for each readable one beside it", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  const { disk } = platform.storage;
  await platform.run(async () => {
    const storage = storageOn(platform);
    for (const id of [1, 2, 3, 4]) await take(storage, id);
    disk.flipBit("/checkpoints/job/chk-4/_metadata", 50, 0);
    disk.flipBit("/checkpoints/job/chk-2/_metadata", 50, 0);
    const damaged = "MR_CHECKPOINT_CORRUPT.*offset \\d+.*Found: .*Expected: .*";
    const command = "millrace run <job.ts> -s /checkpoints/job/chk";
    // Also when only the job was named: the newest is meant, and nothing older is taken instead.
    for (const path of ["/checkpoints/job/chk-4", "/checkpoints/job"]) {
      await expect(loadCheckpoint(FileSystems.local(platform.fs), path)).rejects.toThrow(
        new RegExp(`${damaged}${command}-3 or ${command}-1\\.$`),
      );
    }
    const { metadata, directory } = await loadCheckpoint(FileSystems.local(platform.fs), "/checkpoints/job/chk-3");
    const handle = metadata.operators[0]!.subtasks[0]!.keyed!;
    if (handle.kind !== "file") throw new Error("expected a file");
    await platform.fs.remove(`${directory}/${handle.name}`);
    await expect(readState(FileSystems.local(platform.fs), directory, handle)).rejects.toThrow(
      new RegExp(`MR_STATE_FILE_CORRUPT.*${command}-1\\.$`),
    );
  });
});

test("a checkpoint that the system does not let us read is not taken for a damaged one", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    const storage = storageOn(platform);
    await take(storage, 1);
    const open = async (path: string): Promise<never> => {
      throw new FileSystemError("EACCES", "open", path);
    };
    const fs = new Proxy(platform.fs, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (name === "open") return open;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    await expect(loadCheckpoint(FileSystems.local(fs), "/checkpoints/job/chk-1")).rejects.toThrow(
      /MR_CHECKPOINT_UNREADABLE.*EACCES/,
    );
  });
});
