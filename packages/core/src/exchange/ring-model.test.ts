/**
 * The model checker: the code of ring.ts and doorbell.ts, taken apart into its atomic steps, in all interleavings.
 * testdata/interleavings.ts says what is checked in every state. The second half are mutants: the same code with one
 * mistake, which the checker has to find.
 */
import { describe, expect, test } from "vitest";
import { exploreRings, type ModelSetup, type RingSetup } from "./testdata/ring-model.ts";
import { loadStepped } from "./testdata/stepwise.ts";

const code = loadStepped();

/** All ways to send `count` bytes with writes of one byte or more. */
function waysToWrite(count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  const ways: (readonly number[])[] = [];
  for (let first = 1; first <= count; first++) {
    for (const rest of waysToWrite(count - first)) ways.push([first, ...rest]);
  }
  return ways;
}

const oneWay = (capacity: number, writes: readonly number[], readMax = 8, counter = 0): RingSetup => ({
  from: 0,
  to: 1,
  capacity,
  writes,
  readMax,
  counter,
});

/** The number of states, of a model in which nothing can go wrong. */
function expectSound(setup: ModelSetup): number {
  const { states, violation, trace } = exploreRings(setup, code);
  expect({ setup, violation, trace }).toEqual({ setup, violation: undefined, trace: [] });
  return states;
}

describe("in every interleaving all bytes arrive once and in order, and nobody sleeps over work", () => {
  test.each([1, 2, 4])("with a ring of capacity %i, up to 5 bytes in writes of many sizes", (capacity) => {
    let states = 0;
    for (const count of [1, 2, 3]) {
      for (const writes of waysToWrite(count)) states += expectSound({ rings: [oneWay(capacity, writes)] });
    }
    for (const writes of [[5], [1, 4], [4, 1]]) states += expectSound({ rings: [oneWay(capacity, writes)] });
    // So that a model that stops early is not taken for a sound one.
    expect(states).toBeGreaterThan(5_000);
  });

  test("when the consumer takes less at a time than there is", () => {
    for (const capacity of [2, 4]) {
      for (const writes of [[3], [1, 2], [4]]) expectSound({ rings: [oneWay(capacity, writes, 1)] });
      expectSound({ rings: [oneWay(capacity, [5], 2)] });
    }
  });

  test.each([
    ["2^32", 2 ** 32],
    ["2^31", 2 ** 31],
  ])("when the counters pass %s", (_name, wrap) => {
    for (const before of [1, 2, 3]) {
      for (const capacity of [2, 4]) expectSound({ rings: [oneWay(capacity, [3, 1], 8, wrap - before)] });
    }
  });

  test("when timers wake the slots too, so that waits outlive the sleep they were made for", () => {
    for (const writes of [[1], [2], [1, 1]]) expectSound({ rings: [oneWay(1, writes)], timers: 1 });
    expectSound({ rings: [oneWay(1, [1])], timers: 3 });
    expectSound({ rings: [oneWay(2, [3])], timers: 2 });
  });

  test("when both slots send and receive, each with one doorbell for room and for bytes", () => {
    for (const [there, back] of [
      [[1], [1]],
      [[2], [1]],
    ] as const) {
      expectSound({ rings: [oneWay(1, there), { ...oneWay(1, back), from: 1, to: 0 }] });
    }
  });

  test("when two slots ring for the same one", () => {
    for (const second of [[1], [2]]) {
      expectSound({
        rings: [
          { ...oneWay(1, [1]), to: 2 },
          { ...oneWay(1, second), from: 1, to: 2 },
        ],
      });
    }
  });
});

describe("the checker finds", () => {
  const usual: ModelSetup = { rings: [oneWay(2, [2, 3])], timers: 1 };
  const atWrap: ModelSetup = { rings: [oneWay(2, [2, 3], 8, 2 ** 32 - 3)] };

  const tailStore = `    this.#tail = (this.#tail + count) | 0;
    Atomics.store(this.counters, TAIL, this.#tail);
`;
  const copyIn = `    this.data.set(bytes.subarray(start, start + first), at);
    if (first < count) this.data.set(bytes.subarray(start + first, start + count), 0);
`;
  const headStore = `    this.#head = (this.#head + count) | 0;
    Atomics.store(this.counters, HEAD, this.#head);
`;
  const copyOut = `    target.set(this.data.subarray(at, at + first), start);
    if (first < count) target.set(this.data.subarray(0, count - first), start + first);
`;

  test.each<[mutant: string, file: "ring.ts" | "doorbell.ts", from: string, to: string, violation: RegExp, ModelSetup]>(
    [
      [
        "a tail that is stored before the copy",
        "ring.ts",
        copyIn + tailStore,
        tailStore + copyIn,
        /at once|before it was written/,
        usual,
      ],
      [
        "a head that is stored before the copy out",
        "ring.ts",
        copyOut + headStore,
        headStore + copyOut,
        /at once|before it was read/,
        usual,
      ],
      [
        "a second part that is not copied",
        "ring.ts",
        "    if (first < count) this.data.set(bytes.subarray(start + first, start + count), 0);\n",
        "",
        /before it was written/,
        atWrap,
      ],
      [
        "room of one byte too much",
        "ring.ts",
        "const room = this.capacity - this.usedBytes;",
        "const room = this.capacity + 1 - this.usedBytes;",
        /before it was read|at once/,
        usual,
      ],
      [
        "fill that is signed",
        "ring.ts",
        "(this.#tail - Atomics.load(this.counters, HEAD)) >>> 0",
        "this.#tail - Atomics.load(this.counters, HEAD)",
        /before it was read|at once/,
        { rings: [oneWay(2, [2, 3], 8, 2 ** 31 - 3)] },
      ],
      [
        "a head that leaves 32 bits",
        "ring.ts",
        "this.#head = (this.#head + count) | 0;",
        "this.#head = this.#head + count;",
        /nothing to read|before it was|at once/,
        { rings: [oneWay(2, [2, 3], 8, 2 ** 31 - 3)] },
      ],
      [
        "a ring without a notify",
        "doorbell.ts",
        "this.#bells.notify(this.#words, this.#index);",
        "",
        /every slot sleeps/,
        usual,
      ],
      [
        "a store in place of the compare-and-swap",
        "doorbell.ts",
        "Atomics.compareExchange(this.#words, this.#index, PARKED, AWAKE) === PARKED",
        "Atomics.store(this.#words, this.#index, AWAKE) === AWAKE",
        /somebody else has rung already/,
        usual,
      ],
      [
        "a bell that waits for the wrong value",
        "doorbell.ts",
        "this.#bells.wait(this.#words, this.#index, PARKED,",
        "this.#bells.wait(this.#words, this.#index, Atomics.load(this.#words, this.#index),",
        /every slot sleeps/,
        usual,
      ],
      [
        "a slot that forgets that its wait has ended",
        "doorbell.ts",
        "      this.#isWaiting = false;\n",
        "",
        /every slot sleeps/,
        usual,
      ],
      [
        "a slot that waits again while it waits",
        "doorbell.ts",
        "    if (this.#isWaiting) return;\n",
        "",
        /waits twice/,
        usual,
      ],
    ],
  )("%s", (_mutant, file, from, to, violation, setup) => {
    expect(exploreRings({ ...setup, edits: [{ file, from, to }] }).violation).toMatch(violation);
  });

  test("a slot that sleeps without a second look", () => {
    const { violation, trace } = exploreRings({ ...usual, timers: 0, flaw: "sleeps without looking again" }, code);
    expect(violation).toBe("every slot sleeps, and there is work");
    // The way there is told step by step: the producer's ring came before the consumer had parked.
    expect(trace.join("\n")).toMatch(/slot 1: sleep/);
  });

  test("a producer that does not try again, once parked, to write what did not fit", () => {
    const { violation } = exploreRings({ ...usual, timers: 0, flaw: "writes nothing more after it has parked" }, code);
    expect(violation).toBe("every slot sleeps, and there is work");
  });

  test("a bell that is rung before the bytes are published, or released (X4)", () => {
    const { violation } = exploreRings({ ...usual, timers: 0, flaw: "rings before it has moved bytes" }, code);
    expect(violation).toBe("every slot sleeps, and there is work");
  });
});

test("an edit that finds no place, or two, is refused: a mutant that is the code itself would prove nothing", () => {
  expect(() => loadStepped([{ file: "ring.ts", from: "no such text", to: "" }])).toThrow("exactly once");
  expect(() => loadStepped([{ file: "ring.ts", from: "Atomics", to: "" }])).toThrow("exactly once");
});
