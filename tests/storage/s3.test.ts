/** `@millrace/storage-s3` on a real S3 server. */

import { Configuration } from "millrace";
import { createNodePlatform } from "millrace/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { S3Client } from "../../packages/storage-s3/src/s3-client.ts";
import { S3FileSystem } from "../../packages/storage-s3/src/s3-file-system.ts";
import { s3SettingsOf } from "../../packages/storage-s3/src/s3-settings.ts";
import { expectSame, fileSystemContract, pattern, readAll } from "./file-system-contract.ts";
import { runOnStorage } from "./job-on-storage.ts";
import { HAS_MOTO, type Moto, s3FileSystem, s3Settings, startMoto } from "./moto.ts";

describe.skipIf(!HAS_MOTO)("S32: S3", () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
    await moto.createBucket("bucket");
  }, 90_000);
  afterAll(() => moto?.stop());

  describe("as a place for checkpoints", () => {
    fileSystemContract({
      name: "S3",
      hasDirectories: false,
      isNewAtomic: true,
      start: async () => ({
        fs: s3FileSystem(moto.endpoint),
        root: "s3://bucket/a prefix",
        close: async () => undefined,
      }),
    });
  });

  test("S45: a job's checkpoints and savepoints are in S3, and it goes on from them, also from one that was moved", async () => {
    await runOnStorage(s3Settings(moto.endpoint), "s3://bucket/job");
  }, 90_000);

  test("lists and removes more objects than one answer or request can have", async () => {
    const platform = createNodePlatform();
    const entries = Object.entries(s3Settings(moto.endpoint)).map(([key, value]) => ({ key, value }));
    const settings = s3SettingsOf({ configuration: Configuration.fromEntries(entries), env: {} });
    const limits = { ...settings, objectsAtOnceMax: 3 };
    const fs = new S3FileSystem(new S3Client(settings, platform), platform.random, limits);
    const directory = "s3://bucket/many";
    const names = Array.from({ length: 13 }, (_, index) => `f${String(index).padStart(2, "0")}`);
    await Promise.all(names.map((name) => fs.write(`${directory}/${name}/x`, pattern(1, 1))));
    expect(await fs.list(directory)).toEqual(names);
    await fs.removeFiles(
      directory,
      names.slice(0, 8).map((name) => `${name}/x`),
    );
    expect(await fs.list(directory)).toEqual(names.slice(8));
    await fs.removeTree(directory);
    expect(await fs.list(directory)).toEqual([]);
  });

  test("EIO: what was written anew since it was opened is not read as what it was", async () => {
    const fs = s3FileSystem(moto.endpoint);
    await fs.write("s3://bucket/changes", pattern(100, 1));
    const file = await fs.open("s3://bucket/changes");
    await fs.write("s3://bucket/changes", pattern(100, 2));
    await expect(file.read(new Uint8Array(10), 0)).rejects.toMatchObject({ errno: "EIO" });
    expectSame(await readAll(fs, "s3://bucket/changes"), pattern(100, 2));
  });

  test("a bucket that is not there, or whose name is none, is told before anything is written", async () => {
    const fs = s3FileSystem(moto.endpoint);
    await expect(fs.makeDirectory("s3://absent-bucket/a")).rejects.toMatchObject({ errno: "ENOENT" });
    await expect(fs.makeDirectory("s3://key:secret@bucket/a")).rejects.toMatchObject({
      errno: "EINVAL",
      message: expect.not.stringContaining("secret"),
    });
    expect(await fs.stat("s3://absent-bucket")).toBeUndefined();
    expect(await fs.stat("s3://bucket")).toMatchObject({ kind: "directory" });
  });
});
