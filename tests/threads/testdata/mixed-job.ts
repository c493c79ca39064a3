/**
 * A job with something of everything: values of all kinds through a rebalance, windows of three kinds, an interval join, side outputs, a broadcast, a global and a
 * custom partitioning, at parallelisms of their own. Its rows are the same at every parallelism. With `--marker FILE` a function throws once in the middle, with `--groups`
 * a part of the operators has slots of its own.
 */
import { closeSync, openSync } from "node:fs";
import { FileSink, jsonLines } from "@millrace/connector-files";
import {
  DataGeneratorSource,
  type DataStream,
  EventTimeSessionWindows,
  type JobArguments,
  type MergingAggregateFunction,
  OutputTag,
  SlidingEventTimeWindows,
  type StreamExecutionEnvironment,
  TumblingEventTimeWindows,
  t,
} from "millrace";

const RowType = t.object({ kind: t.string, key: t.string, n: t.int64, at: t.nullable(t.float64) });

interface Row {
  kind: string;
  key: string;
  n: number;
  at: number | null;
}

interface Reading {
  at: number;
  k: string;
  v: number;
}

/** Longer than a segment, and than the smallest ring. */
const LONG = "x".repeat(40_000);

const textOf = (i: number): string => (i % 50 === 0 ? LONG : `é${i}`);

/** One of everything that a record may hold. */
function sampleOf(i: number) {
  return {
    at: i * 10 + ((i * 7919) % 400),
    k: `k${i % 13}`,
    v: i,
    text: textOf(i),
    date: new Date(i),
    map: new Map([[i, undefined]]),
    notANumber: Number.NaN,
    minusZero: -0,
    big: BigInt(i) * 2n ** 70n,
    absent: undefined,
    empty: "",
  };
}

type Sample = ReturnType<typeof sampleOf>;

function checked(sample: Sample): Reading {
  const { at, k, v } = sample;
  const isWhole =
    sample.date.getTime() === v &&
    sample.map.has(v) &&
    Number.isNaN(sample.notANumber) &&
    Object.is(sample.minusZero, -0) &&
    sample.big === BigInt(v) * 2n ** 70n &&
    "absent" in sample &&
    sample.empty === "" &&
    sample.text === textOf(v);
  if (!isWhole) throw new Error(`record ${v} was damaged on its way`);
  return { at, k, v };
}

function throwOnce(marker: string): void {
  if (marker === "") return;
  try {
    closeSync(openSync(marker, "wx"));
  } catch {
    // The marker is there: it has been thrown.
    return;
  }
  throw new Error("planned fault");
}

const sum: MergingAggregateFunction<Reading, number, number> = {
  createAccumulator: () => 0,
  add: (reading, total) => total + reading.v,
  getResult: (total) => total,
  merge: (left, right) => left + right,
};

export default function mixed(env: StreamExecutionEnvironment, args: JobArguments): void {
  const count = args.number("count");
  // Aligned, so that the threads also say to each other how far they are: a reader that heard nothing would wait for ever.
  const alignment = { group: "mixed", maxDrift: "10 s" } as const;
  const eventTime = { boundedOutOfOrderness: 500, timestamp: (value: { at: number }) => value.at, alignment };
  // Slow enough for a few checkpoints when there is something to restart from.
  const rate = args.has("marker") ? { ratePerSecond: 6000 } : {};
  const readings = env
    .fromSource(DataGeneratorSource.of(sampleOf, count, rate), eventTime, "samples")
    .uid("samples")
    .rebalance()
    .map((sample) => {
      if (sample.v === Math.floor(count / 2)) throwOnce(args.get("marker", ""));
      return checked(sample);
    })
    .setParallelism(3);
  if (args.has("groups")) readings.slotSharingGroup("checked");
  const others = env
    .fromSource(
      DataGeneratorSource.of((i) => ({ at: i * 30, k: `k${i % 7}`, v: i }), Math.floor(count / 3)),
      eventTime,
      "others",
    )
    .uid("others");

  const windows = windowsOf(readings);
  const joined = readings
    .keyBy((reading) => reading.k)
    .intervalJoin(others.keyBy((other) => other.k))
    .between(-100, 100)
    .process({
      processElement: (left: Reading, right: Reading, _context, out: { collect(row: Row): void }) =>
        out.collect({ kind: "join", key: left.k, n: left.v * 1e6 + right.v, at: null }),
    })
    .uid("join");
  const both = others
    .broadcast()
    .connect(readings.global())
    .map({
      map1: ({ k, v }: Reading): Row => ({ kind: "broadcast", key: k, n: v, at: null }),
      map2: ({ k, v }: Reading): Row => ({ kind: "global", key: k, n: v, at: null }),
    })
    .setParallelism(1)
    .uid("both");
  joined
    .union(both, ...windows)
    .partitionCustom(
      (key: string, partitions) => key.length % partitions,
      (row) => row.key,
    )
    .sinkTo(FileSink.to(args.get("output"), jsonLines(RowType)))
    .uid("rows");
}

function windowsOf(readings: DataStream<Reading>): readonly DataStream<Row>[] {
  const late = new OutputTag<Reading>("late");
  const keyed = readings.keyBy((reading) => reading.k);
  const tumbling = keyed
    .window(TumblingEventTimeWindows.of("5 s"))
    .sideOutputLateData(late)
    .aggregate(sum, (key, window, n): Row => ({ kind: "tumbling", key, n, at: window.end }))
    .uid("tumbling");
  const sliding = keyed
    .window(SlidingEventTimeWindows.of("6 s", "2 s"))
    .aggregate(sum, (key, window, n): Row => ({ kind: "sliding", key, n, at: window.end }))
    .uid("sliding");
  const sessions = readings
    .filter((reading) => reading.v % 97 < 20)
    .keyBy((reading) => reading.k)
    .window(EventTimeSessionWindows.withGap("1 s"))
    .aggregate(sum, (key, window, n): Row => ({ kind: "session", key, n, at: window.end }))
    .uid("sessions");
  const lateRows = tumbling.getSideOutput(late).map(({ k, v }): Row => ({ kind: "late", key: k, n: v, at: null }));
  return [tumbling, sliding, sessions, lateRows];
}
