import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MillraceError } from "./errors.ts";
import { encodeFrame, FRAME_OVERHEAD_BYTES, type Frame, FrameDecoder } from "./frame.ts";

const LIMIT = 2000;

const frames = fc.array(fc.record({ type: fc.nat({ max: 255 }), payload: fc.uint8Array({ maxLength: 300 }) }), {
  maxLength: 8,
});

/** Sizes of the pieces that bytes come in, used again and again. */
const pieceSizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 10 });

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const encodeAll = (all: readonly Frame[]): Uint8Array =>
  join(all.map(({ type, payload }) => encodeFrame(type, payload, LIMIT)));

/** What a decoder makes of bytes that come in pieces of these sizes. */
function decode(bytes: Uint8Array, sizes: readonly number[], payloadBytesMax = LIMIT) {
  const decoder = new FrameDecoder({ payloadBytesMax });
  const found: Frame[] = [];
  let heldBytesMax = 0;
  try {
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const size = sizes[turn % sizes.length]!;
      decoder.push(bytes.slice(at, at + size));
      at += size;
      for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) found.push(frame);
      heldBytesMax = Math.max(heldBytesMax, decoder.heldBytes);
    }
  } catch (error) {
    return { found, heldBytesMax, error };
  }
  return { found, heldBytesMax, error: undefined };
}

describe("frames", () => {
  test("R2: frames come out as they went in, however the bytes are cut", () => {
    fc.assert(
      fc.property(frames, pieceSizes, (all, sizes) => {
        const { found, error } = decode(encodeAll(all), sizes);
        expect(error).toBeUndefined();
        expect(found).toEqual(all);
      }),
    );
  });

  test("R1: no more is held than one frame and one piece", () => {
    fc.assert(
      fc.property(frames, pieceSizes, (all, sizes) => {
        expect(decode(encodeAll(all), sizes).heldBytesMax).toBeLessThan(300 + FRAME_OVERHEAD_BYTES);
      }),
    );
  });

  test("R2: a flipped bit anywhere is found, and no frame from there on is handed out", () => {
    fc.assert(
      fc.property(frames, pieceSizes, fc.nat(), fc.nat({ max: 7 }), (all, sizes, place, bit) => {
        const bytes = encodeAll(all);
        fc.pre(bytes.length > 0);
        const at = place % bytes.length;
        bytes[at] = bytes[at]! ^ (1 << bit);
        const { found, error } = decode(bytes, sizes);
        expect(error).toMatchObject({ code: "MR_FRAME_CORRUPT", where: { offset: expect.any(Number) } });
        expect(found).toEqual(all.slice(0, found.length));
        expect(found.length).toBeLessThan(all.length);
      }),
      { numRuns: 500 },
    );
  });

  test("R1: any bytes at all are frames, are waited for, or are refused by name; nothing else happens", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), pieceSizes, (bytes, sizes) => {
        const { error } = decode(bytes, sizes);
        if (error !== undefined) expect(error).toBeInstanceOf(MillraceError);
      }),
      { numRuns: 1000 },
    );
  });

  test("R3: after a refusal every call refuses, whatever comes", () => {
    const decoder = new FrameDecoder({ payloadBytesMax: LIMIT });
    decoder.push(new Uint8Array(40));
    expect(() => decoder.next()).toThrow("MR_FRAME_CORRUPT");
    decoder.push(encodeFrame(1, new Uint8Array(3), LIMIT));
    expect(() => decoder.next()).toThrow("MR_FRAME_CORRUPT");
  });

  test("MR_FRAME_TOO_LARGE: what is above the limit is refused by its sender, and by its receiver at the header", () => {
    expect(() => encodeFrame(1, new Uint8Array(11), 10)).toThrow("MR_FRAME_TOO_LARGE");
    const header = encodeFrame(1, new Uint8Array(11), 11).slice(0, 12);
    expect(decode(header, [100], 10).error).toMatchObject({ code: "MR_FRAME_TOO_LARGE", found: "11 bytes" });
    expect(decode(encodeFrame(1, new Uint8Array(10), 10), [100], 10).found).toHaveLength(1);
  });

  test("MR_PROTOCOL_VERSION_UNSUPPORTED: a frame of another format is told from a damaged one", () => {
    // Header with version 2 and its right checksum.
    const bytes = Uint8Array.of(0, 0, 0, 0, 2, 7, 0, 0, 0x62, 0xf5, 0xbf, 0x47);
    const { error } = decode(bytes, [100]);
    expect(error).toMatchObject({ code: "MR_PROTOCOL_VERSION_UNSUPPORTED", found: "version 2" });
  });

  test("the bytes of a frame are as docs/internals/rpc.md shows them", () => {
    const hex = [...encodeFrame(7, new TextEncoder().encode("hi"), LIMIT)].map((byte) =>
      byte.toString(16).padStart(2, "0"),
    );
    expect(hex.join(" ")).toBe("02 00 00 00 01 07 00 00 15 86 e5 b7 68 69 c2 d9 9d f5");
  });
});
