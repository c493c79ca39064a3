/**
 * What every operator has to stand, whatever it does: its records one by one or all at once, an output that refuses every
 * second time, and a snapshot and restore after every step. A new operator is added with one line.
 */
import { describe, expect, test } from "vitest";
import type { DataStream, SingleOutputStreamOperator } from "../api/data-stream.ts";
import type { Collector, KeyedProcessContext, OnTimerContext } from "../operators/functions.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import { SlidingEventTimeWindows } from "../time/sliding-windows.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { harnessOf, twoInputHarnessOf } from "./harness-of.ts";
import type { HarnessSnapshot } from "./operator-test-harness.ts";
import { runSubtask, type SubtaskEvent } from "./subtask-run.ts";

interface Click {
  readonly user: string;
  readonly at: number;
  readonly n: number;
}

type Clicks = DataStream<Click>;
type Watched = Pick<ReturnType<typeof harnessOf<Click, unknown>>, "snapshot" | "getOutput" | "clearOutput">;

interface Started extends Watched {
  readonly give: (event: SubtaskEvent) => void;
}

interface Row {
  readonly name: string;
  readonly inputs: 1 | 2;
  readonly start: (restore?: HarnessSnapshot) => Started;
  readonly spec: () => Parameters<typeof runSubtask>[0];
}

function one<R>(name: string, build: (clicks: Clicks) => SingleOutputStreamOperator<R>): Row {
  return {
    name,
    inputs: 1,
    spec: () => harnessOf(build).spec,
    start: (restore) => {
      const harness = harnessOf(build, restore === undefined ? {} : { restore });
      const give = (event: SubtaskEvent): void => {
        if (event.kind === "end") harness.endInput();
        else if (event.kind === "watermark") harness.processWatermark(event.timestampMs);
        else harness.processElement(event.value as Click, event.timestampMs);
      };
      return Object.assign(harness, { give });
    },
  };
}

function two<R>(name: string, build: (left: Clicks, right: Clicks) => SingleOutputStreamOperator<R>): Row {
  return {
    name,
    inputs: 2,
    spec: () => twoInputHarnessOf(build).spec,
    start: (restore) => {
      const harness = twoInputHarnessOf(build, restore === undefined ? {} : { restore });
      const give = (event: SubtaskEvent): void => {
        if (event.kind === "end") harness.endInputs();
        else if (event.kind === "watermark") harness.processBothWatermarks(event.timestampMs);
        else if (event.input === 0) harness.processElement1(event.value as Click, event.timestampMs);
        else harness.processElement2(event.value as Click, event.timestampMs);
      };
      return Object.assign(harness, { give });
    },
  };
}

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

const operators: readonly Row[] = [
  one("map", (clicks) => clicks.map((click) => click.n * 2)),
  one("filter", (clicks) => clicks.filter((click) => click.n % 2 === 0)),
  one("flatMap", (clicks) => clicks.flatMap((click) => [click.n, -click.n])),
  one("process", (clicks) => clicks.process(collectEach)),
  one("keyed process with timers", (clicks) => clicks.keyBy(user).process(timers)),
  one("rolling reduce", (clicks) => clicks.keyBy(user).reduce((left, right) => ({ ...left, n: left.n + right.n }))),
  one("rolling sum", (clicks) => clicks.keyBy(user).sum("n")),
  one("rolling minBy", (clicks) => clicks.keyBy(user).minBy("n")),
  one("tumbling window", (clicks) => clicks.keyBy(user).window(TumblingEventTimeWindows.of(10)).aggregate(count)),
  one("sliding window", (clicks) => clicks.keyBy(user).window(SlidingEventTimeWindows.of(10, 5)).aggregate(count)),
  one("session window", (clicks) => clicks.keyBy(user).window(EventTimeSessionWindows.withGap(4)).aggregate(count)),
  one("mapPartition", (clicks) => clicks.fullWindowPartition().mapPartition((all) => [...all].map(({ n }) => n))),
  one("keyed sortPartition", (clicks) => clicks.keyBy(user).fullWindowPartition().sortPartition("n", "DESCENDING")),
  two("co map", (left, right) => left.connect(right).map({ map1: ({ n }) => n, map2: ({ n }) => -n })),
  two("co process", (left, right) => left.connect(right).process(both)),
  two("keyed co process", (left, right) => left.keyBy(user).connect(right.keyBy(user)).process(both)),
  two("interval join", (left, right) =>
    left.keyBy(user).intervalJoin(right.keyBy(user)).between(-20, 20).process(pair),
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

describe("F44: every operator, whatever its neighbours do", () => {
  test.each(operators)(
    "$name: one by one, all at once, refused every second time, restored after every step",
    async (row) => {
      const events = eventsOf(row.inputs);
      const plain = row.start();
      for (const event of events) plain.give(event);
      const expected = plain.getOutput();
      expect(expected.length).toBeGreaterThan(0);
      for (const isAtOnce of [false, true]) {
        for (const refuses of [false, true]) {
          expect(await runSubtask(row.spec(), events, { isAtOnce, refuses })).toEqual(expected);
        }
      }
      const restored: unknown[] = [];
      let harness = row.start();
      for (const event of events) {
        harness.give(event);
        restored.push(...harness.getOutput());
        harness = row.start(harness.snapshot());
        harness.clearOutput();
      }
      expect(restored).toEqual(expected);
    },
  );
});
