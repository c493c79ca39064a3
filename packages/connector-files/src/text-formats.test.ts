import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { MillraceError, t } from "millrace";
import type { SimulatedPlatform } from "millrace/internal";
import { expect, test } from "vitest";
import { csv } from "./csv.ts";
import { FileSource } from "./file-source.ts";
import { jsonLines } from "./json-lines.ts";
import { machineWith, readFiles as read, writeFiles } from "./testing/simulated-files.ts";
import { driveSource } from "./testing/source-driver.ts";

const Click = t.object({ id: t.int32, at: t.timestamp, note: t.optional(t.string) });

const clickLines = (count: number): string =>
  Array.from({ length: count }, (_, id) => `${JSON.stringify({ id, at: id * 1000, note: "é".repeat(id % 5) })}\n`).join(
    "",
  );
const clicks = (count: number): unknown[] =>
  Array.from({ length: count }, (_, id) => ({ id, at: id * 1000, note: "é".repeat(id % 5) }));
const refused = (code: string, more: object = {}): unknown => expect.objectContaining({ code, ...more });

test("JSON lines come out in file order, whatever the length of the splits", async () => {
  for (const splitBytes of [1, 7, 40, 41, 1000, 1e6]) {
    const run = await read({ "/in/b.jsonl": clickLines(30), "/in/a/x.jsonl": clickLines(3) }, jsonLines(Click), {
      splitBytes,
    });
    expect(run.values).toEqual([...clicks(3), ...clicks(30)]);
    expect(run.poison).toEqual([]);
  }
});

test("every line belongs to exactly one split, with and without a line end at the end, CRLF and empty lines", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("{}", "[1]", '"a\\nb"', "12", "", " ", '"é€😀"', "x".repeat(20)), { maxLength: 12 }),
      fc.constantFrom("\n", "\r\n"),
      fc.boolean(),
      fc.integer({ min: 1, max: 30 }),
      async (lines, lineEnd, endsWithLineEnd, splitBytes) => {
        const text = lines.join(lineEnd) + (endsWithLineEnd ? lineEnd : "");
        const run = await read({ "/in/f": text }, jsonLines(), { splitBytes });
        const good = lines.filter((line) => line.trim() !== "" && !line.startsWith("x"));
        expect(run.values).toEqual(good.map((line) => JSON.parse(line)));
        expect(run.poison.map(({ raw }) => raw)).toEqual(lines.filter((line) => line.startsWith("x")));
      },
    ),
    { numRuns: 60 },
  );
});

test("F09: a split that is paused is not read, and those behind it wait", async () => {
  const platform = await machineWith({ "/in/a.jsonl": clickLines(300), "/in/b.jsonl": clickLines(5) });
  const source = FileSource.of("/in", jsonLines(Click));
  const values: unknown[] = [];
  const statuses = await platform.run(async () => {
    const enumerator = source.createEnumerator({
      platform,
      currentParallelism: 1,
      assignSplit: (split) => reader.addSplits([split]),
      signalNoMoreSplits: () => reader.notifyNoMoreSplits(),
    });
    const reader = source.createReader({
      platform,
      subtaskIndex: 0,
      parallelism: 1,
      sendSplitRequest: () => enumerator.handleSplitRequest(0),
      sendSourceEventToCoordinator: () => {},
    });
    await enumerator.start();
    reader.start();
    const output = {
      remaining: 1000,
      collect: (value: unknown) => void values.push(value),
      fromSplit: () => {},
      splitStarted: () => {},
      splitFinished: () => {},
      poison: ({ error }: { readonly error: Error }) => expect.unreachable(error.message),
    };
    const pause = (): Promise<void> => new Promise((resolve) => void platform.clock.after(50, resolve));
    const poll = async (): Promise<string> => {
      await pause();
      return reader.pollNext(output);
    };
    while (values.length === 0) await poll();
    const read = values.length;
    const paused = reader.snapshotState(1)[0]!.splitId;
    reader.pauseOrResumeSplits([paused], []);
    const whilePaused = [await poll(), await poll(), await poll()];
    expect(values).toHaveLength(read);
    const available = reader.isAvailable();
    reader.pauseOrResumeSplits([], [paused]);
    await available;
    while ((await poll()) !== "end-of-input");
    await reader.close();
    return whilePaused;
  });
  expect(statuses).toEqual(["nothing-available", "nothing-available", "nothing-available"]);
  expect(values).toEqual([...clicks(300), ...clicks(5)]);
});

test("a restore after any batch goes on with exactly the remaining records, in the same batches", async () => {
  const files = { "/in/a.jsonl": clickLines(700), "/in/b.jsonl": clickLines(5) };
  const whole = await read(files, jsonLines(Click), { splitBytes: 9000 });
  expect(whole.values).toHaveLength(705);
  for (let restoreAfter = 0; restoreAfter <= whole.batches.length; restoreAfter++) {
    const run = await read(files, jsonLines(Click), { splitBytes: 9000, restoreAfter });
    expect(run.values).toEqual(whole.values);
    expect(run.batches).toEqual(whole.batches);
  }
});

test("a restore inside a block goes on at the next record, also for CSV", async () => {
  const files = { "/in/a": clickLines(300) };
  const rows = `id,at\n${Array.from({ length: 300 }, (_, id) => `${id},${id}\n`).join("")}`;
  for (const restoreAfter of [1, 3, 38, 43]) {
    const run = await read(files, jsonLines(Click), { remaining: 7, restoreAfter });
    expect(run.values).toEqual(clicks(300));
    const csvRun = await read({ "/in/a": rows }, csv(t.object({ id: t.int32 })), { remaining: 7, restoreAfter });
    expect(csvRun.values).toEqual(Array.from({ length: 300 }, (_, id) => ({ id })));
  }
});

test("batches end at multiples of 256 records of the split, never elsewhere", async () => {
  const run = await read({ "/in/a": clickLines(600) }, jsonLines(Click));
  expect(run.batches).toEqual(["/in/a#0:256", "/in/a#0:256", "/in/a#0:88"]);
  expect(run.finishedSplits).toEqual(["/in/a#0"]);
});

test("records longer than a chunk are read, and cut the block at the same place in every run", async () => {
  const long = JSON.stringify("y".repeat(700_000));
  const text = `${Array.from({ length: 6 }, () => long).join("\n")}\n1\n`;
  const whole = await read({ "/in/a": text }, jsonLines());
  expect(whole.batches.map((batch) => Number(batch.split(":")[1]))).toEqual([2, 2, 2, 1]);
  const restored = await read({ "/in/a": text }, jsonLines(), { restoreAfter: 2 });
  expect(restored.batches).toEqual(whole.batches);
  expect(restored.values).toEqual(whole.values);
});

test("a restore at another parallelism loses and repeats nothing", async () => {
  const files = { "/in/a": clickLines(2000) };
  for (const [parallelism, parallelismAfter] of [
    [3, 1],
    [1, 3],
    [2, 5],
  ] as const) {
    const run = await read(files, jsonLines(Click), {
      splitBytes: 10_000,
      parallelism,
      parallelismAfter,
      restoreAfter: 4,
    });
    const ids = run.values.map(({ id }) => id).sort((left, right) => left - right);
    expect(ids).toEqual(clicks(2000).map((_, id) => id));
  }
});

test("hidden and unfinished files are left out; a missing path is named", async () => {
  const run = await read({ "/in/.part-0-0.inprogress": "1\n", "/in/_SUCCESS": "2\n", "/in/x": "3\n" }, jsonLines());
  expect(run.values).toEqual([3]);
  const platform = await machineWith({});
  const source = FileSource.of("/nowhere", jsonLines());
  await expect(platform.run(() => driveSource(source, { platform }))).rejects.toEqual(
    refused("MR_FILE_NOT_FOUND", { where: { file: "/nowhere" } }),
  );
});

test("a file that cannot be read, that vanishes, or that shrinks fails the job with its name", async () => {
  const failing = async (change: (platform: SimulatedPlatform) => Promise<void> | void): Promise<unknown> => {
    const platform = await machineWith({ "/in/a": clickLines(400) });
    const source = FileSource.of("/in", jsonLines(Click), { splitBytes: 9000 });
    return platform
      .run(async () => {
        const reader = source.createReader({
          platform,
          subtaskIndex: 0,
          parallelism: 1,
          sendSplitRequest: () => {},
          sendSourceEventToCoordinator: () => {},
        });
        const assigned: Parameters<typeof reader.addSplits>[0][number][] = [];
        const enumerator = source.createEnumerator({
          platform,
          currentParallelism: 1,
          assignSplit: (split) => assigned.push(split),
          signalNoMoreSplits: () => {},
        });
        await enumerator.start();
        enumerator.handleSplitRequest(0);
        await change(platform);
        reader.addSplits(assigned);
        const output = {
          remaining: 9,
          collect: () => {},
          fromSplit: () => {},
          splitStarted: () => {},
          splitFinished: () => {},
          poison: () => {},
        };
        for (let polls = 0; polls < 5; polls++) {
          reader.pollNext(output);
          await reader.isAvailable();
        }
      })
      .catch((error: unknown) => error);
  };
  expect(await failing((platform) => platform.fs.remove("/in/a"))).toEqual(refused("MR_FILE_NOT_FOUND"));
  expect(
    await failing((platform) => {
      platform.storage.faults = { ...platform.storage.faults, errorShare: 1 };
    }),
  ).toEqual(refused("MR_FILE_UNREADABLE", { found: "EIO", where: { file: "/in/a" } }));
  expect(await failing((platform) => writeFiles(platform, { "/in/a": "1" }))).toEqual(refused("MR_FILE_CORRUPT"));
});

test("a line that is no JSON, has a field of the wrong type or is no UTF-8 is poison with file, line and offset", async () => {
  const bad = new TextEncoder().encode(
    '{"id":1,"at":5}\n{"id":\n{"id":"x","at":5}\n"\u00e9"\n{"id":2,"at":"2001-01-01"}\n',
  );
  bad[bad.indexOf(0xc3)] = 0xff;
  const run = await read({ "/in/a": bad }, jsonLines(Click));
  expect(run.values).toEqual([
    { id: 1, at: 5 },
    { id: 2, at: 978307200000 },
  ]);
  expect(run.poison.map(({ where }) => where)).toEqual([
    { file: "/in/a", line: 2, offset: 16 },
    { file: "/in/a", line: 3, offset: 23 },
    { file: "/in/a", line: 4, offset: 41 },
  ]);
  for (const { error } of run.poison) expect(error).toEqual(refused("MR_RECORD_UNREADABLE"));
  expect(run.poison[1]!.error.message).toContain("at id");
  expect(run.poison[1]!.raw).toBe('{"id":"x","at":5}');
  expect(run.poison[2]!.error.message).toContain("UTF-8");
});

test("a record that does not end is refused before it fills the memory", async () => {
  const run = read({ "/in/a": "z".repeat(20 * 1024 * 1024) }, jsonLines());
  await expect(run).rejects.toEqual(refused("MR_RECORD_TOO_LONG"));
});

test("JSON lines round trip every kind of declared type", async () => {
  const Everything = t.object({
    s: t.string,
    b: t.boolean,
    n: t.nullable(t.float64),
    big: t.bigint,
    at: t.timestamp,
    raw: t.bytes,
    tags: t.set(t.string),
    byName: t.map(t.string, t.bigint),
    pair: t.tuple([t.int32, t.timestamp]),
    any: t.json,
  });
  const value = {
    s: 'a"\n',
    b: true,
    n: null,
    big: 2n ** 70n,
    at: -5,
    raw: new Uint8Array([0, 255, 7, 8]),
    tags: new Set(["x"]),
    byName: new Map([["k", -1n]]),
    pair: [1, 2] as const,
    any: { deep: [null, 1] },
  };
  const format = jsonLines(Everything);
  const run = await read({ "/in/a": format.encode(value as never) }, format);
  expect(run.values).toEqual([value]);
});

test("what JSON cannot hold is refused with its path", () => {
  const { encode } = jsonLines<unknown>();
  expect(() => encode({ a: { b: Number.NaN } })).toThrow(/MR_VALUE_UNSERIALIZABLE.*a\.b/);
  expect(() => encode({ a: [() => 1] })).toThrow(/a\[0\]/);
  class Point {}
  expect(() => encode({ p: new Point() })).toThrow(MillraceError);
});

const Row = t.object({ name: t.string, count: t.nullable(t.int32), price: t.float64 });

test("CSV columns are found by name, quotes may hold line ends, and other columns are ignored", async () => {
  const text = '\uFEFFprice,extra,"name",count\r\n1.5,x,"a,""b""\nc",\r\n-2e3,,plain,7\n\n0,y,"",1';
  const run = await read({ "/in/a.csv": text }, csv(Row));
  expect(run.poison).toEqual([]);
  expect(run.values).toEqual([
    { name: 'a,"b"\nc', count: null, price: 1.5 },
    { name: "plain", count: 7, price: -2000 },
    { name: "", count: 1, price: 0 },
  ]);
});

test("a missing CSV column is refused with the columns there are and the nearest name", async () => {
  const run = read({ "/in/a.csv": "nam,count,price\n1,2,3\n" }, csv(Row));
  await expect(run).rejects.toThrow(/MR_COLUMN_MISSING.*"nam", "count", "price".*Did you mean "nam"/);
});

test("broken CSV records are poison and cost nobody else", async () => {
  const text = 'name,count,price\na,1,1\nb,x,1\n"c"d,1,1\ne,1\n5" disk,1,2\nf,2147483648,1\ng,1,1\n';
  const run = await read({ "/in/a.csv": text }, csv(Row));
  expect(run.values.map(({ name }) => name)).toEqual(["a", '5" disk', "g"]);
  expect(run.poison.map(({ where }) => where["record"])).toEqual([2, 3, 4, 6]);
  expect(run.poison[0]!.error.message).toContain('"x" in column count, which is t.int32');
  expect(run.poison[0]!.where["offset"]).toBe(23);
});

test("CSV is read as an independent parser reads it, and written so that both read it back", async () => {
  const cells = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", " ", "é", ";"), maxLength: 6 });
  const Cells = t.object({ a: t.string, b: t.string });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ a: cells, b: cells }), { minLength: 1, maxLength: 20 }), async (rows) => {
      const format = csv(Cells);
      const text = format.header + rows.map((row) => format.encode(row)).join("");
      expect(parse(text, { columns: true })).toEqual(rows);
      expect((await read({ "/in/a": text }, format)).values).toEqual(rows);
    }),
    { numRuns: 60 },
  );
});

test("CSV without a header takes the columns in the order of the type, with any delimiter and null text", async () => {
  const format = csv(Row, { header: false, delimiter: "\t", nullValue: "NULL" });
  expect(format.encode({ name: "a\tb", count: null, price: 1 })).toBe('"a\tb"\tNULL\t1\n');
  const run = await read({ "/in/a": "x\tNULL\t1\n" }, format);
  expect(run.values).toEqual([{ name: "x", count: null, price: 1 }]);
});

test("options and types that a format cannot serve are refused at once", () => {
  expect(() => csv(Row, { delimiter: ",," })).toThrow(/MR_FORMAT_OPTION_INVALID/);
  expect(() => csv([])).toThrow(/MR_FORMAT_OPTION_INVALID/);
  expect(() => csv(t.object({ list: t.array(t.string) }))).toThrow(/MR_FORMAT_TYPE_UNSUPPORTED.*list/);
  expect(() => csv(t.string)).toThrow(/MR_FORMAT_TYPE_UNSUPPORTED/);
  expect(() => FileSource.of([], jsonLines())).toThrow(/MR_SOURCE_OPTION_INVALID/);
  expect(() => FileSource.of("a", jsonLines(), { splitBytes: 0 })).toThrow(/MR_SOURCE_OPTION_INVALID/);
});
