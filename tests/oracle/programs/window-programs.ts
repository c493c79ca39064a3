/** Windows of event time: assigners, lateness, functions. */
import { EventTimeSessionWindows, OutputTag, SlidingEventTimeWindows, TumblingEventTimeWindows } from "millrace";
import type { OracleEvent } from "../line-source.ts";
import type { OracleJob, Program, Row } from "../oracle-job.ts";
import { countAndSum, elements, sortedElements, sumValues, total } from "./window-functions.ts";

type Assigner = ReturnType<
  typeof TumblingEventTimeWindows.of | typeof SlidingEventTimeWindows.of | typeof EventTimeSessionWindows.withGap
>;

const second = TumblingEventTimeWindows.of(1000);

function program(name: string, build: (job: OracleJob) => void): Program {
  return { name, input: "disorder", order: "key", build };
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

function aggregateOf(name: string, assigner: Assigner, latenessMs: number): Program {
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

const fixedAssigners: readonly Program[] = [
  elementsOf("window-tumbling", second),
  elementsOf("window-tumbling-offset", TumblingEventTimeWindows.of(1000, 300)),
  elementsOf("window-tumbling-negative-offset", TumblingEventTimeWindows.of(1000, -300)),
  elementsOf("window-sliding", SlidingEventTimeWindows.of(1500, 500)),
  elementsOf("window-sliding-uneven", SlidingEventTimeWindows.of(1000, 300)),
  elementsOf("window-sliding-gaps", SlidingEventTimeWindows.of(500, 1500)),
  elementsOf("window-sliding-offset", SlidingEventTimeWindows.of(1500, 500, 120)),
  elementsOf("window-session", EventTimeSessionWindows.withGap(250)),
];

const lateRecords: readonly Program[] = [
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

export const windowPrograms: readonly Program[] = [
  ...fixedAssigners,
  ...lateRecords,
  ...aggregates,
  ...fields,
  program("window-of-windows", windowsOfWindows),
];
