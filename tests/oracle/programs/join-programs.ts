/** Interval joins, window joins and coGroup. */
import {
  type Collector,
  CountTrigger,
  EventTimeSessionWindows,
  OutputTag,
  type ProcessJoinContext,
  SlidingEventTimeWindows,
  type SpanAssigner,
  TumblingEventTimeWindows,
} from "millrace";
import type { OracleEvent } from "../line-source.ts";
import type { OracleJob, Program, Row } from "../oracle-job.ts";
import { sortedIds } from "./window-functions.ts";

const tumbling = TumblingEventTimeWindows.of(300);
const sliding = SlidingEventTimeWindows.of(300, 150);
const session = EventTimeSessionWindows.withGap(80);

const pairs = {
  processElement: (left: OracleEvent, right: OracleEvent, context: ProcessJoinContext, out: Collector<Row>): void =>
    out.collect([left.k, left.n, right.n, context.leftTimestamp, context.rightTimestamp, context.timestamp]),
};

interface Exclusive {
  readonly lower?: boolean;
  readonly upper?: boolean;
}

function interval(name: string, lowerMs: number, upperMs: number, exclusive: Exclusive = {}): Program {
  return {
    name,
    input: "pairs",
    order: "none",
    build: (job) => {
      const lateLeft = new OutputTag<OracleEvent>("late-left");
      const lateRight = new OutputTag<OracleEvent>("late-right");
      let join = job.keyed("a").intervalJoin(job.keyed("b")).between(lowerMs, upperMs);
      if (exclusive.lower) join = join.lowerBoundExclusive();
      if (exclusive.upper) join = join.upperBoundExclusive();
      const rows = join.sideOutputLeftLateData(lateLeft).sideOutputRightLateData(lateRight).process(pairs);
      job.out(rows);
      job.outLate(rows.getSideOutput(lateLeft));
      job.outLate(rows.getSideOutput(lateRight));
    },
  };
}

const keyOf = (event: OracleEvent): string => event.k;
const joined = (job: OracleJob) => job.stream("a").join(job.stream("b")).where(keyOf).equalTo(keyOf);
const coGrouped = (job: OracleJob) => job.stream("a").coGroup(job.stream("b")).where(keyOf).equalTo(keyOf);
const pair = (left: OracleEvent, right: OracleEvent): Row => [left.k, left.n, right.n];
const groups = (left: readonly OracleEvent[], right: readonly OracleEvent[]): Row[] => [
  [[...left, ...right][0]!.k, sortedIds(left), sortedIds(right)],
];

function windowJoin(name: string, assigner: SpanAssigner, latenessMs: number = 0): Program {
  return {
    name: `window-join-${name}`,
    input: "pairs",
    order: "none",
    build: (job) => job.out(joined(job).window(assigner).allowedLateness(latenessMs).apply(pair)),
  };
}

function coGroup(name: string, assigner: SpanAssigner, latenessMs: number = 0): Program {
  return {
    name: `co-group-${name}`,
    input: "pairs",
    order: "key",
    build: (job) => job.out(coGrouped(job).window(assigner).allowedLateness(latenessMs).apply(groups)),
  };
}

export const joinPrograms: readonly Program[] = [
  interval("interval-join", -100, 150),
  interval("interval-join-lower-exclusive", -100, 150, { lower: true }),
  interval("interval-join-upper-exclusive", -100, 150, { upper: true }),
  interval("interval-join-both-exclusive", -100, 150, { lower: true, upper: true }),
  interval("interval-join-after", 20, 200),
  interval("interval-join-before", -200, -20),
  interval("interval-join-point", 0, 0),
  windowJoin("tumbling", tumbling),
  windowJoin("sliding", sliding),
  windowJoin("session", session),
  windowJoin("lateness", tumbling, 300),
  coGroup("tumbling", tumbling),
  coGroup("sliding", sliding),
  coGroup("session", session),
  coGroup("lateness", tumbling, 300),
  {
    name: "co-group-count-trigger",
    input: "pairs",
    order: "key",
    build: (job) => job.out(coGrouped(job).window(tumbling).trigger(CountTrigger.of(2)).apply(groups)),
  },
];
