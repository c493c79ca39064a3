import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MillraceError } from "../base/errors.ts";
import { t } from "../types/declared-types.ts";
import { learnedSerializer } from "../types/learned-type.ts";
import type { Serializer } from "../types/type.ts";
import { type ChannelPlace, ChannelStateWriter, decodeChannels, encodeChannels } from "./channel-state.ts";

type Element = { readonly value: unknown; readonly timestampMs: number } | { readonly watermarkMs: number };

const LINE = t.object({ name: t.string, amount: t.float64 }).serializer as Serializer<unknown>;
const lines = fc.record({ name: fc.string({ unit: "binary" }), amount: fc.double({ noNaN: true }) });
const shapes = fc.oneof(lines, fc.record({ id: fc.integer(), tags: fc.array(fc.string()) }), fc.string(), fc.bigInt());

const elementsOf = (values: fc.Arbitrary<unknown>): fc.Arbitrary<readonly Element[]> =>
  fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ value: values, timestampMs: fc.double({ noNaN: true }) }) },
      { weight: 1, arbitrary: fc.record({ watermarkMs: fc.double({ noNaN: true }) }) },
    ),
    { maxLength: 8 },
  );

const place = (edge: string, producer: number): ChannelPlace => ({
  edge,
  producer,
  producerCount: 300,
  consumer: 7,
  consumerCount: 200,
});

function written(at: ChannelPlace, serializer: Serializer<unknown>, elements: readonly Element[]): ChannelStateWriter {
  const writer = new ChannelStateWriter(at, serializer);
  for (const element of elements) {
    if ("watermarkMs" in element) writer.watermark(element.watermarkMs);
    else writer.record(element.value, element.timestampMs);
  }
  return writer;
}

/** All channels in the bytes, each with its elements. */
function readAll(
  bytes: Uint8Array,
  serializer: Serializer<unknown>,
): readonly { readonly place: ChannelPlace; readonly elements: readonly Element[] }[] {
  return decodeChannels(bytes).map((state) => {
    const elements: Element[] = [];
    state.read(
      serializer,
      (value, timestampMs) => elements.push({ value, timestampMs }),
      (watermarkMs) => elements.push({ watermarkMs }),
    );
    return { place: state.place, elements };
  });
}

describe("F12: Y1, Y2: what a checkpoint holds of channels", () => {
  const kinds: readonly (readonly [string, () => Serializer<unknown>, fc.Arbitrary<unknown>])[] = [
    ["of a declared type", () => LINE, lines],
    ["of a learned type", learnedSerializer, shapes],
  ];

  test.each(kinds)("is what was written, in order, channel by channel, with values %s", (_name, create, values) => {
    fc.assert(
      fc.property(fc.array(elementsOf(values), { maxLength: 5 }), (channels) => {
        const serializer = create();
        const all = channels.map((elements, index) => ({
          place: place(`a#b -> c[${index % 2}]`, index * 60),
          elements,
        }));
        const encoded = encodeChannels(all.map((each) => written(each.place, serializer, each.elements)));
        const held = all.filter(({ elements }) => elements.length > 0);
        if (held.length === 0) {
          expect(encoded).toBeUndefined();
          return;
        }
        expect(new Set(encoded!.edges)).toEqual(new Set(held.map((each) => each.place.edge)));
        expect(readAll(encoded!.bytes, create())).toEqual(held);
      }),
    );
  });

  test("is refused when a byte of it is damaged or its end is missing, whichever", () => {
    const elements = [{ value: { name: "ü", amount: 1.5 }, timestampMs: 3 }, { watermarkMs: 4 }];
    const channels = [place("a -> b[0]", 0), place("a -> b[0]", 1)].map((at) => written(at, LINE, elements));
    const intact = encodeChannels(channels)!.bytes;
    const codeOf = (bytes: Uint8Array): string | undefined => {
      try {
        readAll(bytes, LINE);
        return undefined;
      } catch (error) {
        if (error instanceof MillraceError) return error.code;
        throw error;
      }
    };
    expect(codeOf(intact)).toBeUndefined();
    for (let at = 0; at < intact.length; at++) {
      expect(codeOf(intact.subarray(0, at)), `cut at ${at}`).toBe("MR_DATA_CORRUPT");
      for (let bit = 0; bit < 8; bit++) {
        const damaged = intact.slice();
        damaged[at]! ^= 1 << bit;
        expect(codeOf(damaged), `bit ${bit} of byte ${at}`).toBe("MR_DATA_CORRUPT");
      }
    }
  });
});
