import { expect, test } from "vitest";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { CheckpointTargets } from "./checkpoint-targets.ts";

const location = { directory: "/checkpoints/job/chk-1", sharedDirectory: "/checkpoints/job/shared", baseId: 7 };
const source = { sizeBytes: 4, crc32c: 0, read: async (target: Uint8Array) => target.length };

function targetsOn(platform: SimulatedPlatform): CheckpointTargets {
  return new CheckpointTargets({
    files: FileSystems.local(platform.fs),
    random: platform.random,
    limits: { inlineBelowBytes: 0, stateBytesMax: Number.POSITIVE_INFINITY },
    inlineBytesMax: 100,
  });
}

test("S31: files of a checkpoint whose barrier has overtaken its trigger wait for it, and go where it says", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    const files = FileSystems.local(platform.fs);
    for (const directory of [location.directory, location.sharedDirectory]) await files.makeDirectory(directory);
    const targets = targetsOn(platform);
    const written = Promise.all([targets.writeFile(1, source, true), targets.writeFile(1, source, false)]);
    const baseId = targets.baseOf(1);
    targets.note(1, location);
    const [shared, own] = await written;
    expect(await baseId).toBe(7);
    expect(shared).toMatchObject({ kind: "file", name: expect.stringMatching(/^\.\.\/shared\//) });
    expect(own).toMatchObject({ kind: "file", name: expect.not.stringContaining("/") });
    const [name] = await files.list(location.sharedDirectory);
    await targets.removeShared(1, [name!]);
    expect(await files.list(location.sharedDirectory)).toEqual([]);
  }, 60_000);
});

test("what waits for a trigger ends when the checkpoint is given up, or the tasks are cancelled", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  const targets = targetsOn(platform);
  const waiting = [1, 2].map((id) => targets.writeFile(id, source, true));
  targets.giveUp(1);
  await expect(waiting[0]).rejects.toThrow("MR_CHECKPOINT_ABORTED");
  targets.giveUp();
  await expect(waiting[1]).rejects.toThrow("MR_CHECKPOINT_ABORTED");
  targets.note(3, undefined);
  expect(await targets.writeFile(3, source, true)).toMatchObject({ kind: "inline" });
  await expect(targets.writeFile(3, { ...source, sizeBytes: 101 }, true)).rejects.toThrow(
    "MR_STATE_TOO_LARGE_FOR_MEMORY",
  );
});
