import { expect, test } from "vitest";
import type { Clock } from "../platform/platform.ts";
import { TAKE_RECORDS_MAX, TakeSize } from "./take-size.ts";

/** Takes of records that cost `msPerRecord` each; returns their sizes. */
function sizes(costs: readonly number[]): readonly number[] {
  let nowMs = 0;
  const clock = { monoMs: () => nowMs } as Clock;
  const size = new TakeSize(clock);
  return costs.map((msPerRecord) =>
    size.measure((recordsMax) => {
      nowMs += recordsMax * msPerRecord;
      return recordsMax;
    }),
  );
}

test("fast records are soon taken many at a time", () => {
  const found = sizes(new Array<number>(12).fill(0.001));
  expect(found.slice(0, 4)).toEqual([1, 2, 4, 8]);
  expect(found.slice(-3)).toEqual([TAKE_RECORDS_MAX, TAKE_RECORDS_MAX, TAKE_RECORDS_MAX]);
});

test("records that take long are taken one by one, from the first one on", () => {
  expect(sizes([260, 260, 260])).toEqual([1, 1, 1]);
});

test("records that begin to take long are taken one by one after the first look", () => {
  expect(sizes([...new Array<number>(9).fill(0), 260, 260]).slice(-2)).toEqual([TAKE_RECORDS_MAX, 1]);
});

test("a take of moderate records lasts a few milliseconds", () => {
  const [, ...later] = sizes([0.1, 0.1, 0.1, 0.1, 0.1, 0.1]);
  for (const size of later) expect(size * 0.1).toBeLessThanOrEqual(4);
});

test("one slow take, such as a collection of garbage, is soon forgotten", () => {
  expect(sizes([1, ...new Array<number>(10).fill(0.0001)]).at(-1)).toBe(TAKE_RECORDS_MAX);
});
