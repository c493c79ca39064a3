import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Configuration, DiscardingSink, StreamExecutionEnvironment } from "millrace";
import { describe, expect, test } from "vitest";

async function environment(target: string, path: string): Promise<StreamExecutionEnvironment> {
  const entries = { "parallelism.default": "2", "execution.target": target };
  return StreamExecutionEnvironment.ofJobModule(new URL("./testdata/cached-file-job.ts", import.meta.url), {
    configuration: Configuration.fromEntries(Object.entries(entries).map(([key, value]) => ({ key, value }))),
    args: ["--names", path],
  });
}

describe.each(["threads", "in-thread"])("F31: the distributed cache (%s)", (target) => {
  test("gives functions of all slots the file that was registered, by path or URL", async () => {
    const directory = await mkdtemp(join(tmpdir(), "millrace-cached-"));
    const path = join(directory, "the names.txt");
    await writeFile(path, "ada\nbea\ncyd\n");
    for (const given of [path, pathToFileURL(path).href]) {
      const result = await (await environment(target, given)).execute("names");
      expect(Object.fromEntries(result.getAllAccumulatorResults())).toEqual({ ada: 10, bea: 10, cyd: 10 });
    }
  });

  test("a file that is not there is said before anything starts", async () => {
    const env = await environment(target, "/nowhere/names.txt");
    await expect(env.execute("names")).rejects.toThrow(/MR_CACHED_FILE_NOT_FOUND.*"names" at \/nowhere\/names\.txt/s);
  });
});

test("F31: the distributed cache knows its names, and refuses a second file under one", async () => {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  env.registerCachedFile(fileURLToPath(import.meta.url), "self");
  expect(() => env.registerCachedFile("other", "self")).toThrow(/MR_ARGUMENT_INVALID.*"self"/s);
  expect(env.getCachedFiles()).toEqual([{ name: "self", path: fileURLToPath(import.meta.url) }]);
  env
    .fromSequence(1, 3)
    .map({
      open: (context) => void context.getDistributedCache().getFile("sefl"),
      map: (n: number) => n,
    })
    .sinkTo(DiscardingSink.of());
  await expect(env.execute()).rejects.toThrow(/MR_CACHED_FILE_UNKNOWN.*sefl.*self/s);
});
