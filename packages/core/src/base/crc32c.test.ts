import * as fc from "fast-check";
import { expect, test } from "vitest";
import { combineCrc32c, crc32c } from "./crc32c.ts";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

test("the published vectors of RFC 3720 hold", () => {
  expect(crc32c(ascii("123456789"))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(0x46dd794e);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => 31 - index))).toBe(0x113fdb5c);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});

test("a checksum continues over pieces cut anywhere", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
      const middle = Math.min(cut, bytes.length);
      expect(crc32c(bytes, middle, bytes.length, crc32c(bytes, 0, middle))).toBe(crc32c(bytes));
    }),
  );
});

test("the checksums of two pieces make that of both", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(5000), (bytes, cut) => {
      const middle = Math.min(cut, bytes.length);
      const second = crc32c(bytes, middle);
      expect(combineCrc32c(crc32c(bytes, 0, middle), second, bytes.length - middle)).toBe(crc32c(bytes));
    }),
  );
});

test("every single flipped bit changes the checksum", () => {
  const bytes = ascii("hourly-delays/total");
  const whole = crc32c(bytes);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(crc32c(flipped)).not.toBe(whole);
  }
});
