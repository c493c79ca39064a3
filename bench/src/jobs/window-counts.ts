import {
  type DataStream,
  EventTimeSessionWindows,
  type MergingAggregateFunction,
  SlidingEventTimeWindows,
  type TimeWindow,
  TumblingEventTimeWindows,
  t,
} from "millrace";
import type { NexmarkEvent } from "../nexmark/events.ts";
import type { WindowCount } from "../result-rows.ts";
import { type BidPrice, bidPrices } from "./bids.ts";

const count: MergingAggregateFunction<BidPrice, number, number> = {
  createAccumulator: () => 0,
  add: (_bid, bids) => bids + 1,
  getResult: (bids) => bids,
  merge: (left, right) => left + right,
};

const withEnd = (key: number, window: TimeWindow, bids: number): WindowCount => ({
  key,
  windowEnd: window.end,
  count: bids,
});

/** ds-tumbling: bids per auction in windows of 10 s. @internal */
export function tumbling(events: DataStream<NexmarkEvent>): DataStream<WindowCount> {
  return bidPrices(events)
    .keyBy((bid) => bid.auction)
    .window(TumblingEventTimeWindows.of("10 s"))
    .aggregate(count, withEnd, { accumulatorType: t.int32 })
    .uid("tumbling");
}

/** ds-sliding: bids per auction in windows of 10 s every 2 s. @internal */
export function sliding(events: DataStream<NexmarkEvent>): DataStream<WindowCount> {
  return bidPrices(events)
    .keyBy((bid) => bid.auction)
    .window(SlidingEventTimeWindows.of("10 s", "2 s"))
    .aggregate(count, withEnd, { accumulatorType: t.int32 })
    .uid("sliding");
}

/** ds-session: bids per bidder in sessions with gaps of 10 s. @internal */
export function session(events: DataStream<NexmarkEvent>): DataStream<WindowCount> {
  return bidPrices(events)
    .keyBy((bid) => bid.bidder)
    .window(EventTimeSessionWindows.withGap("10 s"))
    .aggregate(count, withEnd, { accumulatorType: t.int32 })
    .uid("session");
}
