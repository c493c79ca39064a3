import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BID } from "./events.ts";
import { type GeneratorOptions, NexmarkGenerator } from "./generator.ts";

const VECTORS = new URL("./testdata/vectors.jsonl", import.meta.url);

test("the first events are the specification's vectors, field by field and in order", () => {
  const generator = new NexmarkGenerator();
  const lines = readFileSync(VECTORS, "utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(12);
  for (const [index, line] of lines.entries()) expect(JSON.stringify(generator.event(index))).toBe(line);
});

// Digests of the reference generator's output: 20,000 JSON lines each.
test.each<[GeneratorOptions, string]>([
  [{ seed: 1 }, "1daa3954f0cb5941a0d18aaa0cd5a0480eba0005673dcfbacfbe1fbf09f3fb3e"],
  [{ seed: 42 }, "ee54d03b55e4bddbf9382cae9721067de2b3ad4b71d877c401681a16c5619b68"],
  [{ seed: 1, eventsPerSecond: 1000 }, "bb4679e8899ac901904fbddc50a4b19c0dc22c06569ed5f7a6b57eb9c5fbfb6c"],
])("20,000 events of %o are byte for byte the reference's", (options, digest) => {
  const generator = new NexmarkGenerator(options);
  const hash = createHash("sha256");
  for (let index = 0; index < 20_000; index++) hash.update(`${JSON.stringify(generator.event(index))}\n`);
  expect(hash.digest("hex")).toBe(digest);
});

test("an event depends on its index alone, also beyond 32 bits, and time never goes back", () => {
  const generator = new NexmarkGenerator({ eventsPerSecond: 1_000_000 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 43 }), (index) => {
      const event = generator.event(index);
      generator.event(index + 1);
      expect(generator.event(index)).toEqual(event);
      expect(generator.event(index + 1).dateTime).toBeGreaterThanOrEqual(event.dateTime);
    }),
  );
});

test("events 2^32 apart are not the same event again", () => {
  const generator = new NexmarkGenerator();
  const near = generator.event(54);
  const far = generator.event(54 + 50 * 2 ** 32);
  expect([near.type, far.type]).toEqual([BID, BID]);
  expect(far.extra).not.toBe(near.extra);
});
