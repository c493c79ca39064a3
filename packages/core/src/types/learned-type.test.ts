import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { MillraceError } from "../base/errors.ts";
import { LearnedCodec } from "./learned-codec.ts";
import { SHAPE_FIELDS_MAX, SHAPES_MAX, shapeSource } from "./learned-shapes.ts";
import { learnedSerializer, learnedType } from "./learned-type.ts";
import type { Serializer } from "./type.ts";
import { copyValue, equalsValue } from "./value-operations.ts";

const names = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "a", "b", "1", '"];x', "toString"),
  fc.string({ unit: "binary", maxLength: 5 }),
);
const values = fc.anything({
  key: names,
  maxDepth: 3,
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withNullPrototype: true,
});

function bytesOf(value: unknown, serializer: Serializer<unknown> = learnedSerializer()): Uint8Array {
  const out = new BinaryWriter();
  serializer.write(value, out);
  return out.finish();
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Reads with a codec that has seen nothing: what a new process does. */
function readAnew(bytes: Uint8Array, count = 1): unknown[] {
  const serializer = learnedSerializer();
  const input = new BinaryReader(bytes);
  const read = Array.from({ length: count }, () => serializer.read(input));
  expect(input.remaining).toBe(0);
  return read;
}

/**
 * Null prototypes become the usual one; nothing else may differ. An invalid Date gets a name, since the comparison holds
 * two of them for different.
 */
function withPrototypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPrototypes);
  if (value instanceof Date && Number.isNaN(value.getTime())) return "an invalid Date";
  if (value instanceof Map)
    return new Map([...value].map(([key, part]) => [withPrototypes(key), withPrototypes(part)]));
  if (value instanceof Set) return new Set([...value].map(withPrototypes));
  if (typeof value !== "object" || value === null || value instanceof Date || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withPrototypes(part)]));
}

function errorOf(action: () => unknown): MillraceError {
  try {
    action();
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

test("L1: any values of plain data, one after the other, read back in another process, their field order too", () => {
  fc.assert(
    fc.property(fc.array(values, { maxLength: 6 }), (written) => {
      const serializer = learnedSerializer();
      const out = new BinaryWriter();
      for (const value of written) serializer.write(value, out);
      const read = readAnew(out.finish(), written.length);
      // Unlike the matchers, it does not take a field called constructor for the class.
      expect(isDeepStrictEqual(withPrototypes(read), withPrototypes(written))).toBe(true);
      // Field order is part of a shape; equality alone would not see it.
      expect(hex(bytesOf(read))).toBe(hex(bytesOf(written)));
    }),
    { numRuns: 300 },
  );
});

test("an object without a prototype reads back with the usual one", () => {
  const bare = Object.assign(Object.create(null), { a: Object.assign(Object.create(null), { b: 1 }) });
  const [back] = readAnew(bytesOf(bare)) as [{ a: object }];
  expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  expect(Object.getPrototypeOf(back.a)).toBe(Object.prototype);
});

test("a copy equals its value, and what is changed in it does not show in the value", () => {
  fc.assert(
    fc.property(values, (value) => {
      const before = hex(bytesOf(value));
      const copied = copyValue(value);
      expect(equalsValue(copied, value)).toBe(true);
      scribble(copied);
      expect(hex(bytesOf(value))).toBe(before);
    }),
    { numRuns: 200 },
  );
});

function scribble(value: unknown): void {
  if (value instanceof Map) {
    for (const [key, part] of value) [key, part].forEach(scribble);
    value.clear();
  } else if (value instanceof Set) {
    value.forEach(scribble);
    value.clear();
  } else if (value instanceof Date) value.setTime(1);
  else if (ArrayBuffer.isView(value)) new Uint8Array(value.buffer).fill(99);
  else if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(scribble);
    Object.assign(value, { scribbled: 1 });
  }
}

test("two values are equal exactly when they are the same data, whatever the order of fields and entries", () => {
  const equal: readonly (readonly [unknown, unknown])[] = [
    [
      { a: 1, b: [Number.NaN] },
      { b: [Number.NaN], a: 1 },
    ],
    [0, -0],
    [new Map([["a", { x: 1 }]]), new Map([["a", { x: 1 }]])],
    [new Map([[{ k: 1 }, 1]]), new Map([[{ k: 1 }, 1]])],
    [new Set([1, 2]), new Set([2, 1])],
    [new Set([[1], [2]]), new Set([[2], [1]])],
    [new Date(Number.NaN), new Date(Number.NaN)],
    [Float64Array.of(Number.NaN, 1), Float64Array.of(Number.NaN, 1)],
  ];
  for (const [left, right] of equal) expect(equalsValue(left, right)).toBe(true);
  const different: readonly (readonly [unknown, unknown])[] = [
    [1, 1n],
    [1, "1"],
    [{}, []],
    [{ a: undefined }, {}],
    [{ a: 1 }, { b: 1 }],
    [{ toString: 1 }, { a: 1 }],
    [null, {}],
    [new Map([["a", 1]]), new Map([["a", 2]])],
    [new Map([[{ k: 1 }, 1]]), new Map([[{ k: 2 }, 1]])],
    [new Set([1]), new Set([2])],
    [new Set([[1], [1]]), new Set([[1], [2]])],
    [new Map(), new Set()],
    [new Date(0), new Date(1)],
    [new Date(0), {}],
    [Uint8Array.of(1), Int8Array.of(1)],
    [Uint8Array.of(1), Uint8Array.of(2)],
    [[1, 2], [1]],
  ];
  for (const [left, right] of different) {
    expect(equalsValue(left, right)).toBe(false);
    expect(equalsValue(right, left)).toBe(false);
  }
});

test("the bytes of every tag stay the same", () => {
  const golden: readonly (readonly [unknown, string])[] = [
    [undefined, "00"],
    [null, "01"],
    [false, "02"],
    [true, "03"],
    [-3, "0405"],
    [-0, "050000000000000080"],
    [1.5, "05000000000000f83f"],
    ["SFO", "060653464f"],
    [-256n, "07050001"],
    [new Date(0), "080000000000000000"],
    [[1, "a"], "0902" + "0402" + "060261"],
    [new Map([["a", 1]]), "0a01" + "060261" + "0402"],
    [new Set([1]), "0b01" + "0402"],
    [Int16Array.of(1, 2), "0c0304" + "01000200"],
    [{ a: 1 }, "0e0001" + "0261" + "0402"],
    [[{ a: 1 }, { a: 2 }, {}], "0903" + "0e00010261" + "0402" + "0f00" + "0404" + "0e0100"],
  ];
  for (const [value, bytes] of golden) expect(hex(bytesOf(value))).toBe(bytes);
});

test("L1: a shape is defined once in a stream and anew in the next one", () => {
  const serializer = learnedSerializer();
  const out = new BinaryWriter();
  const pieces: Uint8Array[] = [];
  for (let stream = 0; stream < 3; stream++) {
    out.reset();
    for (const at of [1, 2, 3]) serializer.write({ at, origin: "SFO" }, out);
    pieces.push(out.finish());
  }
  expect(pieces[1]).toEqual(pieces[0]);
  for (const piece of pieces) expect(readAnew(piece, 3).at(-1)).toEqual({ at: 3, origin: "SFO" });
  // One definition: the name is there once.
  expect(new TextDecoder().decode(pieces[0]).split("origin")).toHaveLength(2);
});

test("streams that are written in turns do not disturb each other", () => {
  const serializer = learnedSerializer();
  const [left, right] = [new BinaryWriter(), new BinaryWriter()];
  serializer.write({ only: "left" }, left);
  for (const out of [left, right, left, right]) {
    serializer.write({ a: 1 }, out);
    serializer.write({ b: { a: 2 } }, out);
  }
  expect(readAnew(left.finish(), 5).at(-1)).toEqual({ b: { a: 2 } });
  expect(readAnew(right.finish(), 4)).toEqual([{ a: 1 }, { b: { a: 2 } }, { a: 1 }, { b: { a: 2 } }]);
});

test("L2: streams put one behind the other read as one", () => {
  const first = bytesOf([{ a: 1 }, { b: 2 }]);
  const second = bytesOf([{ c: 3 }, { c: 4 }, { a: 5 }]);
  expect(readAnew(Uint8Array.of(...first, ...second, ...first), 3)).toEqual([
    [{ a: 1 }, { b: 2 }],
    [{ c: 3 }, { c: 4 }, { a: 5 }],
    [{ a: 1 }, { b: 2 }],
  ]);
});

test("two codecs may write into one stream", () => {
  const [left, right] = [learnedSerializer(), learnedSerializer()];
  const out = new BinaryWriter();
  for (const serializer of [left, right, left, right]) serializer.write({ a: 1, b: { c: 2 } }, out);
  const input = new BinaryReader(out.finish());
  for (const serializer of [right, left, left, right]) expect(serializer.read(input)).toEqual({ a: 1, b: { c: 2 } });
});

test("the number of shapes is bounded: further ones are written by name and read interpreted", () => {
  const codec = new LearnedCodec();
  const out = new BinaryWriter();
  const count = SHAPES_MAX + 50;
  for (let index = 0; index < count; index++) codec.write({ [`name-${index}`]: index, shared: { x: index } }, out, 0);
  expect(codec.shapes.count).toBe(SHAPES_MAX);
  const bytes = out.finish();
  expect(readAnew(bytes, count).at(-1)).toEqual({ [`name-${count - 1}`]: count - 1, shared: { x: count - 1 } });
  // A codec that is full reads definitions that others wrote.
  expect(codec.read(new BinaryReader(bytesOf({ unseen: [1], __proto: 2 })), 0)).toEqual({ unseen: [1], __proto: 2 });
  const wide = Object.fromEntries(Array.from({ length: SHAPE_FIELDS_MAX + 1 }, (_, index) => [`f${index}`, index]));
  expect(bytesOf(wide)[0]).toBe(0x0d);
  expect(readAnew(bytesOf(wide))).toEqual([wide]);
});

class Money {
  readonly amount: number = 1;
}
const cycle: Record<string, unknown> = {};
cycle["self"] = [cycle];
const deep = (levels: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
};

test("what is no plain data is refused with its path, by write, copy and validate alike", () => {
  const cases: readonly (readonly [unknown, string, string])[] = [
    [() => 1, "", "a function"],
    [{ a: { b: [0, 1, 2, { c: Symbol("s") }] } }, "a.b[3].c", "a symbol"],
    [{ "odd name": new Money() }, '["odd name"]', "an instance of Money"],
    [[new Map([["k", new Money()]])], "[0]{0}", "an instance of Money"],
    [new Map([[new Money(), 1]]), "{key 0}", "an instance of Money"],
    [new Set([/x/]), "{0}", "an instance of RegExp"],
    [new (class Dates extends Date {})(0), "", "an instance of Dates"],
    [new DataView(new ArrayBuffer(1)), "", "an instance of DataView"],
    [Promise.resolve(1), "", "an instance of Promise"],
    [cycle, "self[0]", "a cycle: the value contains itself"],
    [deep(300), "[0]".repeat(256), "more levels"],
  ];
  for (const [value, path, found] of cases) {
    const type = learnedType();
    for (const refused of [() => bytesOf(value), () => copyValue(value)]) {
      const error = errorOf(refused);
      expect(error).toMatchObject({ code: "MR_VALUE_UNSERIALIZABLE", found });
      if (path !== "") expect(error.message).toContain(`because of ${path}.`);
    }
    const validate: (value: unknown) => void = (one) => (type.validate as (value: unknown) => void).call(type, one);
    expect(errorOf(() => validate(value))).toMatchObject({ code: "MR_VALUE_INVALID", found });
  }
  expect(errorOf(() => equalsValue(cycle, copyOfCycle())).code).toBe("MR_VALUE_UNSERIALIZABLE");
});

function copyOfCycle(): unknown {
  const copy: Record<string, unknown> = {};
  copy["self"] = [copy];
  return copy;
}

test("as deep as the limit is allowed, and the same object twice is no cycle", () => {
  expect(readAnew(bytesOf(deep(256)))).toEqual([deep(256)]);
  const shared = { x: 1 };
  expect(readAnew(bytesOf([shared, shared]))).toEqual([[{ x: 1 }, { x: 1 }]]);
});

test("names are data: no decoded object gets another prototype, and nobody else's is touched (hardening S15)", () => {
  const value = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}') as object;
  const [back] = readAnew(bytesOf(value)) as [object];
  expect(JSON.stringify(back)).toBe(JSON.stringify(value));
  expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  expect(JSON.stringify(copyValue(value))).toBe(JSON.stringify(value));
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("the source of a shape has no text of a name outside its literals (hardening S16)", () => {
  fc.assert(
    fc.property(fc.uniqueArray(names, { maxLength: 4 }), (some) => {
      const skeleton = (source: string): string => source.replaceAll(/"[^"\n]*"/g, '""').replaceAll('[""]:', '"":');
      const plain = some.map((_, index) => `n${index}`);
      expect(skeleton(shapeSource(some))).toBe(skeleton(shapeSource(plain)));
    }),
  );
});

test("arbitrary and damaged bytes are read as some value or refused with a code (hardening S13)", () => {
  const readOrRefuse = (bytes: Uint8Array): void => {
    try {
      learnedSerializer().read(new BinaryReader(bytes));
    } catch (error) {
      expect(error).toMatchObject({ code: "MR_DATA_CORRUPT", where: { offset: expect.any(Number) } });
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), readOrRefuse), { numRuns: 500 });
  const intact = bytesOf([{ a: 1, b: "x" }, { a: 2, b: "y" }, new Map([["k", [1n, Int32Array.of(1)]]])]);
  for (let at = 0; at < intact.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const damaged = intact.slice();
      damaged[at]! ^= 1 << bit;
      readOrRefuse(damaged);
    }
    readOrRefuse(intact.subarray(0, at));
  }
});

test("each kind of damage is named", () => {
  const cases: readonly (readonly [readonly number[], string])[] = [
    [[0x10], "the value tag 16"],
    [[0x0f, 0], "the shape 0"],
    [[0x0e, 1, 0], "a definition of shape 1"],
    [[0x0e, 0, 2, 2, 0x61, 2, 0x61, 0, 0], "a shape with a name twice"],
    [[0x0c, 11, 0], "a typed array of kind 11 with 0 bytes"],
    [[0x0c, 3, 1, 0], "a typed array of kind 3 with 1 bytes"],
    [[0x09, 0xff, 0xff, 0x03], "a count of 65535 with 0 bytes left"],
    [new Array(600).fill([9, 1]).flat() as number[], "more levels"],
  ];
  for (const [bytes, found] of cases)
    expect(errorOf(() => readAnew(Uint8Array.from(bytes)))).toMatchObject({ code: "MR_DATA_CORRUPT", found });
});
