import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { MillraceError } from "../base/errors.ts";
import {
  decodeKey,
  defaultMaxParallelism,
  encodeKey,
  hashKey,
  KEY_ENCODING_VERSION,
  keyGroup,
  keyGroupRange,
  mapKeyOf,
  subtaskForKeyGroup,
  validateKey,
} from "./key-encoding.ts";
import { murmur3 } from "./murmur.ts";

const numbers = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, 2 ** 31, -(2 ** 31)),
);
const texts = fc.oneof(fc.string(), fc.string({ minLength: 55, maxLength: 70 }), fc.string({ unit: "binary" }));
const primitives = fc.oneof(
  texts,
  numbers,
  fc.bigInt(),
  fc.boolean(),
  fc.constantFrom("1", 1, 1n, "true", true, "n1;", "s1:a"),
);
const keys = fc.letrec<{ key: unknown }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    primitives,
    fc.array(tie("key"), { maxLength: 4 }),
    fc.dictionary(texts, tie("key"), { maxKeys: 4 }),
  ),
})).key;

function bytesOf(key: unknown): Uint8Array {
  const out = new BinaryWriter();
  encodeKey(key, out);
  return out.finish();
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function positiveZero(key: unknown): unknown {
  if (key === 0) return 0;
  if (Array.isArray(key)) return key.map(positiveZero);
  if (typeof key !== "object" || key === null) return key;
  return Object.fromEntries(Object.entries(key).map(([name, value]) => [name, positiveZero(value)]));
}

test("a key reads back from its bytes, minus zero as zero", () => {
  fc.assert(
    fc.property(keys, (key) => {
      expect(decodeKey(new BinaryReader(bytesOf(key)))).toEqual(positiveZero(key));
    }),
    { numRuns: 300 },
  );
});

test("K1, K3: two keys have the same bytes exactly when they have the same map key", () => {
  fc.assert(
    fc.property(keys, keys, (left, right) => {
      expect(new Map([[mapKeyOf(left), 1]]).has(mapKeyOf(right))).toBe(hex(bytesOf(left)) === hex(bytesOf(right)));
    }),
    { numRuns: 500 },
  );
});

test("K1: the order in which an object got its fields does not matter", () => {
  const left = { a: 1, b: { y: "2", x: 3 }, 10: true };
  const right = { 10: true, b: { x: 3, y: "2" }, a: 1 };
  expect(bytesOf(left)).toEqual(bytesOf(right));
  expect(mapKeyOf(left)).toBe(mapKeyOf(right));
});

test("K2: the hash is murmur3 of the canonical bytes on every path", () => {
  fc.assert(
    fc.property(keys, (key) => {
      expect(hashKey(key)).toBe(murmur3(bytesOf(key)));
    }),
    { numRuns: 500 },
  );
});

test("murmur3 gives the published values", () => {
  const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
  expect(murmur3(ascii("")) >>> 0).toBe(0);
  expect(murmur3(ascii("test")) >>> 0).toBe(0xba6bd213);
  expect(murmur3(ascii("Hello, world!")) >>> 0).toBe(0xc0363e43);
  expect(murmur3(ascii("The quick brown fox jumps over the lazy dog")) >>> 0).toBe(0x2e4ff723);
});

const golden: readonly (readonly [unknown, string])[] = [
  [false, "01"],
  [true, "02"],
  [0, "0300000000"],
  [-0, "0300000000"],
  [1, "0301000000"],
  [-2147483648, "0300000080"],
  [2147483648, "04000000000000e041"],
  [1.5, "04000000000000f83f"],
  [0n, "0500"],
  [255n, "0502ff"],
  [-256n, "05050001"],
  ["", "0600"],
  ["SFO", "060653464f"],
  ["Zürich", "060f5ac3bc72696368"],
  ["\ud800", "0607eda080"],
  [["SFO", 1], "0702060653464f0301000000"],
  [{ to: "LAX", from: 7 }, "0802" + "0866726f6d0307000000" + "04746f06064c4158"],
];

test("the bytes of version 1 never change", () => {
  expect(KEY_ENCODING_VERSION).toBe(1);
  for (const [key, bytes] of golden) expect(hex(bytesOf(key)), String(key)).toBe(bytes);
});

test("S04: the hashes of version 1 never change", () => {
  expect(golden.map(([key]) => hashKey(key))).toEqual([
    -463810133, 1814548639, -208291032, -208291032, -1363040259, 1384377451, -1598371730, 518960557, 1253686505,
    640103528, -1381884398, -303029023, 765036337, 236925218, -1423648315, 409808337, 1569965523,
  ]);
  expect([0, 1, -1, "SFO", "JFK"].map((key) => keyGroup(hashKey(key), 128))).toEqual([18, 8, 47, 63, 66]);
});

const cycle: unknown[] = [];
cycle.push(cycle);
const invalid: readonly (readonly [unknown, string])[] = [
  [Number.NaN, "NaN"],
  [Number.POSITIVE_INFINITY, "Infinity"],
  [undefined, "undefined"],
  [null, "null"],
  [Symbol("s"), "a symbol"],
  [() => 1, "a function"],
  [new Date(0), "an instance of Date"],
  [new Map(), "an instance of Map"],
  [{ a: [1, { b: Number.NaN }] }, "NaN at a[1].b"],
  [{ "a b": undefined }, 'undefined at ["a b"]'],
  [[1, null], "null at [1]"],
  ["\udc00\udc00(", "a string that begins with two low surrogates"],
  [cycle, `more than 16 levels, or a cycle at ${"[0]".repeat(16)}`],
];

test("what is no key is refused with what was found and where", () => {
  for (const [key, found] of invalid) {
    for (const refused of [
      () => hashKey(key),
      () => bytesOf(key),
      () => validateKey(key, { operatorName: "totals", uid: "t" }),
    ]) {
      expect(refused).toThrow(expect.objectContaining({ code: "MR_KEY_INVALID", found }));
    }
  }
  expect(() => validateKey(null, { operatorName: "totals", uid: "t" })).toThrow("operator totals, uid t");
  expect(() => mapKeyOf(null)).toThrow(MillraceError);
  expect(() => mapKeyOf([Number.NaN])).toThrow(MillraceError);
});

test("every key is valid for validateKey", () => {
  fc.assert(
    fc.property(keys, (key) => {
      expect(() => validateKey(key)).not.toThrow();
    }),
  );
});

test("bytes that are no key are refused and never crash", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      try {
        expect(bytesOf(decodeKey(new BinaryReader(bytes))).length).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toMatchObject({ code: "MR_DATA_CORRUPT" });
      }
    }),
  );
  for (const bytes of [
    [0],
    [9],
    [4, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f],
    [5, 1],
    [5, 2, 0],
    [7, 100],
    new Array(40).fill([7, 1]).flat(),
  ]) {
    expect(() => decodeKey(new BinaryReader(Uint8Array.from(bytes)))).toThrow("MR_DATA_CORRUPT");
  }
});

test("a field called __proto__ is data in a key as well", () => {
  const key = JSON.parse('{"__proto__":1}') as object;
  const back = decodeKey(new BinaryReader(bytesOf(key))) as object;
  expect(Object.keys(back)).toEqual(["__proto__"]);
  expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
});

test("the default maxParallelism is Flink's", () => {
  const checked = [
    [1, 128],
    [85, 128],
    [86, 256],
    [200, 512],
    [1000, 2048],
    [30000, 32768],
  ] as const;
  for (const [parallelism, expected] of checked) expect(defaultMaxParallelism(parallelism)).toBe(expected);
});

test("S04: key groups are Flink's: murmur of the hash, never negative", () => {
  // Values of MathUtils.murmurHash, computed with Java's int arithmetic written out in bigint.
  for (const hash of [0, 1, -1, 42, 123456789, -2147483648, 2147483647])
    expect(keyGroup(hash, 32768)).toBe(flinkMurmur(hash) % 32768);
});

/** The same formula without 32-bit shortcuts, as an independent check. */
function flinkMurmur(code: number): number {
  const int = (value: bigint): bigint => BigInt.asUintN(32, value);
  const rotl = (value: bigint, by: bigint): bigint => int((value << by) | (value >> (32n - by)));
  let mixed = int(rotl(int(BigInt(code) * 0xcc9e2d51n), 15n) * 0x1b873593n);
  mixed = int(rotl(mixed, 13n) * 5n + 0xe6546b64n) ^ 4n;
  mixed = int((mixed ^ (mixed >> 16n)) * 0x85ebca6bn);
  mixed = int((mixed ^ (mixed >> 13n)) * 0xc2b2ae35n);
  const signed = Number(BigInt.asIntN(32, mixed ^ (mixed >> 16n)));
  return signed === -2147483648 ? 0 : Math.abs(signed);
}

test("S04: the ranges of all subtasks cover every key group once and agree with subtaskForKeyGroup", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 150 }), (one, other) => {
      const [parallelism, maxParallelism] = [Math.min(one, other), Math.max(one, other)];
      let next = 0;
      for (let subtask = 0; subtask < parallelism; subtask++) {
        const { start, end } = keyGroupRange(maxParallelism, parallelism, subtask);
        expect(start).toBe(next);
        for (let group = start; group < end; group++)
          expect(subtaskForKeyGroup(group, maxParallelism, parallelism)).toBe(subtask);
        next = end;
      }
      expect(next).toBe(maxParallelism);
    }),
  );
});
