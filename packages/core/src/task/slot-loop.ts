/**
 * The cooperative loop of one slot: steps its subtasks, most downstream first, and gives the event loop its turn every
 * few milliseconds. When nothing can be done it parks until it is woken or something is due.
 */
import type { Cancel, Clock } from "../platform/platform.ts";

/** What the loop steps; see Subtask. */
export interface Steppable {
  step(deadlineMs: number): boolean;
  nextDueMonoMs(): number;
}

/** How long one subtask works before the next one has its turn. */
export const STEP_MS = 1;

/** How long the loop works before sockets, timers and promises have their turn. */
export const TURN_MS = 4;

export class SlotLoop {
  readonly #clock: Clock;
  #subtasks: readonly Steppable[] = [];
  #scheduled: Cancel | undefined;
  #due: Cancel | undefined;
  #isStopped = false;
  #isTurning = false;
  #wasWokenInTurn = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param subtasks - In topological order; the loop prefers the last ones. */
  run(subtasks: readonly Steppable[]): void {
    this.#subtasks = subtasks.toReversed();
    this.wake();
  }

  wake(): void {
    // A wake during a turn may be meant for a subtask that has had its step already.
    this.#wasWokenInTurn = true;
    if (this.#isStopped || this.#isTurning || this.#scheduled !== undefined) return;
    this.#due?.();
    this.#due = undefined;
    this.#scheduled = this.#clock.soon(() => this.#turn());
  }

  stop(): void {
    this.#isStopped = true;
    this.#scheduled?.();
    this.#due?.();
  }

  #turn(): void {
    this.#scheduled = undefined;
    this.#isTurning = true;
    this.#wasWokenInTurn = false;
    const end = this.#clock.monoMs() + TURN_MS;
    let hasWorked = true;
    while (hasWorked && !this.#isStopped && this.#clock.monoMs() < end) hasWorked = this.#pass();
    this.#isTurning = false;
    if (this.#isStopped) return;
    if (hasWorked || this.#wasWokenInTurn) this.wake();
    else this.#park();
  }

  #pass(): boolean {
    let hasWorked = false;
    for (const subtask of this.#subtasks) {
      if (this.#isStopped) break;
      if (subtask.step(this.#clock.monoMs() + STEP_MS)) hasWorked = true;
    }
    return hasWorked;
  }

  #park(): void {
    const due = Math.min(Number.POSITIVE_INFINITY, ...this.#subtasks.map((subtask) => subtask.nextDueMonoMs()));
    if (due === Number.POSITIVE_INFINITY) return;
    this.#due = this.#clock.after(Math.max(1, due - this.#clock.monoMs()), () => {
      this.#due = undefined;
      this.wake();
    });
  }
}
