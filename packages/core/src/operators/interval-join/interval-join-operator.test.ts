import fc from "fast-check";
import { expect, test } from "vitest";
import { createNodePlatform } from "../../platform/node-platform.ts";
import { decodeKeyedState } from "../../state/keyed-snapshot-format.ts";
import type { ValueState } from "../../state/keyed-state.ts";
import { heapStateBackend } from "../../state/state-backend.ts";
import { valueState } from "../../state/state-descriptors.ts";
import { encodedBytes } from "../../testing/encoded-bytes.ts";
import { type HarnessSnapshot, OperatorHarness } from "../../testing/operator-harness.ts";
import { MAX_WATERMARK, NO_TIMESTAMP } from "../../time/timestamps.ts";
import { t } from "../../types/declared-types.ts";
import { learnedType } from "../../types/learned-type.ts";
import type { FunctionContext } from "../function-states.ts";
import type { Collector, ProcessJoinContext, ProcessJoinFunction, RuntimeContext } from "../functions.ts";
import type { IntervalJoinSpec } from "../operator-spec.ts";
import { OutputTag } from "../output-tag.ts";
import { IntervalJoinOperator } from "./interval-join-operator.ts";

interface Item {
  readonly key: string;
  readonly id: number;
}

type Side = 0 | 1;

const platform = createNodePlatform();
const lateLeft = new OutputTag<unknown>("late-left");
const lateRight = new OutputTag<unknown>("late-right");
const sideOutputs = ["late-left", "late-right"];

const pairs: ProcessJoinFunction<unknown, unknown, unknown> = {
  processElement: (left, right, { leftTimestamp, rightTimestamp }, out) =>
    out.collect(`${(left as Item).id}@${leftTimestamp} ${(right as Item).id}@${rightTimestamp}`),
};

function specOf(lowerMs: number, upperMs: number, changes: Partial<IntervalJoinSpec> = {}): IntervalJoinSpec {
  const key = (value: unknown): string => (value as Item).key;
  return {
    kind: "intervalJoin",
    keys: [key, key],
    fn: pairs,
    lowerMs,
    upperMs,
    types: [undefined, undefined],
    lateTags: [lateLeft, lateRight],
    ...changes,
  };
}

function watermark(harness: OperatorHarness, timestampMs: number): void {
  harness.watermark(timestampMs, 0);
  harness.watermark(timestampMs, 1);
}

interface Kept {
  readonly side: Side;
  readonly item: Item;
  readonly at: number;
}

/** The join as its definition says: all records that no watermark has dropped, compared with all others. */
class Model {
  readonly #lowerMs: number;
  readonly #upperMs: number;
  #kept: Kept[] = [];
  #watermark = Number.NEGATIVE_INFINITY;

  constructor(lowerMs: number, upperMs: number) {
    this.#lowerMs = lowerMs;
    this.#upperMs = upperMs;
  }

  /** The pairs, those with the oldest partner first, or undefined when the record is late. */
  element(side: Side, item: Item, at: number): { value: string; timestampMs: number }[] | undefined {
    if (at < this.#watermark) return undefined;
    this.#kept.push({ side, item, at });
    return this.#kept
      .filter((other) => other.side !== side && other.item.key === item.key)
      .map((other) => (side === 0 ? ([{ item, at }, other] as const) : ([other, { item, at }] as const)))
      .filter(([left, right]) => right.at >= left.at + this.#lowerMs && right.at <= left.at + this.#upperMs)
      .sort((one, two) => one[1 - side]!.at - two[1 - side]!.at)
      .map(([left, right]) => ({
        value: `${left.item.id}@${left.at} ${right.item.id}@${right.at}`,
        timestampMs: Math.max(left.at, right.at),
      }));
  }

  watermark(timestampMs: number): void {
    this.#watermark = timestampMs;
    const keepMs = [Math.max(0, this.#upperMs), Math.max(0, -this.#lowerMs)] as const;
    this.#kept = this.#kept.filter(({ side, at }) => at + keepMs[side] > timestampMs);
  }
}

const bounds = fc.oneof(
  fc.record({ lower: fc.integer({ min: -3, max: 3 }), length: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ lower: fc.integer({ min: -15, max: 15 }), length: fc.integer({ min: 0, max: 15 }) }),
  fc.record({ lower: fc.constant(-700), length: fc.constant(1300) }),
);

const element = fc.record({
  kind: fc.constant("element" as const),
  side: fc.constantFrom<Side>(0, 1),
  key: fc.constantFrom("a", "a", "b"),
  // Around the watermark, so that records are early, late and exactly in time.
  ahead: fc.oneof(
    fc.integer({ min: -1, max: 3 }),
    fc.integer({ min: -6, max: 25 }),
    fc.integer({ min: -100, max: 900 }),
  ),
});

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: element },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("watermark" as const),
        advance: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 1000 })),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restore" as const) }) },
  ),
  { maxLength: 60, size: "max" },
);

test("S11: all pairs within the interval come out once, with the later timestamp, also after restores at any point", () => {
  fc.assert(
    fc.property(bounds, steps, ({ lower, length }, all) => {
      const spec = specOf(lower, lower + length);
      const model = new Model(lower, lower + length);
      let harness = new OperatorHarness(spec, { platform, sideOutputs });
      let now = 0;
      all.forEach((step, id) => {
        if (step.kind === "element") {
          const at = now + step.ahead;
          const item = { key: step.key, id };
          const expected = model.element(step.side, item, at);
          harness.element(item, at, step.side);
          expect(harness.output()).toEqual(expected ?? []);
          const late = expected === undefined ? [{ value: item, timestampMs: at }] : [];
          expect(harness.output(sideOutputs[step.side])).toEqual(late);
        } else if (step.kind === "watermark") {
          now += step.advance;
          model.watermark(now);
          watermark(harness, now);
        } else {
          harness = new OperatorHarness(spec, { platform, sideOutputs, restore: harness.snapshot() });
        }
      });
    }),
    { numRuns: 400 },
  );
});

test("many records of one key are joined as few are, in any order", () => {
  const [lower, upper] = [-40, 90];
  const model = new Model(lower, upper);
  const harness = new OperatorHarness(specOf(lower, upper), { platform, sideOutputs });
  for (let id = 0; id < 3000; id++) {
    // A full cycle through the residues: two steps forward, one back, by up to 300 ms.
    const at = id + ((id * 7919) % 301);
    const side: Side = (id * 31) % 3 === 0 ? 0 : 1;
    harness.element({ key: "a", id }, at, side);
    expect(harness.output()).toEqual(model.element(side, { key: "a", id }, at));
    if (id % 50 === 0) {
      watermark(harness, id - 1);
      model.watermark(id - 1);
    }
  }
});

test("a snapshot is of the moment it was begun, whatever comes before it is written", () => {
  fc.assert(
    fc.property(bounds, steps, steps, steps, ({ lower, length }, before, meanwhile, after) => {
      const spec = specOf(lower, lower + length);
      const [first, second] = [new OperatorHarness(spec, { platform }), new OperatorHarness(spec, { platform })];
      const now = [first, second].map((harness) => play(harness, before, 0, 0).now)[0]!;
      const whole = second.snapshot();
      const { snapshot } = first.chain.snapshot(1)[0]!;
      play(first, meanwhile, now, 1000);
      const slowly: HarnessSnapshot = { ...whole, keyedBlobs: encodedBytes(snapshot.keyed) };
      const [fromSlowly, fromWhole] = [slowly, whole].map(
        (restore) => play(new OperatorHarness(spec, { platform, restore }), after, now, 1000).output,
      );
      expect(fromSlowly).toEqual(fromWhole);
    }),
  );
});

type Steps = typeof steps extends fc.Arbitrary<infer S> ? S : never;

function play(
  harness: OperatorHarness,
  all: Steps,
  start: number,
  firstId: number,
): { readonly now: number; readonly output: readonly unknown[] } {
  let now = start;
  all.forEach((step, index) => {
    if (step.kind === "element") harness.element({ key: step.key, id: firstId + index }, now + step.ahead, step.side);
    if (step.kind !== "watermark") return;
    now += step.advance;
    watermark(harness, now);
  });
  return { now, output: harness.output() };
}

test("S11: after a rescale every key finds its records in exactly one subtask", () => {
  const spec = specOf(0, 100);
  const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);
  const harness = new OperatorHarness(spec, { platform });
  keys.forEach((key, id) => {
    harness.element({ key, id }, 10, 0);
  });
  const snapshot = harness.snapshot();
  const halves = [
    { ...snapshot, keyGroupEnd: 64 },
    { ...snapshot, keyGroupStart: 64 },
  ].map((restore) => new OperatorHarness(spec, { platform, restore }));
  const found = halves.map((half) => {
    keys.forEach((key, id) => {
      half.element({ key, id }, 20, 1);
    });
    return half.output().map(({ value }) => value);
  });
  expect(found[0]!.length).toBeGreaterThan(5);
  expect(found[1]!.length).toBeGreaterThan(5);
  expect(found.flat().sort()).toEqual(keys.map((_, id) => `${id}@10 ${id}@20`).sort());
});

test("S11: a record at the watermark is in time, one before it is late", () => {
  const harness = new OperatorHarness(specOf(-5, 5), { platform, sideOutputs });
  watermark(harness, 100);
  harness.element({ key: "a", id: 1 }, 100, 0);
  harness.element({ key: "a", id: 2 }, 100, 1);
  harness.element({ key: "a", id: 3 }, 99, 0);
  harness.element({ key: "a", id: 4 }, 99, 1);
  expect(harness.output()).toEqual([{ value: "1@100 2@100", timestampMs: 100 }]);
  expect(harness.output("late-left")).toEqual([{ value: { key: "a", id: 3 }, timestampMs: 99 }]);
  expect(harness.output("late-right")).toEqual([{ value: { key: "a", id: 4 }, timestampMs: 99 }]);
});

test("a record that lies after all its partners is kept until the watermark reaches it", () => {
  for (const [side, lower, upper] of [
    [0, -5, -2],
    [1, 2, 5],
  ] as const) {
    const harness = new OperatorHarness(specOf(lower, upper), { platform });
    harness.element({ key: "a", id: side }, 12, side);
    watermark(harness, 10);
    harness.element({ key: "a", id: 1 - side }, 10, 1 - side);
    expect(harness.output()).toEqual([{ value: side === 0 ? "0@12 1@10" : "0@10 1@12", timestampMs: 12 }]);
  }
});

test("S11: late records are counted as dropped where there is no output for them, and only there", () => {
  const harness = new OperatorHarness(specOf(0, 5, { lateTags: [undefined, lateRight] }), { platform, sideOutputs });
  watermark(harness, 100);
  harness.element({ key: "a", id: 1 }, 99, 0);
  harness.element({ key: "a", id: 2 }, 99, 1);
  expect(harness.output()).toEqual([]);
  expect(harness.output("late-left")).toEqual([]);
  expect(harness.output("late-right")).toHaveLength(1);
  const { operator, dropped } = operatorAlone(specOf(0, 5, { lateTags: [undefined, lateRight] }));
  operator.onWatermark(100);
  operator.late(0, "left", 99);
  operator.late(1, "right", 99);
  expect(dropped.count).toBe(1);
});

test.each([
  ["left", 0],
  ["right", 1],
] as const)("a record without event time on the %s side is refused with what to do", (side, input) => {
  for (const reached of [Number.NEGATIVE_INFINITY, 100]) {
    const harness = new OperatorHarness(specOf(0, 5), { platform });
    if (reached === 100) watermark(harness, reached);
    for (const timestampMs of [NO_TIMESTAMP, Number.NaN]) {
      expect(() => harness.element({ key: "a", id: 1 }, timestampMs, input)).toThrow(
        expect.objectContaining({ code: "MR_TIMESTAMP_MISSING", message: expect.stringContaining(`the ${side} side`) }),
      );
    }
  }
});

test("S11: a snapshot has nothing of records that no longer find partners, and nothing at all at the end", () => {
  // A store has what keys were when they were last at work, and what has expired since is left out when it is read.
  const harness = new OperatorHarness(specOf(0, 1000), { platform, stateBackend: heapStateBackend });
  for (let id = 0; id < 200; id++) {
    harness.element({ key: `k${id % 40}`, id }, id, 0);
    harness.element({ key: `k${id % 40}`, id }, id, 1);
  }
  expect(recordsIn(harness.snapshot())).toEqual([200, 200]);
  watermark(harness, 99);
  expect(recordsIn(harness.snapshot())).toEqual([200, 100]);
  watermark(harness, 1149);
  expect(recordsIn(harness.snapshot())).toEqual([50, 0]);
  watermark(harness, MAX_WATERMARK);
  const sections = harness.snapshot().keyedBlobs.flatMap((blob) => decodeKeyedState(blob, 0, 128));
  expect(sections.flatMap((section) => section.groups)).toEqual([]);
});

test("keys leave the state soon after their records, others stay", () => {
  const { operator, keep } = operatorAlone(specOf(0, 1000));
  for (let at = 0; at < 10_000; at += 10) {
    keep(0, `left-${at}`, at);
    keep(1, `right-${at}`, at);
    keep(1, "always", at);
    operator.onWatermark(at);
    // The left keys of the last second, what a bucket of 250 ms and the one before hold back, and the busy key.
    expect(operator.table.map.size).toBeGreaterThan(Math.min(at, 1000) / 10);
    expect(operator.table.map.size).toBeLessThanOrEqual(100 + 2 * 26 + 1);
  }
  operator.onWatermark(MAX_WATERMARK);
  expect(operator.table.map.size).toBe(0);
});

/** The operator without a chain, so that a test sees its table. */
function operatorAlone(spec: IntervalJoinSpec): {
  readonly operator: IntervalJoinOperator;
  readonly dropped: { readonly count: number };
  keep(side: Side, key: string, at: number): void;
} {
  const dropped = { count: 0 };
  const group = {
    counter: (name: string) => ({ inc: () => (dropped.count += name === "numLateRecordsDropped" ? 1 : 0) }),
  };
  const host = {
    context: { metricGroup: group } as unknown as FunctionContext,
    clock: platform.clock,
    platform,
    uid: "alone",
    operatorName: "alone",
    maxParallelism: 128,
    stateBackend: heapStateBackend,
    wake: () => {},
    fail: (error: unknown) => expect.unreachable(String(error)),
  };
  const serializers = [learnedType<unknown>().serializer, learnedType<unknown>().serializer] as const;
  const operator = new IntervalJoinOperator(host, spec.fn, { ...spec, serializers });
  operator.open();
  return {
    operator,
    dropped,
    keep: (side, key, at) => {
      operator.table.select(key);
      if (side === 0) operator.keepLeft(operator.table.current, key, at);
      else operator.keepRight(operator.table.current, key, at);
    },
  };
}

/** By side: how many records a snapshot holds, found by joining each key's with one that meets all of them. */
function recordsIn(restore: HarnessSnapshot): number[] {
  return ([1, 0] as const).map((input) => {
    const harness = new OperatorHarness(specOf(-5000, 5000), { platform, restore });
    for (let key = 0; key < 40; key++) harness.element({ key: `k${key}`, id: 0 }, 1200, input);
    return harness.output().length;
  });
}

test("state is read with a type that has got more fields, and refused with one that does not fit", () => {
  const before = t.object({ key: t.string, id: t.int32 });
  const wider = t.object({ key: t.string, id: t.float64, note: t.optional(t.string) });
  const other = t.object({ key: t.string, id: t.string });
  const harness = new OperatorHarness(specOf(0, 5, { types: [before, undefined] }), { platform });
  harness.element({ key: "a", id: 7 }, 10, 0);
  const restore = harness.snapshot();
  const restored = new OperatorHarness(specOf(0, 5, { types: [wider, undefined] }), { platform, restore });
  restored.element({ key: "a", id: 8 }, 12, 1);
  expect(restored.output()).toEqual([{ value: "7@10 8@12", timestampMs: 12 }]);
  expect(() => new OperatorHarness(specOf(0, 5, { types: [other, undefined] }), { platform, restore })).toThrow(
    "MR_STATE_SCHEMA_INCOMPATIBLE",
  );
});

/** Numbers the pairs of each key. */
class Numbering implements ProcessJoinFunction<unknown, unknown, unknown> {
  private count!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.count = context.getState(valueState("count", t.int32));
  }

  processElement(left: unknown, _right: unknown, _context: ProcessJoinContext, out: Collector<unknown>): void {
    const count = (this.count.value() ?? 0) + 1;
    this.count.update(count);
    out.collect(`${(left as Item).key}${count}`);
  }
}

test("S11, F01: the join function has keyed state of its own, which outlives the records", () => {
  const spec = specOf(0, 5, { fn: new Numbering() });
  let harness = new OperatorHarness(spec, { platform });
  const found: unknown[] = [];
  for (const at of [0, 1000, 2000]) {
    for (const key of ["a", "b"]) {
      harness.element({ key, id: 0 }, at, 0);
      harness.element({ key, id: 0 }, at, 1);
    }
    found.push(...harness.output().map(({ value }) => value));
    watermark(harness, at + 900);
    harness = new OperatorHarness(spec, { platform, restore: harness.snapshot() });
  }
  expect(found).toEqual(["a1", "b1", "a2", "b2", "a3", "b3"]);
});

test("a join function that returns a Promise fails the job", () => {
  const fn = { processElement: () => Promise.resolve() as never };
  const harness = new OperatorHarness(specOf(0, 5, { fn }), { platform });
  harness.element({ key: "a", id: 1 }, 1, 0);
  expect(() => harness.element({ key: "a", id: 2 }, 1, 1)).toThrow("MR_ASYNC_NOT_ALLOWED");
});
