import fc from "fast-check";
import { expect, test } from "vitest";
import { SlidingEventTimeWindows } from "./sliding-windows.ts";
import { TimeWindow } from "./time-window.ts";
import { NO_TIMESTAMP } from "./timestamps.ts";
import { TumblingEventTimeWindows } from "./tumbling-windows.ts";

const grids = fc.integer({ min: 1, max: 30 }).chain((slideMs) =>
  fc.record({
    sizeMs: fc.integer({ min: 1, max: 100 }),
    slideMs: fc.constant(slideMs),
    offsetMs: fc.integer({ min: 1 - slideMs, max: slideMs - 1 }),
  }),
);

test("S20: an element is in exactly the sliding windows of the grid that contain it, the newest first", () => {
  fc.assert(
    fc.property(fc.integer({ min: -500, max: 500 }), grids, (timestampMs, { sizeMs, slideMs, offsetMs }) => {
      // Every start of the grid near the timestamp, checked one by one.
      const expected: TimeWindow[] = [];
      for (let start = timestampMs + 200; start > timestampMs - 200; start--) {
        const isOnGrid = Math.abs((start - offsetMs) % slideMs) === 0;
        if (isOnGrid && start <= timestampMs && timestampMs < start + sizeMs) {
          expected.push(new TimeWindow(start, start + sizeMs));
        }
      }
      expect(SlidingEventTimeWindows.of(sizeMs, slideMs, offsetMs).assign(timestampMs)).toEqual(expected);
    }),
  );
});

test("a slide that divides the size puts every element into size / slide windows", () => {
  const windows = SlidingEventTimeWindows.of("3 h", "15 min").assign(Date.UTC(2001, 0, 1));
  expect(windows).toHaveLength(12);
  expect(windows[0]!.start).toBe(Date.UTC(2001, 0, 1));
  expect(windows[11]!.start).toBe(Date.UTC(2000, 11, 31, 21, 15));
});

test("S20: an element on the boundary is in the window that starts and not in the one that ends", () => {
  expect(SlidingEventTimeWindows.of(10, 5).assign(10)).toEqual([new TimeWindow(10, 20), new TimeWindow(5, 15)]);
});

test("a slide as long as the size is a tumbling window", () => {
  const timestamps = [-11, -10, -1, 0, 9, 10];
  for (const timestampMs of timestamps) {
    expect(SlidingEventTimeWindows.of(10, 10, 3).assign(timestampMs)).toEqual(
      TumblingEventTimeWindows.of(10, 3).assign(timestampMs),
    );
  }
});

test("an element between two windows is in none", () => {
  expect(SlidingEventTimeWindows.of(5, 10).assign(5)).toEqual([]);
  expect(SlidingEventTimeWindows.of(5, 10).assign(4)).toHaveLength(1);
});

test("an assigner describes itself in milliseconds, as Flink's does", () => {
  const assigner = SlidingEventTimeWindows.of("3 h", "15 min", "1 min");
  expect(assigner).toMatchObject({ kind: "sliding", isEventTime: true });
  expect(assigner).toMatchObject({ sizeMs: 10_800_000, slideMs: 900_000, offsetMs: 60_000 });
  expect(String(assigner)).toBe("SlidingEventTimeWindows(10800000, 900000)");
});

test.each([
  { size: 0, slide: 5, offset: 0, problem: "The size of" },
  { size: 5, slide: 0, offset: 0, problem: "The slide of" },
  { size: 5, slide: -5, offset: 0, problem: "The slide of" },
  { size: 10, slide: 5, offset: 5, problem: "The offset of" },
  { size: 10, slide: 5, offset: -5, problem: "The offset of" },
  { size: 100_001, slide: 1, offset: 0, problem: "100001 windows for every element" },
])("size $size, slide $slide and offset $offset are refused: $problem …", ({ size, slide, offset, problem }) => {
  expect(() => SlidingEventTimeWindows.of(size, slide, offset)).toThrow(
    expect.objectContaining({ code: "MR_WINDOW_SIZE_INVALID", message: expect.stringContaining(problem) }),
  );
});

test("an element without a timestamp has no window", () => {
  expect(() => SlidingEventTimeWindows.of(10, 5).assign(NO_TIMESTAMP)).toThrow(/MR_TIMESTAMP_MISSING/);
});
