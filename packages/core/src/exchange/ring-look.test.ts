import fc from "fast-check";
import { expect, test } from "vitest";
import { t } from "../types/declared-types.ts";
import type { Serializer } from "../types/type.ts";
import type { ChannelLook } from "./channel.ts";
import { SEGMENT_BYTES } from "./ring.ts";
import { createRingChannelPair } from "./testdata/ring-channel-pair.ts";

const TEXT = t.string.serializer as Serializer<unknown>;
const RECORD_BYTES = 1024;
/** 4 length, 8 timestamp, 2 for the string's own. */
const PADDING = "x".repeat(RECORD_BYTES - 14 - 6);
/** Segments of the ring. */
const SEGMENTS = 2;

type Step = { readonly kind: "write" | "take"; readonly count: number } | { readonly kind: "begin" | "look" | "close" };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("write" as const), count: fc.integer({ min: 1, max: 80 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("take" as const), count: fc.integer({ min: 1, max: 60 }) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("begin" as const, "look" as const, "close" as const) }) },
  ),
  { maxLength: 40 },
);

interface Looking {
  readonly look: ChannelLook;
  readonly from: number;
  readonly seen: number[];
}

const numberOf = (value: unknown): number => Number(String(value).slice(0, 6));

test("F12: X6: looks at a ring show each element once, move nothing, and let no more be written than without them", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const { writer, reader } = createRingChannelPair(TEXT, { segments: SEGMENTS });
      let written = 0;
      const taken: number[] = [];
      let looking: Looking | undefined;
      const lookAgain = (): void =>
        looking?.look.look({
          onRecord: (value) => void looking!.seen.push(numberOf(value)),
          onEvent: () => true,
        });
      const take = (count: number): void => {
        // What is taken while somebody looks has been looked at.
        lookAgain();
        for (let left = count; left > 0; ) {
          const got = reader.takeRecords((value) => taken.push(numberOf(value)), left);
          if (got === 0) break;
          left -= got;
        }
      };
      for (const step of all) {
        if (step.kind === "write") {
          for (let left = step.count; left > 0 && writer.isAvailable; left--)
            writer.push(`${String(written++).padStart(6, "0")}${PADDING}`, 0);
          writer.flush();
          expect((written - taken.length) * RECORD_BYTES).toBeLessThanOrEqual((SEGMENTS + 2) * SEGMENT_BYTES);
        } else if (step.kind === "take") take(step.count);
        else if (step.kind === "begin") looking ??= { look: reader.beginLook(), from: taken.length, seen: [] };
        else if (looking !== undefined) {
          lookAgain();
          expect(looking.seen).toEqual(looking.seen.map((_, index) => looking!.from + index));
          if (step.kind === "close") {
            looking.look.close();
            looking = undefined;
          }
        }
      }
      looking?.look.close();
      looking = undefined;
      while (taken.length < written) {
        const before = taken.length;
        writer.flush();
        take(1000);
        expect(taken.length).toBeGreaterThan(before);
      }
      expect(taken).toEqual(Array.from({ length: written }, (_, index) => index));
      expect(writer.isAvailable).toBe(true);
    }),
    { numRuns: 150 },
  );
});
