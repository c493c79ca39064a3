/** What the window programs show of a window. */
import type {
  AggregateFunction,
  Collector,
  GlobalWindow,
  ProcessAllWindowFunction,
  ProcessWindowContext,
  ProcessWindowFunction,
} from "millrace";
import type { OracleEvent } from "../line-source.ts";
import { type Row, timeName } from "../oracle-job.ts";

export function ids(events: Iterable<OracleEvent>): number[] {
  return Array.from(events, (event) => event.n);
}

export function sortedIds(events: Iterable<OracleEvent>): number[] {
  return ids(events).sort((a, b) => a - b);
}

type EventWindow = ProcessWindowFunction<OracleEvent, Row, string>;

/** [key, start, end, watermark, records in the order they came]. */
export const elements: EventWindow = {
  process(key: string, context: ProcessWindowContext, events: Iterable<OracleEvent>, out: Collector<Row>): void {
    out.collect([key, context.window.start, context.window.end, timeName(context.currentWatermark()), ids(events)]);
  },
};

/** As `elements`; merging leaves the order of the records open, so they are sorted. */
export const sortedElements: EventWindow = {
  process(key: string, context: ProcessWindowContext, events: Iterable<OracleEvent>, out: Collector<Row>): void {
    const { start, end } = context.window;
    out.collect([key, start, end, timeName(context.currentWatermark()), sortedIds(events)]);
  },
};

/** [key, records in the order they came]. */
export const globalElements: ProcessWindowFunction<OracleEvent, Row, string, GlobalWindow> = {
  process(key: string, _context: unknown, events: Iterable<OracleEvent>, out: Collector<Row>): void {
    out.collect([key, ids(events)]);
  },
};

/** ["all", start, end, records]; sorted, because sessions are among the windows. */
export const allElements: ProcessAllWindowFunction<OracleEvent, Row> = {
  process({ window }: ProcessWindowContext, events: Iterable<OracleEvent>, out: Collector<Row>): void {
    out.collect(["all", window.start, window.end, sortedIds(events)]);
  },
};

/** ["all", records in the order they came]. */
export const allGlobalElements: ProcessAllWindowFunction<OracleEvent, Row, GlobalWindow> = {
  process(_context: unknown, events: Iterable<OracleEvent>, out: Collector<Row>): void {
    out.collect(["all", ids(events)]);
  },
};

export interface Total {
  readonly count: number;
  readonly sum: number;
}

export const countAndSum: AggregateFunction<OracleEvent, Total, Total> & { merge(a: Total, b: Total): Total } = {
  createAccumulator: () => ({ count: 0, sum: 0 }),
  add: (event, total) => ({ count: total.count + 1, sum: total.sum + event.v }),
  getResult: (total) => total,
  merge: (a, b) => ({ count: a.count + b.count, sum: a.sum + b.sum }),
};

export const total = (key: string, window: { start: number; end: number }, { count, sum }: Total): Row => [
  key,
  window.start,
  window.end,
  count,
  sum,
];

/** The first record with the sum of both. */
export const sumValues = (a: OracleEvent, b: OracleEvent): OracleEvent => ({ ...a, v: a.v + b.v });
