import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SeededRandom } from "./seeded-random.ts";

const draw = (random: SeededRandom, count: number): number[] => Array.from({ length: count }, () => random.u32());

test("a seed gives these numbers, on every machine and in every version", () => {
  expect(draw(new SeededRandom(1), 4)).toMatchInlineSnapshot(`
    [
      2129859574,
      3330943485,
      2164464963,
      3206197131,
    ]
  `);
  expect(new SeededRandom("a").uuid()).toMatchInlineSnapshot(`"753effe0-3163-4efe-8299-084a5b21f775"`);
});

test("neighbouring seeds give unrelated numbers", () => {
  const firsts = Array.from({ length: 1000 }, (_, seed) => new SeededRandom(seed).u32());
  expect(new Set(firsts).size).toBe(1000);
  const mean = firsts.reduce((sum, number) => sum + number / 2 ** 32, 0) / 1000;
  // A uniform mean of 1000 has a standard deviation of 0.009.
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.06);
});

test("below gives every integer under its end and no other", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 20 }), (seed, end) => {
      const random = new SeededRandom(seed);
      const seen = new Set(Array.from({ length: 60 * end }, () => random.below(end)));
      expect([...seen].sort((left, right) => left - right)).toEqual(Array.from({ length: end }, (_, index) => index));
    }),
    { numRuns: 50 },
  );
});
