import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { t } from "../types/declared-types.ts";
import { learnedSerializer } from "../types/learned-type.ts";
import type { Serializer } from "../types/type.ts";
import type { ChannelReader, ChannelWriter } from "./channel.ts";
import type { ChannelEvent, CheckpointBarrier } from "./channel-events.ts";
import { LocalChannel } from "./local-channel.ts";
import { RingConsumer, RingProducer, revokeRing, SEGMENT_BYTES } from "./ring.ts";
import { RingChannelWriter } from "./ring-channel.ts";
import { createRingChannelPair, type RingChannelPair } from "./testdata/ring-channel-pair.ts";

const LINE = t.object({ name: t.string, amount: t.float64, note: t.optional(t.string) });
const TEXT = t.string.serializer as Serializer<unknown>;

/** What a channel handed over, one entry for each record and event. */
type Taken = { readonly value: unknown; readonly timestampMs: number } | { readonly event: ChannelEvent };

function takeRecords(reader: ChannelReader, limit: number, into: Taken[]): number {
  return reader.takeRecords((value, timestampMs) => into.push({ value, timestampMs }), limit);
}

function takeEvent(reader: ChannelReader, into: Taken[]): void {
  const event = reader.takeEvent();
  if (event !== undefined) into.push({ event });
}

/** Takes until nothing is left on either side. */
function drain(writer: ChannelWriter, reader: ChannelReader, into: Taken[]): void {
  let before: number;
  do {
    before = into.length;
    writer.flush();
    takeRecords(reader, Number.POSITIVE_INFINITY, into);
    takeEvent(reader, into);
    // A record in parts takes several rounds.
  } while (into.length > before || writer.buffersInUse > 0 || reader.hasNext);
}

const texts: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
  // Around a segment, and above all that fits into the ring.
  { weight: 1, arbitrary: fc.integer({ min: SEGMENT_BYTES - 40, max: SEGMENT_BYTES + 40 }).map((n) => "s".repeat(n)) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 200_000 }).map((n) => "ü".repeat(n)) },
);
const lines = fc.record({ name: texts, amount: fc.double(), note: fc.string() }, { requiredKeys: ["name", "amount"] });
const anything: fc.Arbitrary<unknown> = fc.oneof(
  lines,
  texts,
  fc.record({ id: fc.integer(), tags: fc.array(fc.string()) }),
  fc.record({ at: fc.date({ noInvalidDate: true }), parts: fc.array(fc.record({ id: fc.integer() })) }),
  fc.constantFrom(undefined, null, true, -0, 12n, new Uint8Array([1, 2, 3])),
);
const barrier = (checkpointId: number): CheckpointBarrier => ({
  kind: "barrier",
  checkpointId,
  timestampMs: 0,
  unalignedAfterMs: Number.POSITIVE_INFINITY,
});
const events: fc.Arbitrary<ChannelEvent> = fc.oneof(
  fc.record({ kind: fc.constant("watermark" as const), timestampMs: fc.double({ noNaN: true }) }),
  fc.record({
    kind: fc.constant("barrier" as const),
    checkpointId: fc.maxSafeNat(),
    timestampMs: fc.maxSafeNat(),
    unalignedAfterMs: fc.constantFrom(0, 1_000, Number.POSITIVE_INFINITY),
  }),
  fc.record({ kind: fc.constantFrom("idle" as const, "active" as const, "endOfInput" as const) }),
);

type Command =
  | { readonly kind: "push"; readonly value: unknown; readonly timestampMs: number }
  | { readonly kind: "event"; readonly event: ChannelEvent }
  | { readonly kind: "flush" | "takeEvent" | "ask" }
  | { readonly kind: "take"; readonly limit: number };

function commands(values: fc.Arbitrary<unknown>): fc.Arbitrary<readonly Command[]> {
  const push = fc.record({
    kind: fc.constant("push" as const),
    value: values,
    timestampMs: fc.double({ noNaN: true }),
  });
  return fc.array(
    fc.oneof(
      { weight: 6, arbitrary: push },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("event" as const), event: events }) },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant("take" as const), limit: fc.integer({ min: 0, max: 9 }) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constantFrom("flush" as const, "takeEvent" as const, "ask" as const) }),
      },
    ),
    { maxLength: 60 },
  );
}

function run(command: Command, { writer, reader }: Pick<RingChannelPair, "reader" | "writer">, taken: Taken[]): void {
  switch (command.kind) {
    case "push":
      writer.push(command.value, command.timestampMs);
      break;
    case "event":
      writer.pushEvent(command.event);
      break;
    case "flush":
      writer.flush();
      break;
    case "take":
      expect(takeRecords(reader, command.limit, taken)).toBeLessThanOrEqual(command.limit);
      break;
    case "takeEvent":
      takeEvent(reader, taken);
      break;
    case "ask":
      // Asking changes nothing that can be seen.
      void writer.isAvailable;
      void reader.hasNext;
  }
}

describe("X1: what leaves is what came, in order, as from a channel within a thread", () => {
  const kinds: readonly (readonly [string, Serializer<unknown>, fc.Arbitrary<unknown>])[] = [
    ["of a declared type", LINE.serializer as Serializer<unknown>, lines],
    ["of a learned type", learnedSerializer(), anything],
  ];

  test.each(kinds)("with values %s", (_name, serializer, values) => {
    fc.assert(
      fc.property(commands(values), fc.constantFrom(1, 4), fc.boolean(), (list, segments, flushesAlways) => {
        const pair = createRingChannelPair(serializer, { segments, flushesAlways });
        const local = new LocalChannel();
        const taken: Taken[] = [];
        const expected: Taken[] = [];
        for (const command of list) {
          run(command, pair, taken);
          if (command.kind === "push") local.push(command.value, command.timestampMs);
          if (command.kind === "event") local.pushEvent(command.event);
        }
        drain(pair.writer, pair.reader, taken);
        drain(local, local, expected);
        expect(taken).toEqual(expected);
        expect(pair.writer.buffersInUse).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test("bytes that were taken are not those of the next record, which comes to lie in the same memory", () => {
    const { writer, reader } = createRingChannelPair(t.bytes.serializer as Serializer<unknown>);
    const taken: Taken[] = [];
    for (let round = 0; round < 10; round++) {
      writer.push(new Uint8Array(20_000).fill(round), round);
      drain(writer, reader, taken);
    }
    expect(taken.map((entry) => ("value" in entry ? new Set(entry.value as Uint8Array) : entry))).toEqual(
      Array.from({ length: 10 }, (_, round) => new Set([round])),
    );
  });
});

describe("X2: writing is always allowed; a segment that does not fit makes the channel unavailable", () => {
  /** Fills the ring and then some, a record of 1024 bytes at a time; returns how many bytes were written. */
  function fill(writer: RingChannelWriter): number {
    let bytes = 0;
    while (writer.isAvailable) {
      // 4 length, 8 timestamp, 2 for the string's own.
      writer.push("x".repeat(1024 - 14), 0);
      bytes += 1024;
    }
    return bytes;
  }

  test("the ring and one more segment are written before the producer has to stop", () => {
    for (const segments of [1, 2]) {
      const { writer } = createRingChannelPair(TEXT, { segments });
      expect(fill(writer)).toBe((segments + 1) * SEGMENT_BYTES);
      expect(writer.buffersInUse).toBe(segments + 1);
      writer.push("one more", 0);
      expect(writer.buffersInUse).toBe(segments + 2);
      expect(writer.isAvailable).toBe(false);
    }
  });

  test("a record larger than the ring passes through it in parts", () => {
    const { writer, reader } = createRingChannelPair(TEXT);
    const value = "y".repeat(10 * SEGMENT_BYTES);
    writer.push(value, 7);
    expect(writer.isAvailable).toBe(false);
    const taken: Taken[] = [];
    drain(writer, reader, taken);
    expect(taken).toEqual([{ value, timestampMs: 7 }]);
    expect(writer.isAvailable).toBe(true);
  });

  test("it is available again when the consumer has made room, and the parked producer is rung for", () => {
    const pair = createRingChannelPair(TEXT);
    fill(pair.writer);
    const rung: string[] = [];
    pair.onNotify = (of) => rung.push(of);
    pair.producerBell.park();
    expect(pair.writer.isAvailable).toBe(false);
    takeRecords(pair.reader, 1, []);
    expect(rung).toEqual(["producer"]);
    expect(pair.writer.isAvailable).toBe(true);
  });

  test("a channel that is never empty needs no more memory than one that is", () => {
    // The consumer is always behind, as under back-pressure; what has been sent must not pile up.
    const memoryBytes: number[] = [];
    class WatchedRing extends RingProducer {
      override write(bytes: Uint8Array, start: number, end: number): number {
        memoryBytes.push(bytes.length);
        return super.write(bytes, start, end);
      }
    }
    const { memory, reader, consumerBell } = createRingChannelPair(TEXT);
    const writer = new RingChannelWriter(new WatchedRing(memory, 1), TEXT, consumerBell, false);
    let pushed = 0;
    let taken = 0;
    for (let round = 0; round < 300; round++) {
      while (writer.isAvailable) writer.push(`${pushed++}:${"z".repeat(1000)}`, 0);
      reader.takeRecords((value) => expect(String(value).split(":")[0]).toBe(`${taken++}`), 20);
    }
    expect(taken).toBe(6000);
    expect(Math.max(...memoryBytes)).toBeLessThanOrEqual(8 * SEGMENT_BYTES);
  });
});

describe("X3: bytes leave", () => {
  test("when there is a segment of them", () => {
    const { writer, reader } = createRingChannelPair(TEXT);
    writer.push("a".repeat(SEGMENT_BYTES - 100), 0);
    expect(reader.hasNext).toBe(false);
    writer.push("b".repeat(100), 0);
    expect(reader.hasNext).toBe(true);
  });

  test.each<ChannelEvent>([{ kind: "idle" }, { kind: "active" }, barrier(3), { kind: "endOfInput" }])(
    "at once with the event $kind, and what is before it",
    (event) => {
      const { writer, reader } = createRingChannelPair(TEXT);
      writer.push("before", 1);
      writer.pushEvent(event);
      const taken: Taken[] = [];
      takeRecords(reader, 9, taken);
      takeEvent(reader, taken);
      expect(taken).toEqual([{ value: "before", timestampMs: 1 }, { event }]);
    },
  );

  test("with the next flush after a watermark, which is as frequent as records are", () => {
    const { writer, reader } = createRingChannelPair(TEXT);
    writer.pushEvent({ kind: "watermark", timestampMs: 5 });
    expect(reader.hasNext).toBe(false);
    writer.flush();
    expect(reader.takeEvent()).toEqual({ kind: "watermark", timestampMs: 5 });
  });

  test("F45: with every record and watermark when the buffer timeout is 0", () => {
    const { writer, reader } = createRingChannelPair(TEXT, { flushesAlways: true });
    const taken: Taken[] = [];
    writer.push("now", 1);
    takeRecords(reader, 9, taken);
    writer.pushEvent({ kind: "watermark", timestampMs: 5 });
    takeEvent(reader, taken);
    expect(taken).toEqual([{ value: "now", timestampMs: 1 }, { event: { kind: "watermark", timestampMs: 5 } }]);
  });

  test("and a flush without bytes rings nobody", () => {
    const pair = createRingChannelPair(TEXT);
    pair.onNotify = () => expect.fail("nothing was written");
    pair.consumerBell.park();
    pair.writer.flush();
  });
});

describe("X4: a bell is rung after the bytes it is about", () => {
  test("were published", () => {
    const pair = createRingChannelPair(TEXT);
    const seen: boolean[] = [];
    pair.onNotify = (of) => seen.push(of === "consumer" && pair.reader.hasNext);
    pair.consumerBell.park();
    pair.writer.push("x", 0);
    pair.writer.flush();
    expect(seen).toEqual([true]);
  });

  test("were released", () => {
    const pair = createRingChannelPair(TEXT);
    pair.writer.push("x", 0);
    pair.writer.flush();
    const used: number[] = [];
    pair.onNotify = () => used.push(pair.ring.usedBytes);
    pair.producerBell.park();
    expect(pair.reader.hasNext).toBe(true);
    expect(used).toEqual([0]);
  });
});

test("takes stop at their limit, at an event, and where nothing is left; an event is not taken over a record", () => {
  const { writer, reader } = createRingChannelPair(TEXT);
  for (const value of ["a", "b", "c"]) writer.push(value, 0);
  writer.pushEvent(barrier(1));
  writer.push("d", 0);
  writer.flush();
  const taken: Taken[] = [];
  expect(takeRecords(reader, 0, taken)).toBe(0);
  expect(reader.takeEvent()).toBeUndefined();
  expect(takeRecords(reader, 2, taken)).toBe(2);
  expect(takeRecords(reader, 9, taken)).toBe(1);
  expect(takeRecords(reader, 9, taken)).toBe(0);
  expect(reader.takeEvent()).toEqual(barrier(1));
  expect(takeRecords(reader, 9, taken)).toBe(1);
  expect(reader.takeEvent()).toBeUndefined();
  expect(reader.hasNext).toBe(false);
});

test("the bytes are those of docs/internals/exchange.md", () => {
  const { memory, writer } = createRingChannelPair(TEXT);
  writer.push("hi", 1);
  writer.pushEvent({ ...barrier(300), timestampMs: 1 });
  const bytes = new Uint8Array(SEGMENT_BYTES);
  const count = new RingConsumer(memory, 1).read(bytes, 0);
  const times = "00 00 00 00 00 00 f0 3f  00 00 00 00 00 00 f0 7f  00";
  const hex = `0b 00 00 00  00 00 00 00 00 00 f0 3f  04 68 69  14 00 00 80  03 ac 02  ${times}`;
  expect(Buffer.from(bytes.subarray(0, count))).toEqual(Buffer.from(hex.replaceAll(" ", ""), "hex"));
});

test("N3: after the ring was revoked neither end moves anything", () => {
  const { memory, writer, reader } = createRingChannelPair(TEXT);
  writer.push("old", 0);
  writer.flush();
  revokeRing(memory);
  expect(() => reader.hasNext).toThrow("belongs to generation 2");
  writer.push("older", 0);
  expect(() => writer.flush()).toThrow("belongs to generation 2");
  expect(() => writer.pushEvent({ kind: "endOfInput" })).toThrow("belongs to generation 2");
});

describe("a record that cannot be written", () => {
  test.each([
    ["declared", LINE.serializer as Serializer<unknown>, { name: "ok", amount: 1 }, { name: "no amount" }],
    ["learned", learnedSerializer(), { name: "ok" }, { name: "new shape", f: () => {} }],
  ])("leaves no half of it in the channel, and nothing follows it (%s)", (_name, serializer, good, bad) => {
    const { writer, reader } = createRingChannelPair(serializer);
    writer.push(good, 1);
    expect(() => writer.push(bad, 2)).toThrow("MR_VALUE_UNSERIALIZABLE");
    const taken: Taken[] = [];
    drain(writer, reader, taken);
    expect(taken).toEqual([{ value: good, timestampMs: 1 }]);
    // User code may have caught the error; the stream that its serializer defines has a hole all the same.
    expect(() => writer.push(good, 3)).toThrow("MR_VALUE_UNSERIALIZABLE");
    expect(() => writer.pushEvent({ kind: "endOfInput" })).toThrow("MR_VALUE_UNSERIALIZABLE");
    drain(writer, reader, taken);
    expect(taken).toHaveLength(1);
  });
});

describe("hostile bytes", () => {
  /** Puts bytes into a ring past its channel and takes everything out of the channel. */
  function takeAll(bytes: Uint8Array, serializer: Serializer<unknown>): Taken[] {
    const pair = createRingChannelPair(serializer);
    const taken: Taken[] = [];
    for (let sent = 0; sent < bytes.length; ) {
      sent += pair.ring.write(bytes, sent, bytes.length);
      drain(pair.writer, pair.reader, taken);
    }
    return taken;
  }

  function frame(header: number, ...rest: readonly number[]): Uint8Array {
    const bytes = new Uint8Array(4 + rest.length);
    new DataView(bytes.buffer).setUint32(0, header, true);
    bytes.set(rest, 4);
    return bytes;
  }

  const corrupt = expect.objectContaining({ code: "MR_DATA_CORRUPT" });

  test("give records, nothing, or MR_DATA_CORRUPT, and never another failure", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Lengths that fit their bytes, so that the values are reached.
      fc
        .array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 40 })), { maxLength: 8 })
        .map((frames) =>
          Buffer.concat(frames.map(([isEvent, rest]) => frame(rest.length + (isEvent ? 0x80000000 : 0), ...rest))),
        ),
    );
    const failures = new Set<unknown>();
    fc.assert(
      fc.property(
        bytes,
        fc.constantFrom(LINE.serializer as Serializer<unknown>, learnedSerializer()),
        (all, serializer) => {
          try {
            takeAll(all, serializer);
          } catch (error) {
            failures.add((error as { code?: string }).code);
            expect(error).toEqual(corrupt);
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(failures).toEqual(new Set(["MR_DATA_CORRUPT"]));
  });

  test.each([
    ["a record without a timestamp", frame(3, 1, 2, 3)],
    ["a record that ends before its frame", frame(11, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x61, 0x62)],
    ["a record that ends after its frame", Buffer.concat([frame(9, 0, 0, 0, 0, 0, 0, 0, 0, 4), frame(0, 0)])],
    ["an event of an unknown kind", frame(0x80000001, 77)],
    ["an event that ends before its frame", frame(0x80000002, 1, 0)],
    ["an event that ends after its frame", Buffer.concat([frame(0x80000001, 0), frame(8, 0, 0, 0, 0, 0, 0, 0, 0)])],
    ["an event without a kind", Buffer.concat([frame(0x80000000), frame(1, 0)])],
  ])("%s is MR_DATA_CORRUPT", (_name, bytes) => {
    expect(() => takeAll(bytes, TEXT)).toThrow(corrupt);
  });

  test("a length takes no memory before the bytes are there", () => {
    const { ring, reader } = createRingChannelPair(TEXT);
    const before = process.memoryUsage().arrayBuffers;
    for (const bytes of [frame(0x7fffffff, 1), new Uint8Array(SEGMENT_BYTES - 5), new Uint8Array(SEGMENT_BYTES)]) {
      expect(ring.write(bytes, 0, bytes.length)).toBe(bytes.length);
      expect(reader.hasNext).toBe(false);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20);
  });
});
