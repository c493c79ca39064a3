import type { Clock } from "../../platform/platform.ts";

/** Questions of one kind to another thread, which answers all that are open at once, or not at all. */
export class Questions<A> {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #open: ((answer: A) => void)[] = [];

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** @param otherwise - What is returned when no answer comes within the time. */
  ask<B>(otherwise: B): Promise<A | B> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#timeoutMs, () => resolve(otherwise));
      this.#open.push((answer) => {
        cancel();
        resolve(answer);
      });
    });
  }

  answer(answer: A): void {
    for (const settle of this.#open.splice(0)) settle(answer);
  }
}
