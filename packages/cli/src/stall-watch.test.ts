import { describe, expect, test } from "vitest";
import { StallWatch, stallAfterMs } from "./stall-watch.ts";

describe("U09: when the command line asks why nothing comes out", () => {
  /** The times, in seconds, at which a job is asked that has written so many records after each second. */
  function askedAt(written: readonly number[], isRunning: (second: number) => boolean = () => true): readonly number[] {
    const watch = new StallWatch(10_000);
    return written.flatMap((count, second) =>
      watch.sample(isRunning(second), count, second * 1000) === undefined ? [] : [second],
    );
  }

  test("after 10 s without a record, then after 20, 40 and so on", () => {
    expect(askedAt(new Array(100).fill(7))).toEqual([10, 20, 40, 80]);
  });

  test("a record that is written begins it anew", () => {
    const written = Array.from({ length: 40 }, (_, second) => Math.floor(second / 12));
    expect(askedAt(written)).toEqual([10, 22, 34]);
  });

  test("a job that always writes is never asked, nor one that does not run", () => {
    expect(askedAt(Array.from({ length: 60 }, (_, second) => second))).toEqual([]);
    expect(askedAt(new Array(60).fill(0), () => false)).toEqual([]);
    expect(askedAt(new Array(60).fill(0), (second) => second >= 30)).toEqual([40, 50]);
  });

  test("the time can be set, and the question left out", () => {
    expect(stallAfterMs(undefined)).toBe(10_000);
    expect(stallAfterMs("1 min")).toBe(60_000);
    expect(stallAfterMs("never")).toBe(Number.POSITIVE_INFINITY);
    expect(() => stallAfterMs("soon")).toThrow(/MR_CONFIG_INVALID[\s\S]*"30 s", or never/);
    expect(() => stallAfterMs("0 s")).toThrow("MR_CONFIG_INVALID");
  });
});
