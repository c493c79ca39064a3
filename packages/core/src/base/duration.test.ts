import { expect, test } from "vitest";
import { type Duration, durationMs, formatDuration } from "./duration.ts";

test("a duration is milliseconds or a number with a unit", () => {
  expect([250, "250 ms", "10 s", "1.5 min", "6 h", "1 d", "-8 h"].map((each) => durationMs(each as Duration))).toEqual([
    250, 250, 10_000, 90_000, 21_600_000, 86_400_000, -28_800_000,
  ]);
});

test.each(["10", "10 parsecs", "s", "", Number.NaN, undefined])("%s is refused with how to write it", (duration) => {
  expect(() => durationMs(duration as Duration)).toThrow(/MR_DURATION_INVALID.*"10 s"/);
});

test("a duration is shown in its largest exact unit", () => {
  expect([0, 1, 1500, 90_000, 3_600_000, 172_800_000].map(formatDuration)).toEqual([
    "0 ms",
    "1 ms",
    "1500 ms",
    "90 s",
    "1 h",
    "2 d",
  ]);
});
