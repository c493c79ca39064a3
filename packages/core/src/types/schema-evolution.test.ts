/** Every change of a declared type with its verdict: the table of docs/guides/upgrades.md, row by row. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { MillraceError } from "../base/errors.ts";
import { t } from "./declared-types.ts";
import { learnedType } from "./learned-type.ts";
import { compareSchemas, migratingSerializer } from "./schema-compatibility.ts";
import type { Infer, Schema, Type } from "./type.ts";

type Verdict = "as it is" | "reconfigured" | "migrated" | "refused";

interface Change {
  /** As the guide names it. */
  readonly change: string;
  readonly verdict: Verdict;
  readonly from: Type<unknown>;
  readonly to: Type<unknown>;
  /** Values that were written, and what is read. */
  readonly values: readonly (readonly [unknown, unknown])[];
  /** Of a refused change: path, what was written, what is read. */
  readonly difference?: readonly [string, string, string];
}

/** Values of the types that a row names; the compiler has checked nothing here but the declarations. */
const change = (
  change: string,
  verdict: Verdict,
  [from, to]: readonly [unknown, unknown],
  values: Change["values"],
  difference?: Change["difference"],
): Change => ({
  change,
  verdict,
  from: from as Type<unknown>,
  to: to as Type<unknown>,
  values,
  ...(difference === undefined ? {} : { difference }),
});

const A = t.object({ a: t.int32 });
const Euros = t.object({ amount: t.float64 });
const Cents = t.migrated(t.object({ cents: t.int64 }), Euros, ({ amount }) => ({ cents: Math.round(amount * 100) }));
const Priced = t.migrated(t.object({ price: t.string }), Cents, ({ cents }) => ({ price: `${cents} ct` }));
const undeclared = learnedType<unknown>();

const changes: readonly Change[] = [
  change("none", "as it is", [A, t.object({ a: t.int32 })], [[{ a: 1 }, { a: 1 }]]),
  change(
    "an optional field added",
    "migrated",
    [A, t.object({ a: t.int32, b: t.optional(t.string) })],
    [[{ a: 1 }, { a: 1, b: undefined }]],
  ),
  change(
    "a field with a default added",
    "migrated",
    [A, t.object({ a: t.int32, b: t.defaulted(t.array(t.string), ["x"]) })],
    [[{ a: 1 }, { a: 1, b: ["x"] }]],
  ),
  change(
    "a required field added",
    "refused",
    [A, t.object({ a: t.int32, b: t.string })],
    [],
    ["b", "no such field", "string"],
  ),
  change("a field removed", "migrated", [t.object({ a: t.int32, b: t.string }), A], [[{ a: 1, b: "x" }, { a: 1 }]]),
  change(
    "a field renamed, with `t.renamed`",
    "reconfigured",
    [
      t.object({ client: t.string, n: t.optional(t.int32) }),
      t.object({ customer: t.renamed(t.string, "buyer", "client"), m: t.renamed(t.optional(t.int32), "n") }),
    ],
    [
      [{ client: "anna" }, { customer: "anna", m: undefined }],
      [
        { client: "anna", n: 1 },
        { customer: "anna", m: 1 },
      ],
    ],
  ),
  change(
    "a field renamed, without saying so",
    "refused",
    [t.object({ client: t.string }), t.object({ customer: t.string })],
    [],
    ["customer", "no such field", "string"],
  ),
  change(
    "fields in another order",
    "migrated",
    [t.object({ a: t.int32, b: t.string }), t.object({ b: t.string, a: t.int32 })],
    [
      [
        { a: 1, b: "x" },
        { b: "x", a: 1 },
      ],
    ],
  ),
  change(
    "a required field made optional",
    "migrated",
    [A, t.object({ a: t.optional(t.int32) })],
    [[{ a: 1 }, { a: 1 }]],
  ),
  change(
    "an optional field made required, with a default",
    "migrated",
    [t.object({ a: t.optional(t.int32) }), t.object({ a: t.defaulted(t.int32, 7) })],
    [
      [{}, { a: 7 }],
      [{ a: 1 }, { a: 1 }],
    ],
  ),
  change(
    "an optional field made required",
    "refused",
    [t.object({ a: t.optional(t.int32) }), A],
    [],
    ["a", "an optional field", "a required one"],
  ),
  change("`T` made `t.nullable(T)`", "migrated", [t.int32, t.nullable(t.int32)], [[1, 1]]),
  change("`t.nullable(T)` made `T`", "refused", [t.nullable(t.int32), t.int32], [], ["", "nullable(int32)", "int32"]),
  change("`int32` made `int64`", "reconfigured", [t.int32, t.int64], [[-7, -7]]),
  change("`int32` or `int64` made `float64`", "migrated", [t.int64, t.float64], [[2 ** 40, 2 ** 40]]),
  change("a number made narrower", "refused", [t.float64, t.int64], [], ["", "float64", "int64"]),
  change("more values at the end of a literal", "reconfigured", [t.literal("a"), t.literal("a", "b")], [["a", "a"]]),
  change(
    "values of a literal in another order, or made its type",
    "migrated",
    [t.tuple([t.literal("a", "b"), t.literal(1)]), t.tuple([t.literal("b", "a"), t.float64])],
    [
      [
        ["a", 1],
        ["a", 1],
      ],
    ],
  ),
  change(
    "values of a literal taken away",
    "refused",
    [t.literal("a", "b"), t.literal("a")],
    [],
    ["", '"a" | "b"', '"a"'],
  ),
  change("`json` made `any`", "reconfigured", [t.json, t.any], [[{ a: [1, null] }, { a: [1, null] }]]),
  change("a declared type given up", "migrated", [A, undeclared], [[{ a: 1 }, { a: 1 }]]),
  change(
    "a type declared for what had none",
    "migrated",
    [undeclared, t.object({ a: t.int32, b: t.optional(t.string) })],
    [
      [
        { a: 1, extra: true },
        { a: 1, b: undefined },
      ],
    ],
  ),
  change(
    "a type migrated by a function, with `t.migrated`",
    "migrated",
    [Euros, Priced],
    [[{ amount: 1.5 }, { price: "150 ct" }]],
  ),
  change("another type", "refused", [t.string, t.bytes], [], ["", "string", "bytes"]),
  change(
    "any of these within an array, set, map, tuple or object",
    "migrated",
    [
      t.map(t.string, t.tuple([t.set(A), t.array(Euros), t.nullable(t.object({ x: A }))])),
      t.map(
        t.string,
        t.tuple([
          t.set(t.object({ a: t.int64, b: t.defaulted(t.int32, 0) })),
          t.array(Cents),
          t.nullable(t.object({ y: t.renamed(t.object({ b: t.renamed(t.int32, "a") }), "x") })),
        ]),
      ),
    ],
    [
      [
        new Map([["k", [new Set([{ a: 1 }]), [{ amount: 2 }], { x: { a: 3 } }]]]),
        new Map([["k", [new Set([{ a: 1, b: 0 }]), [{ cents: 200 }], { y: { b: 3 } }]]]),
      ],
      [new Map([["k", [new Set(), [], null]]]), new Map([["k", [new Set(), [], null]]])],
    ],
  ),
];

/** As a state file says it. */
const stored = (schema: Schema): Schema => JSON.parse(JSON.stringify(schema)) as Schema;

function bytesOf<T>(type: Type<T>, value: T): Uint8Array {
  const out = new BinaryWriter();
  type.serializer.write(value, out);
  return out.finish();
}

function migrate(from: Type<unknown>, to: Type<unknown>, value: unknown): unknown {
  const input = new BinaryReader(bytesOf(from, value));
  const read = migratingSerializer(stored(from.schema), to.serializer, { state: "total" }).read(input);
  expect(input.remaining).toBe(0);
  to.validate(read);
  return read;
}

function errorOf(run: () => unknown): MillraceError {
  try {
    run();
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const verdicts = {
  "as-is": "as it is",
  "after-reconfiguration": "reconfigured",
  "after-migration": "migrated",
  incompatible: "refused",
} as const;

describe("F18: schema evolution", () => {
  test.each(changes)("F18: $change: $verdict", ({ verdict, from, to, values, difference }) => {
    const compared = compareSchemas(stored(from.schema), to.schema);
    expect(verdicts[compared.kind]).toBe(verdict);
    for (const [written, read] of values) expect(migrate(from, to, written)).toEqual(read);
    if (difference === undefined) return;
    const [path, written, current] = difference;
    expect(compared).toMatchObject({ differences: [{ path, written, current }] });
    const error = errorOf(() => migratingSerializer(stored(from.schema), to.serializer, { state: "total" }));
    expect(error).toMatchObject({ code: "MR_STATE_SCHEMA_INCOMPATIBLE", where: { state: "total" } });
    expect(error.found).toContain(path === "" ? written : `${path} as ${written}`);
    expect(error.expected).toContain(current);
  });

  test("F18: the guide has these changes with these verdicts, and no others", () => {
    const guide = readFileSync(new URL("../../../../docs/guides/upgrades.md", import.meta.url), "utf8");
    const section = guide.split("\n## ").find((part) => part.startsWith("Changing a declared type"))!;
    const rows = [...section.matchAll(/^\| ([^|]+) \| (as it is|reconfigured|migrated|refused)\b[^|]*\|/gm)];
    expect(rows.map(([, name, verdict]) => `${name}: ${verdict}`)).toEqual(
      changes.map((each) => `${each.change}: ${each.verdict}`),
    );
  });

  test("F18: values are reconfigured where both types have the same bytes for them, and only there", () => {
    const leaf = fc.constantFrom(
      [t.int32, t.int64, fc.integer()],
      [t.literal("a", 1), t.literal("a", 1, "b"), fc.constantFrom("a", 1)],
      [t.json, t.any, fc.jsonValue()],
      [t.string, t.string, fc.string()],
    ) as unknown as fc.Arbitrary<readonly [Type<unknown>, Type<unknown>, fc.Arbitrary<unknown>]>;
    const nested = fc.tuple(leaf, leaf, fc.constantFrom("array", "tuple", "map", "nullable"));
    fc.assert(
      fc.property(nested, fc.gen(), ([[from, to, one], [other, otherTo, two], kind], gen) => {
        const pair = {
          array: [t.array(from), t.array(to), [gen(() => one)]],
          tuple: [t.tuple([from, other]), t.tuple([to, otherTo]), [gen(() => one), gen(() => two)]],
          map: [t.map(t.string, from), t.map(t.string, to), new Map([["k", gen(() => one)]])],
          nullable: [
            t.object({ x: t.nullable(from), y: t.optional(other) }),
            t.object({ z: t.renamed(t.nullable(to), "x"), y: t.optional(otherTo) }),
            { x: gen(() => one), y: gen(() => two) },
          ],
        }[kind] as unknown as readonly [Type<unknown>, Type<unknown>, unknown];
        const [before, after, value] = pair;
        expect(compareSchemas(stored(before.schema), after.schema).kind).toMatch(/^(as-is|after-reconfiguration)$/);
        const bytes = bytesOf(before, value);
        const read = after.serializer.read(new BinaryReader(bytes));
        expect(bytesOf(after, read)).toEqual(bytes);
        expect(migratingSerializer(stored(before.schema), after.serializer)).toBe(after.serializer);
      }),
      { numRuns: 200 },
    );
  });

  test("F18: each object gets a default of its own", () => {
    const to = t.object({ tags: t.defaulted(t.array(t.string), []) });
    const serializer = migratingSerializer(t.object({}).schema, to.serializer);
    const [left, right] = [0, 0].map(() => serializer.read(new BinaryReader(bytesOf(t.object({}), {}))));
    left!.tags.push("x");
    expect(right).toEqual({ tags: [] });
  });

  test("F18: a field is read under its own name before those that it had, and the latest of those comes first", () => {
    const to = t.object({ now: t.renamed(t.string, "then", "first") });
    const names = ["first", "then", "now"];
    for (let count = 1; count <= names.length; count++) {
      const from = t.object(Object.fromEntries(names.slice(0, count).map((name) => [name, t.string])));
      const value = Object.fromEntries(names.slice(0, count).map((name) => [name, name]));
      expect(migrate(from as never, to as never, value)).toEqual({ now: names[count - 1] });
    }
  });
});

describe("F18: t.migrated", () => {
  test("F18: the function counts where its type was written; rules count where another one was that they can read", () => {
    const Old = t.object({ n: t.int32 });
    const New = t.migrated(t.object({ n: t.int32, twice: t.optional(t.int32) }), Old, ({ n }) => ({ n, twice: 2 * n }));
    expect(migrate(Old, New as never, { n: 1 })).toEqual({ n: 1, twice: 2 });
    const Between = t.object({ n: t.int32, twice: t.optional(t.int32), gone: t.string });
    expect(migrate(Between as never, New as never, { n: 1, gone: "x" })).toEqual({ n: 1, twice: undefined });
    // Neither of them: by rules to the earlier type, and then by the function.
    const Counted = t.migrated(t.string, Old, ({ n }) => `${n} times`);
    expect(migrate(t.object({ n: t.int32, gone: t.string }) as never, Counted as never, { n: 1, gone: "x" })).toBe(
      "1 times",
    );
    expect(migrate(New as never, New as never, { n: 1, twice: 5 })).toEqual({ n: 1, twice: 5 });
  });

  test("F18: what the function makes is looked at; its failures name state and field", () => {
    const from = t.object({ list: t.array(t.object({ n: t.int32 })) });
    const failing = (fn: (old: { n: number }) => { m: number }): MillraceError => {
      const to = t.object({ list: t.array(t.migrated(t.object({ m: t.int32 }), t.object({ n: t.int32 }), fn)) });
      return errorOf(() => migrate(from as never, to as never, { list: [{ n: 1 }] }));
    };
    expect(failing(() => ({ m: 0.5 }))).toMatchObject({
      code: "MR_STATE_MIGRATION_FAILED",
      where: { state: "total", field: "list[].m" },
      found: "0.5",
      expected: "int32",
    });
    const thrown = failing(() => {
      throw new Error("no rate for 2019");
    });
    expect(thrown).toMatchObject({ code: "MR_STATE_MIGRATION_FAILED", found: "no rate for 2019" });
    expect(thrown.cause).toBeInstanceOf(Error);
  });

  test("F18: a value without a declared type that does not have the one declared later is refused by its field", () => {
    const to = t.object({ a: t.int32 });
    const error = errorOf(() => migrate(undeclared, to as never, { a: "one" }));
    expect(error).toMatchObject({
      code: "MR_STATE_SCHEMA_INCOMPATIBLE",
      where: { state: "total", field: "a" },
      found: 'the string "one"',
      expected: "int32",
    });
  });
});

describe("F18: declarations", () => {
  test("F18: values are inferred through defaults, other names and migrations", () => {
    const Order = t.object({
      price: t.float64,
      currency: t.defaulted(t.string, "EUR"),
      customer: t.renamed(t.optional(t.string), "client"),
      count: t.renamed(t.defaulted(t.int32, 1), "n"),
      id: t.renamed(t.bigint, "number"),
    });
    expectTypeOf<Infer<typeof Order>>().toEqualTypeOf<{
      price: number;
      currency: string;
      customer?: string | undefined;
      count: number;
      id: bigint;
    }>();
    expectTypeOf<Infer<typeof Cents>>().toEqualTypeOf<{ cents: number }>();
    // @ts-expect-error a default has the field's type
    expect(() => t.defaulted(t.int32, "none")).toThrow(/MR_TYPE_INVALID/);
    // @ts-expect-error the function makes values of the new type
    t.migrated(t.string, t.int32, (n) => n);
  });

  test("F18: a type's past is no part of it: equal types have equal bytes and schemas", () => {
    const Plain = t.object({ a: t.string, b: t.int32 });
    const Grown = t.object({ a: t.renamed(t.string, "x"), b: t.defaulted(t.int32, 1) });
    expect(stored(Grown.schema)).toEqual(stored(Plain.schema));
    expect(compareSchemas(stored(Plain.schema), Grown.schema)).toEqual({ kind: "as-is" });
  });

  test.each<readonly [string, () => unknown, RegExp]>([
    ["a default of another type", () => t.defaulted(t.int32, 0.5), /MR_TYPE_INVALID.*default.*0\.5/],
    ["the name of a field", () => t.object({ a: t.string, b: t.renamed(t.string, "a") }), /MR_TYPE_INVALID.*"a"/],
    [
      "a name twice",
      () => t.object({ a: t.renamed(t.string, "x"), b: t.renamed(t.string, "x") }),
      /MR_TYPE_INVALID.*"x"/,
    ],
    ["a type's second past", () => t.migrated(Cents, Euros, () => ({ cents: 1 })), /MR_TYPE_INVALID.*t\.migrated has/],
    ["no function", () => t.migrated(t.string, t.int32, 7 as never), /MR_TYPE_INVALID.*7/],
    ["an async function", () => t.migrated(t.string, t.int32, (async () => "1") as never), /MR_TYPE_INVALID.*async/],
  ])("F18: declarations that cannot be meant are refused: %s", (_, declare, text) => {
    expect(errorOf(declare).message).toMatch(text);
  });
});
