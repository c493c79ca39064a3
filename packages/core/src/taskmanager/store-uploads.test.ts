import { describe, expect, test } from "vitest";
import type { StateWriter } from "../checkpoint/checkpoint-storage.ts";
import { sharedHandleName } from "../checkpoint/snapshot-files.ts";
import type { StoreHandle } from "../checkpoint/state-handles.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { StoreSnapshot } from "../state/store-snapshot.ts";
import { StoreUploads } from "./store-uploads.ts";

/** Notes what is written; a file named `fails` cannot be. */
class NotingWriter implements StateWriter {
  base: number | undefined = undefined;
  failsAt = Number.POSITIVE_INFINITY;
  readonly shared: string[] = [];
  readonly own: string[] = [];

  async write(_checkpointId: number, bytes: Uint8Array): ReturnType<StateWriter["write"]> {
    return { kind: "inline", bytes };
  }

  async writeFile(
    _checkpointId: number,
    { sizeBytes, crc32c }: Parameters<StateWriter["writeFile"]>[1],
    isShared: boolean,
  ): ReturnType<StateWriter["writeFile"]> {
    const to = isShared ? this.shared : this.own;
    if (to.length === this.failsAt) throw new Error("no room");
    const name = `${isShared ? "shared" : "own"}-${to.length}`;
    to.push(name);
    return { kind: "file", name: isShared ? sharedHandleName(name) : name, sizeBytes, crc32c };
  }

  baseOf(): number | undefined {
    return this.base;
  }

  async removeShared(): Promise<void> {}
}

async function frozen(
  { fs }: SimulatedPlatform,
  names: readonly string[],
  storeId: string = "store",
): Promise<StoreSnapshot> {
  const directory = `/local/${names.join("-")}`;
  await fs.makeDirectory(directory);
  const files = [...names.map((name) => ({ name, isImmutable: true })), { name: "MANIFEST", isImmutable: false }];
  for (const { name } of files) {
    const file = await fs.open(`${directory}/${name}`, "create");
    await file.write(new TextEncoder().encode(`${storeId} ${name}`), 0);
    await file.close();
  }
  return { storeId, directory, files: files.map((file) => ({ ...file, sizeBytes: 1 })), header: new Uint8Array([7]) };
}

async function running(
  run: (writer: NotingWriter, uploads: StoreUploads, platform: SimulatedPlatform) => Promise<void>,
): Promise<void> {
  const platform = createSimulatedPlatform({ seed: 1 });
  await platform.run(async () => {
    const writer = new NotingWriter();
    await run(writer, new StoreUploads({ storage: writer, localFs: platform.fs, restored: undefined }), platform);
  }, 60_000);
}

const namesOf = (store: StoreHandle): readonly unknown[] =>
  store.files.map(({ handle }) => (handle.kind === "file" ? handle.name : "inline"));

describe("S31: the files of a store are written", () => {
  test("U1: once, when the base has them; again, when it does not, or is not named, or is another store's", () =>
    running(async (writer, uploads, platform) => {
      const first = await uploads.upload(1, await frozen(platform, ["1", "2"]), []);
      expect(namesOf(first)).toEqual(["../shared/shared-0", "../shared/shared-1", "own-0"]);
      writer.base = 1;
      const written: string[] = [];
      const second = await uploads.upload(2, await frozen(platform, ["2", "3"]), written);
      expect(namesOf(second)).toEqual(["../shared/shared-1", "../shared/shared-2", "own-1"]);
      expect(written).toEqual(["shared-2"]);
      // Checkpoint 2 is not known to be complete: what only it has is written again.
      const third = await uploads.upload(3, await frozen(platform, ["2", "3"]), []);
      expect(namesOf(third)).toEqual(["../shared/shared-1", "../shared/shared-3", "own-2"]);
      const other = await uploads.upload(4, await frozen(platform, ["2"], "other"), []);
      expect(namesOf(other)).toEqual(["../shared/shared-4", "own-3"]);
      writer.base = 99;
      expect(namesOf(await uploads.upload(5, await frozen(platform, ["2"]), []))[0]).toBe("../shared/shared-5");
    }));

  test("U3: the local copy is removed, also when its upload fails, and what was written by then is told", () =>
    running(async (writer, uploads, platform) => {
      writer.failsAt = 1;
      const written: string[] = [];
      await expect(uploads.upload(1, await frozen(platform, ["1", "2", "3"]), written)).rejects.toThrow("no room");
      expect(written).toEqual(["shared-0"]);
      expect(await platform.fs.list("/local")).toEqual([]);
    }));

  test("U1: a store that goes on from the checkpoint that was restored refers to its files", () =>
    running(async (writer, uploads, platform) => {
      const keyed = await uploads.upload(6, await frozen(platform, ["1", "2"]), []);
      const lists = { kind: "inline", bytes: new Uint8Array() } as const;
      const operator = { uid: "a", name: "a", parallelism: 1, maxParallelism: 8, isStateful: true };
      const metadata = {
        jobId: "job",
        jobName: "job",
        checkpointId: 6,
        timestampMs: 0,
        graphHash: "",
        operators: [{ ...operator, subtasks: [{ uid: "a", keyed, lists }] }],
        coordinators: [],
      };
      const restored = { directory: "/checkpoints/job/chk-6", metadata };
      const next = new StoreUploads({ storage: writer, localFs: platform.fs, restored });
      const names = async (): Promise<readonly unknown[]> =>
        namesOf(await next.upload(7, await frozen(platform, ["2"]), []));
      // It belongs to somebody else: nobody names it as the base.
      expect(await names()).toEqual(["../shared/shared-2", "own-1"]);
      writer.base = 6;
      expect(await names()).toEqual(["../shared/shared-1", "own-2"]);
    }));
});
