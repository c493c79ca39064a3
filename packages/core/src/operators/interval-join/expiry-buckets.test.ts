import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyEntry } from "../../state/key-entry.ts";
import { ExpiryBuckets } from "./expiry-buckets.ts";
import { JoinBuffer } from "./join-buffer.ts";

const step = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), ahead: fc.integer({ min: 0, max: 500 }) }),
  fc.record({
    kind: fc.constant("watermark" as const),
    advance: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 100_000 })),
  }),
);

test("a buffer is handed out once, after its expiry and at most one bucket later", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: -1000, max: 1000 }),
      fc.array(step, { maxLength: 60 }),
      (bucketMs, start, steps) => {
        const buckets = new ExpiryBuckets(bucketMs);
        const waiting = new Map<JoinBuffer, number>();
        let now = start;
        for (const each of steps) {
          if (each.kind === "add") {
            const buffer = new JoinBuffer(new KeyEntry("a", 0), [0], [0], 0);
            waiting.set(buffer, now + each.ahead);
            buckets.add(now + each.ahead, buffer);
            continue;
          }
          now += each.advance;
          buckets.takeDue(now, (buffer) => {
            expect(waiting.get(buffer)).toBeLessThanOrEqual(now);
            expect(waiting.delete(buffer)).toBe(true);
          });
          for (const expiryMs of waiting.values()) expect(expiryMs).toBeGreaterThan(now - bucketMs);
        }
      },
    ),
  );
});

test("a buffer may be put back while it is handed out", () => {
  const buckets = new ExpiryBuckets(10);
  const buffer = new JoinBuffer(new KeyEntry("a", 0), [0], [0], 0);
  buckets.add(5, buffer);
  const seen: number[] = [];
  for (const watermark of [9, 10, 15, 39, 40]) {
    buckets.takeDue(watermark, (due) => {
      seen.push(watermark);
      buckets.add(watermark + 20, due);
    });
  }
  expect(seen).toEqual([10, 40]);
});
