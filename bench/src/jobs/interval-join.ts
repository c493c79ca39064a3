import type { Collector, DataStream, ProcessJoinContext, ProcessJoinFunction } from "millrace";
import { AUCTION, type Auction, type NexmarkEvent } from "../nexmark/events.ts";
import type { JoinedBid } from "../result-rows.ts";
import { type BidPrice, bidPrices } from "./bids.ts";

interface AuctionCategory {
  readonly auction: number;
  readonly category: number;
}

class JoinBids implements ProcessJoinFunction<AuctionCategory, BidPrice, JoinedBid> {
  processElement(
    auction: AuctionCategory,
    bid: BidPrice,
    context: ProcessJoinContext,
    out: Collector<JoinedBid>,
  ): void {
    out.collect({
      auction: bid.auction,
      category: auction.category,
      price: bid.price,
      timestamp: context.timestamp,
    });
  }
}

/** ds-interval-join: every auction with the bids for it within the two seconds after it opened. @internal */
export function intervalJoin(events: DataStream<NexmarkEvent>): DataStream<JoinedBid> {
  return events
    .filter((event): event is Auction => event.type === AUCTION)
    .map((auction): AuctionCategory => ({ auction: auction.id, category: auction.category }))
    .keyBy((auction) => auction.auction)
    .intervalJoin(bidPrices(events).keyBy((bid) => bid.auction))
    .between("0 s", "2 s")
    .process(new JoinBids())
    .uid("interval-join");
}
