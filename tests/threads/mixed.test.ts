import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Configuration, StreamExecutionEnvironment } from "millrace";
import { afterAll, beforeAll, expect, test } from "vitest";

const COUNT = 6000;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-mixed-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

type Settings = Readonly<Record<string, string>>;

async function rowsWith(name: string, settings: Settings): Promise<readonly string[]> {
  const output = join(directory, name);
  const configuration = Configuration.fromEntries(
    Object.entries({
      "execution.checkpointing.interval": "50 ms",
      "execution.checkpointing.dir": join(directory, `${name}-checkpoints`),
      ...settings,
    }).map(([key, value]) => ({ key, value })),
  );
  const env = await StreamExecutionEnvironment.ofJobModule(new URL("./testdata/mixed-job.ts", import.meta.url), {
    configuration,
    args: ["--count", String(COUNT), "--output", output],
  });
  await env.execute(name);
  const rows: string[] = [];
  for (const file of await readdir(output)) {
    if (!file.startsWith(".")) rows.push(...(await readFile(join(output, file), "utf8")).trimEnd().split("\n"));
  }
  return rows.sort();
}

let expected: readonly string[];

beforeAll(async () => {
  expected = await rowsWith("expected", { "execution.target": "in-thread", "parallelism.default": "1" });
});

test("the job has rows of every kind", () => {
  const kinds = new Set(expected.map((row) => (JSON.parse(row) as { kind: string }).kind));
  expect([...kinds].sort()).toEqual(["broadcast", "global", "join", "session", "sliding", "tumbling"]);
  expect(expected.filter((row) => row.includes('"global"'))).toHaveLength(COUNT);
});

const smallest = { "taskmanager.network.memory.buffers-per-channel": "1" };

test.each<[string, Settings]>([
  ["three subtasks in one thread", { "execution.target": "in-thread", "parallelism.default": "3" }],
  [
    "copies of every record",
    { "execution.target": "in-thread", "parallelism.default": "2", "pipeline.object-reuse": "false" },
  ],
  ["two threads", { "parallelism.default": "2" }],
  ["rings of one segment", { "parallelism.default": "2", ...smallest }],
  [
    "four threads that send every record at once",
    { "parallelism.default": "4", ...smallest, "execution.buffer-timeout.interval": "0 ms" },
  ],
  [
    "buffers that leave only when they are full",
    { "parallelism.default": "2", "execution.buffer-timeout.enabled": "false" },
  ],
])("%s give the rows of one subtask", async (name, settings) => {
  const rows = await rowsWith(name.replaceAll(" ", "-"), settings);
  expect(rows.length).toBe(expected.length);
  expect(rows.findIndex((row, index) => row !== expected[index])).toBe(-1);
});
