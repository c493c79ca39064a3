import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Configuration, StreamExecutionEnvironment } from "millrace";
import { describe, expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const path = temporaryDirectory();

/** The rows of a run, sorted. */
async function rowsOf(name: string, settings: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const output = path(name);
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value }));
  const env = await StreamExecutionEnvironment.ofJobModule(new URL("./testdata/batch-job.ts", import.meta.url), {
    configuration: Configuration.fromEntries(entries),
    args: ["--count", "3000", "--output", output],
  });
  await env.execute(name);
  const files = (await readdir(output)).filter((file) => !file.startsWith("."));
  const texts = await Promise.all(files.map((file) => readFile(join(output, file), "utf8")));
  return texts.flatMap((text) => text.trimEnd().split("\n")).sort();
}

describe("F31, S07, S10, S11: a bounded job in two threads", () => {
  test("has the same windows and joins in BATCH as in STREAMING", async () => {
    const two = { "parallelism.default": "2" };
    const inThread = { ...two, "execution.target": "in-thread" };
    const streaming = await rowsOf("streaming", { ...inThread, "execution.runtime-mode": "STREAMING" });
    const batch = await rowsOf("batch", { ...two, "execution.runtime-mode": "BATCH" });
    const kinds = new Set(streaming.map((row) => (JSON.parse(row) as { kind: string }).kind));
    expect([...kinds].sort()).toEqual(["interval", "join", "revenue", "visit"]);
    expect(batch).toEqual(streaming);
  }, 200_000);
});
