import { BID } from "../nexmark/events.ts";
import type { NexmarkGenerator } from "../nexmark/generator.ts";
import type { RowSink, RunningSum } from "../result-rows.ts";
import type { BidRecord, HandLoop } from "./hand-loop.ts";

interface Totals {
  count: number;
  sum: number;
}

/** Per auction the running count and sum of its bids, emitted on every bid. @internal */
export class HandKeyedSum implements HandLoop {
  readonly generator: NexmarkGenerator;
  readonly sink: RowSink<RunningSum>;
  readonly totals: Map<number, Totals> = new Map();

  constructor(generator: NexmarkGenerator, sink: RowSink<RunningSum>) {
    this.generator = generator;
    this.sink = sink;
  }

  process(start: number, end: number): void {
    const { generator, sink, totals } = this;
    for (let index = start; index < end; index++) {
      const event = generator.event(index);
      if (event.type !== BID) continue;
      const bid: BidRecord = { auction: event.auction, bidder: event.bidder, price: event.price };
      let total = totals.get(bid.auction);
      if (total === undefined) {
        total = { count: 0, sum: 0 };
        totals.set(bid.auction, total);
      }
      total.count++;
      total.sum += bid.price;
      sink.write({ auction: bid.auction, count: total.count, sum: total.sum });
    }
  }

  finish(): void {}
}
