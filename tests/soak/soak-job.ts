/**
 * The job of the soak: records go through every kind of exchange between four threads, with slow sinks, functions that hold
 * up their thread, a source that works in bursts, and faults.
 *
 *     numbers ─ rebalance ─ trouble ┬ hash ─ counts ┬ custom ─ shuffle ┬ meet ┬ narrow (4 to 2) ─ widen (2 to 4) ─ slow sink
 *                                   │               └ rows             │      └ global ─ slow sink
 *                                   └ broadcast (every 8th record) ────┘
 *
 * Every exchange is checked record by record (edge-check.ts); the counts of the keys, in checkpointed state, go to files
 * exactly once.
 */
import { FileSink, jsonLines } from "@millrace/connector-files";
import {
  type Collector,
  type CoProcessFunction,
  DataGeneratorSource,
  type DataStream,
  type Infer,
  type JobArguments,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type MapFunction,
  type OnTimerContext,
  OutputTag,
  type ProcessContext,
  type RuntimeContext,
  type StreamExecutionEnvironment,
  t,
  type ValueState,
  valueState,
} from "millrace";
import { BurstSource } from "./burst-source.ts";
import { CheckMap, EdgeCheck, noLane, oneLane, type RoundJob, Stamp } from "./edge-check.ts";
import { Contents, type Dressed, extraOf, Parcel } from "./parcels.ts";
import type { FaultKind, RoundPlan } from "./round-plan.ts";
import { mix, Seeded } from "./seeded.ts";
import { SlowSink } from "./slow-sink.ts";
import { writeFault } from "./totals.ts";

/** More than a round has records. */
const ENDLESS = 1e12;
/** No record has this event time: a timer for it fires at the end of the input. */
const AFTER_ALL_MS = 8e15;
const NARROW_PARALLELISM = 2;

/** How much of a key has been counted; the last row of a key comes with the end of the input. */
export const Row = t.object({ key: t.int32, count: t.int64, sum: t.int64, isLast: t.boolean });
export type Row = Infer<typeof Row>;

/** Rows of a key come every so many records. */
export const ROW_RECORDS = 100;
/** Of the records, those that are broadcast. */
export const BROADCAST_EVERY = 8;

const rows = new OutputTag("rows", Row);

// biome-ignore lint/style/noDefaultExport: a job module
export default function soak(env: StreamExecutionEnvironment, args: JobArguments): void {
  const job: RoundJob = { plan: JSON.parse(args.get("plan")) as RoundPlan, directory: args.get("directory") };
  const checked = numbered(env, job)
    .map(new Stamp(job, "rebalance", (_, seq) => seq % env.getParallelism()))
    .returns(Parcel)
    .rebalance()
    .map(new CheckMap(job, "rebalance"))
    .map(new Trouble(job))
    .returns(Parcel);
  const counted = checked
    .map(new Stamp(job, "hash", (parcel) => parcel.key))
    .returns(Parcel)
    .keyBy((parcel) => parcel.key)
    .process(new CountKeys(job))
    .name("counts")
    .uid("counts");
  counted
    .getSideOutput(rows)
    .sinkTo(FileSink.to(args.get("rows"), jsonLines(Row)))
    .uid("rows");
  const shuffled = counted
    .map((parcel): Dressed => ({ ...parcel, extra: extraOf(parcel.n) }))
    .map(new Stamp(job, "custom", (parcel) => targetOf(parcel.n, env.getParallelism())))
    .partitionCustom(targetOf, (parcel) => parcel.n)
    .map(new CheckMap(job, "custom"))
    .map(new Stamp(job, "shuffle", noLane))
    .shuffle();
  const broadcast = checked
    .filter((parcel) => parcel.n % BROADCAST_EVERY === 0)
    .map(new Stamp(job, "broadcast", oneLane))
    .returns(Parcel)
    .broadcast();
  endInSlowSinks(job, shuffled.connect(broadcast).process(new Meet(job)).name("meet").uid("meet"));
}

function numbered(env: StreamExecutionEnvironment, { plan }: RoundJob): DataStream<Parcel> {
  const contents = new Contents(plan);
  const source = DataGeneratorSource.of((n) => n, plan.count ?? ENDLESS);
  const zero = { from: 0, seq: 0, lane: 0, laneSeq: 0 };
  return env
    .fromSource(new BurstSource(source, plan), { boundedOutOfOrderness: 0, timestamp: (n) => n }, "numbers")
    .uid("numbers")
    .map((n) => ({ n, key: contents.keyOf(n), text: contents.textOf(n), ...zero }));
}

function endInSlowSinks(job: RoundJob, met: DataStream<Dressed>): void {
  met
    .map(new Stamp(job, "narrow", oneLane))
    .rescale()
    .map(new CheckMap(job, "narrow"))
    .setParallelism(NARROW_PARALLELISM)
    .map(new Stamp(job, "widen", (_, seq) => seq % 2))
    .setParallelism(NARROW_PARALLELISM)
    .rescale()
    .map(new CheckMap(job, "widen"))
    .sinkTo(new SlowSink(job, "widen"));
  met
    .filter((parcel) => parcel.n % 5 === 0)
    .map(new Stamp(job, "global", oneLane))
    .global()
    .map(new CheckMap(job, "global"))
    .setParallelism(1)
    .sinkTo(new SlowSink(job, "global"))
    .setParallelism(1);
}

/** Not even: the first subtasks get more. */
function targetOf(n: number, count: number): number {
  return Math.min(mix(n + 5) % count, mix(n + 6) % count);
}

/** The faults of the plan: one in each of the first attempts, in a subtask and after a number of records of its own. */
class Trouble implements MapFunction<Parcel, Parcel> {
  private readonly job: RoundJob;
  private attempt = 0;
  private kind: FaultKind | undefined;
  private left = 0;

  constructor(job: RoundJob) {
    this.job = job;
  }

  open({ attemptNumber, indexOfThisSubtask, numberOfParallelSubtasks }: RuntimeContext): void {
    const { seed, faults, count = 0 } = this.job.plan;
    const random = new Seeded(`${seed}/fault/${attemptNumber}`);
    const isHere = random.between(0, numberOfParallelSubtasks - 1) === indexOfThisSubtask;
    this.attempt = attemptNumber;
    this.kind = isHere ? faults[attemptNumber] : undefined;
    const share = count / numberOfParallelSubtasks / (1 + faults.length);
    this.left = random.between(1, Math.max(1, Math.floor(share)));
  }

  map(parcel: Parcel): Parcel {
    if (this.kind !== undefined && --this.left === 0) {
      writeFault(this.job.directory, this.attempt);
      fail(this.kind, `planned fault at record ${parcel.n}`);
    }
    return parcel;
  }
}

function fail(kind: FaultKind, what: string): void {
  if (kind === "exit") process.exit(3);
  if (kind === "throw") throw new RangeError(what);
  setImmediate(() => {
    throw new RangeError(`${what}, outside of the data path`);
  });
}

/** Counts the records of every key, in state that survives restarts. */
class CountKeys implements KeyedProcessFunction<number, Parcel, Parcel> {
  private readonly job: RoundJob;
  private check!: EdgeCheck;
  private counts!: ValueState<{ count: number; sum: number }>;

  constructor(job: RoundJob) {
    this.job = job;
  }

  open(context: RuntimeContext): void {
    this.check = new EdgeCheck(this.job, "hash", context);
    this.counts = context.getState(valueState("counts", t.object({ count: t.int64, sum: t.int64 })));
  }

  processElement(parcel: Parcel, context: KeyedProcessContext<number>, out: Collector<Parcel>): void {
    this.check.take(parcel);
    if (context.timestamp !== parcel.n) throw new Error(`record ${parcel.n} has the event time ${context.timestamp}`);
    const before = this.counts.value();
    if (before === undefined) context.timerService.registerEventTimeTimer(AFTER_ALL_MS);
    const after = { count: (before?.count ?? 0) + 1, sum: (before?.sum ?? 0) + parcel.n };
    this.counts.update(after);
    if (after.count % ROW_RECORDS === 0) context.output(rows, { key: parcel.key, ...after, isLast: false });
    out.collect(parcel);
  }

  onTimer(_timeMs: number, context: OnTimerContext<number>): void {
    context.output(rows, { key: context.currentKey, ...this.counts.value()!, isLast: true });
  }

  close(): void {
    this.check.close();
  }
}

/** Two inputs of different speed meet. Of what is broadcast each subtask passes its share on. */
class Meet implements CoProcessFunction<Dressed, Parcel, Dressed> {
  private readonly job: RoundJob;
  private shuffled!: EdgeCheck;
  private broadcast!: EdgeCheck;
  private context!: RuntimeContext;

  constructor(job: RoundJob) {
    this.job = job;
  }

  open(context: RuntimeContext): void {
    this.context = context;
    this.shuffled = new EdgeCheck(this.job, "shuffle", context);
    this.broadcast = new EdgeCheck(this.job, "broadcast", context);
  }

  processElement1(parcel: Dressed, _context: ProcessContext, out: Collector<Dressed>): void {
    this.shuffled.take(parcel);
    out.collect(parcel);
  }

  processElement2(parcel: Parcel, _context: ProcessContext, out: Collector<Dressed>): void {
    this.broadcast.take(parcel);
    const { indexOfThisSubtask, numberOfParallelSubtasks } = this.context;
    if ((parcel.n / BROADCAST_EVERY) % numberOfParallelSubtasks !== indexOfThisSubtask) return;
    out.collect({ ...parcel, extra: extraOf(parcel.n) });
  }

  close(): void {
    this.shuffled.close();
    this.broadcast.close();
  }
}
