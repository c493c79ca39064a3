import { describe, expect, test } from "vitest";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { loadCheckpoint } from "./checkpoint-reader.ts";
import { FileSystems } from "./file-systems.ts";
import { encodeMetadata } from "./metadata-codec.ts";
import { removeOwned } from "./owned-snapshots.ts";
import { disposeSnapshot } from "./savepoint.ts";
import { sweepSharedFiles } from "./shared-files.ts";
import { sharedHandleName } from "./snapshot-files.ts";
import type { CheckpointMetadata } from "./state-handles.ts";

const JOB = "/checkpoints/job";

/** Two checkpoints: the first refers to a and b, the second to b and c; d is nobody's. */
function withTwoCheckpoints(run: (files: FileSystems) => Promise<void>): Promise<void> {
  const platform = createSimulatedPlatform({ seed: 1 });
  return platform.run(async () => {
    const files = FileSystems.local(platform.fs);
    for (const directory of ["shared", "chk-1", "chk-2"]) await files.makeDirectory(`${JOB}/${directory}`);
    for (const name of ["a", "b", "c", "d"]) await files.write(`${JOB}/shared/${name}`, new Uint8Array([1]));
    await files.writeNew(`${JOB}/chk-1/_metadata`, encodeMetadata(metadataOf(1, ["a", "b"])));
    await files.writeNew(`${JOB}/chk-2/_metadata`, encodeMetadata(metadataOf(2, ["b", "c"])));
    await run(files);
  }, 60_000);
}

function metadataOf(checkpointId: number, names: readonly string[]): CheckpointMetadata {
  const inline = { kind: "inline", bytes: new Uint8Array() } as const;
  const files = names.map((name) => ({
    name,
    isImmutable: true,
    handle: { kind: "file", name: sharedHandleName(name), sizeBytes: 1, crc32c: 0 } as const,
  }));
  const keyed = { kind: "store", storeId: "store", header: inline, files } as const;
  const operator = { uid: "a", name: "a", parallelism: 1, maxParallelism: 8, isStateful: true };
  const operators = [{ ...operator, subtasks: [{ uid: "a", keyed, lists: inline }] }];
  return { jobId: "job", jobName: "job", checkpointId, timestampMs: 0, graphHash: "", operators, coordinators: [] };
}

describe("S31: shared files without the job that wrote them", () => {
  test("a sweep removes what no checkpoint refers to, and nothing else", () =>
    withTwoCheckpoints(async (files) => {
      await sweepSharedFiles(files, JOB);
      expect(await files.list(`${JOB}/shared`)).toEqual(["a", "b", "c"]);
    }));

  test("a sweep leaves what a running job holds, and everything when checkpoints have begun meanwhile", () =>
    withTwoCheckpoints(async (files) => {
      await sweepSharedFiles(files, JOB, undefined, () => false);
      await sweepSharedFiles(files, JOB, (name) => name === "d");
      expect(await files.list(`${JOB}/shared`)).toEqual(["a", "b", "c", "d"]);
    }));

  test("P2: while one checkpoint cannot be read, no file is removed, neither by a sweep nor with another checkpoint", () =>
    withTwoCheckpoints(async (files) => {
      await files.removeFiles(`${JOB}/chk-2`, ["_metadata"]);
      await files.write(`${JOB}/chk-2/_metadata`, new Uint8Array([1, 2, 3]));
      await sweepSharedFiles(files, JOB);
      await disposeSnapshot(files, await loadCheckpoint(files, `${JOB}/chk-1`));
      expect(await files.list(`${JOB}/shared`)).toEqual(["a", "b", "c", "d"]);
    }));

  test("a checkpoint that is disposed of takes only the files along that none beside it refers to", () =>
    withTwoCheckpoints(async (files) => {
      const disposed = await disposeSnapshot(files, await loadCheckpoint(files, `${JOB}/chk-1`));
      expect(disposed).toEqual({ path: `${JOB}/chk-1`, kept: [] });
      expect(await files.list(`${JOB}/shared`)).toEqual(["b", "c", "d"]);
    }));

  test("what an ended job owned goes with its files, also when an earlier process has done a part of it", () =>
    withTwoCheckpoints(async (files) => {
      const owned = [1, 2].map((id) => ({ path: `${JOB}/chk-${id}`, isMade: true }));
      await removeOwned(files, "job", owned.slice(0, 1));
      expect(await files.list(`${JOB}/shared`)).toEqual(["b", "c", "d"]);
      await removeOwned(files, "job", owned);
      expect(await files.stat(JOB)).toBeUndefined();
    }));
});
