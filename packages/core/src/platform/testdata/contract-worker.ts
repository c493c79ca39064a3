import type { Bells, WorkerScope } from "../platform.ts";

/** The worker of the contract suite: does what its messages say. Runs in a real thread and in a simulated one. */
export function main({ platform, input, postMessage, onMessage, exit }: WorkerScope): void {
  if (input === "fail at once") throw new Error("failed at once");
  postMessage({ started: input });
  onMessage((message) => {
    if (message === "exit") {
      postMessage("last words");
      exit(7);
    } else if (message === "throw later") {
      platform.clock.after(1, () => {
        throw new TypeError("thrown from a timer");
      });
    } else if (message instanceof Uint8Array) {
      // Given back in a copy of its own.
      const copy = message.slice();
      postMessage(copy, [copy.buffer]);
      postMessage(copy.length);
    } else if (isBellOrder(message)) {
      followBellOrder(message, platform.bells, postMessage);
    } else {
      postMessage({ echo: message });
    }
  });
}

/** What a worker does with a word of shared memory. */
export interface BellOrder {
  readonly bell: "wait" | "ring" | "pass on";
  readonly memory: SharedArrayBuffer;
  readonly index: number;
  /** For "wait" what is expected, for "ring" what is stored, for "pass on" how often. */
  readonly value: number;
}

function isBellOrder(message: unknown): message is BellOrder {
  return typeof message === "object" && message !== null && "bell" in message;
}

function followBellOrder(order: BellOrder, bells: Bells, postMessage: (message: unknown) => void): void {
  const { bell, memory, index, value } = order;
  const words = new Int32Array(memory);
  switch (bell) {
    case "wait":
      bells.wait(words, index, value, () => postMessage({ woken: index }));
      postMessage({ waits: index });
      break;
    case "ring":
      Atomics.store(words, index, value);
      bells.notify(words, index);
      break;
    case "pass on":
      passOn({ bells, words, index, parity: 1, end: value, onEnd: () => postMessage({ passedOn: value }) });
  }
}

/** Two threads count a word up in turns, each waiting for the other: one makes it even, the other odd. */
export function passOn(turns: {
  readonly bells: Bells;
  readonly words: Int32Array;
  readonly index: number;
  /** Of the numbers that are this side's to count up from. */
  readonly parity: number;
  readonly end: number;
  readonly onEnd: () => void;
}): void {
  const { bells, words, index, parity, end, onEnd } = turns;
  let now = Atomics.load(words, index);
  // The other side may have counted on before this one looks again.
  while (now < end && now % 2 === parity) {
    Atomics.store(words, index, now + 1);
    bells.notify(words, index);
    now = Atomics.load(words, index);
  }
  if (now >= end) onEnd();
  else bells.wait(words, index, now, () => passOn(turns));
}
