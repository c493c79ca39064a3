import { expect, test } from "vitest";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { loadCheckpoint } from "./checkpoint-reader.ts";
import { FileSystems } from "./file-systems.ts";
import { createSavepointDirectory, disposeSnapshot } from "./savepoint.ts";
import { filesOf } from "./snapshot-files.ts";

test("F17: a savepoint that is disposed goes with all of its files, state on its way between subtasks included", async () => {
  const platform = createSimulatedPlatform({ seed: 61 });
  const { random } = platform;
  const fs = FileSystems.local(platform.fs);
  await platform.run(async () => {
    const directory = await createSavepointDirectory({
      fs,
      random,
      parent: "/savepoints",
      jobId: "5a1fe0c2b3d4",
      limits: { inlineBelowBytes: 0, stateBytesMax: Number.POSITIVE_INFINITY },
    });
    expect(directory.path).toMatch(/^\/savepoints\/savepoint-5a1fe0-[0-9a-f]{12}$/);
    const write = (size: number) => directory.write(3, new Uint8Array(size));
    const state = { uid: "sum", keyed: await write(5), lists: await write(6) };
    await directory.storeMetadata({
      jobId: "5a1fe0c2b3d4",
      jobName: "test",
      checkpointId: 3,
      timestampMs: 0,
      graphHash: "abc",
      savepoint: { format: "CANONICAL", isDrained: false },
      operators: [
        {
          uid: "sum",
          name: "Sum",
          parallelism: 1,
          maxParallelism: 128,
          isStateful: true,
          subtasks: [{ ...state, channels: { handle: await write(7), edges: ["a"] } }],
        },
      ],
      coordinators: [{ uid: "source", handle: await write(8) }],
    });
    const loaded = await loadCheckpoint(fs, directory.path);
    expect([...filesOf(loaded.metadata), "_metadata"].sort()).toEqual([...(await fs.list(directory.path))].sort());
    expect(await disposeSnapshot(fs, loaded)).toEqual({ path: directory.path, kept: [] });
    expect(await fs.list("/savepoints")).toEqual([]);
    // What is gone already is no error: somebody may have been interrupted.
    expect(await disposeSnapshot(fs, loaded)).toEqual({ path: directory.path, kept: [] });
  });
});
