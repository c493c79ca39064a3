/**
 * A stream of bytes from one thread to another through shared memory: one producer, one consumer, no locks.
 *
 * The memory is a header of counters and a data area of whole segments. The producer copies bytes in and then publishes
 * them by advancing the tail; the consumer copies them out and then releases their room by advancing the head. Both
 * counters only grow and wrap at 2^32; an empty ring has equal ones, and a full one counters that differ by the capacity.
 *
 * - N1. Bytes arrive in order, once, and only after they were written: the tail is stored after the copy, the head
 *   after the copy out, both with `Atomics`, which order memory as well.
 * - N2. Neither side ever waits. A transfer moves what fits and says how much that was.
 * - N3. Ring and both ends carry the generation they were made for. An end of another generation moves nothing and throws:
 *   a cancelled attempt cannot reach the next one's data.
 *
 * A reader that looks ahead (ring-channel.ts, X6) takes bytes out long before they are used, and says so in a third counter.
 *
 * `ring-model.test.ts` checks N1 and the doorbell over all interleavings of these steps.
 *
 * @see Lamport, "Specifying Concurrent Program Modules", TOPLAS 1983, for the two-counter queue.
 */
import { invariant } from "../base/errors.ts";

/** Bytes that travel together when nothing asks for less; Flink's `taskmanager.memory.segment-size`. */
export const SEGMENT_BYTES = 32_768;

/** Segments of a ring when nothing else is asked for. */
export const RING_SEGMENTS = 8;

// Counters of the two sides lie on cache lines of their own.
const TAIL = 0;
const HEAD = 16;
const HELD = 17;
const GENERATION = 32;
const HEADER_BYTES = 192;

/** Memory of a new, empty ring. `segments` is a power of two. */
export function createRingMemory(generation: number, segments: number = RING_SEGMENTS): SharedArrayBuffer {
  invariant(segments > 0 && Number.isInteger(Math.log2(segments)), "a ring has a power of two of segments");
  const memory = new SharedArrayBuffer(HEADER_BYTES + segments * SEGMENT_BYTES);
  Atomics.store(new Int32Array(memory, 0, HEADER_BYTES / 4), GENERATION, generation);
  return memory;
}

/** Fences both ends off (N3): what they do from now on throws. */
export function revokeRing(memory: SharedArrayBuffer): void {
  Atomics.add(new Int32Array(memory, 0, HEADER_BYTES / 4), GENERATION, 1);
}

class RingEnd {
  readonly capacity: number;
  protected readonly counters: Int32Array;
  protected readonly data: Uint8Array;
  readonly #generation: number;

  constructor(memory: SharedArrayBuffer, generation: number) {
    this.counters = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.data = new Uint8Array(memory, HEADER_BYTES);
    this.capacity = this.data.length;
    this.#generation = generation;
    this.checkGeneration();
  }

  protected checkGeneration(): void {
    const found = Atomics.load(this.counters, GENERATION);
    invariant(
      found === this.#generation,
      `the ring belongs to generation ${found}, this end to generation ${this.#generation}`,
    );
  }
}

/** The writing end. Used by one thread. */
export class RingProducer extends RingEnd {
  #tail = 0;

  /** Bytes that are in the ring now; the consumer may have taken more meanwhile. */
  get usedBytes(): number {
    return (this.#tail - Atomics.load(this.counters, HEAD)) >>> 0;
  }

  /** Bytes that the consumer has taken out without having used them, and that the producer has to count as if they were here. */
  get heldBytes(): number {
    return Atomics.load(this.counters, HELD) >>> 0;
  }

  /** Copies as much of `bytes[start, end)` as there is room for, publishes it, and returns how much that was. */
  write(bytes: Uint8Array, start: number, end: number): number {
    this.checkGeneration();
    const room = this.capacity - this.usedBytes;
    const count = Math.min(room, end - start);
    if (count === 0) return 0;
    const at = (this.#tail >>> 0) % this.capacity;
    const first = Math.min(count, this.capacity - at);
    this.data.set(bytes.subarray(start, start + first), at);
    if (first < count) this.data.set(bytes.subarray(start + first, start + count), 0);
    this.#tail = (this.#tail + count) | 0;
    Atomics.store(this.counters, TAIL, this.#tail);
    return count;
  }
}

/** The reading end. Used by one thread. */
export class RingConsumer extends RingEnd {
  #head = 0;

  get isEmpty(): boolean {
    return Atomics.load(this.counters, TAIL) === this.#head;
  }

  /** Bytes that can be read now. */
  get availableBytes(): number {
    return (Atomics.load(this.counters, TAIL) - this.#head) >>> 0;
  }

  /** Says how many bytes have been taken out and not been used. */
  hold(bytes: number): void {
    Atomics.store(this.counters, HELD, bytes | 0);
  }

  /** Copies what has been published to `target` from `start`, at most up to its end, releases it, and returns how much that was. */
  read(target: Uint8Array, start: number): number {
    this.checkGeneration();
    const count = Math.min(this.availableBytes, target.length - start);
    if (count === 0) return 0;
    const at = (this.#head >>> 0) % this.capacity;
    const first = Math.min(count, this.capacity - at);
    target.set(this.data.subarray(at, at + first), start);
    if (first < count) target.set(this.data.subarray(0, count - first), start + first);
    this.#head = (this.#head + count) | 0;
    Atomics.store(this.counters, HEAD, this.#head);
    return count;
  }
}
