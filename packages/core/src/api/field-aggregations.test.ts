import fc from "fast-check";
import { expect, test } from "vitest";
import { extremeOf, extremeRecordOf, sumOf } from "./field-aggregations.ts";

interface Row {
  readonly n: number;
  readonly tag: string;
}

const call = { method: "test", callSite: "job.ts:1:1" };
const rows = fc.array(fc.record({ n: fc.integer({ min: -5, max: 5 }), tag: fc.string({ maxLength: 2 }) }), {
  minLength: 1,
  maxLength: 12,
});

function fold<T>(reduce: (accumulated: unknown, value: unknown) => unknown, values: readonly T[]): T {
  return values.reduce((accumulated, value) => reduce(accumulated, value) as T);
}

test("S06: sum adds the field up and keeps the rest of the first record", () => {
  fc.assert(
    fc.property(rows, (values) => {
      const total = values.reduce((sum, row) => sum + row.n, 0);
      expect(fold(sumOf(call, "n"), values)).toEqual({ ...values[0], n: total });
    }),
  );
});

test("S06: min and max replace the field only, minBy and maxBy the record", () => {
  fc.assert(
    fc.property(rows, fc.constantFrom("min" as const, "max" as const), (values, direction) => {
      const extreme = values.map((row) => row.n).reduce((l, r) => Math[direction](l, r));
      const bearers = values.filter((row) => row.n === extreme);
      expect(fold(extremeOf(call, "n", direction), values)).toEqual({ ...values[0], n: extreme });
      expect(fold(extremeRecordOf(call, "n", direction, true), values)).toBe(bearers[0]);
      expect(fold(extremeRecordOf(call, "n", direction, false), values)).toBe(bearers.at(-1));
    }),
  );
});

test("S06: no record is changed", () => {
  const [first, second]: [Row, Row] = [
    { n: 1, tag: "a" },
    { n: -2, tag: "b" },
  ];
  for (const reduce of [sumOf(call, "n"), extremeOf(call, "n", "min"), extremeRecordOf(call, "n", "min", true)]) {
    reduce(Object.freeze(first), Object.freeze(second));
  }
  expect([first, second]).toEqual([
    { n: 1, tag: "a" },
    { n: -2, tag: "b" },
  ]);
});

test("S06: tuples are aggregated by position, bigints as bigints", () => {
  expect(sumOf(call, 1)(["a", 1], ["b", 2])).toEqual(["a", 3]);
  expect(sumOf(call, "n")({ n: 1n }, { n: 2n ** 64n })).toEqual({ n: 2n ** 64n + 1n });
});

test("S06: text and booleans are ordered, NaN is above every number", () => {
  const row = (n: unknown): { n: unknown } => ({ n });
  expect(extremeOf(call, "n", "max")(row("a"), row("b"))).toEqual(row("b"));
  expect(extremeOf(call, "n", "min")(row(true), row(false))).toEqual(row(false));
  expect(extremeOf(call, "n", "min")(row(Number.NaN), row(3))).toEqual(row(3));
  expect(extremeOf(call, "n", "min")(row(3), row(Number.NaN))).toEqual(row(3));
  expect(extremeOf(call, "n", "max")(row(Number.NaN), row(3))).toEqual(row(Number.NaN));
  expect(extremeRecordOf(call, "n", "max", true)(row(3), row(Number.NaN))).toEqual(row(Number.NaN));
});

test("a field named like the prototype stays a field", () => {
  const named = JSON.parse('{"__proto__": 1, "n": 2}') as object;
  expect(Object.entries(sumOf(call, "n")(named, { n: 3 }) as object)).toEqual(
    Object.entries(JSON.parse('{"__proto__": 1, "n": 5}')),
  );
});

test.each([
  [{ n: 1 }, { n: "2" }],
  [{ n: 1 }, { n: 2n }],
  [{ n: 1 }, {}],
  [{ n: null }, { n: 1 }],
  [{ n: "a" }, { n: "b" }],
  [1, 2],
])("sum refuses %o and %o", (left, right) => {
  expect(() => sumOf(call, "n")(left, right)).toThrow(/MR_FIELD_INVALID .*field n, at job\.ts:1:1.*Expected: numbers/);
});

test.each([
  [{ n: 1 }, { n: "2" }],
  [{ n: {} }, { n: {} }],
  [{ n: undefined }, { n: 1 }],
])("extremes refuse %o and %o", (left, right) => {
  expect(() => extremeOf(call, "n", "min")(left, right)).toThrow(/MR_FIELD_INVALID/);
  expect(() => extremeRecordOf(call, "n", "max", true)(left, right)).toThrow(/MR_FIELD_INVALID/);
});
