import { parquetWriteBuffer } from "hyparquet-writer";
import { t } from "millrace";
import { createNodePlatform } from "millrace/internal";
import { expect, test } from "vitest";
import { FileSource } from "./file-source.ts";
import { parquet } from "./parquet.ts";
import { machineWith, readFiles } from "./testing/simulated-files.ts";
import { driveSource } from "./testing/source-driver.ts";

type Columns = Parameters<typeof parquetWriteBuffer>[0]["columnData"];

function bytesOf(columnData: Columns, rowGroupSize = 300, pageSize = 1000): Uint8Array {
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize, pageSize }));
}

const COUNT = 1000;
const rows = Array.from({ length: COUNT }, (_, id) => ({
  id,
  name: `n${id % 7}`,
  price: id % 3 === 0 ? null : id / 4,
}));
const items = bytesOf([
  { name: "id", data: Int32Array.from(rows, ({ id }) => id), type: "INT32" },
  { name: "unused", data: rows.map(() => "x".repeat(50)), type: "STRING" },
  { name: "name", data: rows.map(({ name }) => name), type: "STRING" },
  { name: "price", data: rows.map(({ price }) => price), type: "DOUBLE", nullable: true },
]);
const Item = t.object({ id: t.int32, name: t.string, price: t.nullable(t.float64) });
const refused = (code: string, more: object = {}): unknown => expect.objectContaining({ code, ...more });

test("row groups are splits, in file order; batches end at multiples of 256 rows of the group", async () => {
  const run = await readFiles({ "/in/a.parquet": items }, parquet(Item));
  expect(run.values).toEqual(rows);
  expect(run.batches.map((batch) => batch.replace("/in/a.parquet#", ""))).toEqual([
    "0:256",
    "0:44",
    "1:256",
    "1:44",
    "2:256",
    "2:44",
    "3:100",
  ]);
});

test("a restore after any batch, of any size, goes on with exactly the remaining rows", async () => {
  for (const remaining of [1000, 37]) {
    const whole = await readFiles({ "/in/a": items }, parquet(Item), { remaining });
    for (let restoreAfter = 0; restoreAfter <= whole.batches.length; restoreAfter += remaining === 37 ? 3 : 1) {
      const run = await readFiles({ "/in/a": items }, parquet(Item), { remaining, restoreAfter });
      expect(run.values).toEqual(rows);
      expect(run.batches).toEqual(whole.batches);
    }
  }
});

test("a restore at another parallelism loses and repeats nothing", async () => {
  const run = await readFiles({ "/in/a": items, "/in/b": items }, parquet(Item), {
    parallelism: 3,
    parallelismAfter: 2,
    restoreAfter: 5,
  });
  expect(run.values.map(({ id }) => id).sort((left, right) => left - right)).toEqual(
    rows.flatMap(({ id }) => [id, id]),
  );
});

test("every encoding of a column gives the same values", async () => {
  const numbers = Array.from({ length: 700 }, (_, index) => ((index * 7919) % 1000) - 500);
  const texts = numbers.map((value) => `text ${value}`);
  const big = numbers.map((value) => BigInt(value) * 2n ** 40n);
  const floats = numbers.map((value) => value / 8);
  const cases: { columns: Columns; values: unknown[]; type: ReturnType<typeof t.object> }[] = [];
  for (const encoding of ["PLAIN", "RLE_DICTIONARY", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"] as const) {
    cases.push({
      columns: [{ name: "v", data: numbers, type: "INT32", encoding }],
      values: numbers,
      type: t.object({ v: t.int32 }),
    });
    cases.push({
      columns: [{ name: "v", data: big, type: "INT64", encoding }],
      values: big.map(Number),
      type: t.object({ v: t.int64 }),
    });
  }
  for (const encoding of ["PLAIN", "RLE_DICTIONARY", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"] as const) {
    cases.push({
      columns: [{ name: "v", data: texts, type: "STRING", encoding }],
      values: texts,
      type: t.object({ v: t.string }),
    });
  }
  cases.push({
    columns: [{ name: "v", data: floats, type: "DOUBLE", encoding: "BYTE_STREAM_SPLIT" }],
    values: floats,
    type: t.object({ v: t.float64 }),
  });
  cases.push({
    columns: [{ name: "v", data: numbers.map((n) => n > 0), type: "BOOLEAN" }],
    values: numbers.map((n) => n > 0),
    type: t.object({ v: t.boolean }),
  });
  for (const { columns, values, type } of cases) {
    const run = await readFiles({ "/in/a": bytesOf(columns) }, parquet(type));
    expect(run.values).toEqual(values.map((v) => ({ v })));
  }
});

test("timestamps of every unit become epoch milliseconds, before the epoch too", async () => {
  const schemaOf = (unit: "MILLIS" | "MICROS" | "NANOS"): Uint8Array =>
    new Uint8Array(
      parquetWriteBuffer({
        schema: [
          { name: "root", num_children: 1 },
          {
            name: "at",
            type: "INT64",
            repetition_type: "REQUIRED",
            logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit },
          },
        ],
        columnData: [
          {
            name: "at",
            data: [978_310_860_123n, -1n].map((ms) => ms * { MILLIS: 1n, MICROS: 1000n, NANOS: 1_000_000n }[unit]),
          },
        ],
      }),
    );
  for (const unit of ["MILLIS", "MICROS", "NANOS"] as const) {
    const run = await readFiles({ "/in/a": schemaOf(unit) }, parquet(t.object({ at: t.timestamp })));
    expect(run.values).toEqual([{ at: 978_310_860_123 }, { at: -1 }]);
  }
});

test("a value that does not fit its declared type, and a null where none may be, is poison with row and column", async () => {
  const file = bytesOf([
    { name: "n", data: [1n, 2n ** 31n, null, 4n, 2n ** 60n], type: "INT64", nullable: true },
    { name: "s", data: ["a", "b", "c", "d", "e"], type: "STRING" },
  ]);
  const run = await readFiles({ "/in/a": file }, parquet(t.object({ s: t.string, n: t.int32 })));
  expect(run.values).toEqual([
    { s: "a", n: 1 },
    { s: "d", n: 4 },
  ]);
  expect(run.poison.map(({ where }) => where)).toEqual(
    [1, 2, 4].map((row) => ({ file: "/in/a", rowGroup: 0, row, field: "n" })),
  );
  expect(run.poison[0]!.error).toEqual(refused("MR_RECORD_UNREADABLE", { found: "2147483648, which is not int32" }));
  expect(run.poison[1]!.raw).toBe('s="c" n=null');
});

test("an optional field may lack its column; a missing one is refused with the columns there are", async () => {
  const run = await readFiles({ "/in/a": items }, parquet(t.object({ id: t.int32, color: t.optional(t.string) })));
  expect(run.values[0]).toEqual({ id: 0 });
  const missing = readFiles({ "/in/a": items }, parquet(t.object({ nane: t.string })));
  await expect(missing).rejects.toThrow(/MR_COLUMN_MISSING.*"id", "unused", "name", "price".*Did you mean "name"/);
});

test("a column of another type is refused before anything is read", async () => {
  const run = readFiles({ "/in/a": items }, parquet(t.object({ name: t.int32 })));
  await expect(run).rejects.toEqual(
    refused("MR_COLUMN_TYPE_MISMATCH", { found: "BYTE_ARRAY (UTF8)", where: { file: "/in/a", column: "name" } }),
  );
  const nested = readFiles({ "/in/a": items }, parquet(t.object({ id: t.array(t.int32) })));
  await expect(nested).rejects.toEqual(refused("MR_COLUMN_TYPE_MISMATCH"));
  expect(() => parquet(t.string)).toThrow(/MR_FORMAT_TYPE_UNSUPPORTED/);
});

test("a file that is no Parquet, ends early, or is damaged inside is refused by name", async () => {
  const damaged = {
    text: new TextEncoder().encode("id,name\n1,2\n"),
    short: items.slice(0, items.length - 9),
    empty: new Uint8Array(0),
  };
  for (const bytes of Object.values(damaged)) {
    await expect(readFiles({ "/in/a": bytes }, parquet(Item))).rejects.toEqual(
      refused("MR_FILE_CORRUPT", { where: { file: "/in/a" } }),
    );
  }
  // The pages begin behind the four magic bytes; whatever is wrong with them must not come out as a wrong value type.
  for (let at = 4; at < 300; at++) {
    const flipped = items.slice();
    flipped[at] = flipped[at]! ^ 0xff;
    const outcome = await readFiles({ "/in/a": flipped }, parquet(Item)).catch((error: unknown) => error);
    if (outcome instanceof Error) expect(outcome).toEqual(refused("MR_FILE_CORRUPT"));
  }
});

test("field names reach the generated record maker as data only", async () => {
  const names = ['a"b', "${1}", "__proto__", "x\u2028y", "constructor"];
  const file = bytesOf(names.map((name, index) => ({ name, data: [index], type: "INT32" as const })));
  const type = t.object(Object.fromEntries(names.map((name) => [name, t.int32])));
  // fromEntries defines "__proto__" as a field of its own, and so must the reader.
  const run = await readFiles({ "/in/a": file }, parquet(type));
  expect(Object.entries(run.values[0]!)).toEqual(names.map((name, index) => [name, index]));
});

test("the flights of 2001 are read whole: three million rows, sorted by time", async () => {
  const Flight = t.object({
    date: t.timestamp,
    delay: t.int32,
    distance: t.int32,
    origin: t.string,
    destination: t.string,
  });
  const platform = createNodePlatform();
  const path = new URL("../../../node_modules/vega-datasets/data/flights-3m.parquet", import.meta.url).pathname;
  const { values, poison } = await driveSource(FileSource.of(path, parquet(Flight)), { platform });
  expect(poison).toEqual([]);
  expect(values).toHaveLength(3_000_000);
  expect(values[0]).toEqual({ date: 978_307_260_000, delay: 33, distance: 2176, origin: "LAS", destination: "PHL" });
  expect(values.every(({ date }, index) => index === 0 || date >= values[index - 1]!.date)).toBe(true);
  expect(values.reduce((sum, { delay, distance, origin }) => sum + delay + distance + origin.length, 0)).toBe(
    2_223_864_811,
  );
});

test("an empty directory holds no records", async () => {
  const platform = await machineWith({ "/in/_about": "" });
  const run = await platform.run(() => driveSource(FileSource.of("/in", parquet(Item)), { platform }));
  expect(run.values).toEqual([]);
});
