import * as fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { MillraceError } from "../base/errors.ts";
import { type JsonValue, t, typeOfSchema } from "./declared-types.ts";
import type { Infer, Schema, Type } from "./type.ts";

interface Typed {
  readonly schema: Schema;
  readonly value: fc.Arbitrary<unknown>;
}

const safeIntegers = fc.oneof(fc.maxSafeInteger(), fc.integer());
const text = fc.string({ unit: "binary", maxLength: 20 });
const leaves: readonly Typed[] = [
  { schema: { kind: "string" }, value: text },
  { schema: { kind: "boolean" }, value: fc.boolean() },
  { schema: { kind: "int32" }, value: fc.integer() },
  { schema: { kind: "int64" }, value: safeIntegers },
  { schema: { kind: "timestamp" }, value: safeIntegers },
  { schema: { kind: "float64" }, value: fc.double() },
  { schema: { kind: "bigint" }, value: fc.bigInt() },
  { schema: { kind: "bytes" }, value: fc.uint8Array() },
  {
    schema: { kind: "json" },
    value: fc.jsonValue({ depthSize: "small" }).filter((value) => !JSON.stringify(value).includes("-0")),
  },
  {
    schema: { kind: "any" },
    value: fc.anything({ withMap: true, withSet: true, withDate: true, withTypedArray: true, withBigInt: true }),
  },
  {
    schema: { kind: "literal", values: ["a", 1, true, "__proto__", "1"] },
    value: fc.constantFrom("a", 1, true, "__proto__", "1"),
  },
];

const fieldNames = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "a", "b", '"];x', "1", "*/", "${a}", "value"),
  text,
);

function objectOf(fields: readonly (readonly [string, Typed, boolean])[]): Typed {
  const present = fields.map(([name, part, optional]) =>
    (optional ? fc.option(part.value, { nil: undefined }) : part.value).map((value) => [name, value]),
  );
  return {
    schema: { kind: "object", fields: fields.map(([name, { schema }, optional]) => ({ name, optional, schema })) },
    // fromEntries makes own properties, whatever their names.
    value: fc.tuple(...present).map((entries) => Object.fromEntries(entries)),
  };
}

/** A schema with an arbitrary of its values. */
const typed: fc.Arbitrary<Typed> = fc.letrec<{ typed: Typed }>((tie) => ({
  typed: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constantFrom(...leaves),
    fc
      .uniqueArray(fc.tuple(fieldNames, tie("typed"), fc.boolean()), { maxLength: 5, selector: ([name]) => name })
      // An optional `any` cannot tell undefined from absent, and need not.
      .map(objectOf),
    fc.array(tie("typed"), { maxLength: 3 }).map((parts) => ({
      schema: { kind: "tuple", items: parts.map(({ schema }) => schema) },
      value: fc.tuple(...parts.map(({ value }) => value)),
    })),
    tie("typed").map(({ schema, value }) => ({
      schema: { kind: "array", item: schema },
      value: fc.array(value, { maxLength: 4 }),
    })),
    tie("typed").map(({ schema, value }) => ({ schema: { kind: "nullable", item: schema }, value: fc.option(value) })),
    tie("typed").map(({ schema, value }) => ({
      schema: { kind: "set", item: schema },
      value: fc.array(value, { maxLength: 3 }).map((items) => new Set(items)),
    })),
    fc.tuple(tie("typed"), tie("typed")).map(([key, part]) => ({
      schema: { kind: "map", key: key.schema, value: part.schema },
      value: fc.array(fc.tuple(key.value, part.value), { maxLength: 3 }).map((entries) => new Map(entries)),
    })),
  ) as fc.Arbitrary<Typed>,
})).typed;

const typedValues = typed.chain(({ schema, value }) =>
  value.map((one) => ({ type: typeOfSchema(schema), value: one })),
);

function bytesOf<T>(type: Type<T>, value: T): Uint8Array {
  const out = new BinaryWriter();
  type.serializer.write(value, out);
  return out.finish();
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function errorOf(action: () => unknown): MillraceError {
  try {
    action();
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

describe("every type and every value of it", () => {
  test("reads back from its bytes, all of them", () => {
    fc.assert(
      fc.property(typedValues, ({ type, value }) => {
        const input = new BinaryReader(bytesOf(type, value));
        const back = type.serializer.read(input);
        expect(input.remaining).toBe(0);
        expect(type.equals(value, back)).toBe(true);
        expect(bytesOf(type, back)).toEqual(bytesOf(type, value));
      }),
      { numRuns: 400 },
    );
  });

  test("is valid, equals its copy, and the copy has the same bytes", () => {
    fc.assert(
      fc.property(typedValues, ({ type, value }) => {
        expect(() => type.validate(value)).not.toThrow();
        const copied = type.copy(value);
        expect(type.equals(copied, value)).toBe(true);
        expect(bytesOf(type, copied)).toEqual(bytesOf(type, value));
      }),
      { numRuns: 300 },
    );
  });

  test("G3: write accepts exactly what validate accepts", () => {
    fc.assert(
      fc.property(typed, fc.anything(), ({ schema }, value) => {
        const type: Type<unknown> = typeOfSchema(schema);
        let isValid = true;
        try {
          type.validate(value);
        } catch (error) {
          expect(error).toMatchObject({ code: "MR_VALUE_INVALID" });
          isValid = false;
        }
        if (isValid) expect(() => bytesOf(type, value)).not.toThrow();
        else expect(errorOf(() => bytesOf(type, value)).code).toBe("MR_VALUE_UNSERIALIZABLE");
      }),
      { numRuns: 300 },
    );
  });

  test("arbitrary bytes are read as some value or refused with a code", () => {
    fc.assert(
      fc.property(typed, fc.uint8Array({ maxLength: 60 }), ({ schema }, bytes) => {
        const type: Type<unknown> = typeOfSchema(schema);
        let value: unknown;
        try {
          value = type.serializer.read(new BinaryReader(bytes));
        } catch (error) {
          expect(error).toMatchObject({ code: "MR_DATA_CORRUPT" });
          return;
        }
        type.validate(value);
      }),
      { numRuns: 400 },
    );
  });
});

const Flight = t.object({
  date: t.timestamp,
  delay: t.int32,
  origin: t.string,
  gate: t.optional(t.string),
  status: t.literal("planned", "gone", 3),
  crew: t.nullable(t.array(t.object({ name: t.string, hours: t.float64 }))),
});

test("values are inferred from the declaration without annotations", () => {
  expectTypeOf<Infer<typeof Flight>>().toEqualTypeOf<{
    date: number;
    delay: number;
    origin: string;
    gate?: string | undefined;
    status: "planned" | "gone" | 3;
    crew: { name: string; hours: number }[] | null;
  }>();
  const Mixed = t.tuple([t.string, t.map(t.bigint, t.set(t.boolean)), t.bytes, t.json, t.any]);
  expectTypeOf<Infer<typeof Mixed>>().toEqualTypeOf<
    [string, Map<bigint, Set<boolean>>, Uint8Array, JsonValue, unknown]
  >();
});

const flight: Infer<typeof Flight> = {
  date: 978310860000,
  delay: -3,
  origin: "SFO",
  status: "gone",
  crew: [{ name: "A", hours: 1.5 }],
};

test("an object is made with all fields in their declared order, absent ones undefined", () => {
  const back = Flight.serializer.read(new BinaryReader(bytesOf(Flight, flight)));
  expect(Object.entries(back)).toEqual([
    ["date", 978310860000],
    ["delay", -3],
    ["origin", "SFO"],
    ["gate", undefined],
    ["status", "gone"],
    ["crew", [{ name: "A", hours: 1.5 }]],
  ]);
  expect(Object.keys(Flight.copy(flight))).toEqual(Object.keys(back));
});

test("the bytes of every kind stay the same", () => {
  const golden: readonly (readonly [Type<never>, unknown, string])[] = [
    [t.string, "SFO", "0653464f"],
    [t.string, "ü", "05c3bc"],
    [t.boolean, true, "01"],
    [t.int32, -3, "05"],
    [t.int64, 2 ** 40, "808080808040"],
    [t.float64, 1.5, "000000000000f83f"],
    [t.timestamp, 978310860000, "00009ce1fb786c42"],
    [t.bigint, -256n, "050001"],
    [t.bytes, Uint8Array.of(1, 2), "020102"],
    [t.json, { a: [1, null] }, "0e0001026109020402" + "01"],
    [t.any, undefined, "00"],
    [t.literal("x", "y"), "y", "01"],
    [t.object({ a: t.int32, b: t.optional(t.int32), c: t.optional(t.int32) }), { a: 1, c: 2 }, "02000104"],
    [t.object({}), {}, "00"],
    [t.nullable(t.int32), null, "00"],
    [t.nullable(t.int32), 1, "0102"],
    [t.array(t.int32), [1, 2], "020204"],
    [t.tuple([t.int32, t.boolean]), [1, false], "0200"],
    [t.map(t.string, t.int32), new Map([["a", 1]]), "01026102"],
    [t.set(t.int32), new Set([1]), "0102"],
  ] as unknown as readonly (readonly [Type<never>, unknown, string])[];
  for (const [type, value, bytes] of golden) expect(hex(bytesOf(type, value as never)), type.schema.kind).toBe(bytes);
});

class Money {
  readonly amount: number = 1;
}
const cycle: Record<string, unknown> = { a: {} };
cycle["a"] = { b: [cycle] };

test("a value that cannot be written is refused with the path of what is wrong", () => {
  const Outer = t.object({ a: t.object({ b: t.array(t.object({ c: t.int32, d: t.optional(t.any) })) }) });
  const at3 = (c: unknown, d?: unknown): never => ({ a: { b: [{ c: 1 }, { c: 2 }, { c: 3 }, { c, d }] } }) as never;
  const cases: readonly (readonly [Type<never>, unknown, string, string])[] = [
    [Outer, at3(Number.NaN), "a.b[3].c", "NaN"],
    [Outer, at3(1.5), "a.b[3].c", "1.5"],
    [Outer, at3(2 ** 31), "a.b[3].c", "2147483648"],
    [Outer, at3(undefined), "a.b[3].c", "undefined"],
    [Outer, at3("1"), "a.b[3].c", 'the string "1"'],
    [Outer, at3(1, () => 1), "a.b[3].d", "a function"],
    [Outer, at3(1, { x: [Symbol("s")] }), "a.b[3].d.x[0]", "a symbol"],
    [Outer, at3(1, { x: new Money() }), "a.b[3].d.x", "an instance of Money"],
    [Outer, at3(1, cycle), "a.b[3].d.a.b[0]", "a cycle: the value contains itself"],
    [t.object({ amount: t.float64 }), new Money(), "", "an instance of Money"],
    [t.int64, 2 ** 53, "", "9007199254740992"],
    [t.timestamp, Number.NaN, "", "NaN"],
    [t.json, { a: undefined }, "a", "undefined"],
    [t.json, [Number.NaN], "[0]", "NaN"],
    [t.json, { d: new Date(0) }, "d", "an instance of Date"],
    [t.literal("a", "b"), "c", "", 'the string "c"'],
    [t.tuple([t.int32]), [1, 2], "", "an array of 2"],
    [t.map(t.string, t.int32), new Map([["k", "v"]]), "{0}", 'the string "v"'],
    [t.set(t.int32), new Set([1, "x"]), "{1}", 'the string "x"'],
    [t.object({ constructor: t.any, toString: t.string }), {}, "toString", "undefined"],
  ] as unknown as readonly (readonly [Type<never>, unknown, string, string])[];
  for (const [type, value, path, found] of cases) {
    const error = errorOf(() => bytesOf(type, value as never));
    expect(error).toMatchObject({ code: "MR_VALUE_UNSERIALIZABLE", found });
    expect(error.message).toContain(path === "" ? "A value cannot be written." : `because of ${path}.`);
  }
});

test("validate names the path below the one it was given, what was found and what was expected", () => {
  const error = errorOf(() => t.object({ delay: t.int32 }).validate({ delay: "late" }, "row[7]"));
  expect(error).toMatchObject({ code: "MR_VALUE_INVALID", found: 'the string "late"', expected: "int32" });
  expect(error.message).toContain("at row[7].delay");
});

test("fields called __proto__ and constructor are data and touch no prototype (hardening S15)", () => {
  const Odd = t.object({ ["__proto__"]: t.string, constructor: t.optional(t.string) });
  const value = JSON.parse('{"__proto__":"p","constructor":"c"}') as never;
  const back = Odd.serializer.read(new BinaryReader(bytesOf(Odd, value))) as object;
  expect(Object.entries(back)).toEqual([
    ["__proto__", "p"],
    ["constructor", "c"],
  ]);
  expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  expect(bytesOf(t.object({ constructor: t.optional(t.string) }), {} as never)).toEqual(Uint8Array.of(0));
});

test("G1: generated source holds no text of the declaration outside literals", () => {
  const hostile = '"];globalThis.hacked=1;//\n*/${globalThis.hacked=1}\u2028`';
  const type = t.object({ [hostile]: t.literal(hostile) }) as unknown as Type<Record<string, string>> & {
    readonly source: string;
  };
  const value = { [hostile]: hostile };
  expect(type.serializer.read(new BinaryReader(bytesOf(type, value)))).toEqual(value);
  expect(type.copy(value)).toEqual(value);
  expect(type.source).toMatch(/^[\x20-\x7e\n]*$/);
  expect(type.source.replaceAll(/"[^"\n]*"/g, "")).not.toContain("hacked");
  expect("hacked" in globalThis).toBe(false);
});

test("what a copy holds can be changed without touching the original", () => {
  const Deep = t.object({ list: t.array(t.int32), by: t.map(t.string, t.set(t.int32)), raw: t.bytes, free: t.any });
  const value = { list: [1], by: new Map([["k", new Set([1])]]), raw: Uint8Array.of(1), free: { x: [1] } };
  const copied = Deep.copy(value);
  copied.list.push(2);
  copied.by.get("k")!.add(2);
  copied.raw[0] = 9;
  (copied.free as { x: number[] }).x.push(2);
  expect(value).toEqual({ list: [1], by: new Map([["k", new Set([1])]]), raw: Uint8Array.of(1), free: { x: [1] } });
});

test("equality looks at the declared fields, takes absent for undefined, NaN for NaN, and sets in any order", () => {
  const Point = t.object({ x: t.float64, label: t.optional(t.string) });
  expect(Point.equals({ x: Number.NaN }, { x: Number.NaN, label: undefined })).toBe(true);
  expect(Point.equals({ x: 1 }, { x: 1, extra: 2 } as never)).toBe(true);
  expect(Point.equals({ x: 1 }, { x: 1, label: "" })).toBe(false);
  const Points = t.set(Point);
  expect(Points.equals(new Set([{ x: 1 }, { x: 2 }]), new Set([{ x: 2 }, { x: 1 }]))).toBe(true);
  expect(Points.equals(new Set([{ x: 1 }, { x: 1 }]), new Set([{ x: 2 }, { x: 1 }]))).toBe(false);
  const ByPoint = t.map(Point, t.int32);
  expect(ByPoint.equals(new Map([[{ x: 1 }, 1]]), new Map([[{ x: 1 }, 1]]))).toBe(true);
  expect(ByPoint.equals(new Map([[{ x: 1 }, 1]]), new Map([[{ x: 1 }, 2]]))).toBe(false);
});

test("literals that cannot be told apart are refused when they are declared", () => {
  const literal = t.literal as (...values: unknown[]) => unknown;
  for (const values of [[], [Number.NaN], [-0], ["a", "a"]])
    expect(errorOf(() => literal(...values)).code).toBe("MR_TYPE_INVALID");
});
