/** Process functions with event-time timers and state. */
import {
  type Collector,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type ListState,
  listState,
  MAX_WATERMARK,
  type MapState,
  mapState,
  type OnTimerContext,
  OutputTag,
  type ProcessContext,
  type RuntimeContext,
  type ValueState,
  valueState,
} from "millrace";
import type { OracleEvent } from "../line-source.ts";
import { type OracleJob, type Program, type Row, timeName } from "../oracle-job.ts";

type Context = KeyedProcessContext<string>;
type TimerContext = OnTimerContext<string>;

abstract class Counting implements KeyedProcessFunction<string, OracleEvent, Row> {
  protected count!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.count = context.getState(valueState<number>("count"));
  }

  abstract processElement(event: OracleEvent, context: Context, out: Collector<Row>): void;
  abstract onTimer(timeMs: number, context: TimerContext, out: Collector<Row>): void;

  protected counted(): number {
    return this.count.value() ?? 0;
  }
}

/** Many registrations of the same timer are one. */
class RoundedTimers extends Counting {
  processElement(event: OracleEvent, context: Context): void {
    this.count.update(this.counted() + 1);
    context.timerService.registerEventTimeTimer(Math.floor(event.t / 400) * 400 + 400);
  }

  onTimer(timeMs: number, context: TimerContext, out: Collector<Row>): void {
    const watermark = timeName(context.currentWatermark());
    out.collect([context.currentKey, timeMs, context.timestamp, watermark, this.counted()]);
    this.count.clear();
  }
}

/** Reports a key after 300 ms without a record: every record replaces the timer of the one before it. */
class Silence extends Counting {
  processElement(event: OracleEvent, context: Context): void {
    const before = this.count.value();
    if (before !== undefined) context.timerService.deleteEventTimeTimer(before);
    this.count.update(event.t + 300);
    context.timerService.registerEventTimeTimer(event.t + 300);
  }

  onTimer(timeMs: number, context: TimerContext, out: Collector<Row>): void {
    out.collect([context.currentKey, timeMs, this.count.value()]);
    this.count.clear();
  }
}

/** A timer that is due already fires with the next watermark. */
class PastTimers extends Counting {
  processElement(event: OracleEvent, context: Context): void {
    this.count.update(this.counted() + 1);
    context.timerService.registerEventTimeTimer(event.t - 500);
    context.timerService.registerEventTimeTimer(event.t - 1000);
  }

  onTimer(timeMs: number, context: TimerContext, out: Collector<Row>): void {
    out.collect([context.currentKey, timeMs, timeName(context.currentWatermark()), this.counted()]);
  }
}

/** Timers register timers: those that are due fire in the same advance of the watermark. */
class Chains extends Counting {
  processElement(event: OracleEvent, context: Context): void {
    if (this.counted() > 0) return;
    this.count.update(4);
    context.timerService.registerEventTimeTimer(event.t + 100);
  }

  onTimer(timeMs: number, context: TimerContext, out: Collector<Row>): void {
    out.collect([context.currentKey, timeMs, timeName(context.currentWatermark()), this.counted()]);
    this.count.update(this.counted() - 1);
    if (this.counted() > 0) context.timerService.registerEventTimeTimer(timeMs + 150);
    else this.count.clear();
  }
}

/** A timer at the end of time fires when the input ends, before or after it none. */
class AtEnd extends Counting {
  processElement(event: OracleEvent, context: Context): void {
    this.count.update(this.counted() + event.v);
    context.timerService.registerEventTimeTimer(MAX_WATERMARK);
  }

  onTimer(timeMs: number, context: TimerContext, out: Collector<Row>): void {
    out.collect([context.currentKey, timeName(timeMs), timeName(context.currentWatermark()), this.counted()]);
  }
}

/** Which values a key has had: the first record of each in a map, all of them in a list that is emitted now and then. */
class DistinctValues implements KeyedProcessFunction<string, OracleEvent, Row> {
  private first!: MapState<number, number>;
  private seen!: ListState<number>;

  open(context: RuntimeContext): void {
    this.first = context.getMapState(mapState<number, number>("first"));
    this.seen = context.getListState(listState<number>("seen"));
  }

  processElement(event: OracleEvent, _context: Context, out: Collector<Row>): void {
    this.seen.add(event.n);
    if (this.first.contains(event.v)) {
      out.collect([event.k, event.n, this.first.get(event.v)]);
      return;
    }
    this.first.put(event.v, event.n);
    if (event.v !== 7) return;
    out.collect([event.k, [...this.seen.get()]]);
    this.seen.clear();
    this.first.remove(7);
  }
}

function sideOutput(job: OracleJob): void {
  const odd = new OutputTag<OracleEvent>("odd");
  const even = job.stream("a").process({
    processElement: (event: OracleEvent, context: ProcessContext, out: Collector<Row>) => {
      if (event.v % 2 === 1) context.output(odd, event);
      else out.collect([event.k, event.n, context.timestamp, timeName(context.currentWatermark())]);
    },
  });
  job.out(even);
  job.out(
    even.getSideOutput(odd).process({
      processElement: (event: OracleEvent, context: ProcessContext, out: Collector<Row>) =>
        out.collect([`odd:${event.k}`, event.n, context.timestamp]),
    }),
  );
}

function keyed(name: string, create: () => KeyedProcessFunction<string, OracleEvent, Row>): Program {
  return { name, input: "disorder", order: "key", build: (job) => job.out(job.keyed("a").process(create())) };
}

export const processPrograms: readonly Program[] = [
  keyed("timer-dedup", () => new RoundedTimers()),
  keyed("timer-delete", () => new Silence()),
  keyed("timer-past", () => new PastTimers()),
  keyed("timer-chain", () => new Chains()),
  keyed("timer-at-end", () => new AtEnd()),
  keyed("state-map-list", () => new DistinctValues()),
  { name: "process-side-output", input: "disorder", order: "key", build: sideOutput },
];
