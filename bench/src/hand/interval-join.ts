import { WATERMARK_DELAY_MS } from "../job-names.ts";
import { AUCTION, BID } from "../nexmark/events.ts";
import type { NexmarkGenerator } from "../nexmark/generator.ts";
import type { JoinedBid, RowSink } from "../result-rows.ts";
import type { BidRecord, HandLoop } from "./hand-loop.ts";

interface AuctionRecord {
  readonly auction: number;
  readonly category: number;
}

/**
 * What one auction id waits with for the other side, in order of arrival. Times lie in arrays of their own, where they
 * are plain doubles; beside the record each would be an object.
 */
interface Waiting {
  readonly auctionTimes: number[];
  readonly auctions: AuctionRecord[];
  readonly bidTimes: number[];
  readonly bids: BidRecord[];
}

/** How often records that nothing can match any more are dropped, in event time. */
const SWEEP_MS = 1000;

/**
 * Joins an auction with the bids for it from its own time to `upperMs` later, whichever side comes first.
 *
 * - I1. A record whose timestamp is before the watermark is late and left out.
 * - I2. An auction is kept until the watermark passes its time + `upperMs`, a bid until it passes the bid's time: what
 *   could still match either is late afterwards.
 */
export class HandIntervalJoin implements HandLoop {
  readonly generator: NexmarkGenerator;
  readonly sink: RowSink<JoinedBid>;
  readonly upperMs: number;
  readonly waiting: Map<number, Waiting> = new Map();
  watermark: number = Number.NEGATIVE_INFINITY;
  nextSweep: number = Number.NEGATIVE_INFINITY;

  constructor(generator: NexmarkGenerator, sink: RowSink<JoinedBid>, upperMs: number) {
    this.generator = generator;
    this.sink = sink;
    this.upperMs = upperMs;
  }

  process(start: number, end: number): void {
    const { generator } = this;
    for (let index = start; index < end; index++) {
      const event = generator.event(index);
      const timestamp = event.dateTime;
      if (timestamp >= this.watermark) {
        if (event.type === BID) {
          this.onBid({ auction: event.auction, bidder: event.bidder, price: event.price }, timestamp);
        } else if (event.type === AUCTION) this.onAuction({ auction: event.id, category: event.category }, timestamp);
      }
      const watermark = timestamp - WATERMARK_DELAY_MS - 1;
      if (watermark > this.watermark) {
        this.watermark = watermark;
        if (watermark >= this.nextSweep) this.sweep(watermark);
      }
    }
  }

  finish(): void {
    this.waiting.clear();
  }

  onBid(bid: BidRecord, timestamp: number): void {
    const waiting = this.waitingFor(bid.auction);
    waiting.bidTimes.push(timestamp);
    waiting.bids.push(bid);
    const { auctionTimes, auctions } = waiting;
    for (let at = 0; at < auctions.length; at++) {
      const ageMs = timestamp - auctionTimes[at]!;
      if (ageMs >= 0 && ageMs <= this.upperMs) this.emit(auctions[at]!, bid, timestamp);
    }
  }

  onAuction(auction: AuctionRecord, timestamp: number): void {
    const waiting = this.waitingFor(auction.auction);
    waiting.auctionTimes.push(timestamp);
    waiting.auctions.push(auction);
    const { bidTimes, bids } = waiting;
    for (let at = 0; at < bids.length; at++) {
      const bidTime = bidTimes[at]!;
      const ageMs = bidTime - timestamp;
      if (ageMs >= 0 && ageMs <= this.upperMs) this.emit(auction, bids[at]!, bidTime);
    }
  }

  waitingFor(auction: number): Waiting {
    let waiting = this.waiting.get(auction);
    if (waiting === undefined) {
      waiting = { auctionTimes: [], auctions: [], bidTimes: [], bids: [] };
      this.waiting.set(auction, waiting);
    }
    return waiting;
  }

  /** A joined row has the later of both times, and that is the bid's. */
  emit(auction: AuctionRecord, bid: BidRecord, timestamp: number): void {
    this.sink.write({ auction: bid.auction, category: auction.category, price: bid.price, timestamp });
  }

  sweep(watermark: number): void {
    this.nextSweep = watermark + SWEEP_MS;
    for (const [id, waiting] of this.waiting) {
      dropBefore(waiting.auctionTimes, waiting.auctions, watermark - this.upperMs + 1);
      dropBefore(waiting.bidTimes, waiting.bids, watermark + 1);
      if (waiting.auctions.length === 0 && waiting.bids.length === 0) this.waiting.delete(id);
    }
  }
}

/** Drops the oldest arrivals up to the first that is not before `timestamp`; what stays behind it goes a sweep later. */
function dropBefore(times: number[], records: unknown[], timestamp: number): void {
  let count = 0;
  while (count < times.length && times[count]! < timestamp) count++;
  if (count === 0) return;
  times.splice(0, count);
  records.splice(0, count);
}
