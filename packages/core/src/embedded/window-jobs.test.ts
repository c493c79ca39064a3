/** Windows in whole jobs: over restarts, over a stop and a restore at another parallelism, against plain loops. */
import { describe, expect, test } from "vitest";
import type { DataStream, KeyedStream, SingleOutputStreamOperator } from "../api/data-stream.ts";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type {
  AggregateFunction,
  Collector,
  ProcessAllWindowFunction,
  ProcessWindowContext,
  ProcessWindowFunction,
  RuntimeContext,
  WindowFunction,
} from "../operators/functions.ts";
import type { TaggedUnion } from "../operators/window/co-group-window-function.ts";
import { CountEvictor } from "../operators/window/evictors/count-evictor.ts";
import { type Evictor, evictWhere, type TimestampedValue } from "../operators/window/evictors/evictor.ts";
import { CountTrigger } from "../operators/window/triggers/count-trigger.ts";
import { EventTimeTrigger } from "../operators/window/triggers/event-time-trigger.ts";
import { PurgingTrigger } from "../operators/window/triggers/purging-trigger.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { valueState } from "../state/state-descriptors.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { GlobalWindows } from "../time/global-windows.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import type { TimeWindow } from "../time/time-window.ts";
import { TumblingEventTimeWindows, TumblingProcessingTimeWindows } from "../time/tumbling-windows.ts";
import type { Window } from "../time/window.ts";
import { t } from "../types/declared-types.ts";

interface Event {
  readonly n: number;
  readonly key: number;
  readonly at: number;
}

type Row = readonly unknown[];

const RECORDS = 200;
const WINDOW_MS = 200;
const OUT_OF_ORDER_MS = 60;

/** Times go up by 10 ms, some records come before others of earlier times. */
const event = (n: number): Event => ({ n, key: n % 4, at: n * 10 + ((n * 7) % 5) * 10 });
const events: readonly Event[] = Array.from({ length: RECORDS }, (_, n) => event(n));
const keys: readonly number[] = [0, 1, 2, 3];
const ofKey = (key: number): readonly Event[] => events.filter((each) => each.key === key);

const settings = {
  "execution.checkpointing.interval": "100 ms",
  "execution.checkpointing.dir": "/checkpoints",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "1",
};

function environment(
  platform: SimulatedPlatform,
  parallelism: number,
  more: Readonly<Record<string, string>> = {},
): StreamExecutionEnvironment {
  const all = { ...settings, "parallelism.default": String(parallelism), ...more };
  const entries = Object.entries(all).map(([key, value]) => ({ key, value }));
  return StreamExecutionEnvironment.on(platform, Configuration.fromEntries(entries));
}

/** What a job does with the events. Where the order of arrival decides, they come from a single subtask. */
interface WindowJob {
  readonly isOrdered?: boolean;
  /** More events than these keep the job alive for some time. */
  readonly events?: number;
  build(stream: DataStream<Event>): SingleOutputStreamOperator<Row>;
}

function start(env: StreamExecutionEnvironment, job: WindowJob, rows: CommittedRows, fails: (n: number) => void): void {
  const source = env.fromSource(
    DataGeneratorSource.of(event, job.events ?? RECORDS, { ratePerSecond: 200 }),
    { boundedOutOfOrderness: OUT_OF_ORDER_MS, timestamp: ({ at }) => at },
    "events",
  );
  const mapped = (job.isOrdered ? source.setParallelism(1) : source).map((each) => {
    fails(each.n);
    return each;
  });
  if (job.isOrdered) mapped.setParallelism(1);
  job.build(mapped).uid("results").sinkTo(rows.sink()).uid("rows");
}

/** Runs the job with a failure in its middle, after which it goes on from a checkpoint. */
async function rowsOfFailingJob(parallelism: number, job: WindowJob): Promise<readonly unknown[]> {
  const platform = createSimulatedPlatform({ seed: 31 });
  const rows = new CommittedRows();
  const seen = new Map<number, number>();
  const env = environment(platform, parallelism);
  start(env, job, rows, (n) => {
    seen.set(n, (seen.get(n) ?? 0) + 1);
    if (n === 130 && seen.get(n) === 1) throw new Error("once");
  });
  await platform.run(() => env.execute(), 600_000);
  expect([seen.get(0), seen.get(130)]).toEqual([1, 2]);
  return parsed(rows);
}

/** Runs the job for half a second, stops it, restores it at another parallelism and lets it end. */
async function rowsOfStoppedJob(before: number, after: number, job: WindowJob): Promise<readonly unknown[]> {
  const platform = createSimulatedPlatform({ seed: 32 });
  const rows = new CommittedRows();
  const seen: number[] = [];
  await platform.run(async () => {
    const env = environment(platform, before);
    start(env, job, rows, (n) => seen.push(n));
    const client = await env.executeAsync();
    await new Promise<void>((resolve) => platform.clock.after(500, () => resolve()));
    const path = await client.stop();
    expect(Math.abs(seen.length - RECORDS / 2)).toBeLessThan(50);
    const resumed = environment(platform, after, { "execution.state-recovery.path": path! });
    start(resumed, job, rows, () => {});
    await resumed.execute();
  }, 600_000);
  return parsed(rows);
}

const parsed = (rows: CommittedRows): readonly unknown[] => rows.rows.map((row) => JSON.parse(row) as unknown);
const texts = (rows: readonly unknown[]): readonly string[] => rows.map((row) => JSON.stringify(row)).toSorted();
const numbersOf = (elements: Iterable<Event>): number[] => Array.from(elements, ({ n }) => n);
const inOrder = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const total = (numbers: readonly number[]): number => numbers.reduce((left, right) => left + right, 0);
const byKey = (stream: DataStream<Event>): KeyedStream<Event, number> => stream.keyBy(({ key }) => key);

/** The events in tumbling windows, in the order in which they come. */
function tumbling(all: readonly Event[]): readonly { readonly start: number; readonly elements: readonly Event[] }[] {
  const windows = new Map<number, Event[]>();
  for (const each of all) {
    const start = each.at - (each.at % WINDOW_MS);
    const elements = windows.get(start);
    if (elements === undefined) windows.set(start, [each]);
    else elements.push(each);
  }
  return [...windows].map(([start, elements]) => ({ start, elements }));
}

/** What `rowOf` makes of every key's tumbling windows. */
function tumblingRows(rowOf: (key: number, start: number, numbers: number[]) => unknown): readonly unknown[] {
  return keys.flatMap((key) =>
    tumbling(ofKey(key)).map(({ start, elements }) => rowOf(key, start, inOrder(numbersOf(elements)))),
  );
}

function chunks<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.floor(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

class Listing<W extends Window> implements ProcessWindowFunction<Event, Row, number, W> {
  process(key: number, { window }: ProcessWindowContext<W>, elements: Iterable<Event>, out: Collector<Row>): void {
    out.collect([key, window.maxTimestamp, inOrder(numbersOf(elements))]);
  }
}

class Applied implements WindowFunction<Event, Row, number> {
  private prefix = "";
  open(): void {
    this.prefix = "opened";
  }

  apply(key: number, window: TimeWindow, elements: Iterable<Event>, out: Collector<Row>): void {
    for (const { n } of elements) out.collect([this.prefix, key, window.start, window.end, n]);
  }
}

/** Of one reduced or aggregated value. */
class Single<V> implements ProcessWindowFunction<V, Row, number> {
  process(key: number, { window }: ProcessWindowContext, values: Iterable<V>, out: Collector<Row>): void {
    out.collect([key, window.start, ...values]);
  }
}

const counting: AggregateFunction<Event, { count: number; sum: number }, [number, number]> = {
  createAccumulator: () => ({ count: 0, sum: 0 }),
  add: ({ n }, { count, sum }) => ({ count: count + 1, sum: sum + n }),
  getResult: ({ count, sum }) => [count, sum],
};

/** How often the window has fired and what it has fired with. */
class Firings implements ProcessWindowFunction<Event, Row, number> {
  process(key: number, context: ProcessWindowContext, elements: Iterable<Event>, out: Collector<Row>): void {
    const firings = context.windowState().getState(valueState("firings", t.int32));
    const windows = context.globalState().getState(valueState("all", t.int32));
    firings.update((firings.value() ?? 0) + 1);
    windows.update((windows.value() ?? 0) + 1);
    out.collect([key, context.window.start, firings.value(), windows.value(), numbersOf(elements)]);
  }

  clear(context: ProcessWindowContext): void {
    context.windowState().getState(valueState("firings", t.int32)).clear();
  }
}

function firingsOf(key: number): readonly unknown[] {
  const rows: unknown[] = [];
  const waiting = new Map<number, { firings: number; numbers: number[] }>();
  for (const { n, at } of ofKey(key)) {
    const start = at - (at % WINDOW_MS);
    const window = waiting.get(start) ?? { firings: 0, numbers: [] };
    waiting.set(start, window);
    window.numbers.push(n);
    if (window.numbers.length < 2) continue;
    rows.push([key, start, ++window.firings, rows.length + 1, window.numbers]);
    window.numbers = [];
  }
  return rows;
}

/** What it emits begins with the number of subtasks. */
class AllListing<W extends Window> implements ProcessAllWindowFunction<Event, Row, W> {
  private subtasks = 0;
  open(context: RuntimeContext): void {
    this.subtasks = context.numberOfParallelSubtasks;
  }

  process({ window }: ProcessWindowContext<W>, elements: Iterable<Event>, out: Collector<Row>): void {
    out.collect([this.subtasks, window.maxTimestamp, inOrder(numbersOf(elements))]);
  }
}

/** Of the first stream only even numbers are left, of the second only odd ones. */
class Sorting implements Evictor<TaggedUnion<Event, Event>> {
  evictBefore(elements: TimestampedValue<TaggedUnion<Event, Event>>[]): void {
    evictWhere(elements, ({ value }) => ("first" in value ? value.first.n % 2 === 1 : value.second.n % 2 === 0));
  }

  evictAfter(): void {}
}

const gapOf = ({ n }: Event): number => (n % 3 === 0 ? 60 : 20);

function dynamicSessions(all: readonly Event[]): readonly { readonly end: number; readonly numbers: number[] }[] {
  const sessions: { end: number; numbers: number[] }[] = [];
  for (const each of all.toSorted((left, right) => left.at - right.at)) {
    const end = each.at + gapOf(each);
    const last = sessions.at(-1);
    if (last !== undefined && each.at <= last.end) {
      last.end = Math.max(last.end, end);
      last.numbers.push(each.n);
    } else sessions.push({ end, numbers: [each.n] });
  }
  return sessions;
}

type ComparedJob = WindowJob & { readonly expected: readonly unknown[] };

const tumblingWindows: TumblingEventTimeWindows = TumblingEventTimeWindows.of(WINDOW_MS);

const ordered = tumbling(events);

const jobs: Readonly<Record<string, ComparedJob>> = {
  "S07: windowAll brings the elements of all keys into one subtask": {
    build: (stream) => stream.windowAll(tumblingWindows).process(new AllListing<TimeWindow>()),
    expected: ordered.map(({ start, elements }) => [1, start + WINDOW_MS - 1, inOrder(numbersOf(elements))]),
  },
  "S07: windowAll of a keyed stream is of all keys too": {
    build: (stream) =>
      byKey(stream)
        .windowAll(tumblingWindows)
        .aggregate(counting, (window, counts): Row => [window.start, counts]),
    expected: ordered.map(({ start, elements }) => [start, [elements.length, total(numbersOf(elements))]]),
  },
  "S07: windowAll with a trigger and an evictor": {
    isOrdered: true,
    build: (stream) =>
      stream
        .windowAll(tumblingWindows)
        .trigger(CountTrigger.of(4))
        .evictor(CountEvictor.of(3))
        .apply<Row>((window, elements, out) => out.collect([window.start, numbersOf(elements)])),
    expected: ordered.flatMap(({ start, elements }) =>
      chunks(elements, 4).map((chunk) => [start, numbersOf(chunk.slice(-3))]),
    ),
  },
  "S07: countWindowAll counts the elements of all keys in one subtask": {
    isOrdered: true,
    build: (stream) => stream.countWindowAll(7).process(new AllListing()),
    expected: chunks(events, 7).map((chunk) => [1, Number.MAX_SAFE_INTEGER, numbersOf(chunk)]),
  },
  "S07: sliding countWindowAll holds the last elements of all keys": {
    isOrdered: true,
    build: (stream) => stream.countWindowAll(6, 4).process(new AllListing()),
    expected: chunks(events, 4).map((_, index) => {
      const end = (index + 1) * 4;
      return [1, Number.MAX_SAFE_INTEGER, numbersOf(events.slice(Math.max(0, end - 6), end))];
    }),
  },
  "S10: a co-group takes a trigger and an evictor of the records of both streams": {
    build: (stream) =>
      stream
        .coGroup(stream.map((each) => each))
        .where(({ key }) => key % 2)
        .equalTo(({ n }) => n % 2)
        .window(tumblingWindows)
        .trigger(PurgingTrigger.of(EventTimeTrigger.create()))
        .evictor(new Sorting())
        .apply((first, second): Row[] => [[inOrder(numbersOf(first)), inOrder(numbersOf(second))]]),
    expected: [0, 1].flatMap((parity) =>
      tumbling(events.filter(({ n }) => n % 2 === parity)).map(({ elements }) => {
        const numbers = inOrder(numbersOf(elements));
        return parity === 0 ? [numbers, []] : [[], numbers];
      }),
    ),
  },
  "S08: process sees all elements of tumbling windows": {
    build: (stream) => byKey(stream).window(tumblingWindows).process(new Listing<TimeWindow>()),
    expected: tumblingRows((key, start, numbers) => [key, start + WINDOW_MS - 1, numbers]),
  },
  "S08: apply sees all elements of tumbling windows": {
    build: (stream) => byKey(stream).window(tumblingWindows).apply(new Applied()),
    expected: tumblingRows((key, start, numbers) =>
      numbers.map((n) => ["opened", key, start, start + WINDOW_MS, n]),
    ).flat(),
  },
  "S08: reduce and process see one value of a window": {
    build: (stream) =>
      byKey(stream)
        .window(tumblingWindows)
        .reduce((left, { n, at }) => ({ n: left.n + n, key: left.key, at: Math.max(left.at, at) }), new Single()),
    expected: tumblingRows((key, start, numbers) => [
      key,
      start,
      { n: total(numbers), key, at: Math.max(...numbers.map((n) => event(n).at)) },
    ]),
  },
  "S08: aggregate and process see one value of a window": {
    build: (stream) => byKey(stream).window(tumblingWindows).aggregate(counting, new Single()),
    expected: tumblingRows((key, start, numbers) => [key, start, [numbers.length, total(numbers)]]),
  },
  "S08: aggregate and process see the value of every firing of a trigger by count": {
    isOrdered: true,
    build: (stream) =>
      byKey(stream).window(tumblingWindows).trigger(CountTrigger.of(2)).aggregate(counting, new Single()),
    expected: keys.flatMap((key) =>
      tumbling(ofKey(key)).flatMap(({ start, elements }) =>
        elements.flatMap((_, index) => {
          const numbers = numbersOf(elements.slice(0, index + 1));
          return index % 2 === 0 ? [] : [[key, start, [numbers.length, total(numbers)]]];
        }),
      ),
    ),
  },
  "S08, F03: count windows hold as many elements as they say": {
    isOrdered: true,
    build: (stream) => byKey(stream).countWindow(7).process(new Listing()),
    expected: keys.flatMap((key) =>
      chunks(ofKey(key), 7).map((chunk) => [key, Number.MAX_SAFE_INTEGER, numbersOf(chunk)]),
    ),
  },
  "S08, F03: sliding count windows hold the last elements": {
    isOrdered: true,
    build: (stream) => byKey(stream).countWindow(5, 2).process(new Listing()),
    expected: keys.flatMap((key) => {
      const all = numbersOf(ofKey(key));
      return chunks(all, 2).map((_, index) => {
        const end = (index + 1) * 2;
        return [key, Number.MAX_SAFE_INTEGER, all.slice(Math.max(0, end - 5), end)];
      });
    }),
  },
  "S08, F03: sums of count windows": {
    isOrdered: true,
    build: (stream) =>
      byKey(stream)
        .countWindow(7)
        .sum("n")
        .uid("sums")
        .map<Row>((sum) => [sum]),
    expected: keys.flatMap((key) =>
      chunks(ofKey(key), 7).map((chunk) => [{ ...chunk[0]!, n: total(numbersOf(chunk)) }]),
    ),
  },
  "S08, F03: global windows with a trigger by count fire with everything": {
    isOrdered: true,
    build: (stream) => byKey(stream).window(GlobalWindows.create()).trigger(CountTrigger.of(6)).process(new Listing()),
    expected: keys.flatMap((key) => {
      const all = numbersOf(ofKey(key));
      return chunks(all, 6).map((_, index) => [key, Number.MAX_SAFE_INTEGER, all.slice(0, (index + 1) * 6)]);
    }),
  },
  "S08, F03: an evictor by count leaves the last elements of a window": {
    isOrdered: true,
    build: (stream) =>
      byKey(stream).window(tumblingWindows).evictor(CountEvictor.of(3)).process(new Listing<TimeWindow>()),
    expected: keys.flatMap((key) =>
      tumbling(ofKey(key)).map(({ start, elements }) => [
        key,
        start + WINDOW_MS - 1,
        inOrder(numbersOf(elements.slice(-3))),
      ]),
    ),
  },
  "S08, F03: an evictor comes before a reduce and its function": {
    isOrdered: true,
    build: (stream) =>
      byKey(stream)
        .window(tumblingWindows)
        .evictor(CountEvictor.of(3))
        .reduce<Row>(
          (left, right) => ({ ...left, n: left.n + right.n }),
          (key, window, { n }) => [key, window.start, n],
        ),
    expected: keys.flatMap((key) =>
      tumbling(ofKey(key)).map(({ start, elements }) => [key, start, total(numbersOf(elements.slice(-3)))]),
    ),
  },
  "S08, F03: sessions whose gap depends on the element": {
    build: (stream) =>
      byKey(stream).window(EventTimeSessionWindows.withDynamicGap(gapOf)).process(new Listing<TimeWindow>()),
    expected: keys.flatMap((key) =>
      dynamicSessions(ofKey(key)).map(({ end, numbers }) => [key, end - 1, inOrder(numbers)]),
    ),
  },
  "S08, F03: state of a window, and of all windows of a key, with a purging trigger": {
    isOrdered: true,
    build: (stream) =>
      byKey(stream)
        .window(tumblingWindows)
        .trigger(PurgingTrigger.of(CountTrigger.of(2)))
        .process(new Firings()),
    expected: keys.flatMap(firingsOf),
  },
};

const cases: readonly (readonly [string, ComparedJob])[] = Object.entries(jobs);

const rescalings = [[1, 3] as const, [3, 1] as const];

describe("windows in jobs", () => {
  test.each(cases.flatMap(([name, job]) => [1, 3].map((p) => [name, p, job] as const)))(
    "%s, over a restart, at parallelism %i",
    async (_name, parallelism, job) => {
      expect(texts(await rowsOfFailingJob(parallelism, job))).toEqual(texts(job.expected));
    },
  );

  test.each(cases.flatMap(([name, job]) => rescalings.map((p) => [name, ...p, job] as const)))(
    "%s, over a stop at parallelism %i and a restore at %i",
    async (_name, before, after, job) => {
      expect(texts(await rowsOfStoppedJob(before, after, job))).toEqual(texts(job.expected));
    },
  );
});

describe("S07: windows of all keys", () => {
  test.each([1, 3])(
    "S07: countWindowAll has every element once, from however many subtasks they come, over a restart, at p = %i",
    async (parallelism) => {
      const rows = await rowsOfFailingJob(parallelism, {
        build: (stream) => stream.countWindowAll(8).process(new AllListing()),
      });
      const windows = rows as readonly (readonly [number, number, readonly number[]])[];
      expect(windows.map(([subtasks, , numbers]) => [subtasks, numbers.length])).toEqual(
        Array.from({ length: RECORDS / 8 }, () => [1, 8]),
      );
      expect(inOrder(windows.flatMap(([, , numbers]) => numbers))).toEqual(numbersOf(events));
    },
  );
});

describe("S08: windows of processing time", () => {
  /** The job lives on while the last windows end. */
  const clocked: WindowJob = {
    isOrdered: true,
    events: RECORDS + 100,
    build: (stream) =>
      byKey(stream)
        .window(TumblingProcessingTimeWindows.of(WINDOW_MS))
        .apply<Row>((key, window, elements, out) =>
          out.collect([key, window.start, window.end, numbersOf(elements).filter((n) => n < RECORDS)]),
        ),
  };

  /** Every element is in one window of its key, windows are aligned, and later windows have later elements. */
  function checkWindows(rows: readonly unknown[]): void {
    const windows = rows as readonly (readonly [number, number, number, readonly number[]])[];
    expect(windows.length).toBeGreaterThan(4 * 4);
    for (const [, start, end] of windows) expect([start % WINDOW_MS, end - start]).toEqual([0, WINDOW_MS]);
    for (const key of keys) {
      const inTime = windows.filter((row) => row[0] === key).toSorted((left, right) => left[1] - right[1]);
      expect(inTime.flatMap(([, , , numbers]) => numbers)).toEqual(numbersOf(ofKey(key)));
      expect(new Set(inTime.map(([, start]) => start)).size).toBe(inTime.length);
    }
  }

  test.each([1, 3])("S08: they have every element once over a restart, at parallelism %i", async (parallelism) => {
    checkWindows(await rowsOfFailingJob(parallelism, clocked));
  });

  test.each(rescalings)(
    "S08: they have every element once over a stop at parallelism %i and a restore at %i",
    async (before, after) => {
      checkWindows(await rowsOfStoppedJob(before, after, clocked));
    },
  );
});
