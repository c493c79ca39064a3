/**
 * A channel between two threads: records and events as a stream of frames in a ring.
 *
 *     frame    u32 length of what follows, with the highest bit set for an event
 *     record   f64 timestamp, the value in its serializer's bytes
 *     event    u8 kind, then what belongs to the kind (channel-events.ts)
 *
 * - X1. Order is kept: records and events leave in the order they came.
 * - X2. Writing is always allowed. What does not fit into the ring waits here (overdraft), and the producer is not run
 *   while that is a segment or more (soft back-pressure).
 * - X3. Bytes leave when a segment is full, when an event other than a watermark was written, and on `flush`. A frame may
 *   lie in any number of transfers.
 * - X4. Each direction of the doorbell is rung after the bytes were published, or released.
 * - X6. A look at the channel takes everything out of the ring and keeps it in a queue, from which it is taken from then on.
 *   The producer counts the queue with the ring: both together hold no more than the ring and a segment (X2).
 *
 * A serializer's stream context lasts as long as the channel: learned shapes are defined once.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { invariant, MillraceError } from "../base/errors.ts";
import type { Serializer } from "../types/type.ts";
import type { ChannelLook, ChannelReader, ChannelWriter, TakeRecord } from "./channel.ts";
import { type ChannelEvent, readEvent, writeEvent } from "./channel-events.ts";
import type { Doorbell } from "./doorbell.ts";
import { LocalChannel } from "./local-channel.ts";
import { type RingConsumer, type RingProducer, SEGMENT_BYTES } from "./ring.ts";

const EVENT_FLAG = 0x80000000;
const LENGTH_BYTES = 4;

export class RingChannelWriter implements ChannelWriter {
  readonly #ring: RingProducer;
  readonly #serializer: Serializer<unknown>;
  readonly #consumer: Doorbell;
  readonly #flushesAlways: boolean;
  readonly #pending: BinaryWriter = new BinaryWriter(2 * SEGMENT_BYTES);
  /** Bytes of `#pending` that have been transferred. */
  #sent = 0;
  /** Where the last whole frame in `#pending` ends. What lies behind it is a record that could not be written. */
  #end = 0;

  /** @param flushesAlways - Whether every record leaves at once (`execution.buffer-timeout: 0`). */
  constructor(ring: RingProducer, serializer: Serializer<unknown>, consumer: Doorbell, flushesAlways: boolean) {
    this.#ring = ring;
    this.#serializer = serializer;
    this.#consumer = consumer;
    this.#flushesAlways = flushesAlways;
  }

  get isAvailable(): boolean {
    if (this.#end - this.#sent >= SEGMENT_BYTES) this.flush();
    const waiting = this.#end - this.#sent;
    if (waiting >= SEGMENT_BYTES) return false;
    const held = this.#ring.heldBytes;
    return held === 0 || held + this.#ring.usedBytes + waiting < this.#ring.capacity + SEGMENT_BYTES;
  }

  get buffersInUse(): number {
    return Math.ceil((this.#ring.usedBytes + this.#end - this.#sent) / SEGMENT_BYTES);
  }

  push(value: unknown, timestampMs: number): void {
    const out = this.#pending;
    const at = out.position;
    if (at !== this.#end) throw streamHasHole();
    out.u32(0);
    out.f64(timestampMs);
    this.#serializer.write(value, out);
    const end = out.position;
    out.patchU32(at, end - at - LENGTH_BYTES);
    this.#end = end;
    if (end - this.#sent >= SEGMENT_BYTES || this.#flushesAlways) this.flush();
  }

  pushEvent(event: ChannelEvent): void {
    const out = this.#pending;
    const at = out.position;
    if (at !== this.#end) throw streamHasHole();
    out.u32(0);
    writeEvent(event, out);
    const end = out.position;
    out.patchU32(at, (EVENT_FLAG | (end - at - LENGTH_BYTES)) >>> 0);
    this.#end = end;
    if (event.kind !== "watermark" || this.#flushesAlways || end - this.#sent >= SEGMENT_BYTES) this.flush();
  }

  flush(): void {
    if (this.#end === this.#sent) return;
    const count = this.#ring.write(this.#pending.buffer, this.#sent, this.#end);
    if (count === 0) return;
    this.#sent += count;
    // A channel under back-pressure may never be empty. Waiting for half of it makes a byte move once on average.
    if (2 * this.#sent >= this.#end && this.#end === this.#pending.position) this.#dropSent();
    this.#consumer.ring();
  }

  /** Empties the memory of what was sent, not the stream. */
  #dropSent(): void {
    const out = this.#pending;
    const { streamContext } = out;
    const rest = out.buffer.subarray(this.#sent, this.#end);
    out.reset();
    out.streamContext = streamContext;
    // To the front of the same memory, which is large enough.
    if (rest.length > 0) out.rawBytes(rest);
    this.#sent = 0;
    this.#end = rest.length;
  }
}

/**
 * A serializer that fails has written a part of the record, and may have defined shapes in it that no reader will see. The
 * record is not sent, and nothing may follow it, should user code have caught the error.
 */
function streamHasHole(): MillraceError {
  return new MillraceError("MR_VALUE_UNSERIALIZABLE", {
    what: "A channel takes nothing after a record that could not be written",
    todo: "Let the error of that record end the job instead of catching it",
  });
}

export class RingChannelReader implements ChannelReader {
  readonly #ring: RingConsumer;
  readonly #serializer: Serializer<unknown>;
  readonly #producer: Doorbell;
  #bytes: Uint8Array = new Uint8Array(SEGMENT_BYTES);
  readonly #reader: BinaryReader = new BinaryReader(this.#bytes, 0, 0);
  /** X6: what was looked at or restored and has not been taken; undefined when there is nothing of the kind. */
  #ahead: LocalChannel | undefined;
  /** Of the ring, in `#ahead`. */
  #heldBytes = 0;
  #lookCount = 0;
  #receivedBytes = 0;

  constructor(ring: RingConsumer, serializer: Serializer<unknown>, producer: Doorbell) {
    this.#ring = ring;
    this.#serializer = serializer;
    this.#producer = producer;
  }

  get takenBytes(): number {
    return this.#receivedBytes - this.#reader.remaining - this.#heldBytes;
  }

  get hasNext(): boolean {
    return this.#ahead === undefined ? this.#nextHeader() !== undefined : this.#ahead.hasNext;
  }

  takeRecords(take: TakeRecord, limit: number): number {
    const ahead = this.#ahead;
    if (ahead === undefined) return this.#takeFromRing(take, limit);
    const taken = ahead.takeRecords(take, limit);
    if (taken > 0) this.#release(taken);
    return taken;
  }

  takeEvent(): ChannelEvent | undefined {
    const ahead = this.#ahead;
    if (ahead === undefined) return this.#takeEventFromRing();
    const event = ahead.takeEvent();
    if (event !== undefined) this.#release(1);
    return event;
  }

  beginLook(): ChannelLook {
    this.#ahead ??= new LocalChannel();
    this.#lookCount++;
    const look = this.#ahead.beginLook();
    return {
      look: (visitor) => {
        this.#readAhead();
        look.look(visitor);
      },
      close: () => {
        this.#lookCount--;
        this.#release(0);
      },
    };
  }

  restoreRecord(value: unknown, timestampMs: number): void {
    this.#ahead ??= new LocalChannel();
    this.#ahead.restoreRecord(value, timestampMs);
  }

  restoreWatermark(timestampMs: number): void {
    this.#ahead ??= new LocalChannel();
    this.#ahead.restoreWatermark(timestampMs);
  }

  get restoredCount(): number {
    return this.#ahead?.restoredCount ?? 0;
  }

  #readAhead(): void {
    const ahead = this.#ahead!;
    for (let header = this.#nextHeader(); header !== undefined; header = this.#nextHeader()) {
      this.#heldBytes += LENGTH_BYTES + (header & ~EVENT_FLAG);
      if (header >= EVENT_FLAG) ahead.pushEvent(this.#takeEventFromRing()!);
      else this.#takeFromRing((value, timestampMs) => ahead.push(value, timestampMs), 1);
      // At once: a producer that goes on writing has to learn that it must not.
      this.#ring.hold(this.#heldBytes);
    }
  }

  /** After `taken` elements left the queue: as if all of them were equally long. */
  #release(taken: number): void {
    const left = this.#ahead!.size;
    if (left === 0 && this.#lookCount === 0) this.#ahead = undefined;
    if (this.#heldBytes === 0) return;
    this.#heldBytes = left === 0 ? 0 : Math.ceil((this.#heldBytes * left) / (left + taken));
    this.#ring.hold(this.#heldBytes);
    this.#producer.ring();
  }

  #takeFromRing(take: TakeRecord, limit: number): number {
    const reader = this.#reader;
    const serializer = this.#serializer;
    let taken = 0;
    while (taken < limit) {
      const header = this.#nextHeader();
      if (header === undefined || header >= EVENT_FLAG) break;
      reader.u32();
      const end = reader.position + header;
      const timestampMs = reader.f64();
      const value = serializer.read(reader);
      if (reader.position !== end) reader.corrupt(`a record that ends at ${reader.position}`, `its end at ${end}`);
      taken++;
      take(value, timestampMs);
    }
    return taken;
  }

  #takeEventFromRing(): ChannelEvent | undefined {
    const header = this.#nextHeader();
    if (header === undefined || header < EVENT_FLAG) return undefined;
    const reader = this.#reader;
    reader.u32();
    const end = reader.position + (header & ~EVENT_FLAG);
    const event = readEvent(reader);
    if (reader.position !== end) reader.corrupt(`an event that ends at ${reader.position}`, `its end at ${end}`);
    return event;
  }

  /** The header of the next frame when all of the frame is here. Nothing is consumed. */
  #nextHeader(): number | undefined {
    for (;;) {
      const left = this.#reader.remaining;
      const header = left >= LENGTH_BYTES ? this.#reader.peekU32() : 0;
      const needed = LENGTH_BYTES + (header & ~EVENT_FLAG);
      if (left >= LENGTH_BYTES && left >= needed) return header;
      if (this.#ring.isEmpty) return undefined;
      this.#refill();
    }
  }

  /**
   * Moves the rest of the bytes to the front and adds what the ring has. The memory grows when it is full of one frame: with
   * the bytes that are here, not by what a length promises.
   */
  #refill(): void {
    const reader = this.#reader;
    const at = reader.position;
    const left = reader.remaining;
    if (left === this.#bytes.length) {
      const grown = new Uint8Array(2 * left);
      grown.set(this.#bytes);
      this.#bytes = grown;
    } else if (at > 0 && left > 0) {
      this.#bytes.copyWithin(0, at, at + left);
    }
    const added = this.#ring.read(this.#bytes, left);
    invariant(added > 0, "a ring that is not empty has bytes to read");
    this.#receivedBytes += added;
    const { streamContext } = reader;
    reader.reset(this.#bytes, 0, left + added);
    reader.streamContext = streamContext;
    this.#producer.ring();
  }
}
