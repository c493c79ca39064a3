import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRingMemory, RingConsumer, RingProducer, revokeRing, SEGMENT_BYTES } from "./ring.ts";

function createEnds(segments = 1): { memory: SharedArrayBuffer; producer: RingProducer; consumer: RingConsumer } {
  const memory = createRingMemory(1, segments);
  return { memory, producer: new RingProducer(memory, 1), consumer: new RingConsumer(memory, 1) };
}

/** Bytes of a stream in which no two neighbourhoods look alike. */
function streamBytes(start: number, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => ((start + index) * 167) >>> 3);
}

test("N1, N2: whatever is written and read, the ring is a queue of bytes that takes what fits", () => {
  const transfers = fc.array(
    fc.record({
      isWrite: fc.boolean(),
      count: fc.oneof(fc.nat(20), fc.nat(2 * SEGMENT_BYTES), fc.constantFrom(SEGMENT_BYTES, SEGMENT_BYTES - 1)),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(transfers, fc.constantFrom(1, 2), (list, segments) => {
      const { producer, consumer } = createEnds(segments);
      let written = 0;
      let read = 0;
      for (const { isWrite, count } of list) {
        if (isWrite) {
          const fits = Math.min(count, producer.capacity - (written - read));
          // The bytes lie somewhere in a larger array.
          const bytes = new Uint8Array(count + 2);
          bytes.set(streamBytes(written, count), 1);
          expect(producer.write(bytes, 1, 1 + count)).toBe(fits);
          written += fits;
        } else {
          const target = new Uint8Array(count + 3).fill(0xee);
          const taken = consumer.read(target.subarray(0, count + 3), 3);
          expect(taken).toBe(Math.min(count, written - read));
          expect(Buffer.compare(target.subarray(3, 3 + taken), streamBytes(read, taken))).toBe(0);
          expect(target.subarray(3 + taken).every((byte) => byte === 0xee)).toBe(true);
          read += taken;
        }
        expect(producer.usedBytes).toBe(written - read);
        expect(consumer.availableBytes).toBe(written - read);
        expect(consumer.isEmpty).toBe(written === read);
      }
    }),
    { numRuns: 60 },
  );
});

test("nothing changes when the counters pass 2^31", () => {
  const { producer, consumer } = createEnds();
  const bytes = streamBytes(0, SEGMENT_BYTES - 1);
  const target = new Uint8Array(SEGMENT_BYTES);
  let passed = 0;
  // One byte less than a segment, so that the place in the ring wanders and the wrap falls into a transfer. (The model
  // checker starts just below 2^31 and 2^32; this is the same with the code as it is.)
  while (passed < 2 ** 31 + 10 * SEGMENT_BYTES) {
    if (producer.write(bytes, 0, bytes.length) !== bytes.length) expect.fail(`no room after ${passed} bytes`);
    if (consumer.read(target, 0) !== bytes.length) expect.fail(`no bytes after ${passed} bytes`);
    if (Math.abs(passed - 2 ** 31) < 10 * SEGMENT_BYTES)
      expect(Buffer.compare(target.subarray(0, bytes.length), bytes)).toBe(0);
    passed += bytes.length;
  }
  expect(producer.usedBytes).toBe(0);
  expect(consumer.isEmpty).toBe(true);
});

describe("N3: an end of another generation moves nothing and throws", () => {
  test("when it is made", () => {
    const memory = createRingMemory(4, 1);
    for (const generation of [3, 5]) {
      expect(() => new RingProducer(memory, generation)).toThrow(
        `the ring belongs to generation 4, this end to generation ${generation}`,
      );
      expect(() => new RingConsumer(memory, generation)).toThrow("belongs to generation 4");
    }
  });

  test("when the ring was revoked meanwhile, whatever is in it", () => {
    const { memory, producer, consumer } = createEnds();
    producer.write(streamBytes(0, 100), 0, 100);
    revokeRing(memory);
    const before = new Uint8Array(memory).slice();
    const target = new Uint8Array(10);
    expect(() => producer.write(streamBytes(0, 10), 0, 10)).toThrow("generation 2, this end to generation 1");
    expect(() => consumer.read(target, 0)).toThrow("generation 2, this end to generation 1");
    expect(Buffer.compare(new Uint8Array(memory), before)).toBe(0);
    expect(target).toEqual(new Uint8Array(10));
  });
});

test("a ring has a power of two of segments, because its counters wrap at one", () => {
  for (const segments of [0, -1, 3, 1.5, Number.NaN])
    expect(() => createRingMemory(1, segments)).toThrow("power of two");
});
