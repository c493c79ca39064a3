/**
 * The shared memory of the model: does the steps, and watches over them.
 *
 * - M1. No byte is overwritten before it was read, and none is read that was not written since it was read last.
 * - M2. Of all that ring, only the one that changed the word from parked to awake notifies, and once (D2).
 * - M3. A slot has one wait at a time.
 */
import type { Step } from "./stepwise.ts";

export class Violation extends Error {}

interface Wait {
  readonly slot: number;
  readonly index: number;
  readonly action: () => void;
}

export interface MemorySnapshot {
  readonly buffers: readonly Uint8Array[];
  readonly unread: ReadonlySet<number>;
  readonly waits: readonly Wait[];
  readonly rung: readonly Wait[];
  /** Changes from parked to awake for which nobody has notified yet. */
  readonly unheard: number;
}

const PARKED = 1;
/** Header included. */
const RING_BYTES_MAX = 1000;

export class ModelMemory {
  readonly #buffers: readonly Uint8Array[];
  readonly #bells: SharedArrayBuffer;
  /** Places of bytes that were written and not yet read. */
  #unread: Set<number> = new Set();
  #waits: Wait[] = [];
  /** Waits that have ended and whose action the slot has not run yet. */
  #rung: Wait[] = [];
  #unheard = 0;

  constructor(rings: readonly SharedArrayBuffer[], bells: SharedArrayBuffer) {
    this.#buffers = [...rings, bells].map((buffer) => new Uint8Array(buffer));
    this.#bells = bells;
  }

  save(): MemorySnapshot {
    return {
      buffers: this.#buffers.map((bytes) => bytes.slice()),
      unread: new Set(this.#unread),
      waits: [...this.#waits],
      rung: [...this.#rung],
      unheard: this.#unheard,
    };
  }

  restore({ buffers, unread, waits, rung, unheard }: MemorySnapshot): void {
    for (const [index, bytes] of buffers.entries()) this.#buffers[index]!.set(bytes);
    this.#unread = new Set(unread);
    this.#waits = [...waits];
    this.#rung = [...rung];
    this.#unheard = unheard;
  }

  /** The same text for the same contents. */
  key(): string {
    let text = "";
    for (const bytes of this.#buffers) text += Buffer.from(bytes).toString("latin1");
    for (const place of [...this.#unread].sort()) text += `${place},`;
    for (const wait of this.#waits) text += `w${wait.slot}`;
    for (const wait of this.#rung) text += `r${wait.slot}`;
    return `${text}/${this.#unheard}`;
  }

  get hasUnread(): boolean {
    return this.#unread.size > 0;
  }

  isRung(slot: number): boolean {
    return this.#rung.some((wait) => wait.slot === slot);
  }

  /** Runs what the slot asked for when it began to wait. */
  runRung(slot: number): void {
    const at = this.#rung.findIndex((wait) => wait.slot === slot);
    for (const wait of this.#rung.splice(at, 1)) wait.action();
  }

  do(step: Step, slot: number, ownWord: number): number {
    switch (step.kind) {
      case "load":
        return Atomics.load(step.words, step.index);
      case "store":
        this.#noteChange(step.words, step.index, step.value, ownWord);
        return Atomics.store(step.words, step.index, step.value);
      case "add":
        return Atomics.add(step.words, step.index, step.value);
      case "exchange":
        if (Atomics.load(step.words, step.index) === step.expected) {
          this.#noteChange(step.words, step.index, step.value, ownWord);
        }
        return Atomics.compareExchange(step.words, step.index, step.expected, step.value);
      case "writeByte": {
        const { cell, place } = this.#cell(step.buffer, step.cell);
        if (this.#unread.has(place)) throw new Violation("a byte is overwritten before it was read");
        this.#unread.add(place);
        cell[step.cell] = step.value;
        return step.value;
      }
      case "readByte": {
        const { cell, place } = this.#cell(step.buffer, step.cell);
        if (!this.#unread.delete(place)) throw new Violation("a byte is read before it was written");
        return cell[step.cell]!;
      }
      case "wait":
        return this.#wait(step, slot);
      case "notify":
        return this.#notify(step.index);
    }
  }

  #cell(buffer: ArrayBufferLike, at: number): { cell: Uint8Array; place: number } {
    const ring = this.#buffers.findIndex((bytes) => bytes.buffer === buffer);
    return { cell: this.#buffers[ring]!, place: ring * RING_BYTES_MAX + at };
  }

  #noteChange(words: Int32Array, index: number, value: number, ownWord: number): void {
    if (words.buffer !== this.#bells || index === ownWord) return;
    if (Atomics.load(words, index) === PARKED && value !== PARKED) this.#unheard++;
  }

  #wait({ words, index, expected, action }: Extract<Step, { kind: "wait" }>, slot: number): number {
    const wait = { slot, index, action };
    if ([...this.#waits, ...this.#rung].some((other) => other.slot === slot)) {
      throw new Violation("a slot waits twice");
    }
    if (Atomics.load(words, index) === expected) this.#waits.push(wait);
    else this.#rung.push(wait);
    return 0;
  }

  #notify(index: number): number {
    if (this.#unheard-- === 0) throw new Violation("a bell is rung that somebody else has rung already");
    this.#rung.push(...this.#waits.filter((wait) => wait.index === index));
    this.#waits = this.#waits.filter((wait) => wait.index !== index);
    return 0;
  }
}

/** Whether two steps that two threads are about to do touch the same byte, and one of them changes it. */
export function isRace(left: Step, right: Step): boolean {
  if (left.kind !== "writeByte" && left.kind !== "readByte") return false;
  if (right.kind !== "writeByte" && right.kind !== "readByte") return false;
  if (left.kind === "readByte" && right.kind === "readByte") return false;
  return left.buffer === right.buffer && left.cell === right.cell;
}
