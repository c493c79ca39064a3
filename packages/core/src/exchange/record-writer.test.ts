import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../platform/seeded-random.ts";
import { hashKey, keyGroup, keyGroupRange } from "../types/key-encoding.ts";
import type { ChannelEvent } from "./channel-events.ts";
import { LocalChannel } from "./local-channel.ts";
import { consumersOf, createRecordWriter, type RecordWriter, type WriterPartitioning } from "./record-writer.ts";

interface Edge {
  readonly writer: RecordWriter;
  readonly channels: readonly LocalChannel[];
}

function createEdge(
  count: number,
  partitioning: WriterPartitioning,
  { subtaskIndex = 0, maxParallelism = 128, seed = 1 } = {},
): Edge {
  const channels = Array.from({ length: count }, () => new LocalChannel());
  const random = new SeededRandom(seed);
  return { channels, writer: createRecordWriter(channels, partitioning, { subtaskIndex, maxParallelism, random }) };
}

/** The records of each channel; checks that their timestamps came along. */
function valuesOf({ channels }: Edge): unknown[][] {
  return channels.map((channel) => {
    const values: unknown[] = [];
    channel.takeRecords((value, timestampMs) => {
      expect(timestampMs).toBe(Number(value) * 10);
      values.push(value);
    }, Number.POSITIVE_INFINITY);
    return values;
  });
}

function emitNumbers({ writer }: Edge, count: number): void {
  for (let value = 0; value < count; value++) writer.emit(value, value * 10);
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, value) => value);

describe("records go", () => {
  test("S15: to the one channel of a forward edge", () => {
    const edge = createEdge(1, { kind: "forward" }, { subtaskIndex: 3 });
    emitNumbers(edge, 5);
    expect(valuesOf(edge)).toEqual([numbers(5)]);
  });

  test("S15: to the first consumer only, when global", () => {
    const edge = createEdge(3, { kind: "global" }, { subtaskIndex: 2 });
    emitNumbers(edge, 5);
    expect(valuesOf(edge)).toEqual([numbers(5), [], []]);
  });

  test("S15: to every consumer, when broadcast", () => {
    const edge = createEdge(3, { kind: "broadcast" });
    emitNumbers(edge, 5);
    expect(valuesOf(edge)).toEqual([numbers(5), numbers(5), numbers(5)]);
  });

  test.each(["rebalance", "rescale"] as const)("S15: to one consumer after the other, when %s", (kind) => {
    const edge = createEdge(3, { kind }, { subtaskIndex: 4 });
    emitNumbers(edge, 7);
    // Producers start at different consumers, so that few records spread too.
    expect(valuesOf(edge)).toEqual([
      [2, 5],
      [0, 3, 6],
      [1, 4],
    ]);
  });

  test("S15: to random consumers in about equal shares, when shuffled; other subtasks choose otherwise", () => {
    const edge = createEdge(4, { kind: "shuffle" });
    emitNumbers(edge, 4000);
    const shares = valuesOf(edge);
    expect(shares.flat().length).toBe(4000);
    // 1000 ± 270 is ten standard deviations.
    for (const { length } of shares) expect(Math.abs(length - 1000)).toBeLessThan(270);
    const other = createEdge(4, { kind: "shuffle" }, { subtaskIndex: 1 });
    emitNumbers(other, 4000);
    expect(valuesOf(other)).not.toEqual(shares);
    const again = createEdge(4, { kind: "shuffle" });
    emitNumbers(again, 4000);
    expect(valuesOf(again)).toEqual(shares);
  });

  test("S04: to the owner of their key's group, when hashed, whatever the producer", () => {
    const keys = fc.oneof(fc.string(), fc.integer(), fc.bigInt(), fc.boolean(), fc.tuple(fc.string(), fc.nat()));
    const sizes = fc
      .integer({ min: 1, max: 300 })
      .chain((maxParallelism) =>
        fc.record({ maxParallelism: fc.constant(maxParallelism), count: fc.integer({ min: 1, max: maxParallelism }) }),
      );
    fc.assert(
      fc.property(keys, sizes, fc.nat(5), (key, { maxParallelism, count }, subtaskIndex) => {
        const edge = createEdge(count, { kind: "hash", key: () => key }, { subtaskIndex, maxParallelism });
        edge.writer.emit(1, 10);
        const owner = valuesOf(edge).findIndex((values) => values.length === 1);
        const group = keyGroup(hashKey(key), maxParallelism);
        const { start, end } = keyGroupRange(maxParallelism, count, owner);
        expect(start <= group && group < end).toBe(true);
      }),
    );
  });

  test("S15: where the user says, when custom", () => {
    const calls: unknown[] = [];
    const partition = (key: unknown, count: number): number => {
      calls.push([key, count]);
      return Number(key) % count;
    };
    const edge = createEdge(3, { kind: "custom", key: (value) => Number(value) + 1, partition });
    emitNumbers(edge, 5);
    expect(valuesOf(edge)).toEqual([[2], [0, 3], [1, 4]]);
    expect(calls[0]).toEqual([1, 3]);
  });
});

test.each<[unknown, string]>([
  [3, "3"],
  [-1, "-1"],
  [0.5, "0.5"],
  [Number.NaN, "NaN"],
  [Number.POSITIVE_INFINITY, "Infinity"],
  [undefined, "undefined"],
  ["1", "string"],
  ["length", "string"],
  [1n, "bigint"],
])("MR_PARTITION_INVALID: a custom partitioner that returns %s, of 3, and nothing is sent", (chosen, found) => {
  // Job code in JavaScript may return anything.
  const partition = (): number => chosen as number;
  const edge = createEdge(3, { kind: "custom", key: () => "shop-7", partition });
  expect(() => edge.writer.emit(1, 10)).toThrow(
    expect.objectContaining({
      code: "MR_PARTITION_INVALID",
      where: { key: "shop-7" },
      found,
      expected: "a whole number from 0 to 2",
    }),
  );
  expect(valuesOf(edge)).toEqual([[], [], []]);
});

test("MR_KEY_INVALID: a key that cannot be hashed, and nothing is sent", () => {
  const edge = createEdge(2, { kind: "hash", key: () => Number.NaN });
  expect(() => edge.writer.emit(1, 10)).toThrow("MR_KEY_INVALID");
  expect(valuesOf(edge)).toEqual([[], []]);
});

const KINDS: readonly WriterPartitioning[] = [
  { kind: "forward" },
  { kind: "global" },
  { kind: "rebalance" },
  { kind: "rescale" },
  { kind: "shuffle" },
  { kind: "broadcast" },
  { kind: "hash", key: (value) => value },
  { kind: "custom", key: (value) => value, partition: () => 0 },
];

test.each(KINDS)("events go to all channels, behind the records of before: $kind", (partitioning) => {
  const edge = createEdge(2, partitioning);
  emitNumbers(edge, 6);
  const event: ChannelEvent = { kind: "barrier", checkpointId: 8, timestampMs: 0, unalignedAfterMs: 0 };
  edge.writer.broadcastEvent(event);
  for (const channel of edge.channels) if (channel.size > 1) expect(channel.takeEvent()).toBeUndefined();
  valuesOf(edge);
  expect(edge.channels.map((channel) => channel.takeEvent())).toEqual([event, event]);
});

test.each(KINDS)("one full channel makes the edge unavailable, whichever comes next: $kind", (partitioning) => {
  const edge = createEdge(3, partitioning);
  expect(edge.writer.isAvailable()).toBe(true);
  const last = edge.channels[2]!;
  while (last.isAvailable) last.push(1, 10);
  expect(edge.writer.isAvailable()).toBe(false);
  expect(edge.writer.buffersInUse).toBe(1);
  valuesOf(edge);
  expect(edge.writer.isAvailable()).toBe(true);
  expect(edge.writer.buffersInUse).toBe(0);
});

describe("a producer is connected", () => {
  const parallelisms = fc.integer({ min: 1, max: 40 });

  function targets(kind: WriterPartitioning["kind"], producers: number, consumers: number): number[][] {
    return numbers(producers).map((index) => {
      const { first, end } = consumersOf(kind, { index, parallelism: producers }, consumers);
      return numbers(consumers).slice(first, end);
    });
  }

  test("S15: to its neighbours only, when rescaled: every consumer has a producer and every producer a consumer", () => {
    expect(targets("rescale", 2, 4)).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(targets("rescale", 4, 2)).toEqual([[0], [0], [1], [1]]);
    expect(targets("rescale", 2, 3)).toEqual([[0, 1], [2]]);
    expect(targets("rescale", 3, 2)).toEqual([[0], [1], [1]]);
    fc.assert(
      fc.property(parallelisms, parallelisms, (producers, consumers) => {
        const all = targets("rescale", producers, consumers);
        const more = Math.ceil(consumers / producers);
        for (const { length } of all)
          expect(length === more || length === Math.floor(consumers / producers) || length === 1).toBe(true);
        expect(all.every(({ length }) => length > 0)).toBe(true);
        // In order, without a gap, and shared only when there are more producers than consumers.
        const flat = all.flat();
        expect([...new Set(flat)]).toEqual(numbers(consumers));
        expect(flat.length).toBe(Math.max(producers, consumers));
        const producersOf = numbers(consumers).map((consumer) => flat.filter((other) => other === consumer).length);
        expect(Math.max(...producersOf) - Math.min(...producersOf)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("to its own consumer, when forwarded", () => {
    expect(targets("forward", 3, 3)).toEqual([[0], [1], [2]]);
  });

  test.each(["hash", "rebalance", "shuffle", "broadcast", "global", "custom"] as const)("to all: %s", (kind) => {
    expect(targets(kind, 2, 3)).toEqual([numbers(3), numbers(3)]);
  });
});
