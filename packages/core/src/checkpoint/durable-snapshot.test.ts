/** What a snapshot consists of, and that it outlives a loss of power once a job has started from it. */
import { describe, expect, test } from "vitest";
import { MillraceError } from "../base/errors.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { makeDurable } from "./checkpoint-reader.ts";
import { FileSystems } from "./file-systems.ts";
import { filesOf } from "./snapshot-files.ts";
import type { CheckpointMetadata, StateHandle } from "./state-handles.ts";

/** A machine with a checkpoint whose writer was killed between the rename of its metadata and the sync of the name. */
async function killedBeforeTheSync(): Promise<SimulatedPlatform> {
  const platform = createSimulatedPlatform({ seed: 3 });
  await platform.run(async () => {
    const { fs } = platform;
    await fs.makeDirectory("/chk-1");
    await fs.syncDirectory("/");
    const file = await fs.open("/chk-1/_metadata.inprogress", "create");
    await file.write(new Uint8Array([1, 2, 3]), 0);
    await file.sync();
    await file.close();
    await fs.syncDirectory("/chk-1");
    await fs.rename("/chk-1/_metadata.inprogress", "/chk-1/_metadata");
  });
  return platform.restart();
}

describe("a checkpoint that a job starts from", () => {
  test.each([
    { isMadeDurable: true, found: "file" },
    { isMadeDurable: false, found: undefined },
  ])("outlives a loss of power when it was made durable: $isMadeDurable", async ({ isMadeDurable, found }) => {
    const platform = await killedBeforeTheSync();
    if (isMadeDurable) await platform.run(() => makeDurable(FileSystems.local(platform.fs), "/chk-1"));
    platform.powerOff("lost");
    const next = platform.restart();
    expect((await next.run(() => next.fs.stat("/chk-1/_metadata")))?.kind).toBe(found);
  });

  test("is used as it is where nothing can be written", async () => {
    const platform = await killedBeforeTheSync();
    platform.storage.onEffect = () => ({ kind: "fail", errno: "EROFS" });
    await expect(platform.run(() => makeDurable(FileSystems.local(platform.fs), "/chk-1"))).resolves.toBeUndefined();
  });

  test("is refused by name when the disk fails", async () => {
    const platform = await killedBeforeTheSync();
    platform.storage.onEffect = () => ({ kind: "fail", errno: "EIO" });
    const failed = platform.run(() => makeDurable(FileSystems.local(platform.fs), "/chk-1"));
    await expect(failed).rejects.toThrow(MillraceError);
    await expect(failed).rejects.toThrow("MR_CHECKPOINT_UNREADABLE");
  });
});

test("S39: the files of a snapshot are those of its keyed state, lists, channels and enumerators", () => {
  const handle = (name: string): StateHandle => ({ kind: "file", name, sizeBytes: 1, crc32c: 0 });
  const metadata: CheckpointMetadata = {
    jobId: "job",
    jobName: "name",
    checkpointId: 1,
    timestampMs: 0,
    graphHash: "hash",
    operators: [
      {
        uid: "a",
        name: "a",
        parallelism: 1,
        maxParallelism: 8,
        isStateful: true,
        subtasks: [
          {
            uid: "a",
            keyed: handle("keyed"),
            lists: handle("lists"),
            channels: { handle: handle("channels"), edges: [] },
          },
        ],
      },
    ],
    coordinators: [{ uid: "source", handle: handle("enumerator") }],
  };
  expect(filesOf(metadata)).toEqual(["keyed", "lists", "channels", "enumerator"]);
});
