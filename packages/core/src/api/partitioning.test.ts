/** Where records go: counted for every pair of a producing and a consuming subtask. */
import { describe, expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import type { Collector, ProcessContext, ProcessFunction, RuntimeContext } from "../operators/functions.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import type { DataStream } from "./data-stream.ts";

interface Sent {
  readonly n: number;
  readonly producer: number;
  readonly consumer: number;
}

/** Writes the number of its subtask into a field of every record. */
class Stamp implements ProcessFunction<Sent, Sent> {
  private readonly field: "producer" | "consumer";
  private subtask = -1;

  constructor(field: "producer" | "consumer") {
    this.field = field;
  }

  open(context: RuntimeContext): void {
    this.subtask = context.indexOfThisSubtask;
  }

  processElement(value: Sent, _context: ProcessContext, out: Collector<Sent>): void {
    out.collect({ ...value, [this.field]: this.subtask });
  }
}

interface Parallelisms {
  readonly producers: number;
  readonly consumers: number;
  readonly count?: number;
}

/** What arrived, by its way through `partition`, in the order of `n`. */
async function sent(
  { producers, consumers, count = 1200 }: Parallelisms,
  partition: (stream: DataStream<Sent>) => DataStream<Sent>,
): Promise<readonly Sent[]> {
  const platform = createSimulatedPlatform({ seed: 21 });
  const env = StreamExecutionEnvironment.on(platform, Configuration.fromEntries([]));
  const rows = new CommittedRows();
  const produced = env
    .fromSequence(0, count - 1)
    .setParallelism(producers)
    .map((n): Sent => ({ n, producer: -1, consumer: -1 }))
    .setParallelism(producers)
    .process(new Stamp("producer"))
    .setParallelism(producers);
  partition(produced).process(new Stamp("consumer")).setParallelism(consumers).sinkTo(rows.sink());
  await platform.run(() => env.execute(), 60_000);
  return rows.rows.map((row) => JSON.parse(row) as Sent).toSorted((left, right) => left.n - right.n);
}

/** By producer, then consumer: how many records went that way. */
function counts(all: readonly Sent[], { producers, consumers }: Parallelisms): readonly (readonly number[])[] {
  const ways = Array.from({ length: producers }, () => Array.from({ length: consumers }, () => 0));
  for (const { producer, consumer } of all) ways[producer]![consumer]!++;
  return ways;
}

const twoToFour = { producers: 2, consumers: 4 };

describe("S15: partitioners", () => {
  test("S15: rebalance gives each consumer its turn, and producers begin at consumers of their own", async () => {
    const all = await sent(twoToFour, (stream) => stream.rebalance());
    expect(counts(all, twoToFour)).toEqual([
      [150, 150, 150, 150],
      [150, 150, 150, 150],
    ]);
    for (const producer of [0, 1]) {
      const consumers = all.filter((each) => each.producer === producer).map(({ consumer }) => consumer);
      expect(consumers.slice(0, 5)).toEqual([0, 1, 2, 3, 4].map((turn) => (turn + producer) % 4));
    }
  });

  test.each([
    [
      { producers: 2, consumers: 4 },
      [
        [300, 300, 0, 0],
        [0, 0, 300, 300],
      ],
    ],
    [
      { producers: 2, consumers: 3 },
      [
        [300, 300, 0],
        [0, 0, 600],
      ],
    ],
    [
      { producers: 3, consumers: 2 },
      [
        [400, 0],
        [0, 400],
        [0, 400],
      ],
    ],
    [
      { producers: 4, consumers: 2 },
      [
        [300, 0],
        [300, 0],
        [0, 300],
        [0, 300],
      ],
    ],
  ])("S15: rescale %j gives turns within a group of neighbours, which is Flink's", async (parallelisms, expected) => {
    expect(counts(await sent(parallelisms, (stream) => stream.rescale()), parallelisms)).toEqual(expected);
  });

  test("S15: shuffle chooses every consumer equally often, and not in turn", async () => {
    const all = await sent({ ...twoToFour, count: 8000 }, (stream) => stream.shuffle());
    const ways = counts(all, twoToFour).flat();
    // Chi-squared with 7 degrees of freedom: above 24.3 once in a thousand times.
    const chiSquared = ways.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquared).toBeLessThan(24.3);
    expect(chiSquared).toBeGreaterThan(0);
  });

  test("S15: broadcast copies every record to every consumer", async () => {
    const all = await sent(twoToFour, (stream) => stream.broadcast());
    expect(counts(all, twoToFour)).toEqual([
      [600, 600, 600, 600],
      [600, 600, 600, 600],
    ]);
  });

  test("S15: global sends everything to the first consumer", async () => {
    const all = await sent(twoToFour, (stream) => stream.global());
    expect(counts(all, twoToFour)).toEqual([
      [600, 0, 0, 0],
      [600, 0, 0, 0],
    ]);
  });

  test("S15: partitionCustom sends where the user says", async () => {
    const partitioner = (key: number, count: number): number => (key % 10 === 0 ? count - 1 : key % 2);
    const all = await sent(twoToFour, (stream) => stream.partitionCustom(partitioner, ({ n }) => n));
    expect(all.every(({ n, consumer }) => consumer === partitioner(n, 4))).toBe(true);
    expect(counts(all, twoToFour)).toEqual([
      [240, 300, 0, 60],
      [240, 300, 0, 60],
    ]);
  });

  test("S15: forward keeps records in their subtask, and is refused between different parallelisms", async () => {
    const equal = { producers: 3, consumers: 3 };
    const all = await sent(equal, (stream) => stream.forward());
    expect(counts(all, equal)).toEqual([
      [400, 0, 0],
      [0, 400, 0],
      [0, 0, 400],
    ]);
    await expect(sent(twoToFour, (stream) => stream.forward())).rejects.toThrow(/MR_PARTITIONING_INVALID.*2 -> 4/);
  });

  test("S15: without a partitioner records stay where they are, or take turns when the parallelism changes", async () => {
    const equal = { producers: 2, consumers: 2 };
    expect(counts(await sent(equal, (stream) => stream), equal)).toEqual([
      [600, 0],
      [0, 600],
    ]);
    expect(counts(await sent(twoToFour, (stream) => stream), twoToFour)).toEqual([
      [150, 150, 150, 150],
      [150, 150, 150, 150],
    ]);
  });
});
