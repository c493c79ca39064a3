/** `@millrace/storage-hdfs` on a real HDFS. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectSame, fileSystemContract, pattern, readAll } from "./file-system-contract.ts";
import { HAS_HDFS, type Hdfs, hdfsFileSystem, hdfsSettings, startHdfs } from "./hdfs.ts";
import { runOnStorage } from "./job-on-storage.ts";

describe.skipIf(!HAS_HDFS)("S32: HDFS", () => {
  let hdfs: Hdfs;
  beforeAll(async () => {
    hdfs = await startHdfs();
  }, 90_000);
  afterAll(() => hdfs?.stop());

  describe("as a place for checkpoints", () => {
    fileSystemContract({
      name: "HDFS",
      hasDirectories: true,
      isNewAtomic: true,
      start: async () => ({
        fs: hdfsFileSystem(hdfsSettings(hdfs, hdfs.port)),
        root: `hdfs://${hdfs.authority}/a directory`,
        close: async () => undefined,
      }),
    });
  });

  test("S45: a job's checkpoints and savepoints are in HDFS, and it goes on from them, also from one that was moved", async () => {
    await runOnStorage(hdfsSettings(hdfs, hdfs.port), `hdfs://${hdfs.authority}/flink/job`);
  }, 90_000);

  test("hdfs:, webhdfs: and hdfs:/// are the same files", async () => {
    const fs = hdfsFileSystem(hdfsSettings(hdfs, hdfs.port));
    await fs.write(`hdfs://${hdfs.authority}/same/a`, pattern(100, 1));
    expectSame(await readAll(fs, `webhdfs://127.0.0.1:${hdfs.port}/same/a`), pattern(100, 1));
    expectSame(await readAll(fs, "hdfs:///same/a"), pattern(100, 1));
    expect(await fs.list("hdfs:///same")).toEqual(["a"]);
    await expect(fs.list("hdfs:///same/a")).rejects.toMatchObject({ errno: "ENOTDIR" });
    await expect(fs.open("hdfs:///same")).rejects.toMatchObject({ errno: "EISDIR" });
  });
});
