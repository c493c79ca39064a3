import { type Exploration, explore, type Model } from "./interleavings.ts";
import { ModelMemory } from "./model-memory.ts";
import { ConsumerEnd, type ModelEnd, ModelSlot, ProducerEnd, type SlotFlaw } from "./model-slot.ts";
import { type Edit, loadStepped, type SteppedCode, steppedBells } from "./stepwise.ts";

/** A ring from one slot to another and what goes through it. */
export interface RingSetup {
  readonly from: number;
  readonly to: number;
  /** Bytes the ring holds, a power of two. */
  readonly capacity: number;
  /** Sizes of the writes. */
  readonly writes: readonly number[];
  /** Bytes one read takes at most. */
  readonly readMax: number;
  /** Where both counters start. Default 0. */
  readonly counter?: number;
}

export interface ModelSetup {
  readonly rings: readonly RingSetup[];
  /** How often something else than the bell may wake each slot. Default 0. */
  readonly timers?: number;
  /** Changes of the code, to see that the model finds them. */
  readonly edits?: readonly Edit[];
  /** A mistake of every slot, likewise. */
  readonly flaw?: SlotFlaw;
}

const GENERATION = 3;

/** Explores all interleavings of slots that send bytes to each other. `code` saves compiling what is not edited. */
export function exploreRings(setup: ModelSetup, code: SteppedCode = loadStepped(setup.edits)): Exploration {
  return explore(createModel(setup, code));
}

function createModel({ rings, flaw, timers = 0 }: ModelSetup, code: SteppedCode): Model {
  const slotCount = 1 + Math.max(...rings.map(({ from, to }) => Math.max(from, to)));
  const bells = code.createDoorbellMemory(slotCount);
  const wordsPerSlot = bells.byteLength / 4 / slotCount;
  const ends: ModelEnd[][] = Array.from({ length: slotCount }, () => []);
  // Each slot sees the others through doorbells of its own, as threads do.
  const doorbell = (slot: number): InstanceType<SteppedCode["Doorbell"]> =>
    new code.Doorbell(bells, slot, steppedBells);
  const memories = rings.map(({ from, to, capacity, writes, readMax, counter = 0 }) => {
    const memory = code.createRingMemory(GENERATION, capacity);
    const producer = new code.RingProducer(memory, GENERATION);
    const consumer = new code.RingConsumer(memory, GENERATION);
    startAt(counter | 0, memory, producer, consumer);
    const count = writes.reduce((sum, size) => sum + size, 0);
    ends[from]!.push(new ProducerEnd(producer, doorbell(to), writes, flaw));
    ends[to]!.push(new ConsumerEnd(consumer, doorbell(from), count, readMax, flaw));
    return memory;
  });
  return {
    memory: new ModelMemory(memories, bells),
    slots: ends.map((list, slot) => new ModelSlot(doorbell(slot), list, flaw)),
    ownWords: ends.map((_, slot) => slot * wordsPerSlot),
    timers,
  };
}

function startAt(
  counter: number,
  memory: SharedArrayBuffer,
  producer: InstanceType<SteppedCode["RingProducer"]>,
  consumer: InstanceType<SteppedCode["RingConsumer"]>,
): void {
  producer._tail = counter;
  consumer._head = counter;
  // The places of the two counters; anywhere else the first transfer would find a ring that is over-full.
  const words = new Int32Array(memory, 0, 32);
  words[0] = counter;
  words[16] = counter;
}
