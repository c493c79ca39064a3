import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BinaryReader } from "./binary-reader.ts";
import { BinaryWriter, putUtf8, utf8Length } from "./binary-writer.ts";
import { InvariantViolation } from "./errors.ts";

const safeIntegers = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.constantFrom(0, 63, 64, -64, -65, 127, 128, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32, 2 ** 52),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
);
/** Any sequence of UTF-16 units, lone surrogates included. */
const strings = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc
    .array(fc.oneof(fc.integer({ min: 0xd7f0, max: 0xe010 }), fc.nat(0xffff)), { maxLength: 70 })
    .map((units) => String.fromCharCode(...units)),
);

function bytesOf(write: (out: BinaryWriter) => void): Uint8Array {
  const out = new BinaryWriter(1);
  write(out);
  return out.finish();
}

test("safe integers and strings read back as they were written, one after the other", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(safeIntegers, strings, fc.double())), (rows) => {
      const bytes = bytesOf((out) => {
        for (const [integer, text, double] of rows) {
          out.zigzag(integer);
          out.varint(Math.abs(integer));
          out.string(text);
          out.f64(double);
        }
      });
      const input = new BinaryReader(bytes);
      for (const [integer, text, double] of rows) {
        expect(input.zigzag()).toBe(integer === 0 ? 0 : integer);
        expect(input.varint()).toBe(Math.abs(integer));
        expect(input.string()).toBe(text);
        expect(input.f64()).toBe(double);
      }
      expect(input.remaining).toBe(0);
    }),
  );
});

test("well-formed text is plain UTF-8", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const expected = new TextEncoder().encode(text);
      const buffer = new Uint8Array(text.length * 3);
      expect(utf8Length(text)).toBe(expected.length);
      expect(buffer.subarray(0, putUtf8(buffer, 0, text))).toEqual(expected);
    }),
  );
});

test("long strings, with and without characters beyond ASCII, read back", () => {
  for (const text of ["a".repeat(100_000), "ü".repeat(10_000), "😀".repeat(5_000), `${"x".repeat(9_999)}\ud800`]) {
    const input = new BinaryReader(bytesOf((out) => out.string(text)));
    expect(input.string() === text).toBe(true);
  }
});

test("the bytes of every kind stay the same", () => {
  const bytes = bytesOf((out) => {
    out.u8(255);
    out.u16(0x1234);
    out.u32(0xdeadbeef);
    out.i32(-2);
    out.f64(1.5);
    out.varint(300);
    out.zigzag(-3);
    out.zigzag(2 ** 40);
    out.string("ab");
    out.string("é");
    out.bytes(Uint8Array.of(7, 8));
  });
  expect([...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")).toBe(
    "ff 34 12 ef be ad de fe ff ff ff 00 00 00 00 00 00 f8 3f ac 02 05 80 80 80 80 80 40 04 61 62 05 c3 a9 02 07 08",
  );
});

test("a patch overwrites what was written and nothing behind it", () => {
  const out = new BinaryWriter();
  out.u32(0);
  out.u8(9);
  out.patchU32(0, 0x01020304);
  expect([...out.finish()]).toEqual([4, 3, 2, 1, 9]);
  expect(() => out.patchU32(2, 0)).toThrow(InvariantViolation);
});

test("finish copies, reset starts a new stream", () => {
  const out = new BinaryWriter();
  out.u8(1);
  out.streamContext = {};
  const first = out.finish();
  out.reset();
  out.u8(2);
  expect([...first]).toEqual([1]);
  expect([...out.finish()]).toEqual([2]);
  expect(out.streamContext).toBeUndefined();
});

test("a number that is no safe integer is never written as another one", () => {
  const out = new BinaryWriter();
  for (const value of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
    expect(() => out.varint(value)).toThrow(InvariantViolation);
  }
  for (const value of [0.5, Number.NaN, 2 ** 53, -(2 ** 53)])
    expect(() => out.zigzag(value)).toThrow(InvariantViolation);
  expect(out.position).toBe(0);
});
