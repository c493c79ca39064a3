/**
 * A slot of the model: the loop of a thread that steps its ends of rings and parks when none of them can do anything.
 * The ends and the doorbell are the real code in steps; the loop is that of `task/slot-loop.ts`, and an end's step that of
 * `ring-channel.ts`, as far as they touch what threads share:
 *
 *     work       every end moves what can be moved, until a pass has moved nothing
 *     park       the slot says that it is parked (D1)
 *     look       one more pass; if it moved something the slot unparks and works
 *     sleep      waits for the bell
 *     asleep     until the wait ends, or something else wakes the slot: a timer, a message
 *     unpark     the slot says that it is awake
 *     scheduled  its turn comes; until then a wait of before may end
 */
import { Violation } from "./model-memory.ts";
import type { SteppedConsumer, SteppedDoorbell, SteppedProducer, Steps } from "./stepwise.ts";

/** What a slot, or one of its ends, does wrong on purpose. */
export type SlotFlaw =
  | "sleeps without looking again"
  | "writes nothing more after it has parked"
  | "rings before it has moved bytes";

type Phase = "work" | "park" | "look" | "sleep" | "asleep" | "unpark" | "scheduled" | "done";

export interface ModelEnd {
  readonly isProducer: boolean;
  readonly isDone: boolean;
  /** Moves bytes; false when there was nothing to move. */
  step(): Steps<boolean>;
  save(): readonly number[];
  restore(saved: readonly number[]): void;
}

export class ProducerEnd implements ModelEnd {
  readonly isProducer = true;
  readonly #ring: SteppedProducer;
  readonly #consumer: SteppedDoorbell;
  readonly #bytes: Uint8Array;
  readonly #writes: readonly number[];
  readonly #flaw: SlotFlaw | undefined;
  #sent = 0;

  /** @param writes - Sizes of the writes, one after the other. */
  constructor(ring: SteppedProducer, consumer: SteppedDoorbell, writes: readonly number[], flaw?: SlotFlaw) {
    this.#ring = ring;
    this.#consumer = consumer;
    this.#writes = writes;
    this.#bytes = Uint8Array.from({ length: writes.reduce((sum, size) => sum + size, 0) }, (_, index) => index + 1);
    this.#flaw = flaw;
  }

  get isDone(): boolean {
    return this.#sent === this.#bytes.length;
  }

  *step(): Steps<boolean> {
    if (this.isDone) return false;
    let end = 0;
    for (const size of this.#writes) if (end <= this.#sent) end += size;
    if (this.#flaw === "rings before it has moved bytes") yield* this.#consumer.ring();
    const count = yield* this.#ring.write(this.#bytes, this.#sent, end);
    if (count === 0) return false;
    this.#sent += count;
    if (this.#flaw !== "rings before it has moved bytes") yield* this.#consumer.ring();
    return true;
  }

  save(): readonly number[] {
    return [this.#sent, this.#ring._tail];
  }

  restore([sent, tail]: readonly number[]): void {
    this.#sent = sent!;
    this.#ring._tail = tail!;
  }
}

export class ConsumerEnd implements ModelEnd {
  readonly isProducer = false;
  readonly #ring: SteppedConsumer;
  readonly #producer: SteppedDoorbell;
  readonly #count: number;
  readonly #readMax: number;
  readonly #flaw: SlotFlaw | undefined;
  #received = 0;

  /** @param readMax - Bytes that one read takes at most. */
  constructor(ring: SteppedConsumer, producer: SteppedDoorbell, count: number, readMax: number, flaw?: SlotFlaw) {
    this.#ring = ring;
    this.#producer = producer;
    this.#count = count;
    this.#readMax = readMax;
    this.#flaw = flaw;
  }

  get isDone(): boolean {
    return this.#received === this.#count;
  }

  *step(): Steps<boolean> {
    if (yield* this.#ring.isEmpty()) return false;
    if (this.#flaw === "rings before it has moved bytes") yield* this.#producer.ring();
    const target = new Uint8Array(this.#readMax);
    const count = yield* this.#ring.read(target, 0);
    if (count === 0) throw new Violation("a ring that is not empty has nothing to read");
    for (let index = 0; index < count; index++) {
      if (target[index] !== ++this.#received) throw new Violation("a byte is lost, doubled or out of order");
    }
    if (this.#flaw !== "rings before it has moved bytes") yield* this.#producer.ring();
    return true;
  }

  save(): readonly number[] {
    return [this.#received, this.#ring._head];
  }

  restore([received, head]: readonly number[]): void {
    this.#received = received!;
    this.#ring._head = head!;
  }
}

export interface SlotSnapshot {
  readonly phase: Phase;
  readonly endIndex: number;
  readonly hasWorked: boolean;
  readonly isWaiting: boolean;
  readonly ends: readonly (readonly number[])[];
}

export class ModelSlot {
  readonly #doorbell: SteppedDoorbell;
  readonly #ends: readonly ModelEnd[];
  readonly #flaw: SlotFlaw | undefined;
  #phase: Phase = "work";
  #endIndex = 0;
  #hasWorked = false;

  constructor(doorbell: SteppedDoorbell, ends: readonly ModelEnd[], flaw?: SlotFlaw) {
    this.#doorbell = doorbell;
    this.#ends = ends;
    this.#flaw = flaw;
  }

  get isDone(): boolean {
    return this.#phase === "done";
  }

  get isAsleep(): boolean {
    return this.#phase === "asleep";
  }

  /** Whether the event loop has control, so that an ended wait may run its action. */
  get isBetweenTurns(): boolean {
    return this.#phase === "asleep" || this.#phase === "scheduled";
  }

  readonly wake = (): void => {
    if (this.#phase === "asleep") this.#phase = "unpark";
  };

  /** The steps from here to the next place where the slot's state is all in its snapshot. */
  *run(): Steps<void> {
    switch (this.#phase) {
      case "work":
      case "look":
        return yield* this.#stepEnd();
      case "park":
        yield* this.#doorbell.park();
        this.#phase = this.#flaw === "sleeps without looking again" ? "sleep" : "look";
        return;
      case "sleep":
        yield* this.#doorbell.sleep(this.wake);
        this.#phase = "asleep";
        return;
      case "unpark":
        yield* this.#doorbell.unpark();
        this.#phase = "scheduled";
        return;
      case "scheduled":
        this.#phase = "work";
        return;
      case "asleep":
      case "done":
        throw new Error("a slot that is asleep or done has no steps");
    }
  }

  save(): SlotSnapshot {
    return {
      phase: this.#phase,
      endIndex: this.#endIndex,
      hasWorked: this.#hasWorked,
      isWaiting: this.#doorbell._isWaiting,
      ends: this.#ends.map((end) => end.save()),
    };
  }

  restore({ phase, endIndex, hasWorked, isWaiting, ends }: SlotSnapshot): void {
    this.#phase = phase;
    this.#endIndex = endIndex;
    this.#hasWorked = hasWorked;
    this.#doorbell._isWaiting = isWaiting;
    for (const [index, saved] of ends.entries()) this.#ends[index]!.restore(saved);
  }

  *#stepEnd(): Steps<void> {
    const end = this.#ends[this.#endIndex]!;
    const isSkipped =
      this.#flaw === "writes nothing more after it has parked" && this.#phase === "look" && end.isProducer;
    if (!isSkipped && (yield* end.step())) this.#hasWorked = true;
    if (++this.#endIndex < this.#ends.length) return;
    const hasWorked = this.#hasWorked;
    this.#endIndex = 0;
    this.#hasWorked = false;
    if (this.#phase === "look") this.#phase = hasWorked ? "unpark" : "sleep";
    else if (this.#ends.every(({ isDone }) => isDone)) this.#phase = "done";
    else if (!hasWorked) this.#phase = "park";
  }
}
