import type { NexmarkGenerator } from "../nexmark/generator.ts";
import type { RowSink } from "../result-rows.ts";

/**
 * One job as an expert writes it by hand when nothing has to survive a failure: one thread, one loop, state in maps.
 * It is the limit that the engine is measured against, so it makes the same events, records and result rows as the job.
 */
export interface HandLoop {
  /** Takes in the events `start` ≤ index < `end`; called with consecutive ranges. */
  process(start: number, end: number): void;
  /** After the last event: event time has ended, so everything still open is emitted. */
  finish(): void;
}

/** @internal */
export type HandLoopFactory<Row> = (generator: NexmarkGenerator, sink: RowSink<Row>) => HandLoop;

/** What the keyed jobs make of a bid: {auction, bidder, price}; its event time travels beside it. @internal */
export interface BidRecord {
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
}
