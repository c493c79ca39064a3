import { invariant } from "../../base/errors.ts";
import type { Clock, Platform, WorkerScope } from "../../platform/platform.ts";
import { SeededRandom } from "../../platform/seeded-random.ts";
import { t } from "../../types/declared-types.ts";
import type { Serializer } from "../../types/type.ts";
import type { ChannelEvent } from "../channel-events.ts";
import { Doorbell } from "../doorbell.ts";
import { RingConsumer, RingProducer } from "../ring.ts";
import { RingChannelReader, RingChannelWriter } from "../ring-channel.ts";

/** What a slot is told to do: to send records to every other slot, and to receive theirs. */
export interface StressOrder {
  readonly slot: number;
  readonly generation: number;
  readonly seed: string;
  /** The ring from slot i to slot j at `[i][j]`; undefined on the diagonal. */
  readonly rings: readonly (readonly (SharedArrayBuffer | undefined)[])[];
  readonly doorbells: SharedArrayBuffer;
  readonly recordsPerChannel: number;
  readonly flushesAlways: boolean;
  /** Records sent or taken in one go at most. */
  readonly burst: number;
}

export interface StressResult {
  /** Records received, by sender. */
  readonly received: readonly number[];
  readonly parks: number;
  readonly wakes: number;
}

const RECORD = t.object({ sequence: t.int32, text: t.string, sum: t.float64 });
const SERIALIZER = RECORD.serializer as Serializer<unknown>;

/** A barrier lies behind every so many records. */
const RECORDS_PER_BARRIER = 97;
const TEXT_MAX = 400;
const LONG_TEXT = 70_000;

interface StressRecord {
  readonly sequence: number;
  readonly text: string;
  readonly sum: number;
}

/** The record with a number is the same for both ends. Few are longer than a ring of one segment. */
function recordOf(channel: number, sequence: number): StressRecord {
  const mixed = Math.imul(sequence + 1, 0x9e3779b1) ^ Math.imul(channel + 1, 0x85ebca6b);
  const length = sequence % 5000 === 4999 ? LONG_TEXT : (mixed >>> 8) % TEXT_MAX;
  const letter = String.fromCharCode(97 + ((mixed >>> 3) % 26));
  return { sequence, text: letter.repeat(length), sum: mixed * length };
}

/** One direction: sends its records with events between them while the channel is available. */
class Sender {
  readonly writer: RingChannelWriter;
  readonly #channel: number;
  readonly #count: number;
  #next = 0;

  constructor(writer: RingChannelWriter, channel: number, count: number) {
    this.writer = writer;
    this.#channel = channel;
    this.#count = count;
  }

  get isDone(): boolean {
    return this.#next > this.#count && this.writer.buffersInUse === 0;
  }

  /** Sends at most `limit` records; false when it can send none. */
  send(limit: number): boolean {
    let left = limit;
    for (; left > 0 && this.#next <= this.#count && this.writer.isAvailable; left--) {
      if (this.#next === this.#count) this.writer.pushEvent({ kind: "endOfInput" });
      else this.writer.push(recordOf(this.#channel, this.#next), this.#next);
      this.#next++;
      if (this.#next % RECORDS_PER_BARRIER === 0) this.writer.pushEvent({ kind: "barrier", checkpointId: this.#next, timestampMs: 0, unalignedAfterMs: 0 });
    }
    return left < limit;
  }
}

/** The other direction: every record and event has to be the next one. */
class Receiver {
  readonly #reader: RingChannelReader;
  readonly #channel: number;
  readonly #count: number;
  received = 0;
  isDone = false;

  constructor(reader: RingChannelReader, channel: number, count: number) {
    this.#reader = reader;
    this.#channel = channel;
    this.#count = count;
  }

  receive(limit: number): boolean {
    const taken = this.#reader.takeRecords(this.#onRecord, limit);
    const event = this.#reader.takeEvent();
    if (event !== undefined) this.#onEvent(event);
    return taken > 0 || event !== undefined;
  }

  readonly #onRecord = (value: unknown, timestampMs: number): void => {
    // The channel's serializer reads nothing else.
    const { sequence, text, sum } = value as StressRecord;
    const expected = recordOf(this.#channel, this.received);
    const isRight =
      sequence === expected.sequence && text === expected.text && sum === expected.sum && timestampMs === sequence;
    invariant(isRight, `channel ${this.#channel}: record ${sequence} of ${text.length}, expected ${this.received}`);
    this.received++;
  };

  #onEvent(event: ChannelEvent): void {
    if (event.kind === "endOfInput") {
      invariant(this.received === this.#count, `channel ${this.#channel} ends after ${this.received} records`);
      this.isDone = true;
      return;
    }
    const isRight = event.kind === "barrier" && event.checkpointId === this.received && !this.isDone;
    invariant(isRight, `channel ${this.#channel}: an event at the wrong place, ${JSON.stringify(event)}`);
  }
}

/** Runs one order: a loop like that of a slot, with random stalls and flushes. */
class StressSlot {
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #doorbell: Doorbell;
  readonly #senders: Sender[] = [];
  readonly #receivers: Receiver[] = [];
  readonly #burst: number;
  readonly #onDone: (result: StressResult) => void;
  #isScheduled = false;
  #isEnded = false;
  #parks = 0;
  #wakes = 0;

  constructor(order: StressOrder, { clock, bells }: Platform, onDone: (result: StressResult) => void) {
    const { slot, rings, doorbells, generation, recordsPerChannel, flushesAlways } = order;
    this.#clock = clock;
    this.#onDone = onDone;
    this.#burst = order.burst;
    this.#random = new SeededRandom(`${order.seed} ${slot}`);
    this.#doorbell = new Doorbell(doorbells, slot, bells);
    for (const other of rings.keys()) {
      const [out, back] = [rings[slot]![other], rings[other]![slot]];
      if (out === undefined || back === undefined) continue;
      const bell = new Doorbell(doorbells, other, bells);
      const writer = new RingChannelWriter(new RingProducer(out, generation), SERIALIZER, bell, flushesAlways);
      const reader = new RingChannelReader(new RingConsumer(back, generation), SERIALIZER, bell);
      this.#senders.push(new Sender(writer, slot * rings.length + other, recordsPerChannel));
      this.#receivers.push(new Receiver(reader, other * rings.length + slot, recordsPerChannel));
    }
    this.#schedule();
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    if (this.#pass()) {
      this.#schedule();
    } else if ([...this.#senders, ...this.#receivers].every(({ isDone }) => isDone)) {
      // A timer or a wait of before may still come.
      this.#isEnded = true;
      const received = this.#receivers.map((receiver) => receiver.received);
      this.#onDone({ received, parks: this.#parks, wakes: this.#wakes });
    } else {
      this.#park();
    }
  };

  #pass(): boolean {
    let hasWorked = false;
    for (const sender of this.#senders) {
      if (sender.send(1 + this.#random.below(this.#burst))) hasWorked = true;
      if (this.#random.below(4) === 0) sender.writer.flush();
    }
    for (const receiver of this.#receivers) if (receiver.receive(1 + this.#random.below(this.#burst))) hasWorked = true;
    return hasWorked;
  }

  /** D1: says so, looks again for bytes and for room, sleeps. */
  #park(): void {
    this.#doorbell.park();
    for (const { writer } of this.#senders) writer.flush();
    if (this.#pass()) {
      this.#doorbell.unpark();
      this.#schedule();
      return;
    }
    this.#parks++;
    this.#doorbell.sleep(this.#wake);
    // Something else may wake a slot too; the wait then outlives its sleep.
    if (this.#random.below(50) === 0) this.#clock.after(this.#random.fraction(), this.#wake);
  }

  readonly #wake = (): void => {
    if (this.#isScheduled || this.#isEnded) return;
    this.#wakes++;
    this.#doorbell.unpark();
    this.#schedule();
  };

  #schedule(): void {
    this.#isScheduled = true;
    if (this.#random.below(40) === 0) this.#clock.after(this.#random.fraction(), this.#turn);
    else this.#clock.soon(this.#turn);
  }
}

/** The worker: runs every order it is sent and answers with its result. */
export function main({ platform, postMessage, onMessage }: WorkerScope): void {
  onMessage((message) => {
    // The test sends nothing else.
    new StressSlot(message as StressOrder, platform, postMessage);
  });
}
