import { EventTimeSessionWindows, SlidingEventTimeWindows, TumblingEventTimeWindows, t } from "millrace";
import { createNodePlatform } from "millrace/internal";
import { OperatorHarness } from "millrace/testing";
import type { WindowSpec } from "../../../packages/core/src/operators/operator-spec.ts";
import type { SpanAssigner } from "../../../packages/core/src/time/window-assigner.ts";
import type { MicroBenchmark } from "./micro-benchmark.ts";
import { scrambled } from "./sequence.ts";

const KEYS = 1000;
const ACCESSES = 65_536;
/** Records to a millisecond of event time: ten for each key in a window of ten seconds. */
const RECORDS_PER_MS = 1;
const RECORDS_PER_WATERMARK = 1000;

/** A record into a counting window of its key, with its share of what fires: a window for every ten records of a key. @internal */
export const windowBenchmarks: readonly MicroBenchmark[] = [
  { name: "windows/tumbling 10 s", prepare: () => counting(TumblingEventTimeWindows.of("10 s")) },
  { name: "windows/sliding 10 s, 2 s", prepare: () => counting(SlidingEventTimeWindows.of("10 s", "2 s")) },
  { name: "windows/session 500 ms", prepare: () => counting(EventTimeSessionWindows.withGap("500 ms")) },
];

function specOf(assigner: SpanAssigner): WindowSpec {
  return {
    kind: "window",
    key: (value) => value,
    assigner,
    fold: {
      kind: "aggregate",
      aggregate: {
        createAccumulator: () => 0,
        add: (_value, bids) => (bids as number) + 1,
        getResult: (bids) => bids,
        // Accumulators are numbers.
        merge: (left, right) => (left as number) + (right as number),
      },
      accumulatorType: t.int32,
    },
    emit: { kind: "value" },
    allowedLatenessMs: 0,
    lateTag: undefined,
  };
}

function counting(assigner: SpanAssigner): (count: number) => number {
  const accesses = scrambled(ACCESSES, KEYS);
  const harness = new OperatorHarness(specOf(assigner), { platform: createNodePlatform() });
  let records = 0;
  return (count) => {
    let fired = 0;
    for (let index = 0; index < count; index++) {
      const timestampMs = Math.floor(records / RECORDS_PER_MS);
      harness.element(accesses[records & (ACCESSES - 1)], timestampMs);
      records++;
      if (records % RECORDS_PER_WATERMARK === 0) {
        harness.watermark(timestampMs - 1);
        fired += harness.output().length;
      }
    }
    return records + fired;
  };
}
