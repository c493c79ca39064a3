import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Clock } from "../platform/platform.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { MIN_WATERMARK } from "../time/timestamps.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { SplitWatermarks } from "./split-watermarks.ts";

const IDLE_MS = 100;

/** A clock that the test moves itself. */
interface HandClock extends Clock {
  nowMs: number;
}

function onClock(body: (clock: HandClock) => void): void {
  const { wallMs, after, soon } = platform.clock;
  const clock: HandClock = { nowMs: 0, monoMs: () => clock.nowMs, wallMs, after, soon };
  body(clock);
}

function watermarksOn(clock: Clock): SplitWatermarks {
  return new SplitWatermarks(WatermarkStrategy.forBoundedOutOfOrderness(0).withIdleness(IDLE_MS), clock);
}

function record(watermarks: SplitWatermarks, splitId: string, timestampMs: number): void {
  const tracker = watermarks.trackerOf(splitId);
  tracker.onRecords();
  if (timestampMs > tracker.maxTimestamp) tracker.maxTimestamp = timestampMs;
}

const platform = createSimulatedPlatform({ seed: 1 });

describe("F09: idleness of splits", () => {
  type Step = { readonly kind: "record" | "wait" | "finish" | "unread"; readonly split: number; readonly by: number };
  const steps: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom("record", "record", "wait", "wait", "finish", "unread"),
    split: fc.nat(2),
    by: fc.nat(80),
  });

  test("T1-T3: watermark and status follow from how long each split has been listened to in vain", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60, size: "max" }), (list) => {
        onClock((clock) => {
          const watermarks = watermarksOn(clock);
          const splits = new Map<number, { timestampMs: number; silentMs: number }>();
          let noneSilentMs = 0;
          for (const { kind, split, by } of list) {
            if (kind === "record") {
              record(watermarks, `${split}`, by);
              const known = splits.get(split);
              splits.set(split, { timestampMs: Math.max(by, known?.timestampMs ?? by), silentMs: 0 });
              watermarks.progress();
            } else if (kind === "finish") {
              if (splits.delete(split)) {
                watermarks.finished(`${split}`);
                if (splits.size === 0) noneSilentMs = 0;
              }
            } else {
              if (kind === "unread") watermarks.setRead(false);
              clock.nowMs += by;
              watermarks.setRead(true);
              if (kind === "wait") {
                for (const each of splits.values()) each.silentMs += by;
                noneSilentMs += by;
              }
            }
            const active = [...splits.values()].filter((each) => each.silentMs < IDLE_MS);
            const lowest = Math.min(...active.map((each) => each.timestampMs));
            expect(watermarks.progress()).toEqual({
              watermarkMs: active.length === 0 ? undefined : lowest - 1,
              isIdle: splits.size === 0 ? noneSilentMs >= IDLE_MS : active.length === 0,
            });
          }
        });
      }),
    );
  });

  test("T1: a split that has started without a record holds the others back until it falls idle", () => {
    onClock((clock) => {
      const watermarks = watermarksOn(clock);
      record(watermarks, "a", 50);
      watermarks.trackerOf("b");
      expect(watermarks.progress()).toEqual({ watermarkMs: undefined, isIdle: false });
      clock.nowMs = 60;
      record(watermarks, "a", 70);
      watermarks.progress();
      clock.nowMs = 100;
      expect(watermarks.nextIdleMonoMs()).toBe(100);
      expect(watermarks.progress()).toEqual({ watermarkMs: 69, isIdle: false });
      expect(watermarks.nextIdleMonoMs()).toBe(160);
    });
  });

  test("T3: a split that waits for others does not fall idle meanwhile", () => {
    onClock((clock) => {
      const watermarks = watermarksOn(clock);
      record(watermarks, "a", 50);
      watermarks.progress();
      watermarks.setPaused(watermarks.trackerOf("a"), true);
      clock.nowMs = 500;
      expect(watermarks.progress().isIdle).toBe(false);
      expect(watermarks.nextIdleMonoMs()).toBe(Number.POSITIVE_INFINITY);
      watermarks.setPaused(watermarks.trackerOf("a"), false);
      clock.nowMs = 600;
      expect(watermarks.progress().isIdle).toBe(true);
    });
  });

  test("a generator may say itself that its split is idle; a watermark makes it active again", () => {
    onClock((clock) => {
      const strategy = WatermarkStrategy.forGenerator<number>(() => ({
        onEvent: (event, timestampMs, output) => (event < 0 ? output.markIdle() : output.emitWatermark(timestampMs)),
        onPeriodicEmit: () => {},
      }));
      const watermarks = new SplitWatermarks(strategy as WatermarkStrategy<unknown>, clock);
      const tracker = watermarks.trackerOf("a");
      tracker.generator!.onEvent(1, 10, tracker);
      expect(watermarks.progress()).toEqual({ watermarkMs: 10, isIdle: false });
      tracker.generator!.onEvent(-1, 20, tracker);
      expect(watermarks.progress()).toEqual({ watermarkMs: undefined, isIdle: true });
      tracker.generator!.onEvent(1, 30, tracker);
      expect(watermarks.progress()).toEqual({ watermarkMs: 30, isIdle: false });
    });
  });
});

test("S18: bounded out-of-orderness trails by the bound and 1 ms, and says nothing before the first record", () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.array(fc.integer({ min: -5000, max: 5000 }), { minLength: 1 }), (boundMs, times) => {
      const strategy = WatermarkStrategy.forBoundedOutOfOrderness(boundMs);
      const watermarks = new SplitWatermarks(strategy, platform.clock);
      expect(watermarks.trackerOf("a").watermarkMs()).toBe(MIN_WATERMARK);
      for (const timestampMs of times) record(watermarks, "a", timestampMs);
      expect(watermarks.progress().watermarkMs).toBe(Math.max(...times) - boundMs - 1);
    }),
  );
});

test.each([
  [Number.NaN, "NaN"],
  [undefined, "undefined"],
  [new Date(5), "a Date"],
])("S18: a watermark of %s, which is no time, is refused, and those before it stay", (watermark, found) => {
  onClock((clock) => {
    const generator = { onEvent: () => {}, onPeriodicEmit: () => {} };
    const watermarks = new SplitWatermarks(
      WatermarkStrategy.forGenerator(() => generator),
      clock,
    );
    const tracker = watermarks.trackerOf("0");
    tracker.emitWatermark(7);
    expect(() => tracker.emitWatermark(watermark as number)).toThrow(
      expect.objectContaining({ code: "MR_WATERMARK_INVALID", message: expect.stringContaining(`Found: ${found}.`) }),
    );
    expect(tracker.watermarkMs()).toBe(7);
  });
});
