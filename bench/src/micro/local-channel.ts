import { LocalChannel } from "../../../packages/core/src/exchange/local-channel.ts";
import type { MicroBenchmark } from "./micro-benchmark.ts";

const batchSizes = [1, 100];

/** A record pushed and taken within a thread, in batches as the loop moves them. @internal */
export const localChannelBenchmarks: readonly MicroBenchmark[] = batchSizes.map((batch) => ({
  name: `local-channel/record, batches of ${batch}`,
  prepare: () => moving(batch),
}));

function moving(batch: number): (count: number) => number {
  const channel = new LocalChannel();
  const record = { auction: 1, bidder: 2, price: 3 };
  let sum = 0;
  const take = (value: unknown, timestampMs: number): void => {
    sum += (value as typeof record).price + timestampMs;
  };
  return (count) => {
    for (let moved = 0; moved < count; moved += batch) {
      const size = Math.min(batch, count - moved);
      for (let index = 0; index < size; index++) channel.push(record, index);
      channel.takeRecords(take, size);
    }
    return sum;
  };
}
