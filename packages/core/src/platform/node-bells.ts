import type { Bells, Cancel } from "./platform.ts";

/** `Atomics.waitAsync` and `Atomics.notify`: a wake-up takes 10 to 50 µs and needs no port between the threads. @internal */
export class NodeBells implements Bells {
  wait(words: Int32Array, index: number, expected: number, action: () => void): Cancel {
    let isCancelled = false;
    const fire = (): void => {
      if (!isCancelled) action();
    };
    const waiting = Atomics.waitAsync(words, index, expected);
    if (waiting.async) void waiting.value.then(fire);
    else setImmediate(fire);
    return () => {
      isCancelled = true;
    };
  }

  notify(words: Int32Array, index: number): void {
    Atomics.notify(words, index);
  }
}
