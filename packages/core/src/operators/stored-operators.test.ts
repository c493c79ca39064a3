/** Windows and joins whose state is in a store, behind a cache of few keys, beside the same ones on the heap. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createNodePlatform } from "../platform/node-platform.ts";
import { SeededRandom } from "../platform/seeded-random.ts";
import { SimulatedDisk } from "../platform/simulated-disk.ts";
import { SimulatedStores } from "../platform/simulated-stores.ts";
import { heapStateBackend, type KeyedStateBackend, StoredStateBackend } from "../state/state-backend.ts";
import type { SnapshotFormat } from "../state/store-snapshot.ts";
import { type HarnessSnapshot, OperatorHarness } from "../testing/operator-harness.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import { SlidingEventTimeWindows } from "../time/sliding-windows.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import type { SpanAssigner } from "../time/window-assigner.ts";
import { t } from "../types/declared-types.ts";
import { hashKey, keyGroup } from "../types/key-encoding.ts";
import type { IntervalJoinSpec, OperatorSpec, WindowFold, WindowSpec } from "./operator-spec.ts";
import { OutputTag } from "./output-tag.ts";

interface Item {
  readonly key: string;
  readonly ids: readonly number[];
}

const platform = createNodePlatform();
const late = new OutputTag<unknown>("late");
const MAX_PARALLELISM = 128;
/** More with MILLRACE_STORED_RUNS. */
const RUNS = Number(process.env["MILLRACE_STORED_RUNS"] ?? 12);

/** Every element of a window, in the order in which they came to it. */
const merging: WindowFold = {
  kind: "aggregate",
  accumulatorType: undefined,
  aggregate: {
    createAccumulator: (): number[] => [],
    add: (value, ids) => [...(ids as number[]), ...(value as Item).ids],
    getResult: (ids) => (ids as number[]).join(),
    merge: (left, right) => [...(left as number[]), ...(right as number[])],
  },
};
const { merge: _, ...withoutMerge } = merging.aggregate;
const perWindow: WindowFold = { ...merging, aggregate: withoutMerge };
const reducing: WindowFold = {
  kind: "reduce",
  fn: (left, right) => ({ key: (left as Item).key, ids: [...(left as Item).ids, ...(right as Item).ids] }),
  type: t.object({ key: t.string, ids: t.array(t.int32) }),
};

function windowOf(assigner: SpanAssigner, fold: WindowFold, allowedLatenessMs: number): WindowSpec {
  return {
    kind: "window",
    key: (value) => (value as Item).key,
    assigner,
    fold,
    emit: { kind: "function", fn: (key, window, result) => `${key} ${window} ${JSON.stringify(result)}` },
    allowedLatenessMs,
    lateTag: late,
  };
}

function listWindow(assigner: SpanAssigner): WindowSpec {
  const process = {
    process: (key: unknown, _context: unknown, elements: Iterable<unknown>, out: { collect(value: unknown): void }) =>
      out.collect(`${key} ${[...elements].map((each) => (each as Item).ids.join()).join()}`),
  };
  const spec = windowOf(assigner, { kind: "list", type: undefined }, 0);
  return { ...spec, emit: { kind: "process", fn: process as never } };
}

function joinOf(lowerMs: number, upperMs: number): IntervalJoinSpec {
  const key = (value: unknown): string => (value as Item).key;
  return {
    kind: "intervalJoin",
    keys: [key, key],
    fn: { processElement: (left, right, _context, out) => out.collect(`${(left as Item).ids} ${(right as Item).ids}`) },
    lowerMs,
    upperMs,
    types: [undefined, undefined],
    lateTags: [late, undefined],
  };
}

const specs: readonly (readonly [string, OperatorSpec])[] = [
  ["tumbling windows", windowOf(TumblingEventTimeWindows.of(10), merging, 0)],
  ["tumbling windows with lateness", windowOf(TumblingEventTimeWindows.of(7, 2), reducing, 12)],
  ["tumbling windows of lists", listWindow(TumblingEventTimeWindows.of(9))],
  ["sliding windows of slices", windowOf(SlidingEventTimeWindows.of(20, 6), merging, 0)],
  ["sliding windows of slices with lateness", windowOf(SlidingEventTimeWindows.of(15, 5), reducing, 9)],
  ["sliding windows one by one", windowOf(SlidingEventTimeWindows.of(12, 5), perWindow, 4)],
  ["sliding windows with gaps", windowOf(SlidingEventTimeWindows.of(5, 8), perWindow, 0)],
  ["sessions", windowOf(EventTimeSessionWindows.withGap(6), merging, 0)],
  ["sessions with lateness", windowOf(EventTimeSessionWindows.withGap(4), reducing, 10)],
  ["interval joins", joinOf(-5, 8)],
  ["interval joins of nearly one time", joinOf(0, 1)],
];

type Step =
  | { readonly kind: "element"; readonly key: number; readonly ahead: number; readonly side: 0 | 1 }
  | { readonly kind: "watermark"; readonly advance: number }
  | { readonly kind: "begin" | "restore"; readonly format: SnapshotFormat; readonly isCrossed: boolean };

const saving = { format: fc.constantFrom<SnapshotFormat>("NATIVE", "NATIVE", "CANONICAL"), isCrossed: fc.boolean() };
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 16,
      arbitrary: fc.record({
        kind: fc.constant("element" as const),
        key: fc.nat({ max: 12 }),
        ahead: fc.integer({ min: -14, max: 25 }),
        side: fc.constantFrom<0 | 1>(0, 1),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("watermark" as const), advance: fc.integer({ min: 1, max: 14 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("begin" as const), ...saving }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restore" as const), ...saving }) },
  ),
  { maxLength: 90, size: "max" },
);

/** Stores of one machine, each table with a cache of so many entries. */
function storesOf(cacheEntriesMax: number): KeyedStateBackend {
  const stores = new SimulatedStores(new SimulatedDisk(new SeededRandom(0)), () => 0);
  const options = {
    stores,
    directory: "/state",
    cacheEntriesMax,
    cacheBytesMax: 2 ** 30,
    isIncremental: true,
    random: new SeededRandom(1),
  };
  return new StoredStateBackend(options);
}

/** One operator, as it goes on over restores. */
class Run {
  readonly #spec: OperatorSpec;
  readonly stateBackend: KeyedStateBackend;
  #harness: OperatorHarness;

  constructor(spec: OperatorSpec, stateBackend: KeyedStateBackend, restore?: HarnessSnapshot) {
    this.#spec = spec;
    this.stateBackend = stateBackend;
    this.#harness = this.#start(restore);
  }

  element(value: Item, timestampMs: number, side: 0 | 1): void {
    this.#harness.element(value, timestampMs, this.#spec.kind === "intervalJoin" ? side : 0);
  }

  watermark(timestampMs: number): void {
    this.#harness.watermark(timestampMs, 0);
    if (this.#spec.kind === "intervalJoin") this.#harness.watermark(timestampMs, 1);
  }

  taken(): readonly string[] {
    const results = this.#harness.output().map(({ value, timestampMs }) => `${value} @${timestampMs}`);
    return [...results, ...this.#harness.output("late").map(({ value }) => `late ${(value as Item).ids}`)];
  }

  /** Begins a snapshot; it is written when the returned function is called. */
  begin(format: SnapshotFormat, start = 0, end = MAX_PARALLELISM): () => HarnessSnapshot {
    const { snapshot } = this.#harness.chain.snapshot(1, format)[0]!;
    return () => {
      const { keyed } = snapshot;
      while (!keyed!.isWritten) keyed!.step(3);
      const state = keyed!.encode();
      const own = { keyGroupStart: start, keyGroupEnd: end };
      const lists = new Map(snapshot.lists.map((list) => [list.name, list.elements]));
      if (state instanceof Uint8Array) return { keyedBlobs: [state], ...own, lists };
      return { keyedBlobs: [], keyedStores: [{ ...state, ...own }], ...own, lists };
    };
  }

  restore(from: HarnessSnapshot): void {
    this.#harness = this.#start(from);
  }

  #start(restore: HarnessSnapshot | undefined): OperatorHarness {
    const { stateBackend } = this;
    return new OperatorHarness(this.#spec, {
      platform,
      sideOutputs: ["late"],
      stateBackend,
      ...(restore && { restore }),
    });
  }
}

describe.each(specs)("S30: windows and joins outgrow memory: %s", (_name, spec) => {
  test("give what they give on the heap, in the same order, with a few keys in memory, across snapshots and restores", () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 4, 8), steps, (cacheEntriesMax, all) => {
        const stored = new Run(spec, storesOf(cacheEntriesMax));
        const heap = new Run(spec, heapStateBackend);
        let watermark = -20;
        let saved: (Saved & { readonly watermark: number }) | undefined;
        let count = 0;
        for (const step of [...all, { kind: "watermark", advance: 500 } as const]) {
          if (step.kind === "element") {
            const item = { key: `key-${step.key}`, ids: [count++] };
            for (const run of [stored, heap]) run.element(item, watermark + step.ahead, step.side);
          } else if (step.kind === "watermark") {
            watermark += step.advance;
            for (const run of [stored, heap]) run.watermark(watermark);
          } else if (step.kind === "begin") {
            saved ??= { ...begun(stored, heap, step), watermark };
          } else {
            saved ??= { ...begun(stored, heap, step), watermark };
            const [own, other] = [saved.stored(), saved.heap()];
            const isCrossed = saved.isCrossed && own.keyedBlobs.length > 0;
            stored.restore(isCrossed ? other : own);
            heap.restore(isCrossed ? own : other);
            watermark = saved.watermark + 1;
            saved = undefined;
            for (const run of [stored, heap]) run.watermark(watermark);
          }
          expect(stored.taken()).toEqual(heap.taken());
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("go to more subtasks and back, as files", () => {
    const stores = storesOf(4);
    const single = new Run(spec, stores);
    const reference = new Run(spec, heapStateBackend);
    const item = (id: number): Item => ({ key: `key-${id % 40}`, ids: [id] });
    for (let id = 0; id < 200; id++) {
      for (const run of [single, reference]) run.element(item(id), id % 17, (Math.floor(id / 40) % 2) as 0 | 1);
    }
    for (const run of [single, reference]) run.watermark(6);
    const expected = [...reference.taken()];
    const found = [...single.taken()];
    const whole = single.begin("NATIVE")();
    const halves = [0, 64].map((start) => {
      const own = { keyGroupStart: start, keyGroupEnd: start + 64 };
      // The files are the restored table's to remove: each gets its own.
      const copy = start === 0 ? whole : single.begin("NATIVE")();
      return new Run(spec, stores, { ...copy, ...own });
    });
    for (let id = 200; id < 400; id++) {
      const { key } = item(id);
      const half = halves[keyGroup(hashKey(key), MAX_PARALLELISM) < 64 ? 0 : 1]!;
      for (const run of [half, reference]) run.element(item(id), 6 + (id % 17), (Math.floor(id / 40) % 2) as 0 | 1);
    }
    for (const run of [...halves, reference]) run.watermark(15);
    expected.push(...reference.taken());
    found.push(...halves.flatMap((half) => half.taken()));
    const parts = halves.map((half, index) => half.begin("NATIVE", 64 * index, 64 * index + 64)());
    const joined = new Run(spec, stores, {
      ...whole,
      keyedStores: parts.flatMap(({ keyedStores = [] }) => keyedStores),
      lists: parts[0]!.lists,
    });
    for (const run of [joined, reference]) run.watermark(1000);
    expected.push(...reference.taken());
    found.push(...joined.taken());
    expect(found.sort()).toEqual(expected.sort());
    expect(found.length).toBeGreaterThan(30);
  });
});

interface Saved {
  readonly stored: () => HarnessSnapshot;
  readonly heap: () => HarnessSnapshot;
  readonly isCrossed: boolean;
}

function begun(stored: Run, heap: Run, { format, isCrossed }: Step & { kind: "begin" | "restore" }): Saved {
  return { stored: stored.begin(format), heap: heap.begin("CANONICAL"), isCrossed };
}
