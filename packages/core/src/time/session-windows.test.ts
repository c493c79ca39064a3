import fc from "fast-check";
import { expect, test } from "vitest";
import { EventTimeSessionWindows, mergeSessionWindows } from "./session-windows.ts";
import { TimeWindow } from "./time-window.ts";
import { NO_TIMESTAMP } from "./timestamps.ts";

const windows = fc.array(
  fc
    .record({ start: fc.integer({ min: -100, max: 100 }), length: fc.integer({ min: 1, max: 30 }) })
    .map(({ start, length }) => new TimeWindow(start, start + length)),
  { maxLength: 20 },
);

function startsAndEnds(list: readonly TimeWindow[]): string[] {
  return list.map(String).sort();
}

test("an element's own window reaches from its timestamp to a gap later", () => {
  expect(EventTimeSessionWindows.withGap("30 min").assign(-1)).toEqual([new TimeWindow(-1, 1_799_999)]);
});

test("S20: sessions are disjoint, cover their parts exactly and lose no window", () => {
  fc.assert(
    fc.property(windows, (list) => {
      const sessions = mergeSessionWindows(list);
      expect(startsAndEnds(sessions.flatMap((session) => session.parts))).toEqual(startsAndEnds(list));
      for (const [index, { merged, parts }] of sessions.entries()) {
        expect(merged).toEqual(parts.reduce((cover, part) => cover.cover(part)));
        if (index > 0) expect(sessions[index - 1]!.merged.end).toBeLessThan(merged.start);
      }
    }),
  );
});

test("every part of a session meets another part of it", () => {
  fc.assert(
    fc.property(windows, (list) => {
      for (const { parts } of mergeSessionWindows(list)) {
        const met = [parts[0]!];
        for (const part of parts.slice(1)) {
          expect(met.some((other) => other.intersects(part))).toBe(true);
          met.push(part);
        }
      }
    }),
  );
});

test("the order in which windows come does not change the sessions", () => {
  fc.assert(
    fc.property(windows, (list) => {
      const sessionsOf = (given: readonly TimeWindow[]): string[] =>
        mergeSessionWindows(given).map(({ merged, parts }) => `${merged} of ${parts.length}`);
      expect(sessionsOf(list.toReversed())).toEqual(sessionsOf(list));
    }),
  );
});

test("a window that connects two others merges all three", () => {
  const [left, right, bridge] = [new TimeWindow(0, 5), new TimeWindow(9, 14), new TimeWindow(4, 9)];
  expect(mergeSessionWindows([left, right])).toHaveLength(2);
  expect(mergeSessionWindows([left, right, bridge])).toEqual([
    { merged: new TimeWindow(0, 14), parts: [left, bridge, right] },
  ]);
});

test("S20: an element exactly a gap after another continues the session, one millisecond later starts the next", () => {
  const gap5 = EventTimeSessionWindows.withGap(5);
  const sessionsOf = (...timestamps: number[]): number =>
    mergeSessionWindows(timestamps.flatMap((t) => gap5.assign(t))).length;
  expect(sessionsOf(0, 5)).toBe(1);
  expect(sessionsOf(0, 6)).toBe(2);
});

test("a short window inside a long one does not shorten the session", () => {
  const [long, short, late] = [new TimeWindow(0, 20), new TimeWindow(1, 2), new TimeWindow(15, 25)];
  expect(mergeSessionWindows([long, short, late]).map((session) => session.merged)).toEqual([new TimeWindow(0, 25)]);
});

test("no windows make no sessions", () => {
  expect(mergeSessionWindows([])).toEqual([]);
});

test("an assigner describes itself in milliseconds, as Flink's does", () => {
  const assigner = EventTimeSessionWindows.withGap("10 s");
  expect(assigner).toMatchObject({ kind: "session", isEventTime: true, gapMs: 10_000 });
  expect(String(assigner)).toBe("EventTimeSessionWindows(10000)");
});

test.each([0, "-1 s"] as const)("a gap of %s is refused", (gap) => {
  expect(() => EventTimeSessionWindows.withGap(gap)).toThrow(/MR_WINDOW_SIZE_INVALID The gap/);
});

test("an element without a timestamp has no window", () => {
  expect(() => EventTimeSessionWindows.withGap(5).assign(NO_TIMESTAMP)).toThrow(/MR_TIMESTAMP_MISSING/);
});
