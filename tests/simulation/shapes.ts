/** The jobs that are simulated, each with what it has to write in the end, computed without the engine. */
import { FileSink, jsonLines } from "@millrace/connector-files";
import type {
  BroadcastContext,
  BroadcastProcessFunction,
  Collector,
  DataStream,
  KeyedProcessContext,
  KeyedProcessFunction,
  MapFunction,
  OnTimerContext,
  ReadOnlyContext,
  RuntimeContext,
  ValueState,
} from "millrace";
import { mapState, TumblingEventTimeWindows, t, valueState, WatermarkStrategy } from "millrace";
import type { PipelineEnvironment, Platform } from "millrace/internal";
import { FrontLedger, SequenceCheck } from "./checking-functions.ts";
import { allRecords, type Numbered, NumberedSource, type Records } from "./numbered-source.ts";
import type { ShapeName } from "./plan.ts";
import type { World } from "./world.ts";

export interface Shape {
  /** From the checked records to the rows of the sink. The platform is that of the thread that the job is built in. */
  build(records: DataStream<Numbered>, world: World, env: PipelineEnvironment, platform: Platform): DataStream<string>;
  /** Nothing is shuffled, and nothing checked behind a shuffle. */
  readonly isPipelines?: boolean;
  /** The rows, in any order. */
  expected(records: readonly Numbered[], given: Records): readonly string[];
}

export const FILES_DIRECTORY = "/out";

/** Builds the plan's job: source, books, shuffle, check, what the shape does, sink. */
export function buildJob(env: PipelineEnvironment, world: World, platform: Platform): void {
  const { plan } = world;
  const shape = SHAPES[plan.shape];
  const front = env
    .fromSource(new NumberedSource(plan), { boundedOutOfOrderness: 0, timestamp: (record) => record.at }, "numbers")
    .uid("numbers")
    .map(new FrontLedger(world, shape.isPipelines !== true))
    .uid("front");
  const checked = shape.isPipelines
    ? front
    : front
        .keyBy((record) => record.key)
        .process(new SequenceCheck(world))
        .uid("check");
  const rows = shape.build(checked, world, env, platform);
  if (plan.shape === "files") {
    const policy = { rollingPolicy: { maxPartBytes: 400 } };
    rows.sinkTo(FileSink.to(FILES_DIRECTORY, jsonLines(t.object({ row: t.string })), policy) as never).uid("sink");
  } else rows.sinkTo(world.store.sink()).uid("sink");
}

const nameOf = ({ split, number }: Numbered): string => `${split}/${number}`;

class CountPerKey implements KeyedProcessFunction<number, Numbered, string> {
  private count!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.count = context.getState(valueState("count", t.int32));
  }

  processElement(_record: Numbered, context: KeyedProcessContext<number>, out: Collector<string>): void {
    const count = (this.count.value() ?? 0) + 1;
    this.count.update(count);
    out.collect(`${context.currentKey}: ${count}`);
  }
}

const counts: Shape = {
  build: (records) =>
    records
      .keyBy(({ key }) => key)
      .process(new CountPerKey())
      .uid("counts"),
  expected: (records) => {
    const byKey = new Map<number, number>();
    return records.map(({ key }) => {
      byKey.set(key, (byKey.get(key) ?? 0) + 1);
      return `${key}: ${byKey.get(key)}`;
    });
  },
};

const WINDOW_MS = 300;

const windows: Shape = {
  build: (records) =>
    records
      .keyBy(({ key }) => key)
      .window(TumblingEventTimeWindows.of(WINDOW_MS))
      .aggregate(
        { createAccumulator: () => 0, add: (record, sum) => sum + record.amount, getResult: (sum) => sum },
        (key, window, sum) => `${key} from ${window.start}: ${sum}`,
      )
      .uid("windows"),
  expected: (records) => {
    const sums = new Map<string, number>();
    for (const { key, at, amount } of records) {
      const window = `${key} from ${at - (at % WINDOW_MS)}`;
      sums.set(window, (sums.get(window) ?? 0) + amount);
    }
    return [...sums].map(([window, sum]) => `${window}: ${sum}`);
  },
};

const timeOf = ({ at }: Numbered): number => at - (at % 100) + 250;

/** A timer for every hundred ms of a key: each fires once, when the watermark has come there, and not before. */
class Alarms implements KeyedProcessFunction<number, Numbered, string> {
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  processElement(record: Numbered, context: KeyedProcessContext<number>): void {
    context.timerService.registerEventTimeTimer(timeOf(record));
    context.timerService.registerProcessingTimeTimer(context.timerService.currentProcessingTime() + 20);
  }

  onTimer(timeMs: number, context: OnTimerContext<number>, out: Collector<string>): void {
    const { timeDomain, timerService } = context;
    const now = timeDomain === "event" ? timerService.currentWatermark() : timerService.currentProcessingTime();
    if (now < timeMs) this.world.violated("I9", `the ${timeDomain} timer for ${timeMs} fired at ${now}`);
    if (timeDomain === "event") out.collect(`${context.currentKey} at ${timeMs}`);
  }
}

const timers: Shape = {
  build: (records, world) =>
    records
      .keyBy(({ key }) => key)
      .process(new Alarms(world))
      .uid("timers"),
  expected: (records) => [...new Set(records.map((record) => `${record.key} at ${timeOf(record)}`))],
};

const JOIN_MS = 60;

const intervalJoin: Shape = {
  build: (records) => {
    const side = (remainder: number): DataStream<Numbered> =>
      records.filter(({ number }) => number % 2 === remainder).uid(`side-${remainder}`);
    return side(0)
      .keyBy(({ key }) => key)
      .intervalJoin(side(1).keyBy(({ key }) => key))
      .between(-JOIN_MS, JOIN_MS)
      .process<string>({
        processElement: (left, right, _context, out) => out.collect(`${nameOf(left)} with ${nameOf(right)}`),
      })
      .uid("join");
  },
  expected: (records) => {
    const left = records.filter(({ number }) => number % 2 === 0);
    const right = records.filter(({ number }) => number % 2 === 1);
    return left.flatMap((one) =>
      right
        .filter(({ key, at }) => key === one.key && Math.abs(at - one.at) <= JOIN_MS)
        .map((other) => `${nameOf(one)} with ${nameOf(other)}`),
    );
  },
};

/** The books of {@link SequenceCheck} are a union list. */
const unionState: Shape = {
  build: (records) => records.map(nameOf).uid("names"),
  expected: (records) => records.map(nameOf),
};

const rulesOf = (given: Records): Records => ({
  ...given,
  splits: 1,
  recordsPerSplit: 15,
  recordBytes: 0,
  batchRecords: 1,
});
const rulesState = mapState("rules", t.int32, t.string);

/** Every subtask gets every rule once and in order; the first one says so. */
class Rules implements BroadcastProcessFunction<Numbered, Numbered, string> {
  private readonly world: World;
  private isFirst = false;

  constructor(world: World) {
    this.world = world;
  }

  open({ indexOfThisSubtask }: RuntimeContext): void {
    this.isFirst = indexOfThisSubtask === 0;
  }

  processElement(record: Numbered, _context: ReadOnlyContext, out: Collector<string>): void {
    out.collect(nameOf(record));
  }

  processBroadcastElement(rule: Numbered, context: BroadcastContext, out: Collector<string>): void {
    const rules = context.getBroadcastState(rulesState);
    const count = [...rules.entries()].length;
    if (count !== rule.number) this.world.violated("I1", `rule ${rule.number} came after ${count} rules`);
    rules.put(rule.number, nameOf(rule));
    if (this.isFirst) out.collect(`rule ${rule.number}`);
  }
}

const broadcast: Shape = {
  build: (records, world, env) => {
    const rules = env
      .fromSource(
        new NumberedSource(rulesOf(world.plan)),
        { boundedOutOfOrderness: 0, timestamp: ({ at }) => at },
        "rules",
      )
      .uid("rules")
      .broadcast(rulesState);
    return records.connect(rules).process(new Rules(world)).uid("apply");
  },
  expected: (records, given) => [
    ...records.map(nameOf),
    ...allRecords(rulesOf(given)).map(({ number }) => `rule ${number}`),
  ],
};

const async: Shape = {
  build: (records, world, _env, { clock }) => {
    const ask = (record: Numbered): Promise<string> =>
      new Promise((resolve) => {
        // The record decides, so that no other draw of the run moves.
        clock.after(1 + (record.amount % 17), () => resolve(nameOf(record)));
      });
    return records.mapAsync(ask, { capacity: 8, ordered: world.plan.keys % 2 === 0 }).uid("ask");
  },
  expected: (records) => records.map(nameOf),
};

/** All records of a split come through one channel, in their order (I7). */
class InOrder implements MapFunction<Numbered, string> {
  private readonly world: World;
  private readonly last: Map<string, number> = new Map();

  constructor(world: World) {
    this.world = world;
  }

  map(record: Numbered): string {
    const lane = `${record.split}/${record.key}`;
    const last = this.last.get(lane) ?? -1;
    if (record.number <= last) this.world.violated("I7", `record ${nameOf(record)} came after ${last}`);
    this.last.set(lane, record.number);
    return nameOf(record);
  }
}

const partitioner: Shape = {
  build: (records, world) =>
    records
      .partitionCustom(
        (split: number, count) => split % count,
        ({ split }) => split,
      )
      .map(new InOrder(world))
      .uid("in-order")
      .rebalance(),
  expected: (records) => records.map(nameOf),
};

const files: Shape = {
  build: (records) => records.map((record) => ({ row: nameOf(record) }) as unknown as string).uid("names"),
  expected: (records) => records.map(nameOf),
};

const pipelines: Shape = {
  isPipelines: true,
  build: (records) => records.map(nameOf).uid("names"),
  expected: (records) => records.map(nameOf),
};

/** What the pipelines beside the shuffle read. */
export const besideOf = (given: Records): Records => ({ ...given, splits: 4, recordsPerSplit: 12 });

/** A region of all that is shuffled, and one for every pipeline beside it. */
const apart: Shape = {
  build: (records, world, env) => {
    env
      .fromSource(new NumberedSource(besideOf(world.plan)), WatermarkStrategy.noWatermarks(), "beside")
      .uid("beside")
      .map(new FrontLedger(world, false))
      .uid("front-beside")
      .map((record) => `beside ${nameOf(record)}`)
      .uid("names-beside")
      .sinkTo(world.store.sink())
      .uid("sink-beside");
    return records.map(nameOf).uid("names");
  },
  expected: (records, given) => [
    ...records.map(nameOf),
    ...allRecords(besideOf(given)).map((record) => `beside ${nameOf(record)}`),
  ],
};

export const SHAPES: Readonly<Record<ShapeName, Shape>> = {
  counts,
  windows,
  timers,
  intervalJoin,
  unionState,
  broadcast,
  async,
  partitioner,
  files,
  pipelines,
  apart,
};

/** What the plan's job has to have written in the end, sorted. */
export function expectedRows(shape: ShapeName, given: Records): readonly string[] {
  return SHAPES[shape].expected(allRecords(given), given).toSorted();
}
