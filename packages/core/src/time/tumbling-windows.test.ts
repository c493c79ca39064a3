import fc from "fast-check";
import { expect, test } from "vitest";
import { TimeWindow } from "./time-window.ts";
import { NO_TIMESTAMP } from "./timestamps.ts";
import { TumblingEventTimeWindows } from "./tumbling-windows.ts";
import { WINDOW_LENGTH_MAX_MS } from "./window-parameters.ts";

const timestampsMs = fc.integer({ min: -1e13, max: 1e13 });
const grids = fc
  .integer({ min: 1, max: 1e9 })
  .chain((sizeMs) =>
    fc.record({ sizeMs: fc.constant(sizeMs), offsetMs: fc.integer({ min: 1 - sizeMs, max: sizeMs - 1 }) }),
  );

test("S20: every timestamp falls into exactly one tumbling window of the grid, before and after the epoch", () => {
  fc.assert(
    fc.property(timestampsMs, grids, (timestampMs, { sizeMs, offsetMs }) => {
      const windows = TumblingEventTimeWindows.of(sizeMs, offsetMs).assign(timestampMs);
      expect(windows).toHaveLength(1);
      expect(windows[0]!.start).toBeLessThanOrEqual(timestampMs);
      expect(timestampMs).toBeLessThan(windows[0]!.end);
      expect(windows[0]!.end - windows[0]!.start).toBe(sizeMs);
      expect(Math.abs((windows[0]!.start - offsetMs) % sizeMs)).toBe(0);
    }),
  );
});

test("an element on the boundary opens the next window", () => {
  const hourly = TumblingEventTimeWindows.of("1 h");
  expect(hourly.assign(3_600_000)).toEqual([new TimeWindow(3_600_000, 7_200_000)]);
  expect(hourly.assign(3_599_999)).toEqual([new TimeWindow(0, 3_600_000)]);
});

test("S20: an offset of -8 h makes days run from midnight to midnight in UTC+8", () => {
  const daily = TumblingEventTimeWindows.of("1 d", "-8 h");
  const noon = Date.UTC(2001, 0, 1, 4);
  expect(daily.assign(noon)).toEqual([new TimeWindow(Date.UTC(2000, 11, 31, 16), Date.UTC(2001, 0, 1, 16))]);
  expect(TumblingEventTimeWindows.of("1 d").assign(-1)).toEqual([new TimeWindow(-86_400_000, 0)]);
});

test("an assigner describes itself in milliseconds, as Flink's does", () => {
  const assigner = TumblingEventTimeWindows.of("1 min", "5 s");
  expect(assigner).toMatchObject({ kind: "tumbling", isEventTime: true, sizeMs: 60_000, offsetMs: 5000 });
  expect(String(assigner)).toBe("TumblingEventTimeWindows(60000)");
});

test.each([0, -1, "0.5 ms", WINDOW_LENGTH_MAX_MS + 1] as const)("a size of %s is refused", (size) => {
  expect(() => TumblingEventTimeWindows.of(size)).toThrow(
    /MR_WINDOW_SIZE_INVALID The size of TumblingEventTimeWindows is out of range\. Found: -?\d+ ms\./,
  );
});

test.each(["1 h", "-1 h", "2 h"] as const)("an offset of %s is refused for a size of an hour", (offset) => {
  expect(() => TumblingEventTimeWindows.of("1 h", offset)).toThrow(/MR_WINDOW_SIZE_INVALID The offset/);
});

test.each([NO_TIMESTAMP, Number.NaN])("an element with the timestamp %s has no window", (timestampMs) => {
  expect(() => TumblingEventTimeWindows.of("1 h").assign(timestampMs)).toThrow(/MR_TIMESTAMP_MISSING/);
});
