import * as fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c } from "../base/crc32c.ts";
import { MillraceError } from "../base/errors.ts";
import { type ContainerSection, decodeContainer, encodeContainer } from "./container.ts";

const sections: readonly ContainerSection[] = [
  { name: "total", kind: "value", schema: { kind: "int64" }, bytes: Uint8Array.of(1, 2, 3, 4, 5) },
  {
    name: "lücke",
    kind: "list",
    schema: {
      kind: "object",
      fields: [{ name: "__proto__", optional: true, schema: { kind: "nullable", item: { kind: "any" } } }],
    },
    bytes: new Uint8Array(300).fill(7),
  },
  { name: "_timers", kind: "timers", schema: { kind: "any" }, bytes: new Uint8Array(0) },
];
const intact = encodeContainer(sections);

/** The error of decoding, or undefined when the bytes were accepted. */
function refusalOf(blob: Uint8Array): MillraceError | undefined {
  try {
    decodeContainer(blob, { file: "chk-1/a" });
    return undefined;
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
}

/** Bytes with a header changed by `change` and its checksum made right again. */
function withHeader(change: (view: DataView) => void): Uint8Array {
  const blob = intact.slice();
  const view = new DataView(blob.buffer);
  change(view);
  view.setUint32(12, crc32c(blob, 0, 12), true);
  return blob;
}

test("sections read back with name, kind, schema and bytes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: fc.string({ unit: "binary" }), kind: fc.string(), bytes: fc.uint8Array() })),
      (made) => {
        const written = made.map(
          (section): ContainerSection => ({ ...section, schema: { kind: "array", item: { kind: "bytes" } } }),
        );
        expect(decodeContainer(encodeContainer(written))).toEqual(written);
      },
    ),
  );
  expect(decodeContainer(intact)).toEqual(sections);
});

test("the bytes of version 1 stay the same", () => {
  const one = encodeContainer([{ name: "total", kind: "value", schema: { kind: "int32" }, bytes: Uint8Array.of(8) }]);
  expect([...one].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")).toBe(
    "4d 52 53 43 01 00 01 00 23 00 00 00 67 06 e8 03 01 0a 74 6f 74 61 6c 0a 76 61 6c 75 65 20 7b 22 6b 69 6e 64 22 3a " +
      "22 69 6e 74 33 32 22 7d 01 9e 0b a4 d8 84 20 6c 60 08 7b a4 df fe",
  );
});

test("F2: 100,000 random flips, cuts and additions are all found", () => {
  let random = 12345;
  const next = (below: number): number => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return Math.floor((random / 2 ** 32) * below);
  };
  const blob = intact.slice();
  for (let round = 0; round < 100_000; round++) {
    const mode = next(10);
    if (mode === 0) {
      expect(refusalOf(blob.subarray(0, next(blob.length)))?.code).toBe("MR_DATA_CORRUPT");
      continue;
    }
    const flips = 1 + next(3);
    const bits = new Set(Array.from({ length: flips }, () => next(blob.length * 8)));
    for (const bit of bits) blob[bit >> 3]! ^= 1 << (bit & 7);
    if (refusalOf(blob)?.code !== "MR_DATA_CORRUPT") throw new Error(`flipped bits ${[...bits]} were accepted`);
    for (const bit of bits) blob[bit >> 3]! ^= 1 << (bit & 7);
  }
  expect(refusalOf(blob)).toBeUndefined();
  expect(refusalOf(Uint8Array.of(...blob, 0))?.code).toBe("MR_DATA_CORRUPT");
});

test("a damaged section is named, with file and offset", () => {
  const blob = intact.slice();
  const at = blob.length - 4 - 300;
  blob[at]! ^= 1;
  expect(refusalOf(blob)).toMatchObject({
    code: "MR_DATA_CORRUPT",
    where: { file: "chk-1/a", offset: at },
    found: expect.stringContaining('the section "lücke"'),
    expected: expect.stringMatching(/^0x[0-9a-f]{8}$/),
  });
});

test("F3: another version is refused by name, and not taken for damage", () => {
  expect(refusalOf(withHeader((view) => view.setUint16(4, 2, true)))).toMatchObject({
    code: "MR_FORMAT_VERSION_UNSUPPORTED",
    where: { file: "chk-1/a", offset: 4 },
    found: "version 2",
    expected: "version 1",
  });
  expect(refusalOf(withHeader((view) => view.setUint16(6, 7, true)))?.message).toContain("key encoding");
  expect(refusalOf(withHeader((view) => view.setUint16(4, 0, true)))?.todo).toContain("older");
});

test("what is no container at all is refused", () => {
  for (const blob of [
    new Uint8Array(0),
    new Uint8Array(15),
    new Uint8Array(100),
    new TextEncoder().encode("PAR1 and more than that"),
  ]) {
    expect(refusalOf(blob)?.code).toBe("MR_DATA_CORRUPT");
  }
});

test("a huge directory length costs nothing", () => {
  expect(refusalOf(withHeader((view) => view.setUint32(8, 0xffffffff, true)))?.code).toBe("MR_DATA_CORRUPT");
});
