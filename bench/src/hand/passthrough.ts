import { BID, type Bid } from "../nexmark/events.ts";
import type { NexmarkGenerator } from "../nexmark/generator.ts";
import type { RowSink } from "../result-rows.ts";
import type { HandLoop } from "./hand-loop.ts";

/** Bids with a positive price, unchanged. @internal */
export class HandPassthrough implements HandLoop {
  readonly generator: NexmarkGenerator;
  readonly sink: RowSink<Bid>;

  constructor(generator: NexmarkGenerator, sink: RowSink<Bid>) {
    this.generator = generator;
    this.sink = sink;
  }

  process(start: number, end: number): void {
    const { generator, sink } = this;
    for (let index = start; index < end; index++) {
      const event = generator.event(index);
      if (event.type !== BID) continue;
      if (event.price > 0) sink.write(event);
    }
  }

  finish(): void {}
}
