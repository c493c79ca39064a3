import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Configuration, StreamExecutionEnvironment } from "millrace";
import { expect, test } from "vitest";

const COUNT = 500;

test("F07: a hybrid source switches in all threads, and the next source begins where the last one ended", async () => {
  const directory = await mkdtemp(join(tmpdir(), "millrace-hybrid-"));
  try {
    const output = join(directory, "rows");
    const configuration = Configuration.fromEntries([
      { key: "parallelism.default", value: "2" },
      { key: "execution.checkpointing.interval", value: "50 ms" },
      { key: "execution.checkpointing.dir", value: join(directory, "checkpoints") },
    ]);
    const env = await StreamExecutionEnvironment.ofJobModule(new URL("./testdata/hybrid-job.ts", import.meta.url), {
      configuration,
      args: ["--count", String(COUNT), "--output", output],
    });
    await env.execute("hybrid");
    const files = (await readdir(output)).filter((file) => !file.startsWith("."));
    const texts = await Promise.all(files.map((file) => readFile(join(output, file), "utf8")));
    const rows = texts.flatMap((text) => text.trimEnd().split("\n")).map((row) => (JSON.parse(row) as { n: number }).n);
    expect(rows.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2 * COUNT }, (_, n) => n));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
