import type { Bells } from "../../platform/platform.ts";
import type { Serializer } from "../../types/type.ts";
import { createDoorbellMemory, Doorbell } from "../doorbell.ts";
import { createRingMemory, RingConsumer, RingProducer } from "../ring.ts";
import { RingChannelReader, RingChannelWriter } from "../ring-channel.ts";

const CONSUMER = 0;
const PRODUCER = 1;

/** Both ends of a channel on one thread, and who was rung for. */
export interface RingChannelPair {
  readonly memory: SharedArrayBuffer;
  readonly ring: RingProducer;
  readonly writer: RingChannelWriter;
  readonly reader: RingChannelReader;
  readonly consumerBell: Doorbell;
  readonly producerBell: Doorbell;
  /** Called on every notify. */
  onNotify: (of: "consumer" | "producer") => void;
}

export interface RingChannelPairOptions {
  readonly segments?: number;
  readonly flushesAlways?: boolean;
}

export function createRingChannelPair(
  serializer: Serializer<unknown>,
  { segments = 1, flushesAlways = false }: RingChannelPairOptions = {},
): RingChannelPair {
  const memory = createRingMemory(1, segments);
  const doorbells = createDoorbellMemory(2);
  const bells: Bells = {
    wait: () => () => {},
    notify: (_words, index) => pair.onNotify(index === 0 ? "consumer" : "producer"),
  };
  const consumerBell = new Doorbell(doorbells, CONSUMER, bells);
  const producerBell = new Doorbell(doorbells, PRODUCER, bells);
  const ring = new RingProducer(memory, 1);
  const pair: RingChannelPair = {
    memory,
    ring,
    writer: new RingChannelWriter(ring, serializer, consumerBell, flushesAlways),
    reader: new RingChannelReader(new RingConsumer(memory, 1), serializer, producerBell),
    consumerBell,
    producerBell,
    onNotify: () => {},
  };
  return pair;
}
