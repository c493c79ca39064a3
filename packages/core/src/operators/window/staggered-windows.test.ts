import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DataStream } from "../../api/data-stream.ts";
import { createSimulatedPlatform } from "../../platform/simulated-platform.ts";
import { harnessOf } from "../../testing/harness-of.ts";
import { SlidingProcessingTimeWindows } from "../../time/sliding-windows.ts";
import type { TimeWindow } from "../../time/time-window.ts";
import { TumblingEventTimeWindows, TumblingProcessingTimeWindows } from "../../time/tumbling-windows.ts";
import type { SpanAssigner } from "../../time/window-assigner.ts";
import { staggerOffsetMs, WindowStagger } from "../../time/window-stagger.ts";
import type { ProcessWindowContext } from "../functions.ts";

const SUBTASKS = 4;

interface Fired {
  readonly key: string;
  readonly values: readonly number[];
  readonly window: TimeWindow;
}

const windowed = (assigner: SpanAssigner) => (input: DataStream<{ key: string; value: number }>) =>
  input
    .keyBy(({ key }) => key)
    .window(assigner)
    .process<Fired>({
      process: (key: string, { window }: ProcessWindowContext, elements, out) =>
        out.collect({ key, values: [...elements].map(({ value }) => value), window }),
    });

/** Feeds a record of every key at each time, and ends long after. */
function firedOf(assigner: SpanAssigner, keys: number, times: readonly number[], endMs: number): readonly Fired[] {
  const harness = harnessOf(windowed(assigner), { parallelism: SUBTASKS, maxParallelism: 128, processingTime: 0 });
  for (const at of times) {
    harness.setProcessingTime(at);
    for (let key = 0; key < keys; key++) harness.processElement({ key: `key ${key}`, value: at }, at);
  }
  harness.setProcessingTime(endMs);
  harness.processWatermark(endMs);
  return harness.extractOutputValues();
}

const offsetsOf = (fired: readonly Fired[], stepMs: number): ReadonlyMap<string, ReadonlySet<number>> => {
  const offsets = new Map<string, Set<number>>();
  for (const { key, window } of fired) offsets.set(key, (offsets.get(key) ?? new Set()).add(window.start % stepMs));
  return offsets;
};

describe("S20: staggered windows", () => {
  test("S20: windows are aligned unless they are staggered", () => {
    expect(TumblingProcessingTimeWindows.of(100).stagger).toBe(WindowStagger.ALIGNED);
    const fired = firedOf(TumblingProcessingTimeWindows.of(100, 7, WindowStagger.ALIGNED), 8, [130], 1_000);
    expect(fired.map(({ window }) => [window.start, window.end])).toEqual(Array(8).fill([107, 207]));
  });

  test.each([
    ["tumbling windows of processing time", TumblingProcessingTimeWindows.of(1_000, 0, "RANDOM"), 1_000, 1],
    ["tumbling windows of event time", TumblingEventTimeWindows.of(1_000, 0, "RANDOM"), 1_000, 1],
    ["sliding windows of processing time", SlidingProcessingTimeWindows.of(1_000, 500, 0, "RANDOM"), 500, 2],
  ] as const)(
    "S20: %s begin at random moments, which differ by subtask and stay the same in it",
    (_, assigner, step, each) => {
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 5_000, max: 9_000 }), { minLength: 1, maxLength: 8 }), (unordered) => {
          const times = [...new Set(unordered)].toSorted((left, right) => left - right);
          const fired = firedOf(assigner, 40, times, 20_000);
          const offsets = [...offsetsOf(fired, step).values()];
          expect(offsets.every((ofKey) => ofKey.size === 1)).toBe(true);
          expect(new Set(offsets.flatMap((ofKey) => [...ofKey])).size).toBe(SUBTASKS);
          for (const { values, window } of fired) {
            expect(values.every((at) => window.start <= at && at < window.end)).toBe(true);
          }
          expect(fired.flatMap(({ values }) => values)).toHaveLength(times.length * 40 * each);
        }),
        { numRuns: 20 },
      );
    },
  );

  test.each([TumblingProcessingTimeWindows.of(100, 7, "NATURAL"), TumblingEventTimeWindows.of(100, 7, "NATURAL")])(
    "S20: windows of a natural stagger begin, but for the offset, where the first record came: %s",
    (assigner) => {
      const fired = firedOf(assigner, 1, [1_030, 1_136, 1_137], 2_000);
      expect(fired.map(({ window, values }) => [window.start, window.end, values])).toEqual([
        [937, 1_037, [1_030]],
        [1_037, 1_137, [1_136]],
        [1_137, 1_237, [1_137]],
      ]);
    },
  );

  test("S20: a stagger is less than a step, before and after the epoch", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e13 }),
        fc.integer({ min: -1e13, max: 1e13 }),
        fc.integer(),
        (step, now, seed) => {
          const { random } = createSimulatedPlatform({ seed });
          for (const stagger of Object.values(WindowStagger)) {
            const offset = staggerOffsetMs(stagger, step, now, random);
            expect(offset >= 0 && offset < step && Number.isInteger(offset)).toBe(true);
          }
          expect(Math.abs((now - staggerOffsetMs("NATURAL", step, now, random)) % step)).toBe(0);
        },
      ),
    );
  });

  test("S20: an unknown stagger is refused", () => {
    expect(() => TumblingProcessingTimeWindows.of(100, 0, "SOMEHOW" as never)).toThrow(
      /MR_ARGUMENT_INVALID.*SOMEHOW.*ALIGNED/s,
    );
  });
});
