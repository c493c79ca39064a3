/**
 * The cooperative loop of one slot: steps its subtasks, most downstream first, and gives the event loop its turn every
 * few milliseconds. When nothing can be done it parks until it is woken, something is due, or another thread rings.
 * A slot has one loop, which its deployments join and leave: they share its door.
 *
 * - P1. Before it sleeps the loop lets the consumers see everything that was written for them, or as much as has room.
 * - P2. It parks as the doorbell asks for (D1): it says so first, then looks once more for room and for work.
 * - P3. What has been removed is not stepped any more, not even in the turn in which it was.
 */
import type { Doorbell } from "../exchange/doorbell.ts";
import type { Cancel, Clock } from "../platform/platform.ts";

/** What the loop steps; see Subtask. */
export interface Steppable {
  step(nowMonoMs: number, deadlineMonoMs: number): boolean;
  /** Lets the consumers see what was written. */
  flushOutputs(): void;
  nextDueMonoMs(): number;
}

/** How long one subtask works before the next one has its turn. */
export const STEP_MS = 1;

/** How long the loop works before sockets, timers and promises have their turn. */
export const TURN_MS = 4;

export interface SlotLoopOptions {
  readonly clock: Clock;
  /** How long records may wait in a buffer that is not full, while the loop is busy; Infinity: for as long as it takes. */
  readonly bufferTimeoutMs: number;
  /** Undefined when no other thread feeds this slot. */
  readonly doorbell?: Doorbell | undefined;
  /** Told which subtask is at work, by its place among all of the slot, and -1 for none. */
  readonly onStep?: (place: number) => void;
}

interface Entry {
  readonly subtask: Steppable;
  readonly place: number;
}

export class SlotLoop {
  readonly #clock: Clock;
  readonly #bufferTimeoutMs: number;
  readonly #doorbell: Doorbell | undefined;
  readonly #onStep: ((place: number) => void) | undefined;
  #entries: readonly Entry[] = [];
  #scheduled: Cancel | undefined;
  #due: Cancel | undefined;
  #isTurning = false;
  #wasWokenInTurn = false;
  #lastFlushMs = 0;

  constructor(options: SlotLoopOptions) {
    this.#clock = options.clock;
    this.#bufferTimeoutMs = options.bufferTimeoutMs;
    this.#doorbell = options.doorbell;
    this.#onStep = options.onStep;
  }

  /**
   * Steps these, too, from now on.
   * @param subtasks - In topological order; the loop prefers the last ones.
   * @param places - What `onStep` is told about each of them.
   */
  add(subtasks: readonly Steppable[], places: readonly number[]): void {
    const added = subtasks.map((subtask, index) => ({ subtask, place: places[index]! }));
    this.#entries = [...added.toReversed(), ...this.#entries];
    this.wake();
  }

  /** P3. */
  remove(subtasks: readonly Steppable[]): void {
    const removed = new Set(subtasks);
    this.#entries = this.#entries.filter(({ subtask }) => !removed.has(subtask));
    if (this.#entries.length > 0) return;
    this.#scheduled?.();
    this.#scheduled = undefined;
    this.#due?.();
    this.#due = undefined;
    this.#doorbell?.unpark();
  }

  readonly wake = (): void => {
    // A wake during a turn may be meant for a subtask that has had its step already.
    this.#wasWokenInTurn = true;
    if (this.#entries.length === 0 || this.#isTurning || this.#scheduled !== undefined) return;
    this.#doorbell?.unpark();
    this.#due?.();
    this.#due = undefined;
    this.#scheduled = this.#clock.soon(() => this.#turn());
  };

  #turn(): void {
    this.#scheduled = undefined;
    this.#isTurning = true;
    this.#wasWokenInTurn = false;
    const end = this.#clock.monoMs() + TURN_MS;
    let hasWorked = true;
    while (hasWorked && this.#entries.length > 0 && this.#clock.monoMs() < end) hasWorked = this.#pass();
    if (hasWorked) this.#flushWhenDue(end);
    else hasWorked = this.#prepareToPark();
    this.#isTurning = false;
    if (this.#entries.length === 0) this.#doorbell?.unpark();
    else if (hasWorked || this.#wasWokenInTurn) this.wake();
    else this.#park();
  }

  #pass(): boolean {
    let hasWorked = false;
    let now = this.#clock.monoMs();
    const entries = this.#entries;
    for (const entry of entries) {
      if (entries !== this.#entries && !this.#entries.includes(entry)) continue;
      this.#onStep?.(entry.place);
      if (entry.subtask.step(now, now + STEP_MS)) hasWorked = true;
      now = this.#clock.monoMs();
    }
    this.#onStep?.(-1);
    return hasWorked;
  }

  #flushWhenDue(now: number): void {
    if (now - this.#lastFlushMs < this.#bufferTimeoutMs) return;
    this.#lastFlushMs = now;
    for (const { subtask } of this.#entries) subtask.flushOutputs();
  }

  /** P1 and P2; true when there was something to do after all. */
  #prepareToPark(): boolean {
    this.#doorbell?.park();
    // After it has said so: room that is made from now on rings, room that was made before is used here. Also without a
    // timeout, because a slot that has nothing else to do gains nothing by holding records back.
    for (const { subtask } of this.#entries) subtask.flushOutputs();
    return this.#doorbell !== undefined && this.#pass();
  }

  #park(): void {
    this.#doorbell?.sleep(this.wake);
    const due = Math.min(Number.POSITIVE_INFINITY, ...this.#entries.map(({ subtask }) => subtask.nextDueMonoMs()));
    if (due === Number.POSITIVE_INFINITY) return;
    this.#due = this.#clock.after(Math.max(1, due - this.#clock.monoMs()), () => {
      this.#due = undefined;
      this.wake();
    });
  }
}
