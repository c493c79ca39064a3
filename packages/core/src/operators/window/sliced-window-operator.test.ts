import fc from "fast-check";
import { expect, test } from "vitest";
import { createNodePlatform } from "../../platform/node-platform.ts";
import { encodedBytes } from "../../testing/encoded-bytes.ts";
import { type HarnessSnapshot, OperatorHarness } from "../../testing/operator-harness.ts";
import { EventTimeSessionWindows } from "../../time/session-windows.ts";
import { SlidingEventTimeWindows } from "../../time/sliding-windows.ts";
import { TumblingEventTimeWindows } from "../../time/tumbling-windows.ts";
import type { SpanAssigner } from "../../time/window-assigner.ts";
import type { AggregateFunction } from "../functions.ts";
import type { WindowFold, WindowSpec } from "../operator-spec.ts";
import { OutputTag } from "../output-tag.ts";
import { isSliced } from "./slicing.ts";

interface Element {
  readonly key: string;
  readonly id: number;
}

/** Which element came first, how many there were, and the sum of their ids. */
interface Journal {
  first: number | undefined;
  count: number;
  sum: number;
}

const platform = createNodePlatform();

const journal: AggregateFunction<unknown, unknown, unknown> = {
  createAccumulator: (): Journal => ({ first: undefined, count: 0, sum: 0 }),
  add: (value, accumulator) => {
    const total = accumulator as Journal;
    total.first ??= (value as Element).id;
    total.count++;
    total.sum += (value as Element).id;
    return total;
  },
  getResult: (total) => JSON.stringify(total),
};

// Changes its first argument, and hands out its second one when the first is empty: both must leave the slices alone.
const mergingJournal: AggregateFunction<unknown, unknown, unknown> = {
  ...journal,
  merge: (left, right) => {
    const [total, other] = [left as Journal, right as Journal];
    if (total.count === 0) return other;
    total.count += other.count;
    total.sum += other.sum;
    return total;
  },
};

const perWindow: WindowFold = { kind: "aggregate", aggregate: journal, accumulatorType: undefined };
const perSlice: WindowFold = { kind: "aggregate", aggregate: mergingJournal, accumulatorType: undefined };
const reducing: WindowFold = {
  kind: "reduce",
  fn: (left, right) => {
    const [total, other] = [left as Journal, right as Journal];
    return { first: total.first, count: total.count + other.count, sum: total.sum + other.sum };
  },
  type: undefined,
};

function specOf(assigner: SpanAssigner, fold: WindowFold, allowedLatenessMs = 0): WindowSpec {
  return {
    kind: "window",
    key: (value) => (value as Element).key,
    assigner,
    fold,
    emit: {
      kind: "function",
      fn: (key, window, result) => {
        const { first, count, sum } = (typeof result === "string" ? JSON.parse(result) : result) as Journal;
        return `${key} ${window} first ${first} count ${count} sum ${sum}`;
      },
    },
    allowedLatenessMs,
    lateTag: new OutputTag<unknown>("late"),
  };
}

type Step =
  | { readonly kind: "element"; readonly key: string; readonly at: number }
  | { readonly kind: "watermark"; readonly advance: number }
  | { readonly kind: "restore" };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("element" as const),
        key: fc.constantFrom("a", "b", "c"),
        at: fc.integer({ min: -10, max: 60 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("watermark" as const), advance: fc.integer({ min: 0, max: 15 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restore" as const) }) },
  ),
  { maxLength: 60 },
);

const overlapping: fc.Arbitrary<SpanAssigner> = fc
  .record({
    size: fc.integer({ min: 2, max: 40 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    offset: fc.integer({ min: -5, max: 5 }),
  })
  .map(({ size, share, offset }) => {
    const slide = 1 + Math.floor(share * (size - 1.001));
    return SlidingEventTimeWindows.of(size, slide, offset % slide);
  });

class Run {
  readonly #spec: WindowSpec;
  #harness: OperatorHarness;
  #watermark = -20;
  #nextId = 1;

  constructor(spec: WindowSpec, restore?: HarnessSnapshot) {
    this.#spec = spec;
    this.#harness = this.#start(restore);
  }

  /** What the step makes the operator emit, in order, late elements after the results. */
  take(step: Step): readonly string[] {
    if (step.kind === "element") {
      const id = this.#nextId++;
      // A journal of one element, so that a reduce has the same result as the aggregation.
      this.#harness.element({ key: step.key, id, first: id, count: 1, sum: id }, step.at);
    } else if (step.kind === "watermark") {
      this.#watermark += step.advance;
      this.#harness.watermark(this.#watermark);
    } else this.#harness = this.#start(this.#harness.snapshot());
    const results = this.#harness.output().map(({ value, timestampMs }) => `${value} @${timestampMs}`);
    return [...results, ...this.#harness.output("late").map(({ value }) => `late ${(value as Element).id}`)];
  }

  #beginSnapshot(): () => HarnessSnapshot {
    const { snapshot } = this.#harness.chain.snapshot(1)[0]!;
    return () => ({
      keyedBlobs: encodedBytes(snapshot.keyed),
      keyGroupStart: 0,
      keyGroupEnd: 128,
      lists: new Map(snapshot.lists.map((list) => [list.name, list.elements])),
    });
  }

  /** Begins a snapshot; it is written, and a run restored from it, when the returned function is called. */
  forkLater(): () => Run {
    const write = this.#beginSnapshot();
    const place = { watermark: this.#watermark, nextId: this.#nextId };
    return () => {
      const run = new Run(this.#spec, write());
      run.#watermark = place.watermark;
      run.#nextId = place.nextId;
      return run;
    };
  }

  #start(restore: HarnessSnapshot | undefined): OperatorHarness {
    return new OperatorHarness(this.#spec, { platform, sideOutputs: ["late"], ...(restore && { restore }) });
  }
}

test("S08, S20: merged slices give the same windows, in the same order, as an accumulator per window, across restores too", () => {
  fc.assert(
    fc.property(
      overlapping,
      fc.constantFrom(perSlice, reducing),
      fc.constantFrom(0, 0, 3, 30),
      steps,
      (assigner, fold, lateness, all) => {
        const sliced = new Run(specOf(assigner, fold, lateness));
        const naive = new Run(specOf(assigner, perWindow, lateness));
        for (const step of [...all, { kind: "watermark", advance: 500 } as const]) {
          expect(sliced.take(step)).toEqual(naive.take(step));
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("a snapshot holds what it began with, however much later it is written", () => {
  const assigners = fc.oneof(
    overlapping,
    fc.integer({ min: 1, max: 20 }).map((size): SpanAssigner => TumblingEventTimeWindows.of(size)),
  );
  fc.assert(
    fc.property(assigners, fc.constantFrom(0, 5), steps, steps, (assigner, lateness, before, after) => {
      const run = new Run(specOf(assigner, perSlice, lateness));
      for (const step of before) run.take(step);
      const expected = run.forkLater()();
      const forkLater = run.forkLater();
      const rest = after.filter((step) => step.kind !== "restore");
      for (const step of rest) run.take(step);
      const actual = forkLater();
      for (const step of rest) expect(actual.take(step)).toEqual(expected.take(step));
    }),
    { numRuns: 200 },
  );
});

test("windows of a key that have fired do not fire again where a rescale sets the watermark back", () => {
  const spec = specOf(SlidingEventTimeWindows.of(10, 5), perSlice);
  const [behind, ahead] = [new OperatorHarness(spec, { platform }), new OperatorHarness(spec, { platform })];
  behind.element({ key: "a", id: 1 }, 8);
  behind.watermark(4);
  ahead.element({ key: "b", id: 2 }, 8);
  ahead.watermark(9);
  expect(ahead.output().map(({ value }) => value)).toEqual(["b TimeWindow{start=0, end=10} first 2 count 1 sum 2"]);
  const [first, second] = [behind.snapshot(), ahead.snapshot()];
  const joined = new OperatorHarness(spec, {
    platform,
    restore: { ...first, keyedBlobs: [...first.keyedBlobs, ...second.keyedBlobs] },
  });
  joined.watermark(100);
  expect(joined.output().map(({ value }) => value)).toEqual([
    "a TimeWindow{start=0, end=10} first 1 count 1 sum 1",
    "a TimeWindow{start=5, end=15} first 1 count 1 sum 1",
    "b TimeWindow{start=5, end=15} first 2 count 1 sum 2",
  ]);
});

test("a key whose records are in many slices finds the slice of an old record", () => {
  const harness = new OperatorHarness(specOf(SlidingEventTimeWindows.of(100, 2), perSlice), { platform });
  for (let at = 0; at < 100; at++) harness.element({ key: "a", id: 1 }, at);
  for (let at = 0; at < 100; at++) harness.element({ key: "a", id: 1 }, at);
  harness.watermark(99);
  expect(harness.output().at(-1)?.value).toBe("a TimeWindow{start=0, end=100} first 1 count 200 sum 200");
});

test("tumbling windows of a checkpoint fire as they were, whatever their size is now", () => {
  const harness = new OperatorHarness(specOf(TumblingEventTimeWindows.of(10), perSlice), { platform });
  harness.element({ key: "a", id: 1 }, 12);
  const restored = new OperatorHarness(specOf(TumblingEventTimeWindows.of(15), perSlice), {
    platform,
    restore: harness.snapshot(),
  });
  restored.element({ key: "a", id: 2 }, 13);
  restored.element({ key: "a", id: 3 }, 16);
  restored.watermark(100);
  expect(restored.output().map(({ value }) => value)).toEqual([
    "a TimeWindow{start=0, end=15} first 2 count 1 sum 2",
    "a TimeWindow{start=10, end=20} first 1 count 1 sum 1",
    "a TimeWindow{start=15, end=30} first 3 count 1 sum 3",
  ]);
});

test("windows of a checkpoint that the job cannot go on with are refused", () => {
  const sliding = SlidingEventTimeWindows.of(10, 5);
  const refused: readonly (readonly [WindowSpec, WindowSpec])[] = [
    [specOf(sliding, perSlice), specOf(sliding, perWindow)],
    [specOf(sliding, perWindow), specOf(sliding, perSlice)],
    [specOf(sliding, perSlice), specOf(SlidingEventTimeWindows.of(20, 5), perSlice)],
    [specOf(sliding, perSlice), specOf(SlidingEventTimeWindows.of(10, 4), perSlice)],
    [specOf(sliding, perSlice), specOf(TumblingEventTimeWindows.of(10), perSlice)],
    [specOf(TumblingEventTimeWindows.of(10), perSlice), specOf(EventTimeSessionWindows.withGap(10), perSlice)],
  ];
  for (const [written, read] of refused) {
    const harness = new OperatorHarness(written, { platform });
    harness.element({ key: "a", id: 1 }, 8);
    const restore = harness.snapshot();
    expect(() => new OperatorHarness(read, { platform, restore })).toThrow("MR_WINDOW_STATE_INCOMPATIBLE");
  }
});

test("slices need windows that overlap and accumulators that merge; windows without overlap are slices themselves", () => {
  const list: WindowFold = { kind: "list", type: undefined };
  const sliding = SlidingEventTimeWindows.of(10, 5);
  for (const fold of [perSlice, reducing]) expect(isSliced(specOf(sliding, fold))).toBe(true);
  for (const fold of [perWindow, list]) expect(isSliced(specOf(sliding, fold))).toBe(false);
  for (const fold of [perWindow, perSlice, reducing, list]) {
    expect(isSliced(specOf(TumblingEventTimeWindows.of(10), fold))).toBe(true);
    expect(isSliced(specOf(SlidingEventTimeWindows.of(10, 11), fold))).toBe(false);
    expect(isSliced(specOf(EventTimeSessionWindows.withGap(10), fold))).toBe(false);
  }
});
