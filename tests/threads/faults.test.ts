import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Configuration, type JobExecutionResult, MillraceError, StreamExecutionEnvironment } from "millrace";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const COUNT = 40_000;
let directory: string;
let runs = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-faults-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

interface Run {
  readonly fault: string;
  readonly parallelism?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

interface Outcome {
  readonly result: JobExecutionResult | undefined;
  readonly error: unknown;
  readonly rows: readonly string[];
}

async function run({ fault, parallelism = 2, settings = {} }: Run): Promise<Outcome> {
  const own = join(directory, `${fault}-${runs++}`);
  const output = join(own, "rows");
  const configuration = Configuration.fromEntries(
    Object.entries({
      "parallelism.default": String(parallelism),
      "execution.checkpointing.interval": "100 ms",
      "execution.checkpointing.dir": join(own, "checkpoints"),
      "restart-strategy.type": "fixed-delay",
      "restart-strategy.fixed-delay.attempts": "2",
      "restart-strategy.fixed-delay.delay": "10 ms",
      ...settings,
    }).map(([key, value]) => ({ key, value })),
  );
  const args = [
    "--fault",
    fault,
    "--at",
    "20011",
    "--marker",
    `${own}.marker`,
    "--count",
    String(COUNT),
    "--output",
    output,
  ];
  const env = await StreamExecutionEnvironment.ofJobModule(new URL("./testdata/fault-job.ts", import.meta.url), {
    configuration,
    args,
  });
  const [settled] = await Promise.allSettled([env.execute("faulty")]);
  return {
    result: settled.status === "fulfilled" ? settled.value : undefined,
    error: settled.status === "rejected" ? settled.reason : undefined,
    rows: await rowsIn(output),
  };
}

async function rowsIn(output: string): Promise<readonly string[]> {
  const rows: string[] = [];
  for (const name of await readdir(output).catch(() => [])) {
    if (!name.startsWith(".")) rows.push(...(await readFile(join(output, name), "utf8")).split("\n"));
  }
  return rows.filter((row) => row !== "").sort();
}

const KEYS = 97;

/**
 * Checks the running counts and sums: of each key every count once, and the sum of all its numbers with the last one. The
 * sums in between depend on the order in which the two halves of the input arrive.
 */
function expectEveryRow(rows: readonly string[]): void {
  const found = Array.from({ length: KEYS }, () => ({ counts: [] as number[], lastSum: 0 }));
  for (const row of rows) {
    const { key, count, sum } = JSON.parse(row) as { key: number; count: number; sum: number };
    const of = found[key]!;
    of.counts.push(count);
    if (count === countOf(key)) of.lastSum = sum;
  }
  found.forEach(({ counts, lastSum }, key) => {
    counts.sort((left, right) => left - right);
    expect(counts, `key ${key}`).toEqual(Array.from({ length: countOf(key) }, (_, index) => index + 1));
    expect(lastSum, `key ${key}`).toBe(key * countOf(key) + (KEYS * countOf(key) * (countOf(key) - 1)) / 2);
  });
}

/** How many of the numbers below COUNT belong to the key. */
function countOf(key: number): number {
  return Math.ceil((COUNT - key) / KEYS);
}

/** Long enough for a healthy thread to answer on a machine that has much else to do. */
const watched = { "taskmanager.slot.blocked-warning": "1 s", "taskmanager.slot.blocked-timeout": "6 s" };
const unaligned = { "execution.checkpointing.unaligned.enabled": "true" };
const withHeap = { "taskmanager.memory.task.heap.size": "64 mb" };

describe("a fault in one thread ends in a restart from the checkpoint, with the rows of an undisturbed run", () => {
  test.each([
    ["throw", {}],
    ["throw", unaligned],
    ["exit", unaligned],
    ["throw-outside", {}],
    ["exit", {}],
    ["heap", withHeap],
    ["loop", watched],
  ])("%s", async (fault, settings) => {
    const { result, error, rows } = await run({ fault, settings });
    expect(error).toBeUndefined();
    expect(result!.restartCount).toBe(1);
    expectEveryRow(rows);
  });

  test("and so does no fault at all, at parallelism 1 and 4, without a restart", async () => {
    for (const parallelism of [1, 4]) {
      const { result, rows } = await run({ fault: "none", parallelism });
      expect(result!.restartCount).toBe(0);
      expectEveryRow(rows);
    }
  });
});

describe("without a restart strategy the job fails with a name for it", () => {
  const none = { "restart-strategy.type": "none" };

  async function failure(fault: string, settings: Readonly<Record<string, string>> = {}): Promise<MillraceError> {
    const { error } = await run({ fault, settings: { ...none, ...settings } });
    expect(error).toBeInstanceOf(MillraceError);
    return error as MillraceError;
  }

  test("an error of a user's function names the operator and keeps the original with its stack", async () => {
    const error = await failure("throw");
    expect(error.code).toBe("MR_USER_FUNCTION_FAILED");
    expect(error.message).toContain('"Trouble"');
    expect((error.cause as Error).name).toBe("RangeError");
    expect((error.cause as Error).stack).toMatch(/fault-job\.ts:\d+/);
  });

  test("an error outside of the data path", async () => {
    const error = await failure("throw-outside");
    expect(error.code).toBe("MR_SLOT_DIED");
    expect(error.message).toContain("thrown outside of the data path");
  });

  test("process.exit is an error with the operator that called it", async () => {
    const error = await failure("exit");
    expect(error.code).toBe("MR_PROCESS_EXIT");
    expect(error.message).toContain("process.exit(7)");
    expect(error.stack).toMatch(/fault-job\.ts:\d+/);
  });

  test("a heap that is full names the task", async () => {
    const error = await failure("heap", withHeap);
    expect(error.code).toBe("MR_SLOT_OUT_OF_MEMORY");
    expect(error.message).toContain("Trouble");
  });

  test("an endless loop names the task and the line it is in", async () => {
    const error = await failure("loop", watched);
    expect(error.code).toBe("MR_SLOT_BLOCKED");
    expect(error.message).toContain("Trouble");
    expect(error.message).toMatch(/endlessLoop .*fault-job\.ts:\d+/);
  });
});
