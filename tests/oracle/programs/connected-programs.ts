/** Operators with two inputs, unions, and how their watermarks and idleness combine. */
import {
  type BroadcastContext,
  type BroadcastOnTimerContext,
  type BroadcastProcessFunction,
  type Collector,
  type KeyedBroadcastContext,
  type KeyedBroadcastProcessFunction,
  type KeyedCoProcessFunction,
  type KeyedProcessContext,
  type KeyedReadOnlyContext,
  mapState,
  type OnTimerContext,
  type ProcessContext,
  type ReadOnlyContext,
  type RuntimeContext,
  TumblingEventTimeWindows,
  type ValueState,
  valueState,
} from "millrace";
import type { OracleEvent } from "../line-source.ts";
import { type Program, type Row, timeName } from "../oracle-job.ts";
import { elements } from "./window-functions.ts";

/** Pairs the newest record of the first input with the next of the second; reports it when none comes in time. */
class Match implements KeyedCoProcessFunction<string, OracleEvent, OracleEvent, Row> {
  private waiting!: ValueState<OracleEvent>;

  open(context: RuntimeContext): void {
    this.waiting = context.getState(valueState<OracleEvent>("open"));
  }

  processElement1(event: OracleEvent, context: KeyedProcessContext<string>): void {
    const before = this.waiting.value();
    if (before !== undefined) context.timerService.deleteEventTimeTimer(before.t + 200);
    this.waiting.update(event);
    context.timerService.registerEventTimeTimer(event.t + 200);
  }

  processElement2(event: OracleEvent, context: KeyedProcessContext<string>, out: Collector<Row>): void {
    const first = this.waiting.value();
    out.collect([event.k, "pair", first?.n ?? -1, event.n, timeName(context.currentWatermark())]);
    if (first === undefined) return;
    context.timerService.deleteEventTimeTimer(first.t + 200);
    this.waiting.clear();
  }

  onTimer(timeMs: number, context: OnTimerContext<string>, out: Collector<Row>): void {
    out.collect([context.currentKey, "alone", this.waiting.value()?.n, timeMs, timeName(context.currentWatermark())]);
    this.waiting.clear();
  }
}

/** The watermark that each record meets. */
const watermarks = {
  processElement: (event: OracleEvent, context: ProcessContext, out: Collector<Row>): void =>
    out.collect([event.n, timeName(context.currentWatermark())]),
};

const limits = mapState<string, number>("limits");
const sumPerKey = valueState<number>("sum");

/** Lets through what is above the limit of its kind; a limit of 0 ends it. */
class Limits implements BroadcastProcessFunction<OracleEvent, OracleEvent, Row> {
  processElement(event: OracleEvent, context: ReadOnlyContext, out: Collector<Row>): void {
    const limit = context.getBroadcastState(limits).get(event.o);
    if (limit !== undefined && event.v > limit) out.collect([event.k, event.n, event.o, event.v, limit]);
  }

  processBroadcastElement(rule: OracleEvent, context: BroadcastContext, out: Collector<Row>): void {
    const state = context.getBroadcastState(limits);
    if (rule.v === 0) state.remove(rule.o);
    else state.put(rule.o, rule.v);
    out.collect(["rule", rule.n, [...state.entries()].length]);
  }
}

/** Sums what is above the limit per key; a new rule reports and clears the sums of all keys. */
class KeyedLimits implements KeyedBroadcastProcessFunction<string, OracleEvent, OracleEvent, Row> {
  private sum!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.sum = context.getState(sumPerKey);
  }

  processElement(event: OracleEvent, context: KeyedReadOnlyContext<string>): void {
    const limit = context.getBroadcastState(limits).get(event.o);
    if (limit === undefined || event.v <= limit) return;
    this.sum.update((this.sum.value() ?? 0) + event.v);
    context.timerService.registerEventTimeTimer(event.t + 100);
  }

  processBroadcastElement(rule: OracleEvent, context: KeyedBroadcastContext<string>, out: Collector<Row>): void {
    context.getBroadcastState(limits).put(rule.o, rule.v);
    context.applyToKeyedState(sumPerKey, (key, sum) => {
      const value = sum.value();
      if (value !== undefined) out.collect([key, "rule", rule.n, value]);
      sum.clear();
    });
  }

  onTimer(timeMs: number, context: BroadcastOnTimerContext<string>, out: Collector<Row>): void {
    out.collect([context.currentKey, "timer", timeMs, this.sum.value() ?? 0]);
  }
}

const broadcast: readonly Program[] = [
  {
    name: "broadcast-state",
    input: "rules",
    order: "total",
    build: (job) => {
      const rules = job.stream("rules").broadcast(limits);
      job.out(job.stream("data").connect(rules).process(new Limits()));
    },
  },
  {
    name: "broadcast-state-keyed",
    input: "rules",
    order: "key",
    build: (job) => {
      const rules = job.stream("rules").broadcast(limits);
      job.out(job.keyed("data").connect(rules).process(new KeyedLimits()));
    },
  },
];

const coMap: Program = {
  name: "co-map",
  input: "pairs",
  order: "total",
  build: (job) =>
    job.out(
      job
        .stream("a")
        .connect(job.stream("b"))
        .map({
          map1: (event: OracleEvent): Row => [1, event.k, event.n],
          map2: (event: OracleEvent): Row => [2, event.k, event.n],
        }),
    ),
};

const coFlatMap: Program = {
  name: "co-flat-map",
  input: "pairs",
  order: "total",
  build: (job) =>
    job.out(
      job
        .stream("a")
        .connect(job.stream("b"))
        .flatMap({
          flatMap1: (event: OracleEvent, out: Collector<Row>) => {
            for (let i = 0; i < event.v % 3; i++) out.collect([1, event.n, i]);
          },
          flatMap2: (event: OracleEvent, out: Collector<Row>) => {
            if (event.v > 4) out.collect([2, event.n, 0]);
          },
        }),
    ),
};

function coProcess(input: string): Program {
  return {
    name: `co-process-timers-${input}`,
    input,
    order: "key",
    build: (job) => job.out(job.keyed("a").connect(job.keyed("b")).process(new Match())),
  };
}

function unions(input: string): readonly Program[] {
  return [
    {
      name: `union-watermarks-${input}`,
      input,
      order: "total",
      build: (job) => job.out(job.stream("a").union(job.stream("b")).process(watermarks)),
    },
    {
      name: `union-window-${input}`,
      input,
      order: "key",
      build: (job) => {
        const both = job.stream("a").union(job.stream("b"));
        job.out(
          both
            .keyBy((event) => event.k)
            .window(TumblingEventTimeWindows.of(500))
            .process(elements),
        );
      },
    },
  ];
}

export const connectedPrograms: readonly Program[] = [
  coMap,
  coFlatMap,
  coProcess("pairs"),
  coProcess("idle"),
  ...unions("pairs"),
  ...broadcast,
];
