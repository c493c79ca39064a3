import { expect, test } from "vitest";
import { IntCounter } from "./accumulators/counters.ts";
import { cloneFunction } from "./clone-function.ts";

class Counting {
  seen: { names: string[] } = { names: [] };
  private count = 0;

  next(): number {
    return ++this.count;
  }
}

class Hidden {
  #count = 0;

  next(): number {
    return ++this.#count;
  }
}

test("S26: a copy has the class and the fields of the original, and shares no plain data with it", () => {
  const original = new Counting();
  const copy = cloneFunction(original, "op");
  copy.seen.names.push("x");
  copy.next();
  expect(copy).toBeInstanceOf(Counting);
  expect([original.seen.names, original.next()]).toEqual([[], 1]);
  expect(copy.next()).toBe(2);
});

test("F31: an accumulator in a field is copied, so that every subtask adds to its own", () => {
  const original = { lines: new IntCounter(3), all: [new IntCounter(1)], map: (n: number) => n };
  const copy = cloneFunction(original, "op");
  copy.lines.add(1);
  copy.all[0]!.add(1);
  expect([original.lines, copy.lines].map((each) => each.getLocalValue())).toEqual([3, 4]);
  expect([original.all[0]!, copy.all[0]!].map((each) => each.getLocalValue())).toEqual([1, 2]);
});

test("a plain function is shared", () => {
  const fn = (value: number): number => value + 1;
  expect(cloneFunction(fn, "op")).toBe(fn);
});

test("an object with #private fields is refused before it can fail at the first record", () => {
  expect(() => cloneFunction(new Hidden(), "op")).toThrow(/MR_FUNCTION_NOT_COPYABLE.*class Hidden/);
});
