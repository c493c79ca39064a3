import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSimulatedPlatform } from "../../../platform/simulated-platform.ts";
import { OperatorHarness } from "../../../testing/operator-harness.ts";
import { GlobalWindows } from "../../../time/global-windows.ts";
import { NO_TIMESTAMP } from "../../../time/timestamps.ts";
import type { Window } from "../../../time/window.ts";
import type { WindowFold } from "../../operator-spec.ts";
import { generalWindowSpec, type WindowPlan } from "../general-window-spec.ts";
import { CountTrigger } from "../triggers/count-trigger.ts";
import { CountEvictor } from "./count-evictor.ts";
import { DeltaEvictor } from "./delta-evictor.ts";
import { type Evictor, evictWhere, type TimestampedValue } from "./evictor.ts";
import { TimeEvictor } from "./time-evictor.ts";

const platform = createSimulatedPlatform({ seed: 4 });
const listing: WindowFold = { kind: "list", type: undefined };

/** What a global window emits at every element, restored after each. */
function emitted(
  evictor: Evictor<number>,
  elements: readonly (readonly [value: number, timestampMs: number])[],
  fold: WindowFold = listing,
): readonly unknown[] {
  const plan: WindowPlan = {
    key: () => "all",
    assigner: GlobalWindows.create(),
    trigger: CountTrigger.of(1),
    evictor: evictor as Evictor<unknown, Window>,
    elementType: undefined,
    fold,
    emit: { kind: "function", fn: (_key, _window, result) => structuredClone(result) },
    allowedLatenessMs: 0,
    lateTag: undefined,
  };
  let harness = new OperatorHarness(generalWindowSpec(plan), { platform });
  return elements.map(([value, timestampMs]) => {
    harness.element(value, timestampMs);
    const output = harness.output().map((each) => each.value);
    harness = new OperatorHarness(generalWindowSpec(plan), { platform, restore: harness.snapshot() });
    return output.length === 0 ? undefined : output[0];
  });
}

const at = (...times: readonly number[]) => times.map((time) => [time, time] as const);

describe("F03: evictors", () => {
  test("CountEvictor keeps the newest elements, before or after the function has seen them", () => {
    expect(emitted(CountEvictor.of(2), at(1, 2, 3, 4))).toEqual([[1], [1, 2], [2, 3], [3, 4]]);
    expect(emitted(CountEvictor.of(2, true), at(1, 2, 3, 4))).toEqual([[1], [1, 2], [1, 2, 3], [2, 3, 4]]);
    expect(emitted(CountEvictor.of(0, true), at(1, 2))).toEqual([[1], [2]]);
  });

  test("TimeEvictor keeps what is less than its span older than the newest element", () => {
    expect(emitted(TimeEvictor.of(10), at(5, 14, 15, 3))).toEqual([[5], [5, 14], [14, 15], [14, 15]]);
    expect(emitted(TimeEvictor.of(10, true), at(5, 14, 15, 3))).toEqual([[5], [5, 14], [5, 14, 15], [14, 15, 3]]);
    const untimed = [1, 2].map((value) => [value, NO_TIMESTAMP] as const);
    expect(emitted(TimeEvictor.of(10), untimed)).toEqual([[1], [1, 2]]);
  });

  test("DeltaEvictor keeps what is closer than the threshold to the last element", () => {
    const distance = (old: number, last: number): number => Math.abs(last - old);
    expect(emitted(DeltaEvictor.of(5, distance), at(1, 5, 6, 20))).toEqual([[1], [1, 5], [5, 6], [20]]);
    expect(emitted(DeltaEvictor.of(5, distance, true), at(1, 5, 6, 20))).toEqual([[1], [1, 5], [1, 5, 6], [5, 6, 20]]);
  });

  test("a user's evictor removes elements on both sides, for good", () => {
    class OddBeforeLargeAfter implements Evictor<number> {
      evictBefore(elements: TimestampedValue<number>[]): void {
        evictWhere(elements, ({ value }) => value % 2 === 1);
      }
      evictAfter(elements: TimestampedValue<number>[]): void {
        evictWhere(elements, ({ value }) => value > 10);
      }
    }
    expect(emitted(new OddBeforeLargeAfter(), at(1, 2, 12, 4))).toEqual([[], [2], [2, 12], [2, 4]]);
  });

  test("reduce and aggregate see what is left: nothing to reduce emits nothing, an empty aggregate its result", () => {
    const sum: WindowFold = {
      kind: "reduce",
      fn: (left, right) => (left as number) + (right as number),
      type: undefined,
    };
    expect(emitted(CountEvictor.of(2), at(1, 2, 3), sum)).toEqual([1, 3, 5]);
    expect(emitted(CountEvictor.of(0), at(1, 2), sum)).toEqual([undefined, undefined]);
    const count: WindowFold = {
      kind: "aggregate",
      aggregate: {
        createAccumulator: () => 0,
        add: (_value, seen) => (seen as number) + 1,
        getResult: (seen) => seen,
      },
      accumulatorType: undefined,
    };
    expect(emitted(CountEvictor.of(2), at(1, 2, 3), count)).toEqual([1, 2, 2]);
    expect(emitted(CountEvictor.of(0), at(1, 2), count)).toEqual([0, 0]);
  });

  test("TimeEvictor and CountEvictor leave what a naive model leaves", () => {
    const times = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 15 });
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 12 }), fc.boolean(), (all, span, byTime) => {
        let held: number[] = [];
        const expected = all.map((time) => {
          held.push(time);
          const newest = Math.max(...held);
          held = byTime ? held.filter((each) => each > newest - span) : held.slice(-span);
          return [...held];
        });
        expect(emitted(byTime ? TimeEvictor.of(span) : CountEvictor.of(span), at(...all))).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  test("their numbers are checked: MR_WINDOW_COUNT_INVALID, MR_WINDOW_SIZE_INVALID", () => {
    expect(() => CountEvictor.of(-1)).toThrow("MR_WINDOW_COUNT_INVALID");
    expect(() => TimeEvictor.of(0)).toThrow("MR_WINDOW_SIZE_INVALID");
  });
});
