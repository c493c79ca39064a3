import { access, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Configuration, StreamExecutionEnvironment } from "millrace";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mixedRows } from "./testdata/mixed-rows.ts";

const COUNT = 6000;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-mixed-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

type Settings = Readonly<Record<string, string>>;

/** The rows as `kind key n at`, sorted. */
async function rowsWith(name: string, settings: Settings, extra: readonly string[] = []): Promise<readonly string[]> {
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
    args: ["--count", String(COUNT), "--output", output, ...extra],
  });
  await env.execute(name);
  const rows: string[] = [];
  for (const file of await readdir(output)) {
    if (!file.startsWith(".")) rows.push(...(await readFile(join(output, file), "utf8")).trimEnd().split("\n"));
  }
  return rows
    .map((row) => JSON.parse(row) as { kind: string; key: string; n: number; at: number | null })
    .map(({ kind, key, n, at }) => `${kind} ${key} ${n} ${at}`)
    .sort();
}

const expected = mixedRows(COUNT);

function expectRows(rows: readonly string[]): void {
  const first = rows.findIndex((row, index) => row !== expected[index]);
  expect({ first, found: rows[first], count: rows.length }).toEqual({ first: -1, count: expected.length });
}

test("the job has rows of every kind", () => {
  const kinds = new Set(expected.map((row) => row.split(" ")[0]));
  expect([...kinds].sort()).toEqual(["broadcast", "global", "join", "session", "sliding", "tumbling"]);
});

const smallest = { "taskmanager.network.memory.buffers-per-channel": "1" };

test.each<[string, Settings]>([
  ["one subtask", { "execution.target": "in-thread", "parallelism.default": "1" }],
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
])("%s: the rows that plain loops make of the same numbers", async (name, settings) => {
  expectRows(await rowsWith(name.replaceAll(" ", "-"), settings));
});

test.each<[string, Settings]>([
  ["one subtask", { "execution.target": "in-thread", "parallelism.default": "1" }],
  ["three subtasks in one thread", { "execution.target": "in-thread", "parallelism.default": "3" }],
  ["two threads", { "parallelism.default": "2", ...smallest }],
])("%s: the same rows after a restart in the middle", async (name, settings) => {
  const restarting = { "restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.delay": "10 ms" };
  const marker = join(directory, `${name.replaceAll(" ", "-")}.marker`);
  expectRows(
    await rowsWith(`restarted-${name.replaceAll(" ", "-")}`, { ...settings, ...restarting }, ["--marker", marker]),
  );
  await access(marker);
});

test.each([false, true])(
  "S16: the same rows when a slot sharing group has threads of its own; after a restart in the middle: %s",
  async (isRestarted) => {
    const marker = join(directory, "groups.marker");
    const restarting = { "restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.delay": "10 ms" };
    const settings = { "parallelism.default": "2", ...smallest, ...(isRestarted ? restarting : {}) };
    const extra = ["--groups", "yes", ...(isRestarted ? ["--marker", marker] : [])];
    expectRows(await rowsWith(`groups-${isRestarted}`, settings, extra));
    if (isRestarted) await access(marker);
  },
);
