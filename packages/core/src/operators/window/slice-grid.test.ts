import fc from "fast-check";
import { expect, test } from "vitest";
import { SlidingEventTimeWindows } from "../../time/sliding-windows.ts";
import { SliceGrid } from "./slice-grid.ts";

const grids = fc
  .record({
    slide: fc.integer({ min: 1, max: 50 }),
    more: fc.integer({ min: 0, max: 200 }),
    offset: fc.integer({ min: -49, max: 49 }),
  })
  .map(({ slide, more, offset }) => ({ size: slide + more, slide, offset: offset % slide }));

const timestamps = fc.oneof(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: -8.64e15, max: 8.64e15 }));

test("a timestamp's slice contains it, and all timestamps of the slice have the same windows", () => {
  fc.assert(
    fc.property(grids, timestamps, ({ size, slide, offset }, timestamp) => {
      const grid = new SliceGrid(size, slide, offset);
      const start = grid.sliceStart(timestamp);
      const end = grid.sliceEnd(start);
      expect(start <= timestamp && timestamp < end).toBe(true);
      const assigner = SlidingEventTimeWindows.of(size, slide, offset);
      const windows = assigner.assign(timestamp);
      for (const at of [start, end - 1]) {
        expect(grid.sliceStart(at)).toBe(start);
        expect(assigner.assign(at)).toEqual(windows);
      }
      expect(grid.lastWindowEnd(start)).toBe(windows[0]!.end);
      expect(grid.firstWindowEnd(start)).toBe(windows.at(-1)!.end);
      expect(grid.windowEndAfter(timestamp)).toBe(windows.at(-1)!.end);
    }),
  );
});

test("there are at most two slices to a slide, however size and slide relate", () => {
  const grid = new SliceGrid(3_600_000, 7001, 0);
  const starts = new Set(Array.from({ length: 7001 }, (_, at) => grid.sliceStart(at)));
  expect([...starts]).toEqual([0, 3_600_000 % 7001]);
});
