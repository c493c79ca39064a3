/** Count windows, triggers and evictors. */
import type { Evictor, SpanAssigner, TimeWindow, TriggerContext } from "millrace";
import {
  ContinuousEventTimeTrigger,
  CountEvictor,
  CountTrigger,
  DeltaEvictor,
  DeltaTrigger,
  EventTimeSessionWindows,
  EventTimeTrigger,
  GlobalWindows,
  PurgingTrigger,
  SlidingEventTimeWindows,
  TimeEvictor,
  Trigger,
  TriggerResult,
  TumblingEventTimeWindows,
} from "millrace";
import type { OracleEvent } from "../line-source.ts";
import type { OracleJob, Program, Row, RowOrder } from "../oracle-job.ts";
import { allGlobalElements, elements, globalElements, sortedElements, sumValues } from "./window-functions.ts";

const second = TumblingEventTimeWindows.of(1000);
const session = EventTimeSessionWindows.withGap(250);
const distance = (before: OracleEvent, now: OracleEvent): number => now.v - before.v;

/** Fires for a value of 8 or more, half-way through the window, and purges at its end. */
class EveryLargeValue extends Trigger<OracleEvent, TimeWindow> {
  override onElement(event: OracleEvent, _ms: number, window: TimeWindow, context: TriggerContext): TriggerResult {
    context.registerEventTimeTimer(window.start + 500);
    context.registerEventTimeTimer(window.maxTimestamp);
    return event.v >= 8 ? TriggerResult.FIRE : TriggerResult.CONTINUE;
  }

  override onEventTime(timeMs: number, window: TimeWindow): TriggerResult {
    return timeMs === window.maxTimestamp ? TriggerResult.FIRE_AND_PURGE : TriggerResult.FIRE;
  }

  override onProcessingTime(): TriggerResult {
    return TriggerResult.CONTINUE;
  }

  override clear(window: TimeWindow, context: TriggerContext): void {
    context.deleteEventTimeTimer(window.start + 500);
    context.deleteEventTimeTimer(window.maxTimestamp);
  }
}

function program(name: string, build: (job: OracleJob) => void, order: RowOrder = "key"): Program {
  return { name, input: "disorder", order, build };
}

const globalWindows = (job: OracleJob, trigger: Trigger<OracleEvent>) =>
  job.keyed("a").window(GlobalWindows.create()).trigger(trigger);

function globalOf(name: string, trigger: Trigger<OracleEvent>): Program {
  return program(name, (job) => job.out(globalWindows(job, trigger).process(globalElements)));
}

function timedOf(
  name: string,
  assigner: SpanAssigner,
  latenessMs: number,
  trigger: Trigger<OracleEvent, TimeWindow>,
): Program {
  return program(name, (job) =>
    job.out(job.keyed("a").window(assigner).trigger(trigger).allowedLateness(latenessMs).process(sortedElements)),
  );
}

function evictorOf(name: string, evictor: Evictor<OracleEvent>): Program {
  return program(`evictor-${name}`, (job) =>
    job.out(globalWindows(job, CountTrigger.of(3)).evictor(evictor).process(globalElements)),
  );
}

/** Flink sorts what comes into a window that fires at the end only; see README.md. */
function inAnyOrder([key, records]: Row): Row {
  return [key, (records as readonly number[]).toSorted((a, b) => a - b)];
}

export const countWindowPrograms: readonly Program[] = [
  program("count-tumbling", (job) => job.out(job.keyed("a").countWindow(3).process(globalElements))),
  program("count-sliding", (job) => job.out(job.keyed("a").countWindow(5, 2).process(globalElements))),
  program("count-sliding-sum", (job) => job.outEvents(job.keyed("a").countWindow(4, 3).sum("v"))),
  program(
    "count-all-tumbling",
    (job) => job.out(job.stream("a").countWindowAll(4).process(allGlobalElements)),
    "total",
  ),
  program(
    "count-all-sliding",
    (job) => job.out(job.stream("a").countWindowAll(6, 4).process(allGlobalElements)),
    "total",
  ),
];

export const triggerPrograms: readonly Program[] = [
  globalOf("trigger-count-global", CountTrigger.of(4)),
  globalOf("trigger-purging-count-global", PurgingTrigger.of(CountTrigger.of(4))),
  globalOf("trigger-delta-global", PurgingTrigger.of(DeltaTrigger.of(4, distance))),
  {
    ...program("trigger-end-of-stream", (job) =>
      job.out(job.keyed("a").window(GlobalWindows.createWithEndOfStreamTrigger()).process(globalElements)),
    ),
    comparable: inAnyOrder,
  },
  timedOf("trigger-count-tumbling", second, 0, CountTrigger.of(2)),
  timedOf("trigger-count-sliding", SlidingEventTimeWindows.of(1000, 500), 0, CountTrigger.of(3)),
  timedOf("trigger-count-session", session, 0, CountTrigger.of(3)),
  timedOf("trigger-continuous", second, 0, ContinuousEventTimeTrigger.of(250)),
  timedOf("trigger-continuous-lateness", second, 500, ContinuousEventTimeTrigger.of(300)),
  timedOf("trigger-continuous-session", session, 0, ContinuousEventTimeTrigger.of(200)),
  timedOf("trigger-purging-continuous", second, 0, PurgingTrigger.of(ContinuousEventTimeTrigger.of(250))),
  timedOf("trigger-purging-lateness", second, 600, PurgingTrigger.of(EventTimeTrigger.create())),
  timedOf("trigger-custom", second, 300, new EveryLargeValue()),
];

export const evictorPrograms: readonly Program[] = [
  evictorOf("count-before", CountEvictor.of(4)),
  evictorOf("count-after", CountEvictor.of(2, true)),
  evictorOf("time-before", TimeEvictor.of(400)),
  evictorOf("time-after", TimeEvictor.of(400, true)),
  evictorOf("delta-before", DeltaEvictor.of(2, distance)),
  evictorOf("delta-after", DeltaEvictor.of(2, distance, true)),
  program("evictor-tumbling-lateness", (job) =>
    job.out(job.keyed("a").window(second).allowedLateness(600).evictor(CountEvictor.of(3, true)).process(elements)),
  ),
  program("evictor-reduce", (job) =>
    job.outEvents(job.keyed("a").window(second).evictor(TimeEvictor.of(300)).reduce(sumValues)),
  ),
];
