import { describe, expect, test } from "vitest";
import type { BinaryReader } from "../../base/binary-reader.ts";
import type { BinaryWriter } from "../../base/binary-writer.ts";
import { createSimulatedPlatform } from "../../platform/simulated-platform.ts";
import { valueState } from "../../state/state-descriptors.ts";
import { OperatorHarness } from "../../testing/operator-harness.ts";
import { DynamicEventTimeSessionWindows } from "../../time/dynamic-session-windows.ts";
import { GlobalWindows } from "../../time/global-windows.ts";
import { EventTimeSessionWindows } from "../../time/session-windows.ts";
import { TimeWindow } from "../../time/time-window.ts";
import { TumblingEventTimeWindows } from "../../time/tumbling-windows.ts";
import type { Window } from "../../time/window.ts";
import { t } from "../../types/declared-types.ts";
import type { Type } from "../../types/type.ts";
import type { ProcessWindowContext, ProcessWindowFunction } from "../functions.ts";
import type { AnyWindowAssigner } from "./element-assigner.ts";
import { generalWindowSpec, type WindowPlan } from "./general-window-spec.ts";
import { CountTrigger } from "./triggers/count-trigger.ts";
import { MergingWindowAssigner, WindowAssigner } from "./window-assigner.ts";

const platform = createSimulatedPlatform({ seed: 6 });

function planOf(assigner: AnyWindowAssigner<never>, changes: Partial<WindowPlan> = {}): WindowPlan {
  return {
    key: () => "all",
    assigner: assigner as AnyWindowAssigner<unknown>,
    trigger: undefined,
    evictor: undefined,
    elementType: undefined,
    fold: { kind: "list", type: undefined },
    emit: {
      kind: "function",
      fn: (_key, window, elements) => `${String(window)} ${(elements as number[]).join(" ")}`,
    },
    allowedLatenessMs: 0,
    lateTag: undefined,
    ...changes,
  };
}

/** The operator after a snapshot and a restore. */
function restored(plan: WindowPlan, harness: OperatorHarness): OperatorHarness {
  return new OperatorHarness(generalWindowSpec(plan), { platform, restore: harness.snapshot() });
}

const open = (plan: WindowPlan) => new OperatorHarness(generalWindowSpec(plan), { platform });
const values = (harness: OperatorHarness) => harness.output().map(({ value }) => value);

/** A window by name, which ends never. */
class Room implements Window {
  readonly name: string;
  readonly maxTimestamp = 1_000_000;

  constructor(name: string) {
    this.name = name;
  }

  toString(): string {
    return this.name;
  }
}

const roomType: Type<Room> = {
  ...t.string,
  serializer: {
    schema: { kind: "string" },
    write: (room: Room, out: BinaryWriter) => t.string.serializer.write(room.name, out),
    read: (input: BinaryReader) => new Room(t.string.serializer.read(input)),
  },
} as unknown as Type<Room>;

class Rooms extends WindowAssigner<number, Room> {
  override readonly isEventTime = true;
  override readonly windowType: Type<Room> | undefined;

  constructor(type: Type<Room> | undefined) {
    super();
    this.windowType = type;
  }

  override assignWindows(value: number): readonly Room[] {
    return value === 0 ? [] : [new Room(value % 2 === 0 ? "even" : "odd"), new Room("all")];
  }
}

/** Windows of one element that merge when their elements are neighbours; the merged window ends when `endOf` says. */
class Neighbours extends MergingWindowAssigner<number, TimeWindow> {
  override readonly isEventTime = true;
  private readonly endOf: (end: number) => number;

  constructor(endOf: (end: number) => number) {
    super();
    this.endOf = endOf;
  }

  override assignWindows(_value: number, timestampMs: number): readonly TimeWindow[] {
    return [new TimeWindow(timestampMs, timestampMs + 2)];
  }

  override mergeWindows(
    windows: readonly TimeWindow[],
    merge: (toBeMerged: readonly TimeWindow[], result: TimeWindow) => void,
  ): void {
    const newest = windows.at(-1)!;
    const touching = windows.filter((window) => window.intersects(newest));
    if (touching.length < 2) return;
    const whole = touching.reduce((left, right) => left.cover(right));
    merge(touching, new TimeWindow(whole.start, this.endOf(whole.end)));
  }
}

describe("F03: assigners of users", () => {
  test("have windows of a class of their own, written with their type", () => {
    const plan = planOf(new Rooms(roomType), { trigger: CountTrigger.of(2) });
    let harness = open(plan);
    const found = [1, 2, 0, 3, 4].map((value) => {
      harness.element(value, 10);
      harness = restored(plan, harness);
      return value;
    });
    expect(found).toHaveLength(5);
    harness.element(6, 11);
    expect(values(harness)).toEqual([]);
    harness.element(8, 12);
    expect(values(harness)).toEqual(["even 2 4 6 8", "all 1 2 3 4 6 8"]);
  });

  test("windows of their own need a type: MR_WINDOW_TYPE_MISSING", () => {
    expect(() => open(planOf(new Rooms(undefined))).element(1, 1)).toThrow("MR_WINDOW_TYPE_MISSING");
  });

  test("merge as they say", () => {
    const harness = open(planOf(new Neighbours((end) => end)));
    for (const value of [1, 9, 3, 5]) harness.element(value, value);
    harness.watermark(100);
    expect(values(harness)).toEqual(["TimeWindow{start=1, end=7} 1 3 5", "TimeWindow{start=9, end=11} 9"]);
  });

  test("may not merge windows into one that has ended: MR_WINDOW_MERGE_INVALID", () => {
    const harness = open(planOf(new Neighbours(() => 4)));
    harness.element(10, 10);
    harness.watermark(5);
    expect(() => harness.element(11, 11)).toThrow("MR_WINDOW_MERGE_INVALID");
  });

  test("a gap that is no positive number fails the job: MR_WINDOW_SIZE_INVALID", () => {
    for (const gap of [0, -1, 1.5, Number.NaN, "1 s" as never]) {
      const harness = open(planOf(DynamicEventTimeSessionWindows.withDynamicGap(() => gap)));
      expect(() => harness.element(1, 1)).toThrow("MR_WINDOW_SIZE_INVALID");
    }
  });

  test("each element's own gap decides how long its session goes on", () => {
    const gapOf = (value: number): number => value;
    const harness = open(planOf(EventTimeSessionWindows.withDynamicGap(gapOf)));
    harness.element(10, 0);
    harness.element(100, 5);
    harness.element(3, 90);
    harness.element(2, 106);
    harness.watermark(200);
    expect(values(harness)).toEqual(["TimeWindow{start=0, end=105} 10 100 3", "TimeWindow{start=106, end=108} 2"]);
  });
});

const fires = valueState<number>("fires");

/** Numbers the firings of each window, and of the key; says when a window is dropped. */
class Numbering implements ProcessWindowFunction<number, string, string, Window> {
  process(
    _key: string,
    context: ProcessWindowContext<Window>,
    _elements: Iterable<number>,
    out: { collect(value: string): void },
  ): void {
    const [own, all] = [context.windowState().getState(fires), context.globalState().getState(fires)];
    own.update((own.value() ?? 0) + 1);
    all.update((all.value() ?? 0) + 1);
    out.collect(`${context.window} ${own.value()} of ${all.value()}`);
  }

  clear(context: ProcessWindowContext<Window>): void {
    const own = context.windowState().getState(fires);
    dropped.push(`${context.window} after ${own.value()}`);
    own.clear();
  }
}

const dropped: string[] = [];
const numbering = { kind: "process", fn: new Numbering() as never } as const;

describe("F03: state of a window's function", () => {
  test("is kept by window and by key, restored, and dropped with the window", () => {
    dropped.length = 0;
    const plan = planOf(TumblingEventTimeWindows.of(10), { emit: numbering, trigger: CountTrigger.of(1) });
    let harness = open(plan);
    const found: unknown[] = [];
    for (const at of [1, 2, 11, 3]) {
      harness.element(at, at);
      found.push(...values(harness));
      harness = restored(plan, harness);
    }
    harness.watermark(15);
    expect(found.map(String)).toEqual([
      "TimeWindow{start=0, end=10} 1 of 1",
      "TimeWindow{start=0, end=10} 2 of 2",
      "TimeWindow{start=10, end=20} 1 of 3",
      "TimeWindow{start=0, end=10} 3 of 4",
    ]);
    expect(dropped).toEqual(["TimeWindow{start=0, end=10} after 3"]);
  });

  test("is refused for windows that merge, as in Flink: MR_WINDOW_STATE_UNAVAILABLE", () => {
    const harness = open(planOf(EventTimeSessionWindows.withGap(5), { emit: numbering }));
    harness.element(1, 1);
    expect(() => harness.watermark(10)).toThrow("MR_WINDOW_STATE_UNAVAILABLE");
  });

  test("a checkpoint of windows of another kind is refused: MR_WINDOW_STATE_INCOMPATIBLE", () => {
    const { key, fold, emit } = planOf(GlobalWindows.create());
    const common = { key, fold, emit, allowedLatenessMs: 0, lateTag: undefined };
    const fast = new OperatorHarness(
      { kind: "window", assigner: TumblingEventTimeWindows.of(10), ...common },
      { platform },
    );
    fast.element(1, 1);
    expect(() => restored(planOf(TumblingEventTimeWindows.of(10)), fast)).toThrow("MR_WINDOW_STATE_INCOMPATIBLE");
  });
});
