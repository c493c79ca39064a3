import { type Serializer, t } from "millrace";
import { createDoorbellMemory, Doorbell } from "../../../packages/core/src/exchange/doorbell.ts";
import {
  createRingMemory,
  RingConsumer,
  RingProducer,
  SEGMENT_BYTES,
} from "../../../packages/core/src/exchange/ring.ts";
import { RingChannelReader, RingChannelWriter } from "../../../packages/core/src/exchange/ring-channel.ts";
import { learnedSerializer } from "../../../packages/core/src/types/learned-type.ts";
import type { MicroBenchmark } from "./micro-benchmark.ts";

const GENERATION = 1;
/** Records between two looks at the reading end, as in a step of the loop. */
const BATCH = 500;

const bid = { auction: 1007, bidder: 1003, price: 839 };
const BidType = t.object({ auction: t.int64, bidder: t.int64, price: t.int64 });
const view = { channel: "Google", url: "https://www.nexmark.com/item.htm?query=1", at: 1_767_290_400_000 };
const ViewType = t.object({ channel: t.string, url: t.string, at: t.timestamp });

/** Bytes and records through a ring, both ends in this thread: the work without the waiting. @internal */
export const ringBenchmarks: readonly MicroBenchmark[] = [
  { name: "ring/segment of 32 KiB", prepare: () => movingSegments() },
  { name: "ring/record of 3 numbers", prepare: () => movingRecords(bid, BidType.serializer) },
  { name: "ring/record of 3 numbers, learned", prepare: () => movingRecords(bid, learnedSerializer()) },
  { name: "ring/record with 2 strings", prepare: () => movingRecords(view, ViewType.serializer) },
];

function movingSegments(): (count: number) => number {
  const memory = createRingMemory(GENERATION);
  const producer = new RingProducer(memory, GENERATION);
  const consumer = new RingConsumer(memory, GENERATION);
  const source = new Uint8Array(SEGMENT_BYTES).fill(7);
  const target = new Uint8Array(SEGMENT_BYTES);
  return (count) => {
    let bytes = 0;
    for (let index = 0; index < count; index++) {
      producer.write(source, 0, SEGMENT_BYTES);
      bytes += consumer.read(target, 0);
    }
    return bytes;
  };
}

function movingRecords<T>(record: T, serializer: Serializer<T>): (count: number) => number {
  const memory = createRingMemory(GENERATION);
  // Nobody parks here, so nobody is notified.
  const doorbell = new Doorbell(createDoorbellMemory(1), 0, { wait: () => () => {}, notify: () => {} });
  // Only these records go through the channel.
  const erased = serializer as Serializer<unknown>;
  const writer = new RingChannelWriter(new RingProducer(memory, GENERATION), erased, doorbell, false);
  const reader = new RingChannelReader(new RingConsumer(memory, GENERATION), erased, doorbell);
  let taken = 0;
  const take = (): void => {
    taken++;
  };
  return (count) => {
    for (let moved = 0; moved < count; moved += BATCH) {
      const size = Math.min(BATCH, count - moved);
      for (let index = 0; index < size; index++) writer.push(record, index);
      writer.flush();
      while (reader.takeRecords(take, size) > 0) writer.flush();
    }
    return taken;
  };
}
