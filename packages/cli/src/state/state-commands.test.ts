import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Collector, KeyedProcessContext, KeyedProcessFunction, RuntimeContext, ValueState } from "millrace";
import {
  Configuration,
  DataGeneratorSource,
  DiscardingSink,
  StreamExecutionEnvironment,
  t,
  valueState,
} from "millrace";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { main } from "../main.ts";
import { type CapturedCommand, captured } from "../testing/captured-command.ts";

const millrace = (...args: readonly string[]): Promise<CapturedCommand> => captured(main, ["state", ...args]);
const linesOf = (text: string): unknown[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

const Total = t.object({ amount: t.int32, currency: t.string });
type Total = { amount: number; currency: string };

class Totals implements KeyedProcessFunction<number, number, number> {
  declare total: ValueState<Total>;

  open(context: RuntimeContext): void {
    this.total = context.getState(valueState("total", Total));
  }

  processElement(n: number, context: KeyedProcessContext<number>, out: Collector<number>): void {
    const key = context.currentKey;
    const amount = (this.total.value()?.amount ?? 0) + 1;
    this.total.update({ amount, currency: key === 2 ? "EUR" : "USD" });
    out.collect(n);
  }
}

let directory: string;
let first: string;
let second: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-state-"));
  const env = StreamExecutionEnvironment.getExecutionEnvironment(
    Configuration.fromEntries([{ key: "parallelism.default", value: "2" }]),
  );
  env
    .fromSource(
      DataGeneratorSource.of((n) => n, 1e9, { ratePerSecond: 1000 }),
      { boundedOutOfOrderness: 0, timestamp: (n) => n },
      "numbers",
    )
    .keyBy((n) => n % 3)
    .process(new Totals())
    .uid("totals")
    .sinkTo(DiscardingSink.of());
  const client = await env.executeAsync("totals");
  const until = async (count: number): Promise<void> => {
    const failed = client.getJobExecutionResult();
    failed.catch(() => {});
    while (client.getProgress().recordsRead < count) {
      await Promise.race([failed, new Promise<void>((resolve) => setImmediate(resolve))]);
    }
  };
  await until(10);
  first = await client.triggerSavepoint(join(directory, "savepoints"));
  await until(client.getProgress().recordsRead + 10);
  second = await client.stopWithSavepoint(false, join(directory, "savepoints"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe("U04: millrace state", () => {
  test("ls shows operators and states with kind, type and counts, as a table and as JSON", async () => {
    const { code, out } = await millrace("ls", first);
    expect(out).toMatch(/^savepoint \d+ of job "totals" \([0-9a-f]{32}\), taken \d{4}-/);
    expect(out).toMatch(/totals "[^"]+": parallelism 2 of 128, \d+ bytes/);
    expect(out).toMatch(/total +value +\d +3 +\d+ +object\(\{ amount: int32, currency: string \}\)/);
    expect(code).toBe(0);
    const listed = JSON.parse((await millrace("ls", "--json", join(first, "_metadata"))).out) as {
      operators: { uid: string; states: object[] }[];
    };
    expect(listed.operators.find(({ uid }) => uid === "totals")!.states[0]).toMatchObject({
      name: "total",
      entries: 3,
    });
  });

  test("get finds a key by its JSON, and MR_STATE_KEY_NOT_FOUND names what it has looked for", async () => {
    const { out, code } = await millrace("get", first, "totals", "total", "2");
    expect(linesOf(out)).toEqual([{ key: 2, value: { amount: expect.any(Number), currency: "EUR" } }]);
    expect(code).toBe(0);
    const none = await millrace("get", first, "totals", "total", "7");
    expect(none.error).toMatch(/MR_STATE_KEY_NOT_FOUND[\s\S]*7, nor for \{"\$bigint":"7"\}, nor for "7"/);
    expect(none.code).toBe(1);
  });

  test("query writes entries as JSON lines, those that meet all conditions and no more than the limit", async () => {
    const query = async (...options: readonly string[]): Promise<unknown[]> =>
      linesOf((await millrace("query", first, "totals", "total", ...options)).out).map(
        (line) => (line as { key: number }).key,
      );
    expect((await query()).sort()).toEqual([0, 1, 2]);
    expect((await query("--where", "currency=USD")).sort()).toEqual([0, 1]);
    expect(await query("--where", "currency=USD", "--where", "key=1")).toEqual([1]);
    expect(await query("--limit", "2")).toHaveLength(2);
  });

  test("diff shows what has changed field by field, with exit code 1; nothing has, with 0", async () => {
    const { out, code } = await millrace("diff", first, second, "--limit", "2");
    expect(out.match(/~ totals\/total \{"key":\d\} amount \d+ -> \d+/g)).toHaveLength(2);
    expect(out).toMatch(/totals\/total: 0 added, 0 removed, 3 changed, 0 the same/);
    expect(code).toBe(1);
    const json = linesOf((await millrace("diff", first, second, "--json")).out);
    expect(json.filter((line) => (line as { kind: string; state?: string }).state === "total")).toHaveLength(4);
    const same = await millrace("diff", first, first);
    expect(same.out).toMatch(/No difference\.\n$/);
    expect(same.code).toBe(0);
  });

  test.each([
    [["get", "first", "totls", "total", "1"], /MR_STATE_OPERATOR_NOT_FOUND[\s\S]*totals/, 2],
    [["query", "first", "totals", "totl"], /MR_STATE_NOT_FOUND[\s\S]*total/, 2],
    [["query", "first", "totals", "total", "--where", "currency"], /MR_CONFIG_INVALID[\s\S]*FIELD=VALUE/, 2],
    [["query", "first", "totals", "total", "--limit", "many"], /MR_CONFIG_INVALID[\s\S]*--limit/, 2],
    [["ls", "/none"], /MR_CHECKPOINT_NOT_FOUND/, 2],
    [["ls"], /missing required argument/, 2],
    [["lst", "first"], /Did you mean ls/, 2],
  ])("%j says what is wrong", async (args, text, expected) => {
    const { code, error } = await millrace(...args.map((arg) => (arg === "first" ? first : arg)));
    expect(error).toMatch(text);
    expect(code).toBe(expected);
  });

  test("a damaged snapshot is refused by the name of its file", async () => {
    const metadata = join(second, "_metadata");
    const bytes = await readFile(metadata);
    bytes[bytes.length - 8]! ^= 1;
    await writeFile(metadata, bytes);
    const { code, error } = await millrace("ls", second);
    expect(error).toMatch(/MR_CHECKPOINT_CORRUPT[\s\S]*_metadata/);
    expect(code).toBe(1);
    expect(await readdir(second)).toContain("_metadata");
  });
});
