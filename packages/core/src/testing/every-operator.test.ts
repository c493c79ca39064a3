/**
 * What every operator has to stand, whatever it does: its records one by one or all at once, an output that refuses every
 * second time, and a snapshot and restore after every step. A new operator is added with one line.
 */
import { describe, expect, test } from "vitest";
import type { KeyedBroadcastContext, KeyedReadOnlyContext } from "../operators/broadcast/broadcast-functions.ts";
import type { FunctionInitializationContext } from "../operators/checkpointed-function.ts";
import type {
  Collector,
  KeyedProcessContext,
  OnTimerContext,
  ProcessWindowContext,
  RuntimeContext,
} from "../operators/functions.ts";
import { CountEvictor } from "../operators/window/evictors/count-evictor.ts";
import { TimeEvictor } from "../operators/window/evictors/time-evictor.ts";
import { ContinuousEventTimeTrigger } from "../operators/window/triggers/continuous-event-time-trigger.ts";
import { CountTrigger } from "../operators/window/triggers/count-trigger.ts";
import { DeltaTrigger } from "../operators/window/triggers/delta-trigger.ts";
import { PurgingTrigger } from "../operators/window/triggers/purging-trigger.ts";
import type { ListState, ValueState } from "../state/keyed-state.ts";
import { listState, mapState, valueState } from "../state/state-descriptors.ts";
import { GlobalWindows } from "../time/global-windows.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import { SlidingEventTimeWindows } from "../time/sliding-windows.ts";
import type { TimeWindow } from "../time/time-window.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { neighbourRuns, type OperatorUnderTest, oneInput, twoInputs } from "./neighbour-runs.ts";
import type { SubtaskEvent } from "./subtask-run.ts";

interface Click {
  readonly user: string;
  readonly at: number;
  readonly n: number;
}

interface Row extends OperatorUnderTest {
  /** Results of asynchronous functions may leave in another order. */
  readonly isUnordered?: boolean;
  /** What the operator gets instead of a click. */
  readonly recordOf?: (click: Click) => unknown;
}

const one = (...args: Parameters<typeof oneInput<Click>>): Row => oneInput<Click>(...args);
const two = (...args: Parameters<typeof twoInputs<Click>>): Row => twoInputs<Click>(...args);

const user = (click: Click): string => click.user;
const count = {
  createAccumulator: () => 0,
  add: (_click: Click, n: number) => n + 1,
  getResult: (n: number) => n,
  merge: (left: number, right: number) => left + right,
};
const collectEach = {
  processElement: (click: Click, _context: unknown, out: Collector<number>) => out.collect(click.n),
};
const pair = {
  processElement: (left: Click, right: Click, _context: unknown, out: Collector<readonly number[]>) =>
    out.collect([left.n, right.n]),
};
const both = {
  processElement1: (click: Click, _context: unknown, out: Collector<string>) => out.collect(`1 ${click.n}`),
  processElement2: (click: Click, _context: unknown, out: Collector<string>) => out.collect(`2 ${click.n}`),
};
const timers = {
  processElement: (click: Click, context: KeyedProcessContext<string>) =>
    context.timerService.registerEventTimeTimer(click.at + 7),
  onTimer: (timeMs: number, context: OnTimerContext<string>, out: Collector<string>) =>
    out.collect(`${context.currentKey} ${timeMs}`),
};

/** Numbers the records of each key, in keyed state. */
class Numbered {
  private count!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.count = context.getState(valueState<number>("count"));
  }

  map(click: Click): string {
    this.count.update((this.count.value() ?? 0) + 1);
    return `${click.user} ${this.count.value()}`;
  }
}

/** Sums up everything, in a field that operator state brings back. */
class Total {
  private total = 0;
  private saved!: ListState<number>;

  initializeState(context: FunctionInitializationContext): void {
    this.saved = context.operatorStateStore.getListState(listState<number>("total"));
    for (const total of this.saved.get()) this.total += total;
  }

  snapshotState(): void {
    this.saved.update([this.total]);
  }

  map(click: Click): number {
    this.total += click.n;
    return this.total;
  }
}

/** Counts how often a window has fired, in state of that window. */
class Firings {
  readonly firings = valueState<number>("firings");

  process(user: string, context: ProcessWindowContext<TimeWindow>, all: Iterable<Click>, out: Collector<string>): void {
    const state = context.windowState().getState(this.firings);
    state.update((state.value() ?? 0) + 1);
    out.collect(`${user} ${context.window.start} ${[...all].length} ${state.value()}`);
  }

  clear(context: ProcessWindowContext<TimeWindow>): void {
    context.windowState().getState(this.firings).clear();
  }
}

const limits = mapState<string, number>("limits");
const limited = {
  processElement: (
    click: Click,
    context: { getBroadcastState: KeyedReadOnlyContext<string>["getBroadcastState"] },
    out: Collector<string>,
  ) => out.collect(`${click.n} of ${context.getBroadcastState(limits).get(click.user) ?? "any"}`),
  processBroadcastElement: (
    click: Click,
    context: { getBroadcastState: KeyedBroadcastContext<string>["getBroadcastState"] },
  ) => context.getBroadcastState(limits).put(click.user, click.n),
};

/** With state and timers of each key; a broadcast record looks at those of all keys. */
class KeyedLimits {
  readonly sum = valueState<number>("sum");
  private sums!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.sums = context.getState(this.sum);
  }

  processElement(click: Click, context: KeyedReadOnlyContext<string>): void {
    const limit = context.getBroadcastState(limits).get(click.user) ?? 5;
    this.sums.update((this.sums.value() ?? 0) + Math.min(click.n, limit));
    context.timerService.registerEventTimeTimer(click.at + 9);
  }

  processBroadcastElement(click: Click, context: KeyedBroadcastContext<string>, out: Collector<string>): void {
    context.getBroadcastState(limits).put(click.user, click.n);
    let all = 0;
    context.applyToKeyedState(this.sum, (_key, sum) => {
      all += sum.value() ?? 0;
    });
    out.collect(`all ${all}`);
  }

  onTimer(timeMs: number, context: OnTimerContext<string>, out: Collector<string>): void {
    out.collect(`${context.currentKey} at ${timeMs}`);
  }
}

/** Takes as many turns of the event loop's promises as the click says. */
async function later(click: Click): Promise<number> {
  for (let turn = 0; turn < click.n % 5; turn++) await Promise.resolve();
  return click.n;
}

const minus = (left: Click, right: Click): Click => ({ ...right, n: left.n - right.n });
const sumUp = (left: Click, right: Click): Click => ({ ...left, n: left.n + right.n });
const tagged = (click: Click): unknown => (click.n % 2 === 0 ? { first: click } : { second: click });
const tens = TumblingEventTimeWindows.of(10);

const simple: readonly Row[] = [
  one("map", (clicks) => clicks.map((click) => click.n * 2)),
  one("filter", (clicks) => clicks.filter((click) => click.n % 2 === 0)),
  one("flatMap", (clicks) => clicks.flatMap((click) => [click.n, -click.n])),
  one("project", (clicks) => clicks.project("user", "n")),
  one("process", (clicks) => clicks.process(collectEach)),
  one("map with operator state", (clicks) => clicks.map(new Total())),
  one("keyed map with state", (clicks) => clicks.keyBy(user).map(new Numbered())),
  one("timestamps and watermarks", (clicks) =>
    clicks.assignTimestampsAndWatermarks({ boundedOutOfOrderness: 3, timestamp: (click) => click.at + 1 }),
  ),
  one("keyed process with timers", (clicks) => clicks.keyBy(user).process(timers)),
  one("rolling reduce", (clicks) => clicks.keyBy(user).reduce(sumUp)),
  one("rolling sum", (clicks) => clicks.keyBy(user).sum("n")),
  one("rolling minBy", (clicks) => clicks.keyBy(user).minBy("n")),
  one("mapPartition", (clicks) => clicks.fullWindowPartition().mapPartition((all) => [...all].map(({ n }) => n))),
  one("reducePartition", (clicks) => clicks.fullWindowPartition().reduce(minus)),
  one("keyed sortPartition", (clicks) => clicks.keyBy(user).fullWindowPartition().sortPartition("n", "DESCENDING")),
  one("keyed aggregatePartition", (clicks) => clicks.keyBy(user).fullWindowPartition().aggregate(count)),
  // The head of the loop: what it has from before; feedback comes from another operator.
  one("iterate", (clicks) => clicks.iterate(1)),
  one("mapAsync", (clicks) => clicks.mapAsync(later, { capacity: 3 })),
  one("flatMapAsync", (clicks) =>
    clicks.flatMapAsync(async (click) => [await later(click), -click.n], { capacity: 2 }),
  ),
  {
    ...one("unordered mapAsync", (clicks) => clicks.mapAsync(later, { ordered: false, capacity: 3 })),
    isUnordered: true,
  },
  {
    ...one("unordered flatMapAsync", (clicks) =>
      clicks.flatMapAsync(async (click) => [await later(click), -click.n], { ordered: false }),
    ),
    isUnordered: true,
  },
];

const windows: readonly Row[] = [
  one("tumbling window", (clicks) => clicks.keyBy(user).window(tens).aggregate(count)),
  one("tumbling window with lateness", (clicks) => clicks.keyBy(user).window(tens).allowedLateness(4).aggregate(count)),
  one("sliding window", (clicks) => clicks.keyBy(user).window(SlidingEventTimeWindows.of(10, 5)).aggregate(count)),
  one("sliding window of a list", (clicks) =>
    clicks
      .keyBy(user)
      .window(SlidingEventTimeWindows.of(10, 5))
      .process<number>({ process: (_user, _context, all, out) => out.collect([...all].length) }),
  ),
  one("session window", (clicks) => clicks.keyBy(user).window(EventTimeSessionWindows.withGap(4)).aggregate(count)),
  one("session window with a dynamic gap", (clicks) =>
    clicks
      .keyBy(user)
      .window(EventTimeSessionWindows.withDynamicGap((click: Click) => 3 + (click.n % 4)))
      .aggregate(count),
  ),
  one("count window", (clicks) => clicks.keyBy(user).countWindow(3).reduce(sumUp)),
  one("sliding count window", (clicks) => clicks.keyBy(user).countWindow(4, 2).reduce(sumUp)),
  one("window of all", (clicks) => clicks.windowAll(tens).maxBy("n")),
  one("global window with a delta trigger", (clicks) =>
    clicks
      .keyBy(user)
      .window(GlobalWindows.create())
      .trigger(DeltaTrigger.of(5, (left: Click, right: Click) => right.at - left.at))
      .reduce(sumUp),
  ),
  one("global window with evictor and purging trigger", (clicks) =>
    clicks
      .keyBy(user)
      .window(GlobalWindows.create())
      .trigger(PurgingTrigger.of(CountTrigger.of(4)))
      .evictor(CountEvictor.of(2))
      .apply<string>((key, _window, all, out) => out.collect(`${key} ${[...all].map(({ n }) => n).join()}`)),
  ),
  one("window with a continuous trigger and a time evictor", (clicks) =>
    clicks
      .keyBy(user)
      .window(TumblingEventTimeWindows.of(30))
      .trigger(ContinuousEventTimeTrigger.of(10))
      .evictor(TimeEvictor.of(15))
      .aggregate(count),
  ),
  one("window with state of its own", (clicks) =>
    clicks.keyBy(user).window(TumblingEventTimeWindows.of(20)).allowedLateness(5).process(new Firings()),
  ),
  {
    ...one("window join", (clicks) =>
      clicks
        .join(clicks)
        .where(user)
        .equalTo(user)
        .window(TumblingEventTimeWindows.of(20))
        .apply((left, right) => [left.n, right.n]),
    ),
    recordOf: tagged,
  },
  {
    ...one("co-group", (clicks) =>
      clicks
        .coGroup(clicks)
        .where(user)
        .equalTo(user)
        .window(EventTimeSessionWindows.withGap(5))
        .apply((left, right) => [[left.length, right.length]]),
    ),
    recordOf: tagged,
  },
];

const ofTwoInputs: readonly Row[] = [
  two("co map", (left, right) => left.connect(right).map({ map1: ({ n }) => n, map2: ({ n }) => -n })),
  two("co flatMap", (left, right) =>
    left.connect(right).flatMap<number>({
      flatMap1: ({ n }, out) => out.collect(n),
      flatMap2: ({ n }, out) => {
        for (let i = 0; i < n % 3; i++) out.collect(-n);
      },
    }),
  ),
  two("co process", (left, right) => left.connect(right).process(both)),
  two("keyed co process", (left, right) => left.keyBy(user).connect(right.keyBy(user)).process(both)),
  two("interval join", (left, right) =>
    left.keyBy(user).intervalJoin(right.keyBy(user)).between(-20, 20).process(pair),
  ),
  two("broadcast process", (left, right) => left.connect(right.broadcast(limits)).process<string>(limited)),
  two("keyed broadcast process", (left, right) =>
    left.keyBy(user).connect(right.broadcast(limits)).process<string>(new KeyedLimits()),
  ),
];

/** Records of both inputs, out of order by up to 6 ms, with watermarks between. */
function eventsOf(inputs: 1 | 2): readonly SubtaskEvent[] {
  const events: SubtaskEvent[] = [];
  for (let n = 0; n < 40; n++) {
    const at = 3 * n - ((n * 5) % 7);
    const value: Click = { user: `user ${(n * 7) % 3}`, at, n: (n * 11) % 13 };
    events.push({ kind: "record", input: n % inputs === 0 ? 0 : 1, value, timestampMs: at });
    if (n % 4 === 3) events.push({ kind: "watermark", timestampMs: 3 * n - 7 });
  }
  return [...events, { kind: "end" }];
}

const inAnyOrder = (records: readonly unknown[]): readonly string[] =>
  records.map((each) => JSON.stringify(each)).sort();

describe("F44: every operator, whatever its neighbours do", () => {
  test.each([...simple, ...windows, ...ofTwoInputs])(
    "$name: one by one, all at once, refused every second time, restored after every step from a snapshot",
    async (row) => {
      const { recordOf = (click) => click, isUnordered = false } = row;
      const events = eventsOf(row.inputs).map((event) =>
        event.kind === "record" ? { ...event, value: recordOf(event.value as Click) } : event,
      );
      const { expected, found } = await neighbourRuns(row, events);
      expect(expected.length).toBeGreaterThan(0);
      const seen = (records: readonly unknown[]): readonly unknown[] => (isUnordered ? inAnyOrder(records) : records);
      for (const [neighbours, records] of Object.entries(found)) {
        expect(seen(records), neighbours).toEqual(seen(expected));
      }
    },
  );
});
