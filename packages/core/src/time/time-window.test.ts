import fc from "fast-check";
import { expect, test } from "vitest";
import { TimeWindow, windowStartWithOffset } from "./time-window.ts";
import { MAX_WATERMARK } from "./timestamps.ts";
import { WINDOW_LENGTH_MAX_MS } from "./window-parameters.ts";

const DATE_MAX_MS = 8_640_000_000_000_000;
const timestampsMs = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.integer({ min: -DATE_MAX_MS, max: DATE_MAX_MS }),
  fc.constantFrom(-DATE_MAX_MS, DATE_MAX_MS),
);
const grids = fc
  .oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: WINDOW_LENGTH_MAX_MS }))
  .chain((sizeMs) =>
    fc.record({ sizeMs: fc.constant(sizeMs), offsetMs: fc.integer({ min: 1 - sizeMs, max: sizeMs - 1 }) }),
  );

test.each([
  { timestampMs: -1, offsetMs: 0, sizeMs: 5, start: -5 },
  { timestampMs: 7, offsetMs: 2, sizeMs: 5, start: 7 },
  { timestampMs: 0, offsetMs: 0, sizeMs: 5, start: 0 },
  { timestampMs: 4, offsetMs: 0, sizeMs: 5, start: 0 },
  { timestampMs: 5, offsetMs: 0, sizeMs: 5, start: 5 },
  { timestampMs: -5, offsetMs: 0, sizeMs: 5, start: -5 },
  { timestampMs: -6, offsetMs: 0, sizeMs: 5, start: -10 },
  { timestampMs: 1, offsetMs: 2, sizeMs: 5, start: -3 },
  { timestampMs: 6, offsetMs: 2, sizeMs: 5, start: 2 },
  { timestampMs: 0, offsetMs: -1, sizeMs: 5, start: -1 },
  { timestampMs: 4, offsetMs: -1, sizeMs: 5, start: 4 },
  { timestampMs: 986_169_599_999, offsetMs: 0, sizeMs: 3_600_000, start: 986_166_000_000 },
])("$timestampMs lies in the cell that starts at $start for size $sizeMs and offset $offsetMs", (vector) => {
  expect(windowStartWithOffset(vector.timestampMs, vector.offsetMs, vector.sizeMs)).toBe(vector.start);
});

test("every timestamp lies in its cell and the cell on the grid, at the ends of time too", () => {
  fc.assert(
    fc.property(timestampsMs, grids, (timestampMs, { sizeMs, offsetMs }) => {
      const start = windowStartWithOffset(timestampMs, offsetMs, sizeMs);
      expect(start).toBeLessThanOrEqual(timestampMs);
      expect(timestampMs).toBeLessThan(start + sizeMs);
      expect((BigInt(start) - BigInt(offsetMs)) % BigInt(sizeMs)).toBe(0n);
    }),
  );
});

test("the latest window there can be still fires at the end of input", () => {
  const start = windowStartWithOffset(DATE_MAX_MS, 0, WINDOW_LENGTH_MAX_MS);
  expect(new TimeWindow(start, start + WINDOW_LENGTH_MAX_MS).maxTimestamp).toBeLessThan(MAX_WATERMARK);
  expect(DATE_MAX_MS + WINDOW_LENGTH_MAX_MS).toBeLessThan(MAX_WATERMARK);
});

test("the last millisecond of a window is the one before its end", () => {
  expect(new TimeWindow(0, 5).maxTimestamp).toBe(4);
});

test.each([
  [new TimeWindow(0, 5), new TimeWindow(4, 9), true],
  [new TimeWindow(0, 5), new TimeWindow(5, 10), true],
  [new TimeWindow(0, 5), new TimeWindow(6, 10), false],
  [new TimeWindow(0, 10), new TimeWindow(3, 4), true],
  [new TimeWindow(-5, -1), new TimeWindow(0, 1), false],
])("%s and %s intersect: %s, in both directions", (left, right, expected) => {
  expect(left.intersects(right)).toBe(expected);
  expect(right.intersects(left)).toBe(expected);
});

test("a cover reaches from the earlier start to the later end", () => {
  expect(new TimeWindow(0, 5).cover(new TimeWindow(3, 9))).toEqual(new TimeWindow(0, 9));
  expect(new TimeWindow(0, 9).cover(new TimeWindow(3, 5))).toEqual(new TimeWindow(0, 9));
});

test("a window shows itself as Flink's does", () => {
  expect(String(new TimeWindow(0, 5))).toBe("TimeWindow{start=0, end=5}");
});
