import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Platform } from "../../../platform/platform.ts";
import { createSimulatedPlatform } from "../../../platform/simulated-platform.ts";
import { listState, reducingState } from "../../../state/state-descriptors.ts";
import { ManualClock } from "../../../testing/manual-clock.ts";
import { OperatorHarness } from "../../../testing/operator-harness.ts";
import { GlobalWindows } from "../../../time/global-windows.ts";
import { EventTimeSessionWindows, ProcessingTimeSessionWindows } from "../../../time/session-windows.ts";
import { SlidingProcessingTimeWindows } from "../../../time/sliding-windows.ts";
import { MAX_WATERMARK, NO_TIMESTAMP } from "../../../time/timestamps.ts";
import { TumblingEventTimeWindows, TumblingProcessingTimeWindows } from "../../../time/tumbling-windows.ts";
import type { Window } from "../../../time/window.ts";
import type { AnyWindowAssigner } from "../element-assigner.ts";
import { generalWindowSpec, type WindowPlan } from "../general-window-spec.ts";
import { ContinuousEventTimeTrigger } from "./continuous-event-time-trigger.ts";
import { ContinuousProcessingTimeTrigger } from "./continuous-processing-time-trigger.ts";
import { CountTrigger } from "./count-trigger.ts";
import { DeltaTrigger } from "./delta-trigger.ts";
import { EventTimeTrigger } from "./event-time-trigger.ts";
import { ProcessingTimeoutTrigger } from "./processing-timeout-trigger.ts";
import { PurgingTrigger } from "./purging-trigger.ts";
import { type OnMergeContext, Trigger, type TriggerContext, TriggerResult } from "./trigger.ts";

/** A window operator that lists the elements of a window, on a clock that starts at 0; restored after every step. */
class Driver {
  readonly #clock = new ManualClock(0);
  readonly #platform: Platform;
  readonly #plan: WindowPlan;
  #harness: OperatorHarness;
  #watermark = Number.MIN_SAFE_INTEGER;

  constructor(
    assigner: AnyWindowAssigner<never>,
    trigger?: Trigger<number, Window>,
    changes: Partial<WindowPlan> = {},
  ) {
    const simulated = createSimulatedPlatform({ seed: 3 });
    this.#platform = { ...simulated, random: simulated.random, clock: this.#clock } as Platform;
    this.#plan = {
      key: () => "all",
      assigner: assigner as AnyWindowAssigner<unknown>,
      trigger: trigger as Trigger<unknown, Window> | undefined,
      evictor: undefined,
      elementType: undefined,
      fold: { kind: "list", type: undefined },
      emit: { kind: "function", fn: (_key, window, elements) => `${window}: ${(elements as number[]).join(" ")}` },
      allowedLatenessMs: 0,
      lateTag: undefined,
      ...changes,
    };
    this.#harness = new OperatorHarness(generalWindowSpec(this.#plan), { platform: this.#platform });
  }

  element(value: number, timestampMs: number = value): readonly unknown[] {
    this.#harness.element(value, timestampMs);
    return this.#output();
  }

  watermark(timestampMs: number): readonly unknown[] {
    this.#watermark = timestampMs;
    this.#harness.watermark(timestampMs);
    return this.#output();
  }

  /** Moves the clock to the end of a millisecond, and fires what is due. */
  time(nowMs: number): readonly unknown[] {
    this.#clock.advanceTo(nowMs);
    this.#harness.chain.onProcessingTime(nowMs);
    return this.#output();
  }

  /** Moves the clock to the beginning of a millisecond, and fires what is due. */
  beginningOf(nowMs: number): readonly unknown[] {
    this.#clock.advanceTo(nowMs);
    this.#harness.chain.onProcessingTime(nowMs - 1);
    return this.#output();
  }

  nextTimeMs(): number {
    return this.#harness.chain.nextProcessingTimeMs();
  }

  /** How many bytes of keyed state a checkpoint has. */
  stateBytes(): number {
    return this.#harness.snapshot().keyedBlobs.reduce((sum, blob) => sum + blob.length, 0);
  }

  #output(): readonly unknown[] {
    const output = this.#harness.output().map(({ value }) => value);
    const restore = this.#harness.snapshot();
    this.#harness = new OperatorHarness(generalWindowSpec(this.#plan), { platform: this.#platform, restore });
    if (this.#watermark > Number.MIN_SAFE_INTEGER) this.#harness.watermark(this.#watermark);
    expect(this.#harness.output()).toEqual([]);
    return output;
  }
}

const day = (start: number, end: number) => `TimeWindow{start=${start}, end=${end}}`;

describe("S20: windows of processing time", () => {
  test("tumbling ones take elements by the clock and fire when it passes their end", () => {
    const windows = new Driver(TumblingProcessingTimeWindows.of(100, 10));
    expect(windows.element(1, NO_TIMESTAMP)).toEqual([]);
    expect(windows.time(9)).toEqual([`${day(-90, 10)}: 1`]);
    windows.time(50);
    windows.element(2);
    expect(windows.nextTimeMs()).toBe(109);
  });

  test("have the elements of their whole last millisecond, and fire once", () => {
    const windows = new Driver(TumblingProcessingTimeWindows.of(100));
    windows.element(1);
    expect(windows.beginningOf(99)).toEqual([]);
    windows.element(2);
    expect(windows.beginningOf(99)).toEqual([]);
    expect(windows.beginningOf(100)).toEqual([`${day(0, 100)}: 1 2`]);
  });

  test("sliding ones put an element into every window that is open", () => {
    const windows = new Driver(SlidingProcessingTimeWindows.of(20, 10));
    windows.element(1);
    windows.time(10);
    windows.element(2);
    expect(windows.time(19)).toEqual([`${day(0, 20)}: 1 2`]);
    expect(windows.time(29)).toEqual([`${day(10, 30)}: 2`]);
    expect(windows.nextTimeMs()).toBe(Number.POSITIVE_INFINITY);
  });

  test("sessions end a gap after their last element", () => {
    const windows = new Driver(ProcessingTimeSessionWindows.withGap(10));
    windows.element(1);
    windows.time(8);
    windows.element(2);
    expect(windows.time(16)).toEqual([]);
    expect(windows.time(17)).toEqual([`${day(0, 18)}: 1 2`]);
  });

  test("do not fire at the end of the input, and no watermark makes an element late", () => {
    const windows = new Driver(TumblingProcessingTimeWindows.of(100));
    expect(windows.watermark(1000)).toEqual([]);
    windows.element(1, 5);
    expect(windows.watermark(MAX_WATERMARK)).toEqual([]);
    expect(windows.time(99)).toEqual([`${day(0, 100)}: 1`]);
  });
});

describe("F03: triggers", () => {
  test("CountTrigger fires after so many elements, and keeps them", () => {
    const windows = new Driver(GlobalWindows.create(), CountTrigger.of(2));
    expect([1, 2, 3, 4].map((value) => windows.element(value))).toEqual([
      [],
      ["GlobalWindow: 1 2"],
      [],
      ["GlobalWindow: 1 2 3 4"],
    ]);
  });

  test("CountTrigger adds up what merged windows have counted", () => {
    const windows = new Driver(EventTimeSessionWindows.withGap(10), CountTrigger.of(3));
    expect(windows.element(1)).toEqual([]);
    expect(windows.element(20)).toEqual([]);
    expect(windows.element(11)).toEqual([`${day(1, 30)}: 1 20 11`]);
  });

  test("PurgingTrigger drops the elements whenever it fires, and leaves no state behind", () => {
    const windows = new Driver(GlobalWindows.create(), PurgingTrigger.of(CountTrigger.of(2)));
    const seen = [1, 2, 3, 4].map((value) => [windows.element(value), windows.stateBytes()] as const);
    expect(seen.map(([output]) => output)).toEqual([[], ["GlobalWindow: 1 2"], [], ["GlobalWindow: 3 4"]]);
    expect(seen[3]![1]).toBe(seen[1]![1]);
    expect(seen[3]![1]).toBeLessThan(seen[2]![1]);
  });

  test("ContinuousEventTimeTrigger fires on multiples of its interval and at the window's end", () => {
    const windows = new Driver(TumblingEventTimeWindows.of(100), ContinuousEventTimeTrigger.of(30));
    windows.element(12);
    expect(windows.watermark(29)).toEqual([]);
    expect(windows.watermark(30)).toEqual([`${day(0, 100)}: 12`]);
    windows.element(40);
    expect(windows.watermark(61)).toEqual([`${day(0, 100)}: 12 40`]);
    expect(windows.watermark(99)).toEqual([`${day(0, 100)}: 12 40`, `${day(0, 100)}: 12 40`]);
    expect(windows.watermark(MAX_WATERMARK)).toEqual([]);
  });

  test("ContinuousEventTimeTrigger goes on in merged sessions at the earlier of their times", () => {
    const windows = new Driver(EventTimeSessionWindows.withGap(50), ContinuousEventTimeTrigger.of(30));
    windows.element(100);
    windows.element(10);
    windows.element(55);
    expect(windows.watermark(30)).toEqual([`${day(10, 150)}: 100 10 55`]);
    expect(windows.watermark(60)).toEqual([`${day(10, 150)}: 100 10 55`]);
  });

  test("ContinuousProcessingTimeTrigger fires on multiples of its interval of the clock and at the window's end", () => {
    const windows = new Driver(TumblingProcessingTimeWindows.of(100), ContinuousProcessingTimeTrigger.of(40));
    windows.time(10);
    windows.element(1);
    expect(windows.time(39)).toEqual([]);
    expect(windows.time(40)).toEqual([`${day(0, 100)}: 1`]);
    windows.element(2);
    expect(windows.time(80)).toEqual([`${day(0, 100)}: 1 2`]);
    expect(windows.time(99)).toEqual([`${day(0, 100)}: 1 2`]);
    expect(windows.nextTimeMs()).toBe(Number.POSITIVE_INFINITY);
  });

  test("ContinuousProcessingTimeTrigger gives windows of event time early results", () => {
    const windows = new Driver(EventTimeSessionWindows.withGap(1000), ContinuousProcessingTimeTrigger.of(40));
    windows.element(7);
    windows.element(9);
    expect(windows.time(40)).toEqual([`${day(7, 1009)}: 7 9`]);
    expect(windows.time(79)).toEqual([]);
    expect(windows.time(80)).toEqual([`${day(7, 1009)}: 7 9`]);
    expect(windows.watermark(1008)).toEqual([]);
    expect(windows.nextTimeMs()).toBe(Number.POSITIVE_INFINITY);
  });

  test("DeltaTrigger fires at an element that is further than the threshold from the one before that fired", () => {
    const trigger = DeltaTrigger.of<number>(5, (before, now) => now - before);
    const windows = new Driver(GlobalWindows.create(), PurgingTrigger.of(trigger));
    expect([1, 6, 7, 12, 13].map((value) => windows.element(value))).toEqual([
      [],
      [],
      ["GlobalWindow: 1 6 7"],
      [],
      ["GlobalWindow: 12 13"],
    ]);
  });

  test("ProcessingTimeoutTrigger fires when its time since the first element is over", () => {
    const windows = new Driver(GlobalWindows.create(), ProcessingTimeoutTrigger.of(CountTrigger.of(3), 50));
    windows.element(1);
    windows.time(20);
    windows.element(2);
    expect(windows.time(50)).toEqual(["GlobalWindow: 1 2"]);
    expect(windows.nextTimeMs()).toBe(Number.POSITIVE_INFINITY);
    windows.element(3);
    windows.element(4);
    expect(windows.element(5)).toEqual(["GlobalWindow: 1 2 3 4 5"]);
    expect(windows.nextTimeMs()).toBe(Number.POSITIVE_INFINITY);
  });

  test("ProcessingTimeoutTrigger counts from the last element when told to, and can leave the other's count", () => {
    const trigger = ProcessingTimeoutTrigger.of(CountTrigger.of(3), 50, true, false);
    const windows = new Driver(GlobalWindows.create(), PurgingTrigger.of(trigger));
    windows.element(1);
    windows.time(20);
    windows.element(2);
    expect(windows.time(50)).toEqual([]);
    expect(windows.time(70)).toEqual(["GlobalWindow: 1 2"]);
    expect(windows.element(3)).toEqual(["GlobalWindow: 3"]);
  });

  test("a global window without a trigger never fires, with the end-of-stream trigger once", () => {
    const never = new Driver(GlobalWindows.create());
    never.element(1);
    expect(never.watermark(MAX_WATERMARK)).toEqual([]);
    const atEnd = new Driver(GlobalWindows.createWithEndOfStreamTrigger());
    atEnd.element(1);
    atEnd.element(2);
    expect(atEnd.watermark(1000)).toEqual([]);
    expect(atEnd.watermark(MAX_WATERMARK)).toEqual(["GlobalWindow: 1 2"]);
  });

  test("S21: EventTimeTrigger fires again for every element within the lateness, and the window goes after it", () => {
    const windows = new Driver(TumblingEventTimeWindows.of(10), EventTimeTrigger.create(), { allowedLatenessMs: 5 });
    windows.element(1);
    expect(windows.watermark(9)).toEqual([`${day(0, 10)}: 1`]);
    expect(windows.element(2)).toEqual([`${day(0, 10)}: 1 2`]);
    expect(windows.watermark(13)).toEqual([]);
    expect(windows.element(3)).toEqual([`${day(0, 10)}: 1 2 3`]);
    expect(windows.watermark(14)).toEqual([]);
    expect(windows.element(4)).toEqual([]);
  });
});

const seenState = listState<number>("seen");
const totalState = reducingState("total", (left: number, right: number) => left + right);

/** Fires at the fourth element it has seen, however windows have merged, and leaves its timers and its list behind. */
class Remembering extends Trigger<number> {
  override onElement(element: number, _timestampMs: number, _window: Window, context: TriggerContext): TriggerResult {
    const seen = context.getPartitionedState(seenState);
    seen.add(element);
    const total = context.getPartitionedState(totalState);
    total.add(1);
    expect(total.get()).toBe(seen.get().length);
    context.registerEventTimeTimer(1000);
    return seen.get().length >= 4 ? TriggerResult.FIRE_AND_PURGE : TriggerResult.CONTINUE;
  }

  override onEventTime(timeMs: number): TriggerResult {
    return timeMs === 1000 ? TriggerResult.FIRE : TriggerResult.CONTINUE;
  }

  override onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  override canMerge(): boolean {
    return true;
  }

  override onMerge(_window: Window, context: OnMergeContext): void {
    context.mergePartitionedState(seenState);
    context.mergePartitionedState(totalState);
  }

  override clear(): void {}
}

describe("F03: triggers of users", () => {
  test("have state and timers of their own for every window, which merge with the windows", () => {
    const windows = new Driver(EventTimeSessionWindows.withGap(5000), new Remembering());
    windows.element(1);
    windows.element(9000);
    expect(windows.element(5001)).toEqual([]);
    expect(windows.element(2)).toEqual([`${day(1, 14000)}: 1 9000 5001 2`]);
    expect(windows.watermark(1000)).toEqual([]);
    expect(windows.element(3)).toEqual([`${day(1, 14000)}: 3`]);
  });

  test("fire nothing for a window without elements", () => {
    const windows = new Driver(GlobalWindows.create(), new Remembering());
    for (const value of [1, 2, 3, 4]) windows.element(value);
    expect(windows.watermark(999)).toEqual([]);
    expect(windows.watermark(1000)).toEqual([]);
  });

  test("are refused when they return no TriggerResult: MR_TRIGGER_RESULT_INVALID", () => {
    const broken = { ...Object.create(CountTrigger.of(1)), onElement: () => undefined, canMerge: () => true };
    const windows = new Driver(GlobalWindows.create(), broken as Trigger<number, Window>);
    expect(() => windows.element(1)).toThrow("MR_TRIGGER_RESULT_INVALID");
  });
});

test("windows with a trigger fire as a naive model says, in any order of elements and watermarks", () => {
  const step = fc.record({ at: fc.integer({ min: 0, max: 60 }), watermarkBy: fc.integer({ min: 0, max: 6 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 4 }), (all, count) => {
      const windows = new Driver(TumblingEventTimeWindows.of(10), PurgingTrigger.of(CountTrigger.of(count)));
      const held = new Map<number, number[]>();
      let watermark = -1;
      for (const { at, watermarkBy } of all) {
        const start = at - (at % 10);
        let expected: readonly string[] = [];
        if (start + 9 > watermark) {
          const elements = [...(held.get(start) ?? []), at];
          if (elements.length === count) expected = [`${day(start, start + 10)}: ${elements.join(" ")}`];
          held.set(start, elements.length === count ? [] : elements);
        }
        expect(windows.element(at)).toEqual(expected);
        watermark += watermarkBy;
        expect(windows.watermark(watermark)).toEqual([]);
      }
    }),
    { numRuns: 40 },
  );
});

test("counts and time spans are checked: MR_WINDOW_COUNT_INVALID, MR_WINDOW_SIZE_INVALID", () => {
  for (const count of [0, -1, 1.5, Number.NaN]) expect(() => CountTrigger.of(count)).toThrow("MR_WINDOW_COUNT_INVALID");
  expect(() => ContinuousEventTimeTrigger.of(0)).toThrow("MR_WINDOW_SIZE_INVALID");
  expect(() => ContinuousProcessingTimeTrigger.of(-1)).toThrow("MR_WINDOW_SIZE_INVALID");
  expect(() => ProcessingTimeoutTrigger.of(CountTrigger.of(1), 0)).toThrow("MR_WINDOW_SIZE_INVALID");
});
