import fc from "fast-check";
import { expect, test } from "vitest";
import { createNodePlatform } from "../../platform/node-platform.ts";
import type { ValueState } from "../../state/keyed-state.ts";
import { valueState } from "../../state/state-descriptors.ts";
import { OperatorHarness } from "../../testing/operator-harness.ts";
import { EventTimeSessionWindows, mergeSessionWindows } from "../../time/session-windows.ts";
import { SlidingEventTimeWindows } from "../../time/sliding-windows.ts";
import { TimeWindow } from "../../time/time-window.ts";
import { TumblingEventTimeWindows } from "../../time/tumbling-windows.ts";
import type { SpanAssigner } from "../../time/window-assigner.ts";
import { t } from "../../types/declared-types.ts";
import type { Collector, ProcessWindowContext, ProcessWindowFunction, RuntimeContext } from "../functions.ts";
import type { WindowFold, WindowSpec } from "../operator-spec.ts";
import { OutputTag } from "../output-tag.ts";

interface Element {
  readonly key: string;
  readonly at: number;
}

const platform = createNodePlatform();
const late = new OutputTag<unknown>("late");

const counting: WindowFold = {
  kind: "aggregate",
  aggregate: {
    createAccumulator: () => 0,
    add: (_value, count) => (count as number) + 1,
    getResult: (count) => count,
    merge: (left, right) => (left as number) + (right as number),
  },
  accumulatorType: undefined,
};

const folds: readonly WindowFold[] = [
  counting,
  { kind: "list", type: undefined },
  {
    kind: "reduce",
    fn: (left, right) => ({ key: (left as Element).key, at: (left as Element).at + (right as Element).at }),
    type: undefined,
  },
];

function specOf(assigner: SpanAssigner, fold: WindowFold, allowedLatenessMs: number): WindowSpec {
  return {
    kind: "window",
    key: (value) => (value as Element).key,
    assigner,
    fold,
    emit: {
      kind: "function",
      fn: (key, window, result) => `${key} ${window.start}-${window.end} ${summary(fold, result)}`,
    },
    allowedLatenessMs,
    lateTag: late,
  };
}

function summary(fold: WindowFold, result: unknown): string {
  if (fold.kind === "list") return String((result as unknown[]).length);
  return fold.kind === "reduce" ? String((result as Element).at) : String(result);
}

/** What the window semantics say, straight from the definitions: all elements kept, windows found by looking at all. */
class Model {
  readonly #assigner: SpanAssigner;
  readonly #fold: WindowFold;
  readonly #latenessMs: number;
  readonly #elements: { element: Element; windows: TimeWindow[] }[] = [];
  #watermark = Number.MIN_SAFE_INTEGER;

  constructor(assigner: SpanAssigner, fold: WindowFold, latenessMs: number) {
    this.#assigner = assigner;
    this.#fold = fold;
    this.#latenessMs = latenessMs;
  }

  element(element: Element): { fired: string[]; isLate: boolean } {
    if (this.#assigner.kind === "session") return this.#sessionElement(element);
    const windows = this.#assigner.assign(element.at).filter((window) => !this.#isGone(window));
    if (windows.length === 0) return { fired: [], isLate: element.at + this.#latenessMs <= this.#watermark };
    this.#elements.push({ element, windows: [...windows] });
    const fired = windows.filter((window) => window.end - 1 <= this.#watermark);
    return { fired: fired.map((window) => this.#result(element.key, window)), isLate: false };
  }

  watermark(watermark: number): string[] {
    const before = this.#watermark;
    this.#watermark = watermark;
    return this.#allWindows()
      .filter(({ window }) => window.end - 1 > before && window.end - 1 <= watermark)
      .map(({ key, window }) => this.#result(key, window));
  }

  #sessionElement(element: Element): { fired: string[]; isLate: boolean } {
    const gap = (this.#assigner as Extract<SpanAssigner, { kind: "session" }>).gapMs;
    const own = new TimeWindow(element.at, element.at + gap);
    const live = this.#allWindows()
      .filter(({ key, window }) => key === element.key && !this.#isGone(window))
      .map(({ window }) => window);
    const { merged } = mergeSessionWindows([...live, own]).find(({ parts }) => parts.includes(own))!;
    if (this.#isGone(merged)) return { fired: [], isLate: true };
    for (const kept of this.#elements) {
      if (kept.element.key !== element.key) continue;
      kept.windows = kept.windows.map((window) =>
        live.includes(this.#same(live, window)!) && merged.intersects(window) ? merged : window,
      );
    }
    this.#elements.push({ element, windows: [merged] });
    return { fired: merged.end - 1 <= this.#watermark ? [this.#result(element.key, merged)] : [], isLate: false };
  }

  #same(windows: readonly TimeWindow[], wanted: TimeWindow): TimeWindow | undefined {
    return windows.find((window) => window.start === wanted.start && window.end === wanted.end);
  }

  #isGone(window: TimeWindow): boolean {
    return window.end - 1 + this.#latenessMs <= this.#watermark;
  }

  #allWindows(): { key: string; window: TimeWindow }[] {
    const windows = new Map<string, { key: string; window: TimeWindow }>();
    for (const { element, windows: own } of this.#elements) {
      for (const window of own)
        windows.set(`${element.key} ${window.start} ${window.end}`, { key: element.key, window });
    }
    return [...windows.values()];
  }

  #result(key: string, window: TimeWindow): string {
    const inside = this.#elements.filter(
      ({ element, windows }) => element.key === key && this.#same(windows, window) !== undefined,
    );
    const result =
      this.#fold.kind === "reduce"
        ? String(inside.reduce((sum, { element }) => sum + element.at, 0))
        : String(inside.length);
    return `${key} ${window.start}-${window.end} ${result}`;
  }
}

const assigners: fc.Arbitrary<SpanAssigner> = fc.oneof(
  fc
    .record({ size: fc.integer({ min: 1, max: 12 }), offset: fc.integer({ min: -3, max: 3 }) })
    .map(({ size, offset }) => TumblingEventTimeWindows.of(size, offset % size)),
  fc
    .record({ size: fc.integer({ min: 1, max: 12 }), slide: fc.integer({ min: 1, max: 14 }) })
    .map(({ size, slide }) => SlidingEventTimeWindows.of(size, slide)),
  fc.integer({ min: 1, max: 8 }).map((gap) => EventTimeSessionWindows.withGap(gap)),
);

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("element" as const),
        key: fc.constantFrom("a", "b"),
        at: fc.integer({ min: -10, max: 60 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("watermark" as const), advance: fc.integer({ min: 0, max: 25 }) }),
    },
  ),
  { maxLength: 40 },
);

test("S20, S21: windows fire, fire again within the allowed lateness and forget as the definitions say, also when restored after every step", () => {
  fc.assert(
    fc.property(
      assigners,
      fc.constantFrom(...folds),
      fc.constantFrom(0, 0, 5),
      steps,
      fc.boolean(),
      (assigner, fold, lateness, all, isRestored) => {
        const spec = specOf(assigner, fold, lateness);
        let harness = new OperatorHarness(spec, { platform, sideOutputs: ["late"] });
        const model = new Model(assigner, fold, lateness);
        let watermark = -20;
        for (const step of all) {
          if (step.kind === "element") {
            const expected = model.element(step);
            harness.element({ key: step.key, at: step.at }, step.at);
            expect(
              harness
                .output()
                .map((each) => each.value)
                .sort(),
            ).toEqual(expected.fired.sort());
            expect(harness.output("late").length).toBe(expected.isLate ? 1 : 0);
          } else {
            watermark += step.advance;
            const expected = model.watermark(watermark);
            harness.watermark(watermark);
            expect(
              harness
                .output()
                .map((each) => each.value)
                .sort(),
            ).toEqual(expected.sort());
          }
          if (isRestored)
            harness = new OperatorHarness(spec, { platform, sideOutputs: ["late"], restore: harness.snapshot() });
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("S20: a window's result carries the last millisecond of the window as its event time", () => {
  const harness = new OperatorHarness(specOf(TumblingEventTimeWindows.of(10), counting, 0), { platform });
  harness.element({ key: "a", at: 3 }, 3);
  harness.watermark(9);
  expect(harness.output()).toEqual([{ value: "a 0-10 1", timestampMs: 9 }]);
});

test("S20: windows that end together fire in the order of their creation, before and after a restore", () => {
  const spec = specOf(TumblingEventTimeWindows.of(10), counting, 0);
  const harness = new OperatorHarness(spec, { platform });
  for (const key of ["c", "a", "b"]) harness.element({ key, at: 1 }, 1);
  const restored = new OperatorHarness(spec, { platform, restore: harness.snapshot() });
  for (const each of [harness, restored]) {
    each.watermark(9);
    expect(each.output().map(({ value }) => value)).toEqual(["c 0-10 1", "a 0-10 1", "b 0-10 1"]);
  }
});

test("nothing is kept of windows that are over", () => {
  const harness = new OperatorHarness(specOf(SlidingEventTimeWindows.of(10, 2), counting, 3), { platform });
  for (let at = 0; at < 100; at++) harness.element({ key: `k${at}`, at }, at);
  const full = harness.snapshot().keyedBlobs[0]!.length;
  harness.watermark(1000);
  expect(harness.snapshot().keyedBlobs[0]!.length).toBeLessThan(full / 10);
});

test("S08: a window function keeps keyed state of its own, however many windows its key has, across restores", () => {
  class CountWindows implements ProcessWindowFunction<unknown, string, unknown> {
    private fired!: ValueState<number>;
    open(context: RuntimeContext): void {
      this.fired = context.getState(valueState("fired", t.int32));
    }
    process(key: unknown, context: ProcessWindowContext, _elements: Iterable<unknown>, out: Collector<string>): void {
      const count = (this.fired.value() ?? 0) + 1;
      this.fired.update(count);
      out.collect(`${String(key)} ${context.window.start} ${count}`);
    }
  }
  for (const assigner of [
    TumblingEventTimeWindows.of(10),
    SlidingEventTimeWindows.of(20, 10),
    EventTimeSessionWindows.withGap(5),
  ]) {
    const spec: WindowSpec = { ...specOf(assigner, counting, 0), emit: { kind: "process", fn: new CountWindows() } };
    let harness = new OperatorHarness(spec, { platform });
    // Far apart and backwards, so that the key gets an index of its windows.
    for (let window = 40; window >= 0; window--) harness.element({ key: "a", at: window * 10 }, window * 10);
    const fired: unknown[] = [];
    for (let watermark = 5; watermark <= 600; watermark += 95) {
      harness = new OperatorHarness(spec, { platform, restore: harness.snapshot() });
      harness.watermark(watermark);
      fired.push(...harness.output().map(({ value }) => value));
    }
    expect(fired.map((row) => Number(String(row).split(" ")[2]))).toEqual(fired.map((_, index) => index + 1));
    expect(fired.length).toBeGreaterThan(40);
  }
});

test("a record without event time is refused with what to do", () => {
  const harness = new OperatorHarness(specOf(TumblingEventTimeWindows.of(10), counting, 0), { platform });
  expect(() => harness.element({ key: "a", at: 0 }, Number.MIN_SAFE_INTEGER)).toThrow("MR_TIMESTAMP_MISSING");
});

test("S21: a session that grows after it has fired fires again at its new end, not when it would have been purged", () => {
  const harness = new OperatorHarness(specOf(EventTimeSessionWindows.withGap(3), counting, 5), { platform });
  harness.element({ key: "a", at: 7 }, 7);
  harness.watermark(10);
  harness.element({ key: "a", at: 10 }, 10);
  harness.watermark(12);
  expect(harness.output().map(({ value }) => value)).toEqual(["a 7-10 1", "a 7-13 2"]);
});
