import {
  type Collector,
  type DataStream,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type RuntimeContext,
  type Type,
  t,
  type ValueState,
  valueState,
} from "millrace";
import type { NexmarkEvent } from "../nexmark/events.ts";
import type { RunningSum } from "../result-rows.ts";
import { type BidPrice, bidPrices } from "./bids.ts";

interface Sums {
  count: number;
  sum: number;
}

const SumsType: Type<Sums> = t.object({ count: t.int32, sum: t.int64 });

class RunningSums implements KeyedProcessFunction<number, BidPrice, RunningSum> {
  private sums!: ValueState<Sums>;

  open(context: RuntimeContext): void {
    this.sums = context.getState(valueState("acc", SumsType));
  }

  processElement(bid: BidPrice, _context: KeyedProcessContext<number>, out: Collector<RunningSum>): void {
    const sums = this.sums.value() ?? { count: 0, sum: 0 };
    sums.count++;
    sums.sum += bid.price;
    this.sums.update(sums);
    out.collect({ auction: bid.auction, count: sums.count, sum: sums.sum });
  }
}

/** ds-keyed-sum: bids and the sum of their prices so far, per auction, after every bid. @internal */
export function keyedSum(events: DataStream<NexmarkEvent>): DataStream<RunningSum> {
  return bidPrices(events)
    .keyBy((bid) => bid.auction)
    .process(new RunningSums())
    .uid("running-sums");
}
