import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSimulatedPlatform } from "../../platform/simulated-platform.ts";
import { type HarnessSnapshot, OperatorHarness } from "../../testing/operator-harness.ts";
import { DynamicEventTimeSessionWindows } from "../../time/dynamic-session-windows.ts";
import { EventTimeSessionWindows } from "../../time/session-windows.ts";
import { SlidingEventTimeWindows } from "../../time/sliding-windows.ts";
import { MAX_WATERMARK } from "../../time/timestamps.ts";
import { TumblingEventTimeWindows } from "../../time/tumbling-windows.ts";
import type { Window } from "../../time/window.ts";
import type { SpanAssigner } from "../../time/window-assigner.ts";
import type { OperatorSpec, WindowFold, WindowSpec } from "../operator-spec.ts";
import { OutputTag } from "../output-tag.ts";
import type { AnyWindowAssigner } from "./element-assigner.ts";
import { generalWindowSpec, type WindowPlan } from "./general-window-spec.ts";
import { EventTimeTrigger } from "./triggers/event-time-trigger.ts";
import type { Trigger } from "./triggers/trigger.ts";

interface Element {
  readonly key: string;
  readonly at: number;
}

const platform = createSimulatedPlatform({ seed: 5 });
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

function summary(fold: WindowFold, result: unknown): string {
  if (fold.kind === "list") return String((result as unknown[]).length);
  return fold.kind === "reduce" ? String((result as Element).at) : String(result);
}

function planOf(assigner: AnyWindowAssigner<never>, fold: WindowFold, changes: Partial<WindowPlan> = {}): WindowPlan {
  return {
    key: (value) => (value as Element).key,
    assigner: assigner as AnyWindowAssigner<unknown>,
    trigger: undefined,
    evictor: undefined,
    elementType: undefined,
    fold,
    emit: { kind: "function", fn: (key, window, result) => `${key} ${window} ${summary(fold, result)}` },
    allowedLatenessMs: 0,
    lateTag: late,
    ...changes,
  };
}

/** The same windows with the operator that only knows the default trigger. */
function fastSpec(plan: WindowPlan): WindowSpec {
  const { key, fold, emit, allowedLatenessMs, lateTag } = plan;
  return { kind: "window", key, assigner: plan.assigner as SpanAssigner, fold, emit, allowedLatenessMs, lateTag };
}

type Step =
  | { readonly kind: "element"; readonly key: string; readonly at: number }
  | { readonly kind: "watermark"; readonly by: number };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("element" as const),
        key: fc.constantFrom("a", "b"),
        at: fc.integer({ min: -10, max: 40 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("watermark" as const), by: fc.integer({ min: 1, max: 9 }) }),
    },
  ),
  { maxLength: 40 },
);

const spans: fc.Arbitrary<SpanAssigner> = fc.oneof(
  fc
    .record({ size: fc.integer({ min: 1, max: 12 }), offset: fc.integer({ min: -3, max: 3 }) })
    .map(({ size, offset }) => TumblingEventTimeWindows.of(size, offset % size)),
  fc
    .record({ size: fc.integer({ min: 1, max: 12 }), slide: fc.integer({ min: 1, max: 14 }) })
    .map(({ size, slide }) => SlidingEventTimeWindows.of(size, slide)),
  fc.integer({ min: 1, max: 8 }).map((gap) => EventTimeSessionWindows.withGap(gap)),
);

interface Outcome {
  readonly emitted: readonly string[][];
  readonly late: readonly string[][];
}

/** What came out after each step. With `restarts` the operator is snapshotted and restored after each of them. */
function run(spec: OperatorSpec, all: readonly Step[], restarts: boolean): Outcome {
  let watermark = -20;
  const emitted: string[][] = [];
  const lateOnes: string[][] = [];
  let harness = open(spec);
  harness.watermark(watermark);
  for (const step of [...all, { kind: "watermark", by: MAX_WATERMARK - 1000 } as const]) {
    if (step.kind === "element") harness.element({ key: step.key, at: step.at }, step.at);
    else {
      watermark += step.by;
      harness.watermark(watermark);
    }
    emitted.push(harness.output().map(({ value, timestampMs }) => `${value} @${timestampMs}`));
    lateOnes.push(harness.output("late").map(({ value, timestampMs }) => `${JSON.stringify(value)} @${timestampMs}`));
    if (!restarts) continue;
    harness = open(spec, harness.snapshot());
    harness.watermark(watermark);
    expect(harness.output()).toEqual([]);
  }
  return { emitted, late: lateOnes };
}

function open(spec: OperatorSpec, restore?: HarnessSnapshot): OperatorHarness {
  return new OperatorHarness(spec, { platform, sideOutputs: ["late"], ...(restore === undefined ? {} : { restore }) });
}

const inOrderOfKeys = ({ emitted, late: lateOnes }: Outcome): Outcome => ({
  emitted: emitted.map((each) => each.toSorted()),
  late: lateOnes,
});

describe("S20: windows of event time with the general operator", () => {
  test("emit what the operator for the default trigger emits, step by step, late records included", () => {
    fc.assert(
      fc.property(
        spans,
        fc.constantFrom(...folds),
        fc.integer({ min: 0, max: 6 }),
        steps,
        (assigner, fold, allowedLatenessMs, all) => {
          const plan = planOf(assigner, fold, { allowedLatenessMs });
          const general = run(generalWindowSpec(plan), all, false);
          expect(inOrderOfKeys(general)).toEqual(inOrderOfKeys(run(fastSpec(plan), all, false)));
        },
      ),
      { numRuns: 150 },
    );
  });

  test("S21: go on after a snapshot and restore behind every step, in the same order", () => {
    fc.assert(
      fc.property(
        spans,
        fc.constantFrom(...folds),
        fc.integer({ min: 0, max: 6 }),
        steps,
        (assigner, fold, allowedLatenessMs, all) => {
          const spec = generalWindowSpec(planOf(assigner, fold, { allowedLatenessMs }));
          expect(run(spec, all, true)).toEqual(run(spec, all, false));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("F03: sessions with a gap of their own for each element are those of a fixed gap when all gaps are equal", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 0, max: 6 }),
        steps,
        (gap, allowedLatenessMs, all) => {
          const dynamic = planOf(
            DynamicEventTimeSessionWindows.withDynamicGap(() => gap),
            counting,
            { allowedLatenessMs },
          );
          const fixed = planOf(EventTimeSessionWindows.withGap(gap), counting, { allowedLatenessMs });
          expect(run(generalWindowSpec(dynamic), all, false)).toEqual(run(generalWindowSpec(fixed), all, false));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a trigger given by hand is the assigner's own one", () => {
    const trigger = EventTimeTrigger.create() as Trigger<unknown, Window>;
    fc.assert(
      fc.property(spans, steps, (assigner, all) => {
        const given = generalWindowSpec(planOf(assigner, counting, { trigger }));
        expect(run(given, all, false)).toEqual(run(generalWindowSpec(planOf(assigner, counting)), all, false));
      }),
      { numRuns: 30 },
    );
  });
});
