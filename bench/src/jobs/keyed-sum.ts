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
import { below, fmix32, GOLDEN } from "../nexmark/hash.ts";
import type { RunningSum } from "../result-rows.ts";
import { type BidPrice, BidPriceType, bidPrices } from "./bids.ts";

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

/**
 * ds-keyed-sum: bids and the sum of their prices so far, per auction, after every bid. Bids are for the auctions of the moment:
 * old keys rest. With `keys` each of so many keys is as likely as the others, at any time.
 * @internal
 */
export function keyedSum(events: DataStream<NexmarkEvent>, keys?: number): DataStream<RunningSum> {
  const prices = bidPrices(events);
  return (keys === undefined ? prices : spread(prices, keys))
    .keyBy((bid) => bid.auction)
    .process(new RunningSums())
    .uid("running-sums");
}

function spread(prices: DataStream<BidPrice>, keys: number): DataStream<BidPrice> {
  return prices
    .map((bid): BidPrice => {
      const hash = fmix32(Math.imul(fmix32(bid.auction ^ Math.imul(bid.bidder, GOLDEN)), GOLDEN) ^ bid.price);
      return { ...bid, auction: below(hash, keys) };
    })
    .returns(BidPriceType);
}
