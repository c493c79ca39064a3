import { type DataStream, type SingleOutputStreamOperator, type Type, t } from "millrace";
import { BID, type Bid, type NexmarkEvent } from "../nexmark/events.ts";

/** What the keyed jobs look at of a bid. @internal */
export interface BidPrice {
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
}

/** @internal */
export const BidPriceType: Type<BidPrice> = t.object({ auction: t.int64, bidder: t.int64, price: t.int64 });

/** The bids among the events. @internal */
export function bidsOf(events: DataStream<NexmarkEvent>): SingleOutputStreamOperator<Bid> {
  return events.filter((event): event is Bid => event.type === BID);
}

/** Auction, bidder and price of every bid. @internal */
export function bidPrices(events: DataStream<NexmarkEvent>): DataStream<BidPrice> {
  return bidsOf(events)
    .map((bid): BidPrice => ({ auction: bid.auction, bidder: bid.bidder, price: bid.price }))
    .returns(BidPriceType);
}
