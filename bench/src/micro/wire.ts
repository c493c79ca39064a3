import {
  createRingMemory,
  RingConsumer,
  RingProducer,
  SEGMENT_BYTES,
} from "../../../packages/core/src/exchange/ring.ts";
import { WireCore } from "../../../packages/core/src/exchange/wire/wire-core.ts";
import type { MicroBenchmark } from "./micro-benchmark.ts";

const GENERATION = 1;
const DEPLOYMENT = { jobId: "bench", session: "1", deploymentNumber: GENERATION };

/**
 * Bytes from a ring through the protocol of both ends into a ring, in this thread and without a socket: what a byte costs
 * two processes beside the kernel's part. @internal
 */
export const wireBenchmarks: readonly MicroBenchmark[] = [
  { name: "wire/segment of 32 KiB", prepare: () => moving(SEGMENT_BYTES, 1) },
  { name: "wire/4 KiB on each of 8 channels", prepare: () => moving(SEGMENT_BYTES / 8, 8) },
  { name: "wire/100 bytes at a time", prepare: () => moving(100, 1) },
];

interface Channel {
  readonly writer: RingProducer;
  readonly reader: RingConsumer;
}

function moving(bytes: number, channelCount: number): (count: number) => number {
  const sender = new WireCore("a:1", "b:1");
  const receiver = new WireCore("b:1", undefined);
  const channels = Array.from({ length: channelCount }, (_, edge): Channel => {
    const [from, to] = [createRingMemory(GENERATION), createRingMemory(GENERATION)];
    const channel = { edge, producer: 0, consumer: 0 };
    const onMoved = (): void => {};
    const source = new RingConsumer(from, GENERATION);
    const sink = new RingProducer(to, GENERATION);
    sender.attach(DEPLOYMENT, [{ direction: "out", channel, source, onMoved }]);
    receiver.attach(DEPLOYMENT, [{ direction: "in", channel, sink, onMoved }]);
    return { writer: new RingProducer(from, GENERATION), reader: new RingConsumer(to, GENERATION) };
  });
  const data = new Uint8Array(bytes).fill(7);
  const target = new Uint8Array(bytes);
  const exchange = (): void => {
    const credit = receiver.produce();
    if (credit !== undefined) sender.receive(credit);
    const output = sender.produce();
    if (output !== undefined) receiver.receive(output);
  };
  exchange();
  return (count) => {
    let moved = 0;
    for (let index = 0; index < count; index++) {
      for (const { writer } of channels) writer.write(data, 0, bytes);
      exchange();
      for (const { reader } of channels) moved += reader.read(target, 0);
    }
    return moved;
  };
}
