import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyEntry } from "../../state/key-entry.ts";
import { JoinBuffer } from "./join-buffer.ts";

const times = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 200 });

function bufferOf(all: readonly number[]): JoinBuffer {
  const buffer = new JoinBuffer(new KeyEntry("a", 0), [all[0]!], [0], 0);
  all.slice(1).forEach((time, index) => {
    buffer.add(index + 1, time);
  });
  return buffer;
}

function contentOf({ times, values, first }: JoinBuffer): (readonly [number, unknown])[] {
  return times.map((time, at) => [time, values[at]] as const).slice(first);
}

test("records are kept in order of their timestamps, ties in order of arrival, and dropped from the oldest on", () => {
  fc.assert(
    fc.property(times, fc.array(fc.integer({ min: -1, max: 61 })), times, (all, trims, more) => {
      const buffer = bufferOf(all);
      let expected = all.map((time, value) => [time, value] as const).sort(([one], [two]) => one - two);
      expect(contentOf(buffer)).toEqual(expected);
      for (const until of trims) {
        expected = expected.filter(([time]) => time > until);
        buffer.trim(until);
        expect(contentOf(buffer)).toEqual(expected);
        expect(buffer.isEmpty).toBe(expected.length === 0);
      }
      more.forEach((time, index) => {
        buffer.add(1000 + index, time);
        expected = [...expected, [time, 1000 + index] as const].sort(([one], [two]) => one - two);
      });
      expect(contentOf(buffer)).toEqual(expected);
    }),
  );
});

test("positions are found by timestamp", () => {
  fc.assert(
    fc.property(times, fc.integer({ min: -1, max: 61 }), fc.integer({ min: -1, max: 61 }), (all, until, wanted) => {
      const buffer = bufferOf(all);
      buffer.trim(until);
      const left = contentOf(buffer).map(([time]) => time);
      expect(buffer.firstFrom(wanted) - buffer.first).toBe(left.filter((time) => time < wanted).length);
      expect(buffer.firstAfter(wanted) - buffer.first).toBe(left.filter((time) => time <= wanted).length);
    }),
  );
});

test("a key that never rests takes no more memory than its live records need, and holds no dropped one", () => {
  const buffer = bufferOf([0]);
  for (let time = 1; time < 2000; time++) {
    buffer.add(time, time);
    buffer.trim(time - 100);
    expect(buffer.times.length).toBeLessThanOrEqual(202);
    expect(buffer.values.slice(0, buffer.first).every((value) => value === undefined)).toBe(true);
  }
});
