import type { DataStream } from "millrace";
import type { Bid, NexmarkEvent } from "../nexmark/events.ts";
import { bidsOf } from "./bids.ts";

/** ds-passthrough: filter, map and filter again, without state. The events are flat, so the map hands on the bid itself. @internal */
export function passthrough(events: DataStream<NexmarkEvent>): DataStream<Bid> {
  return bidsOf(events)
    .map((bid) => bid)
    .filter((bid) => bid.price > 0);
}
