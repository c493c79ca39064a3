/** Windows of event time: assigners, lateness, functions. */
import {
  type Collector,
  type DynamicEventTimeSessionWindows,
  EventTimeSessionWindows,
  type KeyedStateStore,
  OutputTag,
  type ProcessWindowContext,
  type ProcessWindowFunction,
  SlidingEventTimeWindows,
  type SpanAssigner,
  TumblingEventTimeWindows,
  valueState,
} from "millrace";
import type { OracleEvent } from "../line-source.ts";
import type { OracleJob, Program, Row, RowOrder } from "../oracle-job.ts";
import { allElements, countAndSum, elements, ids, sortedElements, sumValues, total } from "./window-functions.ts";

type Assigner = SpanAssigner | DynamicEventTimeSessionWindows<OracleEvent>;

const second = TumblingEventTimeWindows.of(1000);
const dynamicSession = EventTimeSessionWindows.withDynamicGap((event: OracleEvent) => 50 + event.v * 20);

function program(name: string, build: (job: OracleJob) => void, order: RowOrder = "key"): Program {
  return { name, input: "disorder", order, build };
}

const shown = (name: string) => (name.includes("session") ? sortedElements : elements);

function elementsOf(name: string, assigner: Assigner): Program {
  return program(name, (job) => job.out(job.keyed("a").window(assigner).process(shown(name))));
}

function latenessOf(name: string, assigner: Assigner, latenessMs: number): Program {
  return program(name, (job) => {
    const late = new OutputTag<OracleEvent>("late");
    const windows = job.keyed("a").window(assigner).allowedLateness(latenessMs).sideOutputLateData(late);
    const rows = windows.process(shown(name));
    job.out(rows);
    job.outLate(rows.getSideOutput(late));
  });
}

function aggregateOf(name: string, assigner: SpanAssigner, latenessMs: number): Program {
  return program(name, (job) =>
    job.out(job.keyed("a").window(assigner).allowedLateness(latenessMs).aggregate(countAndSum, total)),
  );
}

/** The result of a window has its last millisecond as timestamp, so that it falls into the right window after it. */
function windowsOfWindows(job: OracleJob): void {
  const sums = job.keyed("a").window(TumblingEventTimeWindows.of(500)).reduce(sumValues);
  job.out(
    sums
      .keyBy((event) => event.k)
      .window(TumblingEventTimeWindows.of(2000))
      .process(elements),
  );
}

const fired = valueState<number>("fired");

/** Counts the firings of each window, and of all windows of the key; the window's own count is cleared with it. */
const firings: ProcessWindowFunction<OracleEvent, Row, string> = {
  process(key: string, context: ProcessWindowContext, events: Iterable<OracleEvent>, out: Collector<Row>): void {
    const inWindow = increment(context.windowState());
    const inAll = increment(context.globalState());
    out.collect([key, context.window.start, inWindow, inAll, ids(events)]);
  },
  clear(context: ProcessWindowContext): void {
    context.windowState().getState(fired).clear();
  },
};

function increment(store: KeyedStateStore): number {
  const count = store.getState(fired);
  const next = (count.value() ?? 0) + 1;
  count.update(next);
  return next;
}

/** Tumbling, sliding and session windows. */
export const assignerPrograms: readonly Program[] = [
  elementsOf("window-tumbling", second),
  elementsOf("window-tumbling-offset", TumblingEventTimeWindows.of(1000, 300)),
  elementsOf("window-tumbling-negative-offset", TumblingEventTimeWindows.of(1000, -300)),
  elementsOf("window-sliding", SlidingEventTimeWindows.of(1500, 500)),
  elementsOf("window-sliding-uneven", SlidingEventTimeWindows.of(1000, 300)),
  elementsOf("window-sliding-gaps", SlidingEventTimeWindows.of(500, 1500)),
  elementsOf("window-sliding-offset", SlidingEventTimeWindows.of(1500, 500, 120)),
  elementsOf("window-session", EventTimeSessionWindows.withGap(250)),
];

/** Allowed lateness and late records. */
export const latenessPrograms: readonly Program[] = [
  latenessOf("window-tumbling-lateness", second, 400),
  latenessOf("window-tumbling-late", second, 0),
  latenessOf("window-sliding-lateness", SlidingEventTimeWindows.of(1500, 500), 300),
  latenessOf("window-session-lateness", EventTimeSessionWindows.withGap(250), 400),
  latenessOf("window-session-late", EventTimeSessionWindows.withGap(250), 0),
];

const aggregates: readonly Program[] = [
  aggregateOf("window-tumbling-aggregate", second, 0),
  aggregateOf("window-tumbling-aggregate-lateness", second, 600),
  aggregateOf("window-sliding-aggregate", SlidingEventTimeWindows.of(1200, 400), 0),
  aggregateOf("window-sliding-aggregate-lateness", SlidingEventTimeWindows.of(1200, 400), 300),
  aggregateOf("window-session-aggregate", EventTimeSessionWindows.withGap(200), 0),
  aggregateOf("window-session-aggregate-lateness", EventTimeSessionWindows.withGap(200), 500),
  program("window-session-reduce", (job) =>
    job.out(
      job
        .keyed("a")
        .window(EventTimeSessionWindows.withGap(200))
        .reduce(sumValues, (key, window, sum): Row => [key, window.start, window.end, sum.v]),
    ),
  ),
];

const fields: readonly Program[] = [
  program("window-sum", (job) => job.outEvents(job.keyed("a").window(second).sum("v"))),
  program("window-min", (job) => job.outEvents(job.keyed("a").window(second).min("v"))),
  program("window-max", (job) => job.outEvents(job.keyed("a").window(second).max("v"))),
  program("window-min-by", (job) => job.outEvents(job.keyed("a").window(second).minBy("v"))),
  program("window-min-by-last", (job) => job.outEvents(job.keyed("a").window(second).minBy("v", false))),
  program("window-max-by", (job) => job.outEvents(job.keyed("a").window(second).maxBy("v"))),
  program("window-max-by-last", (job) => job.outEvents(job.keyed("a").window(second).maxBy("v", false))),
];

export const windowAllPrograms: readonly Program[] = [
  program(
    "window-all-tumbling",
    (job) => job.out(job.stream("a").windowAll(TumblingEventTimeWindows.of(500)).process(allElements)),
    "total",
  ),
  program(
    "window-all-session-lateness",
    (job) =>
      job.out(job.stream("a").windowAll(EventTimeSessionWindows.withGap(60)).allowedLateness(300).process(allElements)),
    "total",
  ),
  program(
    "window-all-reduce",
    (job) => job.outEvents(job.stream("a").windowAll(SlidingEventTimeWindows.of(900, 300)).reduce(sumValues)),
    "total",
  ),
];

/** What windows do with their records. */
export const windowFunctionPrograms: readonly Program[] = [
  ...aggregates,
  ...fields,
  program("window-of-windows", windowsOfWindows),
  program("window-tumbling-apply", (job) =>
    job.out(
      job
        .keyed("a")
        .window(TumblingEventTimeWindows.of(700))
        .apply<Row>((key, window, events, out) => out.collect([key, window.end, ids(events)])),
    ),
  ),
];

/** Dynamic gaps and state of windows. */
export const customWindowPrograms: readonly Program[] = [
  elementsOf("window-session-dynamic", dynamicSession),
  latenessOf("window-session-dynamic-lateness", dynamicSession, 400),
  program("window-state", (job) => job.out(job.keyed("a").window(second).allowedLateness(500).process(firings))),
];
