import { expect, test } from "vitest";
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { MillraceError } from "../base/errors.ts";
import { t } from "./declared-types.ts";
import { compareSchemas, migratingSerializer } from "./schema-compatibility.ts";
import type { Type } from "./type.ts";

/** Writes with the old type and reads with the new one. */
function migrate<A, B>(written: Type<A>, current: Type<B>, value: A): B {
  const out = new BinaryWriter();
  written.serializer.write(value, out);
  // Schemas come from a state file: as JSON.
  const schema = JSON.parse(JSON.stringify(written.schema)) as typeof written.schema;
  const input = new BinaryReader(out.finish());
  const back = migratingSerializer(schema, current.serializer, { state: "total" }).read(input);
  expect(input.remaining).toBe(0);
  current.validate(back);
  return back;
}

const kindOf = (written: Type<never>, current: Type<never>): string =>
  compareSchemas(written.schema, current.schema).kind;

test("the same schema is read as it is, by the job's own serializer", () => {
  const Point = t.object({ x: t.int32, y: t.optional(t.array(t.string)) });
  expect(compareSchemas(Point.schema, JSON.parse(JSON.stringify(Point.schema)))).toEqual({ kind: "as-is" });
  expect(migratingSerializer(Point.schema, Point.serializer)).toBe(Point.serializer);
});

test("E1, E6: optional fields are added, fields removed and reordered; the object has the new shape", () => {
  const Old = t.object({ a: t.int32, gone: t.string, b: t.string });
  const New = t.object({ b: t.string, added: t.optional(t.array(t.int32)), a: t.int32 });
  const back = migrate(Old, New, { a: 1, gone: "x", b: "y" });
  expect(Object.entries(back)).toEqual([
    ["b", "y"],
    ["added", undefined],
    ["a", 1],
  ]);
});

test("E2, E3: fields become optional, nullable and wider, at any depth", () => {
  const Old = t.object({ n: t.int32, deep: t.array(t.map(t.string, t.tuple([t.int64, t.object({ v: t.int32 })]))) });
  const New = t.object({
    n: t.optional(t.nullable(t.float64)),
    deep: t.nullable(t.array(t.map(t.string, t.tuple([t.float64, t.object({ v: t.int64, w: t.optional(t.json) })])))),
  });
  const back = migrate(Old, New, { n: -7, deep: [new Map([["k", [2 ** 40, { v: 5 }]]])] });
  expect(back).toEqual({ n: -7, deep: [new Map([["k", [2 ** 40, { v: 5, w: undefined }]]])] });
});

test("null and absent values pass through a migration", () => {
  const Old = t.object({ a: t.nullable(t.object({ x: t.int32 })), b: t.optional(t.object({ x: t.int32 })) });
  const New = t.object({
    a: t.nullable(t.object({ x: t.int64, y: t.optional(t.string) })),
    b: t.optional(t.object({})),
  });
  expect(migrate(Old, New, { a: null })).toEqual({ a: null, b: undefined });
  expect(migrate(Old, New, { a: { x: 1 }, b: { x: 2 } })).toEqual({ a: { x: 1, y: undefined }, b: {} });
});

test("sets and map keys are migrated as well", () => {
  expect(
    migrate(t.set(t.object({ a: t.int32, b: t.int32 })), t.set(t.object({ b: t.int32 })), new Set([{ a: 1, b: 2 }])),
  ).toEqual(new Set([{ b: 2 }]));
  const Old = t.map(t.tuple([t.int32, t.object({ a: t.int32 })]), t.boolean);
  const New = t.map(t.tuple([t.int64, t.object({ b: t.optional(t.string), a: t.int32 })]), t.nullable(t.boolean));
  expect(migrate(Old, New, new Map([[[1, { a: 2 }], true]]))).toEqual(new Map([[[1, { a: 2, b: undefined }], true]]));
});

test("E4, E5: literals grow or become their type, declared values become any", () => {
  expect(migrate(t.literal("b", "a"), t.literal("a", "b", "c"), "b")).toBe("b");
  expect(migrate(t.literal("a"), t.string, "a")).toBe("a");
  expect(migrate(t.literal(1, 2), t.float64, 2)).toBe(2);
  expect(migrate(t.object({ a: t.bigint }), t.any, { a: 1n })).toEqual({ a: 1n });
  expect(migrate(t.object({ a: t.json }), t.object({ a: t.any }), { a: [1] })).toEqual({ a: [1] });
});

test("hostile field names are migrated as data", () => {
  const Old = t.object({ ["__proto__"]: t.int32, 'x"]': t.int32, constructor: t.optional(t.string) });
  const New = t.object({ constructor: t.optional(t.string), ["__proto__"]: t.float64, 'x"]': t.int64 });
  const back = migrate(Old, New, JSON.parse('{"__proto__":1,"x\\"]":2}')) as object;
  expect(Object.entries(back)).toEqual([
    ["constructor", undefined],
    ["__proto__", 1],
    ['x"]', 2],
  ]);
});

test("what would lose or invent values is refused", () => {
  const pairs = [
    [t.int64, t.int32],
    [t.float64, t.int64],
    [t.nullable(t.int32), t.int32],
    [t.string, t.int32],
    [t.json, t.string],
    [t.literal("a", "b"), t.literal("a")],
    [t.literal("a", 1), t.string],
    [t.object({ a: t.optional(t.int32) }), t.object({ a: t.int32 })],
    [t.object({}), t.object({ a: t.int32 })],
    [t.object({}), t.object({ a: t.nullable(t.int32) })],
    [t.array(t.int32), t.set(t.int32)],
    [t.tuple([t.int32]), t.tuple([t.int32, t.int32])],
    [t.map(t.string, t.string), t.map(t.string, t.int32)],
    [t.timestamp, t.int64],
  ] as unknown as readonly (readonly [Type<never>, Type<never>])[];
  for (const [written, current] of pairs)
    expect(kindOf(written, current), JSON.stringify(written.schema)).toBe("incompatible");
});

test("a refusal lists every field that does not fit, with its path and both types, and where", () => {
  const Old = t.object({ amount: t.int64, lines: t.array(t.object({ price: t.nullable(t.int32) })) });
  const New = t.object({ amount: t.string, lines: t.array(t.object({ price: t.int32 })), currency: t.string });
  expect(compareSchemas(Old.schema, New.schema)).toEqual({
    kind: "incompatible",
    differences: [
      { path: "amount", written: "int64", current: "string" },
      { path: "lines[].price", written: "nullable(int32)", current: "int32" },
      { path: "currency", written: "no such field", current: "string" },
    ],
  });
  let error: unknown;
  try {
    migratingSerializer(Old.schema, New.serializer, { operator: "revenue", state: "totals" });
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(MillraceError);
  expect(error).toMatchObject({
    code: "MR_STATE_SCHEMA_INCOMPATIBLE",
    where: { operator: "revenue", state: "totals" },
    found: "written amount as int64; lines[].price as nullable(int32); currency as no such field",
    expected: "amount as string; lines[].price as int32; currency as string",
  });
});
