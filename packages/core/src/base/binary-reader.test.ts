import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BinaryReader } from "./binary-reader.ts";
import { MillraceError } from "./errors.ts";

const reads: readonly ((input: BinaryReader) => unknown)[] = [
  (input) => input.u8(),
  (input) => input.u16(),
  (input) => input.u32(),
  (input) => input.i32(),
  (input) => input.f64(),
  (input) => input.varint(),
  (input) => input.zigzag(),
  (input) => input.string(),
  (input) => input.bytes(),
  (input) => input.rawBytes(5),
  (input) => input.count(),
];

test("arbitrary bytes are read or refused with a code; nothing else happens", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(fc.constantFrom(...reads)), (bytes, sequence) => {
      const input = new BinaryReader(bytes);
      try {
        for (const read of sequence) read(input);
      } catch (error) {
        expect(error).toBeInstanceOf(MillraceError);
        expect(error).toMatchObject({ code: "MR_DATA_CORRUPT", where: { offset: expect.any(Number) } });
      }
      expect(input.position).toBeLessThanOrEqual(bytes.length);
    }),
  );
});

function refusal(bytes: readonly number[], read: (input: BinaryReader) => unknown): MillraceError {
  try {
    read(new BinaryReader(Uint8Array.from(bytes)));
  } catch (error) {
    return error as MillraceError;
  }
  throw new Error("was read");
}

test("a read behind the end names the offset and what is missing", () => {
  const error = refusal([1, 2, 3], (input) => [input.u8(), input.u32()]);
  expect(error).toMatchObject({ code: "MR_DATA_CORRUPT", where: { offset: 1 }, found: "the end after 2 bytes" });
});

test("a huge count or length is refused before anything is allocated for it", () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
  for (const read of [reads[7]!, reads[8]!, reads[10]!]) expect(refusal(huge, read).code).toBe("MR_DATA_CORRUPT");
  expect(refusal([3, 0, 0, 0, 0], (input) => input.count(2)).where).toEqual({ offset: 0 });
});

test("an integer has one encoding: padding and values beyond the safe range are refused", () => {
  expect(refusal([0x80, 0x00], (input) => input.varint()).found).toBe("a padded integer");
  expect(refusal([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10], (input) => input.varint()).code).toBe(
    "MR_DATA_CORRUPT",
  );
  expect(refusal([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f], (input) => input.zigzag()).code).toBe(
    "MR_DATA_CORRUPT",
  );
});

test("bytes that are no text are refused: stray, overlong and cut characters, a high byte in ASCII", () => {
  const texts = [
    [5, 0xc1, 0x80],
    [7, 0xe0, 0x80, 0x80],
    [3, 0x80],
    [5, 0xe2, 0x82],
    [9, 0xf5, 0x80, 0x80, 0x80],
    [2, 0xe9],
  ];
  for (const text of texts) expect(refusal(text, (input) => input.string()).code).toBe("MR_DATA_CORRUPT");
});

test("a reader over a part of memory stops at its end", () => {
  const input = new BinaryReader(Uint8Array.of(9, 1, 2, 3, 9), 1, 3);
  expect([input.u8(), input.u8(), input.remaining]).toEqual([1, 2, 0]);
  expect(() => input.u8()).toThrow(MillraceError);
  input.reset(Uint8Array.of(7, 0));
  expect(input.u16()).toBe(7);
});
